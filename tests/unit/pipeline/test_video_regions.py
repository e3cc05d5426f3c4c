import numpy as np
import pytest

from kasmcore.pipeline.history import ChangeHistory
from kasmcore.pipeline.tiles import TileGrid
from kasmcore.pipeline.video_regions import RegionFinder, RegionRules, VideoRegion
from kasmcore.values.geometry import Rectangle, Size

GRID = TileGrid(Size(1280, 728))
WINDOW = Rectangle(160, 96, 640, 368)
OTHER = Rectangle(960, 512, 160, 160)


class Screen:
    """Plays changes into a finder, frame by frame at 60 Hz."""

    def __init__(self, rules: RegionRules | None = None, grid: TileGrid = GRID) -> None:
        self.grid = grid
        self.history = ChangeHistory(grid)
        self.finder = RegionFinder(rules or RegionRules())
        self.frame = 0
        self.regions: tuple[VideoRegion, ...] = ()
        self.numbers: list[int] = []

    @property
    def now_s(self) -> float:
        return self.frame / 60

    def play(self, seconds: float, *moving: tuple[Rectangle, float]) -> None:
        """Let each rectangle change at its rate."""
        for _ in range(round(seconds * 60)):
            self.frame += 1
            due = [
                area
                for area, rate_hz in moving
                if int(self.frame * rate_hz / 60) != int((self.frame - 1) * rate_hz / 60)
            ]
            if due:
                self.change(*due)

    def change(self, *areas: Rectangle) -> None:
        self.history.record(self.grid.mask_of(areas), self.now_s)
        self.regions = self.finder.look(self.history, self.now_s)
        self.numbers += [r.number for r in self.regions if r.number not in self.numbers]

    @property
    def rectangles(self) -> list[Rectangle]:
        return [region.rectangle for region in self.regions]


def test_what_keeps_moving_is_a_region_within_half_a_second():
    screen = Screen()
    screen.play(0.25, (WINDOW, 30))
    assert screen.regions == ()
    screen.play(0.25, (WINDOW, 30))
    assert screen.rectangles == [WINDOW]
    assert 20 < screen.regions[0].changes_per_s < 36


@pytest.mark.parametrize("rate_hz", [20, 30, 60])
def test_a_large_region_is_found_at_its_third_change(rate_hz):
    grid = TileGrid(Size(1920, 1080))
    area = Rectangle(0, 0, 1920, 1080)
    screen = Screen(grid=grid)
    screen.play(2 / rate_hz, (area, rate_hz))
    assert screen.regions == ()
    screen.play(1 / rate_hz, (area, rate_hz))
    assert screen.rectangles == [area]


def test_two_large_changes_at_once_are_no_region():
    grid = TileGrid(Size(1920, 1080))
    screen = Screen(grid=grid)
    for _ in range(3):
        screen.play(2 / 60, (Rectangle(0, 0, 1920, 1080), 60))
        assert screen.regions == ()
        screen.play(0.5)


def test_a_region_keeps_its_number_while_it_plays():
    screen = Screen()
    screen.play(20, (WINDOW, 24))
    assert screen.rectangles == [WINDOW]
    assert len(screen.numbers) == 1


def test_what_changes_seldom_is_no_region():
    for rate_hz in (1, 2, 4, 6):
        screen = Screen()
        screen.play(10, (WINDOW, rate_hz))
        assert screen.regions == ()


def test_ten_changes_a_second_are_enough():
    screen = Screen()
    screen.play(3, (WINDOW, 10))
    assert screen.rectangles == [WINDOW]


def test_what_is_small_is_no_region():
    caret, clock, bar = (
        Rectangle(100, 100, 2, 16),
        Rectangle(1200, 10, 60, 16),
        Rectangle(300, 700, 400, 20),
    )
    spinner = Rectangle(500, 300, 48, 48)
    screen = Screen()
    screen.play(5, (caret, 30), (clock, 60), (bar, 60), (spinner, 60))
    assert screen.regions == ()


def test_a_letter_after_the_other_is_no_region():
    screen = Screen()
    for step in range(300):
        column, row = step % 60, step // 60
        screen.play(1 / 30, (Rectangle(100 + 16 * column, 100 + 16 * row, 32, 16), 60))
    assert screen.regions == ()


def test_several_videos_are_several_regions():
    screen = Screen()
    screen.play(2, (WINDOW, 30), (OTHER, 15))
    assert sorted(screen.rectangles, key=lambda r: -r.area) == [WINDOW, OTHER]


def test_there_are_at_most_four():
    areas = [
        Rectangle(200 * column, 208 * row, 128, 128) for row in range(3) for column in range(5)
    ]
    screen = Screen()
    screen.play(2, *((area, 30) for area in areas))
    assert len(screen.regions) == 4


def test_the_whole_screen_may_move():
    screen = Screen()
    screen.play(1, (Rectangle.of_size(GRID.size), 30))
    assert screen.rectangles == [Rectangle.of_size(GRID.size)]


def test_a_video_with_a_still_corner_is_one_region():
    class Corner(Screen):
        def change(self, *areas):
            mask = self.grid.mask_of(areas)
            mask[self.grid.tiles_of(Rectangle(160, 96, 160, 80)).rows, 10:20] = False
            self.history.record(mask, self.now_s)
            self.regions = self.finder.look(self.history, self.now_s)

    screen = Corner()
    screen.play(2, (WINDOW, 30))
    assert screen.rectangles == [WINDOW]


def test_it_sleeps_soon_after_the_last_change_and_then_ends():
    screen = Screen()
    screen.play(2, (WINDOW, 30))
    region = screen.regions[0]
    assert region.is_awake(screen.now_s)
    assert not region.is_awake(screen.now_s + 0.4)
    screen.play(0.5)
    screen.change(OTHER)
    assert len(screen.regions) == 1
    assert not screen.regions[0].is_awake(screen.now_s)
    screen.play(2.5, (OTHER, 3))
    assert screen.regions == ()


def test_a_small_change_does_not_wake_it_and_a_large_one_does():
    screen = Screen()
    screen.play(2, (WINDOW, 30))
    screen.play(0.6)
    screen.change(Rectangle(200, 200, 40, 40))
    assert not screen.regions[0].is_awake(screen.now_s)
    screen.change(WINDOW)
    assert screen.regions[0].is_awake(screen.now_s)
    assert len(screen.numbers) == 1


def test_it_grows_when_motion_goes_on_outside_and_not_at_every_frame():
    screen = Screen()
    screen.play(2, (WINDOW, 30))
    for step in range(1, 11):
        wider = Rectangle(160, 96, 640 + 16 * step, 368)
        screen.play(0.1, (wider, 30))
    screen.play(2, (wider, 30))
    assert screen.rectangles == [wider]
    assert len(screen.numbers) <= 5


def test_it_shrinks_only_after_seconds():
    smaller = Rectangle(160, 96, 320, 368)
    screen = Screen()
    screen.play(2, (WINDOW, 30))
    screen.play(2, (smaller, 30))
    assert screen.rectangles == [WINDOW]
    screen.play(3, (smaller, 30))
    assert screen.rectangles == [smaller]


def test_it_follows_a_window_that_went_elsewhere():
    moved = WINDOW.moved(304, 208)
    screen = Screen()
    screen.play(2, (WINDOW, 30))
    screen.play(4, (moved, 30))
    assert screen.rectangles == [moved]


def test_regions_that_grow_into_one_another_become_one():
    right = Rectangle(832, 96, 320, 368)
    both = Rectangle(160, 96, 992, 368)
    screen = Screen()
    screen.play(2, (WINDOW, 30), (right, 30))
    assert len(screen.regions) == 2
    screen.play(3, (both, 30))
    assert screen.rectangles == [both]


def test_another_framebuffer_starts_over():
    screen = Screen()
    screen.play(2, (WINDOW, 30))
    number = screen.regions[0].number
    screen.history = ChangeHistory(TileGrid(Size(800, 600)))
    screen.grid = screen.history.grid
    screen.play(0.1, (Rectangle(0, 0, 300, 300), 30))
    assert screen.regions == ()
    screen.play(2, (Rectangle(0, 0, 304, 304), 30))
    assert screen.regions[0].number > number


def test_the_whole_screen_is_one_region_when_that_is_the_rule():
    screen = Screen(RegionRules(whole_screen=True))
    screen.play(0.05, (WINDOW, 60))
    assert screen.rectangles == [Rectangle.of_size(GRID.size)]
    assert screen.regions[0].is_awake(screen.now_s)
    screen.play(20)
    screen.change(Rectangle(100, 100, 16, 16))
    assert not screen.regions[0].is_awake(screen.now_s)
    assert len(screen.numbers) == 1


def test_a_moving_part_of_any_shape_never_breaks_the_finder():
    rng = np.random.default_rng(5)
    screen = Screen()
    for _ in range(200):
        screen.frame += 1
        screen.history.record(rng.random(GRID.shape) < rng.random(), screen.now_s)
        regions = screen.finder.look(screen.history, screen.now_s)
        for place, region in enumerate(regions):
            assert Rectangle.of_size(GRID.size).contains(region.rectangle)
            assert not any(
                region.rectangle.overlaps(other.rectangle) for other in regions[place + 1 :]
            )
