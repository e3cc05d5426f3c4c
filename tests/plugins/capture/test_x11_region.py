"""Short lists of rectangles: nothing that changed is ever left out."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from kasmcore_x11.region import edges_of, row_bands, simplify

from kasmcore.api import Rectangle, Size

SIZES = st.builds(Size, st.integers(1, 500), st.integers(1, 400))
RECTANGLES = st.builds(
    Rectangle,
    st.integers(-20, 500),
    st.integers(-20, 400),
    st.integers(0, 90),
    st.integers(0, 90),
)


def painted(rectangles: list[Rectangle], size: Size) -> np.ndarray:
    canvas = np.zeros((size.height, size.width), bool)
    for rectangle in rectangles:
        inside = rectangle.intersection(Rectangle.of_size(size))
        canvas[inside.rows, inside.columns] = True
    return canvas


@given(st.lists(RECTANGLES, max_size=60), SIZES, st.integers(1, 40))
def test_few_rectangles_cover_all_of_the_many(
    rectangles: list[Rectangle], size: Size, most: int
) -> None:
    found = simplify(edges_of(rectangles), size, most)
    assert len(found) <= most
    assert not (painted(rectangles, size) & ~painted(found, size)).any()
    assert all(Rectangle.of_size(size).contains(part) and part.area for part in found)


@given(st.lists(RECTANGLES, max_size=8), SIZES)
def test_few_enough_rectangles_stay_exact(rectangles: list[Rectangle], size: Size) -> None:
    found = simplify(edges_of(rectangles), size, 8)
    assert np.array_equal(painted(rectangles, size), painted(found, size))


def test_many_dots_in_two_corners_stay_two_corners() -> None:
    size = Size(1920, 1080)
    dots = [Rectangle(x, 10, 1, 1) for x in range(0, 60, 2)]
    dots += [Rectangle(x, 1000, 1, 1) for x in range(1860, 1920, 2)]
    assert sum(part.area for part in simplify(edges_of(dots), size, 8)) <= 2 * 128 * 128


@given(
    st.lists(st.tuples(st.integers(0, 300), st.integers(1, 50)), max_size=30), st.integers(0, 40)
)
def test_bands_are_in_order_apart_and_cover_all(heights: list[tuple[int, int]], gap: int) -> None:
    bands = [(top, top + height) for top, height in heights]
    joined = row_bands(bands, gap)
    assert all(upper[1] + gap < lower[0] for upper, lower in itertools.pairwise(joined))
    for top, bottom in bands:
        assert any(first <= top and bottom <= last for first, last in joined)
    ends = {bottom for _, bottom in bands} | {top for top, _ in bands}
    assert all(edge in ends for band in joined for edge in band)
