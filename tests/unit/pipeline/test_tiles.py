import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kasmcore.pipeline.tiles import TILE, TileGrid
from kasmcore.values.geometry import Rectangle, Size

pytestmark = pytest.mark.usefixtures("either_kernel")

SIZES = st.builds(Size, st.integers(1, 700), st.integers(1, 500))


@st.composite
def grids_and_masks(draw):
    grid = TileGrid(draw(SIZES))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    return grid, rng.random(grid.shape) < draw(st.sampled_from([0.0, 0.02, 0.3, 0.9, 1.0]))


def painted(grid, rectangles):
    pixels = np.zeros((grid.size.height, grid.size.width), int)
    for rectangle in rectangles:
        pixels[rectangle.rows, rectangle.columns] += 1
    return pixels


@given(grids_and_masks())
def test_rectangles_cover_the_mask_and_never_overlap(case):
    grid, mask = case
    rectangles = grid.rectangles_of(mask)
    pixels = painted(grid, rectangles)
    wanted = np.repeat(np.repeat(mask, TILE, 0), TILE, 1)[: grid.size.height, : grid.size.width]
    assert pixels.max(initial=0) <= 1
    assert (pixels[wanted] == 1).all()


@given(grids_and_masks())
def test_a_mask_becomes_few_rectangles(case):
    grid, mask = case
    assert len(grid.rectangles_of(mask)) <= 64


@given(SIZES, st.integers(0, 720), st.integers(0, 520), st.integers(1, 90), st.integers(1, 90))
def test_every_pixel_of_a_rectangle_is_in_a_tile_of_its_mask(size, x, y, width, height):
    grid = TileGrid(size)
    rectangle = Rectangle(x, y, width, height)
    covered = painted(grid, grid.rectangles_of(grid.mask_of([rectangle])))
    inside = rectangle.intersection(Rectangle.of_size(size))
    assert (covered[inside.rows, inside.columns] == 1).all()


def test_a_simple_mask_is_covered_exactly():
    grid = TileGrid(Size(100, 60))
    mask = grid.empty_mask()
    mask[0:2, 1:3] = True
    mask[3, 6] = True
    assert set(grid.rectangles_of(mask)) == {Rectangle(16, 0, 32, 32), Rectangle(96, 48, 4, 12)}
