import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from kasmcore.pipeline.region_bounds import RegionBounds, edge_tiles
from kasmcore.pipeline.tiles import TILE, TileGrid
from kasmcore.pipeline.video_regions import VideoRegion
from kasmcore.values.geometry import Rectangle, Size

GRID = TileGrid(Size(320, 200))


def region_of(video: Rectangle, number: int = 1) -> VideoRegion:
    tiles = GRID.tiles_of(video)
    return VideoRegion(number, tiles, GRID.pixels_of(tiles), 30.0, 1e9)


class Screen:
    """Noise in a rectangle, and a finder of its edges."""

    def __init__(self, video: Rectangle) -> None:
        self.video = video
        self.region = region_of(video)
        self.bounds = RegionBounds(itertools.count(100))
        self.pixels = np.zeros((200, 320, 4), np.uint8)
        self.step = 0

    def play(self, frames: int = 1, *others: Rectangle):
        """Returns what the last frame gave."""
        for _ in range(frames):
            self.step += 1
            rng = np.random.default_rng(self.step)
            self.pixels = self.pixels.copy()
            for area in (self.video, *others):
                shape = (area.height, area.width, 4)
                self.pixels[area.rows, area.columns] = rng.integers(0, 255, shape, np.uint8)
            found = self.bounds.follow((self.region,), GRID, self.pixels)
        return found


@settings(max_examples=50)
@given(st.integers(0, 100), st.integers(0, 60), st.integers(70, 200), st.integers(70, 130))
def test_the_rectangle_that_moves_is_found_to_the_pixel(x, y, width, height):
    screen = Screen(Rectangle(x, y, width, height))
    (region,), exposed = screen.play(6)
    assert region.rectangle == screen.video
    assert region.number == 1
    assert not exposed.any()


def test_a_region_is_given_only_when_its_edges_are_known():
    screen = Screen(Rectangle(70, 37, 149, 121))
    assert screen.play(1)[0] == ()
    assert [region.rectangle for region in screen.play(1)[0]] == [screen.video]


def test_edges_that_move_in_part_only_are_looked_at_longer():
    screen = Screen(Rectangle(70, 37, 30, 20))
    screen.region = region_of(Rectangle(70, 37, 149, 121))
    others = Rectangle(180, 130, 39, 28), Rectangle(90, 70, 100, 60)
    assert screen.play(3, *others)[0] == ()
    assert len(screen.play(1, *others)[0]) == 1


def test_a_change_beside_the_video_exposes_its_tiles_alone():
    screen = Screen(Rectangle(70, 37, 149, 121))
    screen.play(5)
    beside = Rectangle(219, 60, 2, 10)
    _, exposed = screen.play(1, beside)
    assert (exposed == GRID.mask_of([beside])).all()
    _, exposed = screen.play(1)
    assert not exposed.any()


def test_a_video_that_turns_out_to_be_larger_gets_its_rectangle_and_another_number():
    screen = Screen(Rectangle(70, 37, 149, 121))
    screen.play(5)
    screen.video = Rectangle(66, 37, 153, 121)
    (region,), _ = screen.play(20)
    assert region.rectangle == screen.video
    assert region.number >= 100


def test_a_caret_beside_the_video_does_not_make_it_larger():
    screen = Screen(Rectangle(70, 37, 149, 121))
    screen.play(5)
    for _ in range(20):
        screen.play(1, Rectangle(219, 60, 2, 10))
        (region,), _ = screen.play(14)
    assert region.rectangle == screen.video
    assert region.number == 1


def test_edges_where_nothing_is_seen_to_move_are_the_tiles():
    screen = Screen(Rectangle(70, 37, 149, 121))
    screen.region = region_of(Rectangle(32, 37, 187, 121))
    (region,), _ = screen.play(6)
    assert region.rectangle == Rectangle.from_edges(32, 37, 219, 158)


def test_another_framebuffer_is_not_compared_with_the_one_before():
    screen = Screen(Rectangle(70, 37, 149, 121))
    screen.play(5)
    _, exposed = screen.bounds.follow((screen.region,), GRID, np.full((200, 330, 4), 9, np.uint8))
    assert not exposed.any()


def test_edge_tiles_are_those_that_a_rectangle_covers_in_part():
    assert not edge_tiles(Rectangle(32, 48, 160, 96), GRID).any()
    edges = edge_tiles(Rectangle(33, 48, 160, 96), GRID)
    assert edges.sum() == 2 * 96 // TILE
    assert not edge_tiles(Rectangle(0, 0, 320, 200), GRID).any()
