import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kasmcore.pipeline.copies import Copy, FrameChange
from kasmcore.pipeline.copy_search import CopyFinder, CopyRules
from kasmcore.pipeline.damage import find_damage
from kasmcore.pipeline.pending import EXACT, MOST_COPIES, ViewerPicture
from kasmcore.pipeline.tiles import TILE, TileGrid
from kasmcore.values.geometry import Rectangle, Size
from tests.unit.pipeline.frames import photo, visible
from tests.unit.pipeline.moving_pictures import MovingDesk, moving_desks

pytestmark = pytest.mark.usefixtures("either_kernel")

RULES = CopyRules(moves=True, sideways=True, threshold=0.0)
GRID = TileGrid(Size(320, 320))
WINDOW = Rectangle(16, 16, 288, 288)


@attrs.define(eq=False)
class Sent:
    """A frame on its way to a viewer that will not show it."""

    tiles: np.ndarray
    copies_before: int


class Watcher:
    """A viewer's real picture beside what the server takes it for."""

    def __init__(self, newest: np.ndarray) -> None:
        self.newest = newest
        self.shown = np.zeros_like(newest)
        self.picture = ViewerPicture(TileGrid(Size(newest.shape[1], newest.shape[0])))
        self.lost: list[Sent] = []

    def new_frame(self, newest: np.ndarray, moves, *, can_copy: bool = True) -> FrameChange:
        whole = [Rectangle(0, 0, newest.shape[1], newest.shape[0])]
        previous, current = visible(self.newest, whole), visible(newest, whole, moves=moves)
        change = CopyFinder(RULES).find(previous, current, find_damage(previous, current))
        if can_copy:
            self.picture.add_change(change)
        else:
            self.picture.add_changed(change.changed)
        self.newest = newest
        return change

    def send(self, tiles: np.ndarray, quality: int, *, is_lost: bool = False) -> None:
        """Send these tiles at this quality, after the queued copies."""
        before, brought = self.picture.copies_taken, self.picture.brought()
        copies = self.picture.take_copies()
        self.picture.take(np.where(tiles, quality, 0).astype(np.uint8), brought)
        if is_lost:
            covered = self.picture.grid.mask_of(copy.rectangle for copy in copies)
            self.lost.append(Sent(tiles | covered, before))
            return
        carry_out(self.shown, copies)
        part = self.newest if quality == EXACT else self.newest // 2
        where = by_pixel(tiles, self.newest)
        for rectangle in brought:
            where[rectangle.rows, rectangle.columns] = False
        self.shown[where] = part[where]

    def hear_of_loss(self) -> None:
        for sent in self.lost:
            self.picture.give_back(sent.tiles, sent.copies_before)
        self.lost.clear()

    def assert_no_wrong_tile_counts_as_right(self) -> None:
        by_then = self.shown.copy()
        carry_out(by_then, self.picture._copies)
        right = ~self.picture.pending & (self.picture.quality == EXACT)
        differs = (by_then != self.newest).any(axis=2)
        assert not (differs & by_pixel(right, self.newest)).any()

    def finish(self) -> None:
        self.send(self.picture.pending.copy(), EXACT)
        self.send(self.picture.blurred(), EXACT)
        assert (self.shown == self.newest).all()
        assert self.picture.is_current()


def carry_out(picture, copies) -> None:
    for copy in copies:
        where, source = copy.rectangle, copy.source
        picture[where.rows, where.columns] = picture[source.rows, source.columns].copy()


def by_pixel(tiles, picture):
    wide = np.repeat(np.repeat(tiles, TILE, axis=0), TILE, axis=1)
    return wide[: picture.shape[0], : picture.shape[1]]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_whatever_a_viewer_skips_gets_in_part_or_loses_it_ends_exact(data):
    desk = data.draw(moving_desks())
    watcher = Watcher(desk.picture())
    for _ in range(data.draw(st.integers(1, 10))):
        moves = desk.step(data.draw)
        watcher.new_frame(desk.picture(), moves)
        action = data.draw(st.sampled_from(("skip", "send", "send part", "blur", "lose", "hear")))
        pending = watcher.picture.pending.copy()
        if action == "send part":
            rows = data.draw(st.integers(0, pending.shape[0]))
            pending[rows:] = False
        if action == "hear":
            watcher.hear_of_loss()
        elif action != "skip":
            quality = 60 if action == "blur" else EXACT
            watcher.send(pending, quality, is_lost=action == "lose")
        if not watcher.lost:
            watcher.assert_no_wrong_tile_counts_as_right()
    watcher.hear_of_loss()
    watcher.assert_no_wrong_tile_counts_as_right()
    watcher.finish()


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_a_viewer_that_cannot_copy_is_sent_all_that_changed(data):
    desk = data.draw(moving_desks())
    watcher = Watcher(desk.picture())
    watcher.finish()
    for _ in range(3):
        watcher.new_frame(desk.picture(), desk.step(data.draw), can_copy=False)
        assert watcher.picture.take_copies() == ()
    watcher.new_frame(desk.picture(), (), can_copy=False)
    watcher.finish()


def scrolling_watcher() -> tuple[Watcher, MovingDesk]:
    desk = MovingDesk.of_windows(photo(320, 320), [WINDOW])
    watcher = Watcher(desk.picture())
    watcher.finish()
    return watcher, desk


def scroll(watcher: Watcher, desk: MovingDesk, dy: int) -> FrameChange:
    desk.windows[0].scroll(0, dy)
    return watcher.new_frame(desk.picture(), ())


def test_a_scroll_leaves_only_the_new_strip_pending():
    watcher, desk = scrolling_watcher()
    change = scroll(watcher, desk, -32)
    assert (watcher.picture.pending == change.residual).all()
    assert np.count_nonzero(change.residual) <= 2 * 18
    assert len(watcher.picture.take_copies()) == 1


def test_a_frame_of_copies_alone_is_still_to_be_sent():
    watcher, desk = scrolling_watcher()
    scroll(watcher, desk, -32)
    watcher.picture.take(np.where(watcher.picture.pending, EXACT, 0).astype(np.uint8))
    assert not watcher.picture.pending.any()
    assert not watcher.picture.is_current()


def test_skipped_scrolls_are_copied_one_after_another():
    watcher, desk = scrolling_watcher()
    for _ in range(4):
        scroll(watcher, desk, -16)
    assert len(watcher.picture._copies) == 4
    assert np.count_nonzero(watcher.picture.pending) <= 5 * 18
    watcher.finish()


def test_a_viewer_that_takes_nothing_keeps_no_long_queue():
    watcher, desk = scrolling_watcher()
    for step in range(3 * MOST_COPIES):
        scroll(watcher, desk, -16 if step % 6 < 3 else 16)
        assert len(watcher.picture._copies) <= MOST_COPIES
    watcher.assert_no_wrong_tile_counts_as_right()
    watcher.finish()


def test_blur_travels_with_the_pixels():
    picture = ViewerPicture(GRID)
    quality = np.full(GRID.shape, EXACT, np.uint8)
    quality[10, 4] = 60
    picture.take(quality)
    everything = GRID.full_mask()
    copy = Copy(Rectangle(0, 0, 320, 160), 0, -160)
    picture.add_change(FrameChange(everything, (copy,), GRID.empty_mask()))
    assert picture.quality[0, 4] == 60
    assert np.count_nonzero(picture.quality < EXACT) == 2
    assert not picture.pending.any()


def test_a_copy_from_what_is_pending_is_not_sent():
    picture = ViewerPicture(GRID)
    copy = Copy(Rectangle(0, 0, 320, 160), 0, -160)
    picture.take(np.full(GRID.shape, EXACT, np.uint8))
    picture.add_changed(GRID.mask_of([copy.source]))
    change = FrameChange(GRID.mask_of([copy.rectangle]), (copy,), GRID.empty_mask())
    picture.add_change(change)
    assert picture.take_copies() == ()
    assert picture.pending.all()


def test_a_pending_tile_that_current_ones_cover_is_not_sent():
    picture = ViewerPicture(GRID)
    picture.take(np.full(GRID.shape, EXACT, np.uint8))
    copy = Copy(Rectangle(0, 0, 320, 160), 0, -160)
    picture.add_changed(GRID.mask_of([copy.rectangle]))
    change = FrameChange(GRID.mask_of([copy.rectangle]), (copy,), GRID.empty_mask())
    picture.add_change(change)
    assert not picture.pending.any()


def test_a_lost_frame_makes_all_pending_only_if_something_was_copied_since():
    watcher, desk = scrolling_watcher()
    one = GRID.mask_of([Rectangle(0, 0, 16, 16)])
    watcher.send(one, EXACT, is_lost=True)
    watcher.hear_of_loss()
    assert (watcher.picture.pending == one).all()
    watcher.send(one, EXACT, is_lost=True)
    scroll(watcher, desk, -16)
    watcher.hear_of_loss()
    assert watcher.picture.pending.all()
    assert watcher.picture.take_copies() == ()
