"""How good a lossy rectangle has to be: motion lowers it, rest raises it."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import attrs

_HEAT_OF_FULL_MOTION = 12.0
_HEAT_OF_STILL = 1.5
_PIXELS_OF_FULL_MOTION = 1 << 18
"""What moves on a smaller area costs few bits however often it changes."""
_SIZES = ((0, 0.1), (10, 0.17), (20, 0.28), (42, 0.47), (62, 0.63), (77, 0.87), (80, 1.0))
_SIZES_ABOVE = ((86, 1.22), (92, 1.61), (95, 2.05), (97, 2.5), (99, 3.5), (100, 4.0))
"""Quality, and bytes of a photograph in relation to quality 80: measured, JPEG and WebP alike."""
_QUALITY_STEP = 5


@attrs.frozen(kw_only=True)
class QualityBounds:
    """The limits for lossy rectangles, 0 to 100: the operator's, or what the viewer asked for."""

    minimum: int
    """In full motion, when the link carries it."""
    maximum: int
    """When a picture appears that was still before."""
    floor: int = 20
    """What a link that is too slow for ``minimum`` may lower it to."""
    counts_as_exact: int = 101
    """Rectangles sent at this quality or better are not sent again exactly."""


def _interpolated_sizes() -> tuple[float, ...]:
    points = _SIZES + _SIZES_ABOVE
    sizes = []
    for (low, small), (high, large) in itertools.pairwise(points):
        sizes += [
            small + (large - small) * (quality - low) / (high - low) for quality in range(low, high)
        ]
    return (*sizes, points[-1][1])


_SIZE_AT_QUALITY = _interpolated_sizes()


def relative_size(quality: int) -> float:
    """Bytes that a lossy picture takes at this quality, in relation to quality 80."""
    return _SIZE_AT_QUALITY[quality]


def motion_of(heat: float) -> float:
    """Translate mean heat to motion: 0 for what was still, 1 for what changes all the time."""
    span = _HEAT_OF_FULL_MOTION - _HEAT_OF_STILL
    return min(1.0, max(0.0, (heat - _HEAT_OF_STILL) / span))


def quality_for_motion(
    heat: float, bounds: QualityBounds, pixels: int = _PIXELS_OF_FULL_MOTION
) -> int:
    """Quality between the bounds for so many pixels of this mean heat."""
    motion = motion_of(heat) * min(1.0, pixels / _PIXELS_OF_FULL_MOTION)
    return round(bounds.maximum - motion * (bounds.maximum - bounds.minimum))


def quality_for_budget(
    quality: int, expected_bytes: Callable[[int], float], budget_bytes: float, floor: int
) -> int:
    """Lower the quality until what is expected of it about fits the budget."""
    lowest = min(floor, quality)
    while quality > lowest and expected_bytes(quality) > budget_bytes:
        quality = max(lowest, quality - _QUALITY_STEP)
    return quality
