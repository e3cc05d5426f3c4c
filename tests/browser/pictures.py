"""What tests paint on the display."""

from __future__ import annotations

import numpy as np

from tests.x_desk import RgbPixels


def noise(width: int, height: int, seed: int = 0) -> RgbPixels:
    """Random colours, the same for the same seed."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def photograph(width: int, height: int, phase: float = 0.0) -> RgbPixels:
    """Smooth colours with a little grain."""
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float64)
    grain = np.random.default_rng(1).normal(0, 1.5, (height, width))
    channels = [
        128 + 90 * np.sin(rows / 23 + columns / 41 + phase + shift) + grain
        for shift in (0.0, 1.1, 2.3)
    ]
    pixels: RgbPixels = np.clip(np.stack(channels, axis=-1), 0, 255).astype(np.uint8)
    return pixels
