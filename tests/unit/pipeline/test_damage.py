import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kasmcore.pipeline.damage import find_damage
from kasmcore.pipeline.tiles import TILE, TileGrid
from kasmcore.values.geometry import Rectangle, Size
from tests.unit.pipeline.frames import photo, visible

pytestmark = pytest.mark.usefixtures("either_kernel")


@given(
    st.integers(1, 200),
    st.integers(1, 120),
    st.lists(st.tuples(st.integers(0, 199), st.integers(0, 119)), max_size=8),
    st.booleans(),
)
def test_exactly_the_tiles_that_differ_are_damaged(width, height, points, contiguous):
    before = photo(width, height)
    now = before.copy()
    for x, y in points:
        now[y % height, x % width, 0] ^= 0xFF
    if not contiguous:
        before, now = (np.repeat(p, 2, axis=1)[:, ::2] for p in (before, now))
        before, now = (np.concatenate([p, p], axis=1)[:, :width] for p in (before, now))
    everything = [Rectangle(0, 0, width, height)]
    mask = find_damage(visible(before), visible(now, everything, serial=2))
    grid = TileGrid(Size(width, height))
    expected = grid.mask_of(
        Rectangle(x % width, y % height, 1, 1) for x, y in _odd(points, width, height)
    )
    assert (mask == expected).all()


def _odd(points, width, height):
    """Points flipped an odd number of times: the others are as before."""
    places = [(x % width, y % height) for x, y in points]
    return {place for place in places if places.count(place) % 2}


def test_nothing_outside_the_hints_is_looked_at():
    before = photo(128, 64)
    now = before.copy()
    now[0, 0] ^= 0xFF
    now[40, 100] ^= 0xFF
    mask = find_damage(visible(before), visible(now, [Rectangle(96, 32, 16, 16)], serial=2))
    assert mask.sum() == 1
    assert mask[40 // TILE, 100 // TILE]


def test_the_first_frame_and_another_size_are_damaged_wholly():
    frame = visible(photo(100, 50))
    assert find_damage(None, frame).all()
    assert find_damage(visible(photo(90, 50)), frame).all()


def test_without_comparing_all_that_the_source_calls_damaged_counts():
    before = photo(128, 64)
    hint = Rectangle(90, 32, 16, 16)
    mask = find_damage(visible(before), visible(before, [hint], serial=2), compares=False)
    assert (mask == TileGrid(Size(128, 64)).mask_of([hint])).all()
    first = find_damage(None, visible(before), compares=False)
    assert first.all()
