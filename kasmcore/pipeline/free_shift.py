"""How far something went in any direction: runs of pixels that stand out are looked for again.

For windows that are dragged where nobody tells of it: a window inside another one, or a program
that moves its own pictures. What scrolls along one axis is found by its rows (``shift_votes``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from kasmcore.pipeline.pixel_words import FramePair, Words
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
    before, after = frames.pixels(Rectangle.of_size(frames.size))
    votes: Counter[Vector] = Counter()
    for looked_for, (x, y) in enumerate(_places_that_stand_out(before, area)):
        if looked_for >= _PATIENCE and max(votes.values(), default=0) < 2:
            return None
        run = before[y, x : x + _RUN]
        if np.array_equal(after[y, x : x + _RUN], run):
            continue
        places = _places_of(run, after, (x, y), expected, _NEAR)
        places = places or _places_of(run, after, (x, y), (0, 0), _REACH)
        if len(places) > _MOST_PLACES:
            continue
        for vector in places:
            votes[vector] += 1
            if votes[vector] >= _FEWEST_VOTES:
                return vector
    return None


def _places_that_stand_out(before: Words, area: Rectangle) -> Iterator[Vector]:
    """One place in each cell of the area: where most colours change along a run, if enough do.

    Rows in an order that jumps about, so that a window in a part of the area is met early.
    """
    span = area.width - _RUN + 1
    if span < _COLUMNS:
        return
    starts = np.arange(_COLUMNS) * span // _COLUMNS
    for row in range(_ROWS):
        y = area.y + (2 * (row * 5 % _ROWS) + 1) * area.height // (2 * _ROWS)
        line = before[y, area.columns]
        edges = np.concatenate(([0], np.cumsum(line[1:] != line[:-1])))
        detail = edges[_RUN - 1 :] - edges[: 1 - _RUN]
        for start, stop in zip(starts, (*starts[1:], span), strict=True):
            x = int(start + detail[start:stop].argmax())
            if detail[x] >= _FEWEST_EDGES:
                yield area.x + x, y


def _places_of(
    run: Words, after: Words, origin: Vector, expected: Vector, reach: int
) -> list[Vector]:
    """How far from its origin a run of pixels is found again, within reach of what is expected."""
    x, y = origin[0] + expected[0], origin[1] + expected[1]
    top, left = max(0, y - reach), max(0, x - reach)
    window = after[top : max(0, y + reach + 1), left : max(0, x + reach + _RUN)]
    width = window.shape[1] - _RUN + 1
    if width <= 0:
        return []
    rows, columns = np.divmod(np.flatnonzero(window[:, :width] == run[0]), width)
    for offset in (_RUN - 1, *range(1, _RUN - 1)):
        is_same = window[rows, columns + offset] == run[offset]
        rows, columns = rows[is_same], columns[is_same]
    dx, dy = (columns + left - origin[0]).tolist(), (rows + top - origin[1]).tolist()
    return list(zip(dx, dy, strict=True))
