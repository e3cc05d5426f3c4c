import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kasmcore.pipeline.copies import Copy, FrameChange, in_order
from kasmcore.pipeline.copy_search import CopyFinder, CopyRules
from kasmcore.pipeline.damage import find_damage
from kasmcore.pipeline.tiles import TILE, TileGrid
from kasmcore.values.frames import WindowMove
from kasmcore.values.geometry import Rectangle
from tests.unit.pipeline.frames import photo, visible
from tests.unit.pipeline.moving_pictures import MovingDesk, moving_desks, text_page

pytestmark = pytest.mark.usefixtures("either_kernel")

RULES = CopyRules(moves=True, sideways=True, threshold=0.0)
WINDOW = Rectangle(37, 21, 350, 210)


def change_of(before, after, moves=(), rules=RULES) -> FrameChange:
    whole = [Rectangle(0, 0, after.shape[1], after.shape[0])]
    previous, current = visible(before, whole), visible(after, whole, serial=2, moves=moves)
    return CopyFinder(rules).find(previous, current, find_damage(previous, current))


def applied(before, copies):
    picture = before.copy()
    for copy in copies:
        where, source = copy.rectangle, copy.source
        picture[where.rows, where.columns] = picture[source.rows, source.columns].copy()
    return picture


def assert_right(before, after, change):
    """After the copies all but the residual is as it should be, and nothing else is residual."""
    picture = applied(before, change.copies)
    whole = [Rectangle(0, 0, after.shape[1], after.shape[0])]
    left = find_damage(visible(picture), visible(after, whole))
    assert not (left & ~change.residual).any()
    assert not (change.residual & ~change.changed).any()


def scrolled(dx, dy, background=None):
    """A page in a window before and after it scrolled by so much."""
    before = photo(480, 320) if background is None else background
    after = before.copy()
    page = text_page(WINDOW.width + 400, WINDOW.height + 400)
    for picture, x, y in ((before, 200, 200), (after, 200 - dx, 200 - dy)):
        part = page[y : y + WINDOW.height, x : x + WINDOW.width]
        picture[WINDOW.rows, WINDOW.columns] = part
    return before, after


@pytest.mark.parametrize("dy", [-150, -48, -17, -1, 3, 16, 55, 149])
def test_a_page_that_scrolls_in_a_window_is_one_copy_and_a_strip(dy):
    before, after = scrolled(0, dy)
    change = change_of(before, after)
    assert_right(before, after, change)
    assert {(copy.dx, copy.dy) for copy in change.copies} == {(0, dy)}
    strip_rows = -(-abs(dy) // TILE) + 1
    assert np.count_nonzero(change.residual) <= strip_rows * (WINDOW.width // TILE + 2)


@pytest.mark.parametrize("dx", [-200, -33, -1, 2, 16, 77])
def test_a_page_that_scrolls_sideways_is_a_copy(dx):
    before, after = scrolled(dx, 0)
    change = change_of(before, after)
    assert_right(before, after, change)
    assert {(copy.dx, copy.dy) for copy in change.copies} == {(dx, 0)}
    strip_columns = -(-abs(dx) // TILE) + 1
    assert np.count_nonzero(change.residual) <= strip_columns * (WINDOW.height // TILE + 2)


def test_a_window_that_moved_is_a_copy_and_the_background_that_it_uncovered():
    background = photo(480, 320)
    before, after = background.copy(), background.copy()
    page = text_page(200, 120)
    before[50:170, 61:261] = page
    after[63:183, 84:284] = page
    change = change_of(before, after, [WindowMove(Rectangle(84, 63, 200, 120), 23, 13)])
    assert_right(before, after, change)
    (copy,) = change.copies
    assert copy == Copy(Rectangle(84, 63, 200, 120), 23, 13)
    uncovered = TileGrid(visible(after).size).mask_of(
        [Rectangle(61, 50, 200, 13), Rectangle(61, 50, 23, 120)]
    )
    assert (change.residual == change.changed & uncovered).all()


def test_what_another_window_covers_is_left_out_of_a_move():
    background = photo(480, 320)
    before, after = background.copy(), background.copy()
    page = text_page(200, 120)
    before[50:170, 61:261] = page
    after[50:170, 93:293] = page
    for picture in (before, after):
        picture[100:240, 200:330] = 7
    change = change_of(before, after, [WindowMove(Rectangle(93, 50, 200, 120), 32, 0)])
    assert_right(before, after, change)
    assert change.copies
    assert not change.residual[4:6, 8:12].any()


def test_a_move_that_the_pixels_do_not_confirm_is_no_copy():
    before = photo(480, 320)
    after = photo(480, 320, seed=2)
    change = change_of(before, after, [WindowMove(Rectangle(93, 50, 200, 120), 32, 0)])
    assert change.copies == ()
    assert (change.residual == change.changed).all()


@pytest.mark.parametrize("page", ["blank", "noise", "same rows"])
def test_what_only_changed_is_no_copy(page):
    before = after = photo(480, 320)
    if page == "blank":
        after = np.full_like(before, 255)
    elif page == "noise":
        after = photo(480, 320, seed=2)
    else:
        after = np.broadcast_to(before[:1], before.shape).copy()
    change = change_of(before, after)
    assert change.copies == ()
    assert (change.residual == change.changed).all()


def test_copies_are_not_looked_for_unless_enough_has_changed():
    before, after = scrolled(0, 32)
    share = np.count_nonzero(change_of(before, after).changed) / (20 * 30)
    most = CopyRules(moves=True, sideways=True, threshold=share + 0.01)
    least = CopyRules(moves=True, sideways=True, threshold=share - 0.01)
    assert change_of(before, after, rules=most).copies == ()
    assert change_of(before, after, rules=least).copies != ()


def test_each_direction_is_looked_for_as_told():
    upright_only = CopyRules(moves=True, sideways=False, threshold=0.0)
    none = CopyRules(moves=False, sideways=False, threshold=0.0)
    assert change_of(*scrolled(0, 32), rules=upright_only).copies != ()
    assert change_of(*scrolled(32, 0), rules=upright_only).copies == ()
    move = [WindowMove(WINDOW, 0, 32)]
    assert change_of(*scrolled(0, 32), moves=move, rules=none).copies == ()


def test_a_pixels_unused_byte_counts_as_it_does_for_damage():
    before, after = scrolled(0, 32)
    after[WINDOW.rows, WINDOW.columns, 3] ^= 0xFF
    assert change_of(before, after).copies == ()


def test_frames_whose_memory_is_cut_from_larger_ones_are_compared_too():
    before, after = (np.pad(p, ((0, 0), (0, 3), (0, 0)))[:, :-3] for p in scrolled(0, 32))
    assert not after.flags.c_contiguous
    change = change_of(before, after)
    assert_right(before, after, change)
    assert change.copies


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_whatever_moves_the_copies_are_true(data):
    desk = data.draw(moving_desks())
    before = desk.picture()
    moves = desk.step(data.draw)
    after = desk.picture()
    assert_right(before, after, change_of(before, after, moves))


def test_a_video_is_looked_at_now_and_then_and_a_scroll_after_it_is_found_again():
    finder = CopyFinder(RULES)
    whole = [Rectangle(0, 0, 480, 320)]

    def found(before, after):
        previous, current = visible(before, whole), visible(after, whole)
        return finder.find(previous, current, find_damage(previous, current)).copies

    video = [photo(480, 320, seed=number) for number in range(2)]
    assert not any(found(video[n % 2], video[1 - n % 2]) for n in range(30))
    scrolls = [bool(found(*scrolled(0, 24))) for _ in range(8)]
    first = scrolls.index(True)
    assert first < 4
    assert all(scrolls[first:])


@pytest.mark.parametrize(
    "windows",
    [
        [Rectangle(10, 10, 300, 400), Rectangle(333, 50, 410, 400)],
        [Rectangle(10, 10, 500, 250), Rectangle(33, 300, 410, 300)],
    ],
    ids=["side by side", "one above the other"],
)
def test_scrolls_of_several_windows_are_found_at_once(windows):
    desk = MovingDesk.of_windows(photo(800, 640), windows)
    before = desk.picture()
    desk.windows[0].scroll(0, 24)
    desk.windows[1].scroll(0, -13)
    after = desk.picture()
    change = change_of(before, after)
    assert_right(before, after, change)
    assert {copy.dy for copy in change.copies} == {24, -13}
    assert np.count_nonzero(change.residual) < 0.25 * np.count_nonzero(change.changed)


def test_a_header_a_side_bar_and_a_caret_stay_out_of_the_copy():
    before, after = scrolled(0, 20)
    header = Rectangle(WINDOW.x, WINDOW.y, WINDOW.width, 27)
    side = Rectangle(WINDOW.x, WINDOW.y, 50, WINDOW.height)
    for fixed in (header, side):
        after[fixed.rows, fixed.columns] = before[fixed.rows, fixed.columns]
    after[150:166, 200:202] = 0
    change = change_of(before, after)
    assert_right(before, after, change)
    covered = sum(copy.rectangle.area for copy in change.copies)
    assert covered > 0.7 * (WINDOW.width - 50) * (WINDOW.height - 47)


def test_no_copy_overwrites_what_a_later_one_takes():
    down = Copy(Rectangle(0, 100, 50, 100), 0, 100)
    behind = Copy(Rectangle(0, 0, 50, 100), 0, -100)
    chain = [Copy(Rectangle(0, 100 * n, 50, 100), 0, -100) for n in range(5)]
    assert in_order(list(reversed(chain))) == tuple(chain)
    swapped = in_order([down, behind])
    assert len(swapped) == 1


def test_where_a_video_plays_nothing_is_looked_for_once_that_was_in_vain():
    finder, noise = CopyFinder(RULES), np.random.default_rng(4)
    whole = [Rectangle(0, 0, 480, 320)]
    before = noise.integers(0, 256, (320, 480, 4), np.uint8)
    for _ in range(12):
        after = noise.integers(0, 256, (320, 480, 4), np.uint8)
        previous, current = visible(before, whole), visible(after, whole)
        changed = find_damage(previous, current)
        assert finder.find(previous, current, changed, lambda c=changed: c).copies == ()
        before = after
    found = []
    for step in range(8):
        previous, current = (visible(p, whole) for p in scrolled(0, 32 + step))
        changed = find_damage(previous, current)
        found.append(finder.find(previous, current, changed, lambda c=changed: ~c).copies != ())
    assert any(found), "what does not belong to the video is still looked at"
