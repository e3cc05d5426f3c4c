"""What moved from one frame to the next without changing: scrolls and windows that were dragged."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from kasmcore.pipeline.tiles import TileGrid, TileMask
from kasmcore.values.frames import CopiedRectangle
from kasmcore.values.geometry import Rectangle


@attrs.frozen
class Copy:
    """Pixels that are where they are because others of the frame before moved there."""

    rectangle: Rectangle
    """Where they are now."""
    dx: int
    """How far they went to the right."""
    dy: int
    """How far they went down."""

    @property
    def source(self) -> Rectangle:
        """Where they were."""
        return self.rectangle.moved(-self.dx, -self.dy)

    @property
    def part(self) -> CopiedRectangle:
        """The same as part of a frame."""
        return CopiedRectangle(self.rectangle, self.source.x, self.source.y)


@attrs.frozen(eq=False)
class FrameChange:
    """How a frame differs from the one before."""

    changed: TileMask
    """Tiles with another content."""
    copies: tuple[Copy, ...]
    """Copies that bring part of it about, carried out one after another on the frame before."""
    residual: TileMask
    """Changed tiles that still differ after the copies."""

    @classmethod
    def without_copies(cls, changed: TileMask) -> FrameChange:
        """Nothing is known to have moved."""
        return cls(changed, (), changed)

    @classmethod
    def of_everything(cls, grid: TileGrid) -> FrameChange:
        """There is no frame before, or it had another size."""
        return cls.without_copies(grid.full_mask())


def in_order(copies: Sequence[Copy]) -> tuple[Copy, ...]:
    """Put copies of one frame in an order in which none overwrites what a later one copies.

    Where there is no such order, the smallest copy that stands in the way of others is left out.
    """
    left = list(copies)
    ordered: list[Copy] = []
    while left:
        free = [copy for copy in left if not _is_needed(copy, left)]
        if not free:
            left.remove(min(left, key=lambda copy: copy.rectangle.area))
            continue
        ordered += free
        left = [copy for copy in left if copy not in free]
    return tuple(ordered)


def _is_needed(copy: Copy, others: Sequence[Copy]) -> bool:
    """True when another copy takes from where this one goes."""
    return any(other is not copy and other.source.overlaps(copy.rectangle) for other in others)
