import numpy as np
import pytest

from kasmcore.pipeline.content import is_picture, picture_tiles
from kasmcore.pipeline.tiles import TileGrid
from kasmcore.values.geometry import Rectangle, Size
from tests.unit.pipeline.frames import flat_text, photo

pytestmark = pytest.mark.usefixtures("either_kernel")

SIZE = Size(512, 256)
GRID = TileGrid(SIZE)


def test_text_is_no_picture_and_a_photo_is():
    assert not picture_tiles(flat_text(512, 256), GRID, GRID.full_mask()).any()
    assert picture_tiles(photo(512, 256), GRID, GRID.full_mask()).all()


def test_a_photo_on_a_page_is_found_where_it_is():
    page = flat_text(512, 256)
    place = Rectangle(128, 64, 256, 128)
    page[place.rows, place.columns] = photo(256, 128)
    assert (picture_tiles(page, GRID, GRID.full_mask()) == GRID.mask_of([place])).all()


def test_only_tiles_that_are_asked_for_are_judged():
    asked = GRID.mask_of([Rectangle(100, 100, 60, 40)])
    assert (picture_tiles(photo(512, 256), GRID, asked) == asked).all()
    assert not picture_tiles(photo(512, 256), GRID, GRID.empty_mask()).any()


def test_the_unused_byte_does_not_matter():
    page = flat_text(512, 256)
    page[..., 3] = np.random.default_rng(1).integers(0, 255, page.shape[:2])
    assert not picture_tiles(page, GRID, GRID.full_mask()).any()


def test_odd_sizes_are_judged_to_the_last_pixel():
    grid = TileGrid(Size(37, 21))
    assert picture_tiles(photo(37, 21), grid, grid.full_mask()).all()


def test_a_sky_of_many_equal_neighbours_is_a_picture_and_a_page_in_grey_is_not():
    shades = np.random.default_rng(2).integers(0, 3, (256, 512), np.uint8)
    sky = np.full((256, 512, 4), 180, np.uint8)
    sky[..., :3] += shades[..., None] // 2  # two of three equal their neighbour as often as not
    assert picture_tiles(sky, GRID, GRID.full_mask()).all()
    page = flat_text(512, 256)
    page[page < 128] = 90
    assert not picture_tiles(page, GRID, GRID.full_mask()).any()


def test_a_rectangle_of_any_size_is_judged_by_itself():
    page = flat_text(512, 256)
    assert is_picture(photo(512, 256)[3:7, 10:200])
    assert not is_picture(page[3:40, 10:200])
    assert not is_picture(page[:5, :1])
