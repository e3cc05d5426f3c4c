"""Frames for tests of the pipeline."""

from collections.abc import Sequence

import numpy as np

from kasmcore.values.frames import VisibleFrame, WindowMove
from kasmcore.values.geometry import Rectangle


def visible(
    pixels: np.ndarray,
    hints: Sequence[Rectangle] = (),
    serial: int = 1,
    moves: Sequence[WindowMove] = (),
) -> VisibleFrame:
    """A visible frame of these pixels, with damage hints and windows that moved."""
    return VisibleFrame(serial, pixels, tuple(hints), 0.0, 0.0, tuple(moves))


def flat_text(width: int, height: int) -> np.ndarray:
    """A white page with thin dark strokes."""
    pixels = np.full((height, width, 4), 255, np.uint8)
    pixels[4::12, :, :3] = 30
    pixels[:, 5::9, :3] = 60
    return pixels


def photo(width: int, height: int, seed: int = 1) -> np.ndarray:
    """Noise on a gradient: no two neighbours alike."""
    rng = np.random.default_rng(seed)
    noise = rng.integers(0, 40, (height, width, 4), dtype=np.uint8)
    slope = np.linspace(0, 200, width, dtype=np.uint8)[None, :, None]
    return noise + slope
