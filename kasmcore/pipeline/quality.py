"""How good a lossy rectangle has to be: motion lowers it, rest raises it."""

from __future__ import annotations

import attrs

_HEAT_OF_FULL_MOTION = 12.0
_HEAT_OF_STILL = 1.5


@attrs.frozen(kw_only=True)
class QualityBounds:
    """The operator's limits for lossy rectangles, 0 to 100."""

    minimum: int
    """In full motion, when the link carries it."""
    maximum: int
    """When a picture appears that was still before."""
    floor: int = 20
    """What a link that is too slow for ``minimum`` may lower it to."""
    counts_as_exact: int = 101
    """Rectangles sent at this quality or better are not sent again exactly."""


def motion_of(heat: float) -> float:
    """Translate mean heat to motion: 0 for what was still, 1 for what changes all the time."""
    span = _HEAT_OF_FULL_MOTION - _HEAT_OF_STILL
    return min(1.0, max(0.0, (heat - _HEAT_OF_STILL) / span))


def quality_for_motion(heat: float, bounds: QualityBounds) -> int:
    """Quality between the bounds for a rectangle of this mean heat."""
    return round(bounds.maximum - motion_of(heat) * (bounds.maximum - bounds.minimum))


def quality_for_budget(quality: int, expected_bytes: float, budget_bytes: float, floor: int) -> int:
    """Lower the quality until a frame of this expected size about fits the budget.

    JPEG and WebP shrink roughly by half for each 25 steps between 20 and 90.
    """
    while quality > floor and expected_bytes > budget_bytes:
        quality -= 5
        expected_bytes *= 0.87
    return max(quality, min(floor, quality))
