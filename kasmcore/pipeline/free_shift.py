"""How far something went in any direction: runs of pixels that stand out are looked for again.

For windows that are dragged where nobody tells of it: a window inside another one, or a program
that moves its own pictures. What scrolls along one axis is found by its rows (``shift_votes``).
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from kasmcore.pipeline.pixel_words import FramePair
from kasmcore.values.geometry import Rectangle

_RUN = 12
"""Pixels in a row that are looked for."""
_FEWEST_EDGES = 5
"""Changes of colour within a run that make it stand out."""
_REACH = 64
"""Farthest that something goes between two frames, in each direction."""
_NEAR = 12
"""What is dragged goes about as far as in the frame before: there it is looked for first."""
_ROWS, _COLUMNS = 9, 6
"""Runs that are looked for, spread over the area."""
_FEWEST_VOTES = 3
_PATIENCE = 20
"""Runs after which two at least should agree."""
_MOST_PLACES = 6
"""A run found at more places says nothing."""

Vector = tuple[int, int]


def free_shift(frames: FramePair, area: Rectangle, expected: Vector = (0, 0)) -> Vector | None:
    """How far content of an area went to the right and down.

    Args:
        frames: before and after.
        area: what changed, with what the content left and where it went.
        expected: where it is looked for first.

    Returns: None when too few runs agree; a guess otherwise, not (0, 0).
    """
    votes: Counter[Vector] = Counter()
    for looked_for, origin in enumerate(_places_that_stand_out(frames, area)):
        if looked_for >= _PATIENCE and max(votes.values(), default=0) < 2:
            return None
        run = Rectangle(*origin, _RUN, 1)
        if _is_unchanged(frames, run):
            continue
        places = _places_of(frames, run, expected, _NEAR)
        places = places or _places_of(frames, run, (0, 0), _REACH)
        if len(places) > _MOST_PLACES:
            continue
        for vector in places:
            votes[vector] += 1
            if votes[vector] >= _FEWEST_VOTES:
                return vector
    return None


def _places_that_stand_out(frames: FramePair, area: Rectangle) -> Iterator[Vector]:
    """One place in each cell of the area: where most colours change along a run, if enough do.

    Rows in an order that jumps about, so that a window in a part of the area is met early.
    """
    span = area.width - _RUN + 1
    if span < _COLUMNS:
        return
    bounds = [column * span // _COLUMNS for column in range(_COLUMNS + 1)]
    for row in range(_ROWS):
        y = area.y + (2 * (row * 5 % _ROWS) + 1) * area.height // (2 * _ROWS)
        line = Rectangle(area.x, y, area.width, 1)
        for x in _busiest_runs(frames, line, bounds):
            if x >= 0:
                yield area.x + x, y


def _busiest_runs(frames: FramePair, line: Rectangle, bounds: Sequence[int]) -> list[int]:
    """Between two bounds each, where in a row a run has most changes of colour; -1 for too few."""
    if frames.compiled is not None:
        return frames.compiled.busiest_runs(line, _RUN, bounds, _FEWEST_EDGES)
    pixels = frames.pixels(line)[0][0]
    edges = np.concatenate(([0], np.cumsum(pixels[1:] != pixels[:-1])))
    detail = edges[_RUN - 1 :] - edges[: 1 - _RUN]
    places = [
        start + int(detail[start:stop].argmax()) for start, stop in itertools.pairwise(bounds)
    ]
    return [x if detail[x] >= _FEWEST_EDGES else -1 for x in places]


def _is_unchanged(frames: FramePair, run: Rectangle) -> bool:
    if frames.compiled is not None:
        return frames.compiled.equal_rows(run, 0, 0, is_backwards=False) == 1
    return np.array_equal(*frames.pixels(run))


def _places_of(frames: FramePair, run: Rectangle, expected: Vector, reach: int) -> list[Vector]:
    """How far a run of pixels went, within reach of what is expected; the first few places."""
    near = Rectangle(run.x - reach, run.y - reach, run.width + 2 * reach, 2 * reach + 1)
    window = near.moved(*expected).intersection(Rectangle.of_size(frames.size))
    if window.is_empty() or window.width < _RUN:
        return []
    if frames.compiled is not None:
        found = frames.compiled.find_run(run, window, _MOST_PLACES + 1)
    else:
        found = _find_run(frames, run, window)
    return [(window.x + x - run.x, window.y + y - run.y) for x, y in found]


def _find_run(frames: FramePair, run: Rectangle, window: Rectangle) -> list[Vector]:
    """Where in a window of the frame after a run of the frame before is."""
    looked_for = frames.pixels(run)[0][0]
    looked_at = frames.pixels(window)[1]
    width = window.width - _RUN + 1
    rows, columns = np.divmod(np.flatnonzero(looked_at[:, :width] == looked_for[0]), width)
    for offset in (_RUN - 1, *range(1, _RUN - 1)):
        is_same = looked_at[rows, columns + offset] == looked_for[offset]
        rows, columns = rows[is_same], columns[is_same]
    places = zip(columns.tolist(), rows.tolist(), strict=True)
    return list(itertools.islice(places, _MOST_PLACES + 1))
