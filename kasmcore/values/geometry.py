"""Sizes, points and rectangles, in framebuffer pixels from the top left."""

from __future__ import annotations

import attrs


@attrs.frozen
class Size:
    """Width and height in pixels; both at least 1."""

    width: int
    height: int

    @property
    def area(self) -> int:
        """Number of pixels."""
        return self.width * self.height

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


@attrs.frozen
class Rectangle:
    """x, y, width and height; the right and bottom edges are excluded."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """First column to the right of it."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """First row below it."""
        return self.y + self.height

    @property
    def area(self) -> int:
        """Number of pixels."""
        return self.width * self.height

    @property
    def size(self) -> Size:
        """Its width and height."""
        return Size(self.width, self.height)

    @property
    def rows(self) -> slice:
        """Its rows, to index an array (height, width, …)."""
        return slice(self.y, self.bottom)

    @property
    def columns(self) -> slice:
        """Its columns, to index an array (height, width, …)."""
        return slice(self.x, self.right)

    @classmethod
    def of_size(cls, size: Size) -> Rectangle:
        """The whole of a framebuffer of this size."""
        return cls(0, 0, size.width, size.height)

    @classmethod
    def from_edges(cls, left: int, top: int, right: int, bottom: int) -> Rectangle:
        """From the first column and row inside and the first outside; empty if they cross."""
        return cls(left, top, max(0, right - left), max(0, bottom - top))

    def is_empty(self) -> bool:
        """True without a pixel."""
        return self.width <= 0 or self.height <= 0

    def intersection(self, other: Rectangle) -> Rectangle:
        """The part that both cover; may be empty."""
        return Rectangle.from_edges(
            max(self.x, other.x),
            max(self.y, other.y),
            min(self.right, other.right),
            min(self.bottom, other.bottom),
        )

    def without(self, other: Rectangle) -> tuple[Rectangle, ...]:
        """What another does not cover of it, in up to four pieces."""
        inner = self.intersection(other)
        if inner.is_empty():
            return (self,)
        pieces = (
            Rectangle.from_edges(self.x, self.y, self.right, inner.y),
            Rectangle.from_edges(self.x, inner.bottom, self.right, self.bottom),
            Rectangle.from_edges(self.x, inner.y, inner.x, inner.bottom),
            Rectangle.from_edges(inner.right, inner.y, self.right, inner.bottom),
        )
        return tuple(piece for piece in pieces if not piece.is_empty())

    def overlaps(self, other: Rectangle) -> bool:
        """True when both cover at least one pixel."""
        return not self.intersection(other).is_empty()

    def contains(self, other: Rectangle) -> bool:
        """True when the other lies wholly inside."""
        return (
            self.x <= other.x
            and self.y <= other.y
            and other.right <= self.right
            and other.bottom <= self.bottom
        )

    def moved(self, dx: int, dy: int) -> Rectangle:
        """The same size, dx to the right and dy down."""
        return Rectangle(self.x + dx, self.y + dy, self.width, self.height)

    def __str__(self) -> str:
        return f"{self.width}x{self.height}+{self.x}+{self.y}"
