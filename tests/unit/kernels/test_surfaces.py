"""The compiled library gives what numpy gives, on frames of any size and place in memory."""

from collections.abc import Callable
from typing import TypeVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kasmcore.kernels import Surface, SurfacePair, without_library
from kasmcore.pipeline.content import picture_tiles
from kasmcore.pipeline.copies import Copy
from kasmcore.pipeline.copy_search import CopyFinder, CopyRules
from kasmcore.pipeline.damage import find_damage
from kasmcore.pipeline.free_shift import _busiest_runs, _find_run, free_shift
from kasmcore.pipeline.pixel_words import FramePair
from kasmcore.pipeline.residual import residual_of
from kasmcore.pipeline.shift_votes import _WEIGHTS
from kasmcore.pipeline.shifted_areas import _SIDES, Shift, _lines_that_hold
from kasmcore.pipeline.tiles import TileGrid
from kasmcore.values.geometry import Rectangle, Size
from tests.unit.kernels.memory import frame_pairs, frames_of, parts_of
from tests.unit.pipeline.frames import visible
from tests.unit.pipeline.moving_pictures import moving_desks

Result = TypeVar("Result")


def both(work: Callable[[], Result]) -> tuple[Result, Result]:
    """Results with the library and without."""
    compiled = work()
    with without_library():
        return compiled, work()


def size_of(frame: np.ndarray) -> Size:
    return Size(frame.shape[1], frame.shape[0])


def shifts_in(draw, size: Size, area: Rectangle) -> tuple[int, int]:
    """How far an area can be from where it was, within a frame."""
    dx = draw(st.integers(area.right - size.width, area.x))
    dy = draw(st.integers(area.bottom - size.height, area.y))
    return dx, dy


@given(frame_pairs(), st.data())
def test_the_same_tiles_differ(frames, data):
    grid = TileGrid(size_of(frames[0]))
    tiles = data.draw(parts_of(grid.columns, grid.rows))
    dx, dy = shifts_in(data.draw, grid.size, grid.pixels_of(tiles))
    compiled, plain = both(lambda: FramePair(*frames).differing_tiles(tiles, dx, dy))
    assert compiled.tolist() == plain.tolist()


@given(frame_pairs(), st.data())
def test_the_same_tiles_differ_outside_of_copies(frames, data):
    size = size_of(frames[0])
    changed = find_damage(visible(frames[0]), visible(frames[1], [Rectangle.of_size(size)]))
    places = data.draw(st.lists(parts_of(size.width, size.height), max_size=4))
    copies = [Copy(place, 0, 0) for place in places]
    compiled, plain = both(lambda: residual_of(FramePair(*frames), changed, copies))
    assert compiled.tolist() == plain.tolist()


@given(frame_pairs(), st.data())
def test_the_same_lines_hold(frames, data):
    size = size_of(frames[0])
    strip = data.draw(parts_of(size.width, size.height))
    shift = Shift(strip, *shifts_in(data.draw, size, strip))
    for side in _SIDES:
        compiled, plain = both(lambda s=side: _lines_that_hold(FramePair(*frames), strip, shift, s))
        assert compiled == plain


@given(frame_pairs(), st.data())
def test_a_run_is_found_at_the_same_places(frames, data):
    size = size_of(frames[0])
    if size.width < 12:
        size = Size(12, size.height)
        frames = [np.repeat(frame, 12, axis=1)[:, :12] for frame in frames]
    x, y = data.draw(st.integers(0, size.width - 12)), data.draw(st.integers(0, size.height - 1))
    left = data.draw(st.integers(0, size.width - 12))
    window = data.draw(parts_of(size.width - left, size.height))
    window = Rectangle(left, window.y, max(12, window.width), window.height)
    run, pair = Rectangle(x, y, 12, 1), FramePair(*frames)
    assert pair.compiled.find_run(run, window, 7) == _find_run(pair, run, window)


@given(st.integers(30, 75), st.integers(1, 5), st.data())
def test_the_same_runs_stand_out(width, height, data):
    pair = [data.draw(frames_of(width, height)) for _ in range(2)]
    line = Rectangle(3, data.draw(st.integers(0, height - 1)), width - 5, 1)
    bounds = sorted(data.draw(st.sets(st.integers(0, line.width - 11), min_size=2)))
    compiled, plain = both(lambda: _busiest_runs(FramePair(*pair), line, bounds))
    assert compiled == plain


@given(frame_pairs(), st.integers(0, 3), st.data())
def test_the_same_tiles_are_pictures(frames, empty_rows, data):
    pixels, grid = frames[0], TileGrid(size_of(frames[0]))
    within = grid.full_mask()
    within[:empty_rows] = False
    compiled, plain = both(lambda: picture_tiles(pixels, grid, within))
    assert compiled.tolist() == plain.tolist()


@given(st.integers(1, 75), st.integers(1, 75), st.data())
def test_neighbours_are_counted_right(width, height, data):
    frame = data.draw(frames_of(width, height, colours=3))
    area = data.draw(parts_of(width, height))
    equal, faint = Surface.of(frame).neighbours(area, 8, 8)
    for row, column in np.ndindex(equal.shape):
        left, top = area.x + 16 * column, area.y + 16 * row
        right, bottom = min(left + 16, area.right - 1), min(top + 16, area.bottom)
        pairs = [
            (frame[y, x].astype(int), frame[y, x + 1].astype(int))
            for y in range(top, bottom, 8)
            for x in range(left, right)
        ]
        alike = [(a[:3] == b[:3]).all() for a, b in pairs]
        assert equal[row, column] == sum(alike)
        near = [(b[1] - a[1] + 8) % 256 <= 16 for a, b in pairs]
        assert faint[row, column] == sum(n and not e for n, e in zip(near, alike, strict=True))


@given(moving_desks(), st.data())
def test_the_same_copies_are_found(desk, data):
    before = desk.picture()
    moves = desk.step(data.draw)
    after = desk.picture()
    whole = [Rectangle.of_size(size_of(before))]
    previous, current = visible(before, whole), visible(after, whole, serial=2, moves=moves)

    def change():
        rules = CopyRules(moves=True, sideways=True, threshold=0.0)
        damage = find_damage(previous, current)
        found = CopyFinder(rules).find(previous, current, damage)
        guess = free_shift(FramePair(before, after), whole[0])
        return found.copies, found.residual.tolist(), damage.tolist(), guess

    compiled, plain = both(change)
    assert compiled == plain


FRAME = np.zeros((20, 30, 4), np.uint8)


@pytest.mark.parametrize(
    "area",
    [
        Rectangle(0, 0, 31, 1),
        Rectangle(0, 0, 1, 21),
        Rectangle(-1, 0, 2, 2),
        Rectangle(0, -1, 2, 2),
        Rectangle(5, 5, 0, 3),
        Rectangle(2**31, 0, 1, 1),
    ],
)
def test_nothing_outside_a_frame_is_asked_for(area):
    pair = SurfacePair.of(FRAME, FRAME)
    calls = (
        lambda: pair.differing_tiles(area, 0, 0),
        lambda: pair.differing_outside(area, []),
        lambda: pair.equal_rows(area, 0, 0, is_backwards=True),
        lambda: pair.find_run(Rectangle(0, 0, 12, 1), area, 7),
        lambda: pair.after.neighbours(area, 8, 8),
    )
    for call in calls:
        with pytest.raises(ValueError, match="not inside"):
            call()


def test_what_comes_from_outside_a_frame_is_not_asked_for():
    with pytest.raises(ValueError, match="not inside"):
        SurfacePair.of(FRAME, FRAME).differing_tiles(Rectangle(0, 0, 30, 20), 1, 0)


def test_runs_end_in_their_row():
    pair, row = SurfacePair.of(FRAME, FRAME), Rectangle(0, 0, 30, 1)
    assert pair.busiest_runs(row, 12, [0, 19], 0) == [0]
    for bounds in ([0, 20], [-1, 5], [5, 5], [6, 5]):
        with pytest.raises(ValueError, match="run"):
            pair.busiest_runs(row, 12, bounds, 0)


def test_pixels_that_do_not_follow_each_other_are_left_to_numpy():
    wide = np.zeros((4, 8, 4), np.uint8)
    assert Surface.of(wide[:, ::2]) is None
    assert Surface.of(np.zeros((4, 8, 4), np.uint8)[..., ::-1]) is None
    assert SurfacePair.of(wide[:, ::2], wide[:, :4]) is None


@given(frame_pairs(), st.data())
def test_rows_and_columns_have_the_same_hashes(frames, data):
    size = size_of(frames[0])
    band, pair = data.draw(parts_of(size.width, size.height)), FramePair(*frames)
    words = [part @ _WEIGHTS[: part.shape[1]].astype(part.dtype) for part in pair.words(band)]
    rows = pair.compiled.row_hashes(band, _WEIGHTS, pair.word_bytes(band))
    assert rows.tolist() == [hashes.tolist() for hashes in words]
    weights = _WEIGHTS[: band.height].astype(np.uint32)
    columns = [weights @ part for part in pair.pixels(band)]
    found = pair.compiled.column_hashes(band, _WEIGHTS)
    assert found.tolist() == [hashes.tolist() for hashes in columns]


def test_there_is_a_weight_for_every_word():
    pair, area = SurfacePair.of(FRAME, FRAME), Rectangle(0, 0, 30, 20)
    for weights in (_WEIGHTS[:14], _WEIGHTS[::2], _WEIGHTS.astype(np.uint32)):
        with pytest.raises(ValueError, match="weights"):
            pair.row_hashes(area, weights, 8)
    with pytest.raises(ValueError, match="weights"):
        pair.column_hashes(area, _WEIGHTS[:19])
    for area, word_bytes in ((Rectangle(0, 0, 3, 1), 8), (Rectangle(0, 0, 4, 1), 2)):
        with pytest.raises(ValueError, match="no words"):
            pair.row_hashes(area, _WEIGHTS, word_bytes)
