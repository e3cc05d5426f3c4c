"""Where the visible region lies in a framebuffer, and what lies outside it."""

from __future__ import annotations

import attrs

from kasmcore.api import Rectangle, Size


@attrs.frozen(kw_only=True)
class RegionBorders:
    """The four sides, as the operator wrote them.

    Attributes:
        left: percent hidden at that side; or the first column that is seen, its sign ignored.
        top: the same for rows.
        right: percent hidden at that side; or the first column that is not seen: positive from
            the left, negative from the right edge, 0 for the edge.
        bottom: the same for rows.
        are_percent: which of the two meanings the four numbers have.
    """

    left: int
    top: int
    right: int
    bottom: int
    are_percent: bool

    def region_in(self, size: Size) -> Rectangle:
        """The part of such a framebuffer that is seen; empty when the sides leave none."""
        left, right = self._span(self.left, self.right, size.width)
        top, bottom = self._span(self.top, self.bottom, size.height)
        if left >= right or top >= bottom:
            return Rectangle(0, 0, 0, 0)
        return Rectangle.from_edges(left, top, right, bottom)

    def hide_nothing(self) -> bool:
        """True when every framebuffer is seen whole."""
        return not (self.left or self.top or self.right or self.bottom)

    def hide_everything(self) -> bool:
        """True when the sides cross, however large the framebuffer is."""
        return self._always_cross(self.left, self.right) or self._always_cross(
            self.top, self.bottom
        )

    def _span(self, start: int, end: int, length: int) -> tuple[int, int]:
        """First place that is seen and first place that is no longer seen."""
        if self.are_percent:
            return _share_up(start, length), length - _share_up(end, length)
        return abs(start), min(end, length) if end > 0 else length + end

    def _always_cross(self, start: int, end: int) -> bool:
        if self.are_percent:
            return start + end >= 100
        return 0 < end <= abs(start)


def _share_up(percent: int, length: int) -> int:
    """So many percent of a length, rounded up: what is hidden in part is hidden."""
    return -(-length * percent // 100)


def parts_outside(rectangle: Rectangle, region: Rectangle) -> list[Rectangle]:
    """What of a rectangle lies outside the region, as rectangles that do not overlap."""
    seen = rectangle.intersection(region)
    if seen.is_empty():
        return [rectangle]
    edges = (
        (rectangle.x, rectangle.y, rectangle.right, seen.y),
        (rectangle.x, seen.bottom, rectangle.right, rectangle.bottom),
        (rectangle.x, seen.y, seen.x, seen.bottom),
        (seen.right, seen.y, rectangle.right, seen.bottom),
    )
    parts = [Rectangle.from_edges(*sides) for sides in edges]
    return [part for part in parts if not part.is_empty()]
