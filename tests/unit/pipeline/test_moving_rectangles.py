import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kasmcore.pipeline.moving_rectangles import bounding_box, dense_rectangles, share_of
from kasmcore.values.geometry import Rectangle

pytestmark = pytest.mark.usefixtures("either_kernel")

SHAPE = (40, 60)


def mask_of(*areas: Rectangle) -> np.ndarray:
    mask = np.zeros(SHAPE, np.bool_)
    for area in areas:
        mask[area.rows, area.columns] = True
    return mask


def test_a_filled_rectangle_is_found_as_it_is():
    area = Rectangle(5, 7, 20, 12)
    assert dense_rectangles(mask_of(area), 0.6, 24) == [area]


def test_two_apart_are_two_the_larger_first():
    small, large = Rectangle(1, 1, 6, 6), Rectangle(20, 10, 20, 20)
    assert dense_rectangles(mask_of(small, large), 0.6, 24) == [large, small]


def test_one_with_holes_is_found_whole():
    area = Rectangle(4, 4, 20, 20)
    mask = mask_of(area)
    mask[5::3, 5::3] = False
    mask[10, 4:24] = False
    assert dense_rectangles(mask, 0.6, 24) == [area]


def test_an_outgrowth_is_left_out():
    area = Rectangle(4, 4, 20, 20)
    clock = Rectangle(24, 5, 10, 1)
    assert dense_rectangles(mask_of(area, clock), 0.6, 24) == [area]


def test_few_or_scattered_tiles_are_nothing():
    assert dense_rectangles(mask_of(Rectangle(3, 3, 4, 4)), 0.6, 24) == []
    scattered = np.zeros(SHAPE, np.bool_)
    scattered[::2, ::2] = True
    assert dense_rectangles(scattered, 0.6, 24) == []
    assert dense_rectangles(mask_of(), 0.6, 24) == []


@given(st.integers(0, 2**32 - 1), st.floats(0.05, 0.95))
def test_whatever_is_found_is_dense_large_and_disjoint(seed, density):
    rng = np.random.default_rng(seed)
    mask = rng.random(SHAPE) < density
    found = dense_rectangles(mask, 0.6, 24)
    for place, area in enumerate(found):
        assert share_of(mask, area) >= 0.6
        assert np.count_nonzero(mask[area.rows, area.columns]) >= 24
        assert Rectangle(0, 0, SHAPE[1], SHAPE[0]).contains(area)
        assert not any(area.overlaps(other) for other in found[place + 1 :])


def test_the_bounding_box_holds_both():
    first, second = Rectangle(0, 5, 3, 3), Rectangle(10, 0, 2, 20)
    assert bounding_box(first, second) == Rectangle(0, 0, 12, 20)
