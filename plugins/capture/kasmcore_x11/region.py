"""Lists of rectangles, kept short: pure arithmetic without X."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from kasmcore.api import Rectangle, Size

#: (n, 4) int64: left, top, right, bottom; right and bottom excluded.
Edges = NDArray[np.int64]
#: Top and bottom row of a band as wide as the framebuffer; bottom excluded.
Band = tuple[int, int]

_FINEST_CELL = 64


def edges_of(rectangles: Sequence[Rectangle]) -> Edges:
    """Rectangles as an array."""
    listed = [(r.x, r.y, r.right, r.bottom) for r in rectangles]
    return np.array(listed, np.int64).reshape(-1, 4)


def simplify(edges: Edges, size: Size, most: int) -> list[Rectangle]:
    """Cover these by at most so many rectangles inside the framebuffer.

    Up to ``most`` rectangles stay as they are, cut at the framebuffer. More are widened to the
    cells of a grid, as fine as the number allows, so that two small changes far apart still do not
    become one large one.
    """
    limits = np.array((size.width, size.height, size.width, size.height))
    cut = np.clip(edges, 0, limits)
    cut = cut[(cut[:, 0] < cut[:, 2]) & (cut[:, 1] < cut[:, 3])]
    if len(cut) <= most:
        return list(dict.fromkeys(Rectangle.from_edges(*row) for row in cut.tolist()))
    cell = _FINEST_CELL
    while len(found := list(_cells(cut, size, cell))) > most:
        cell *= 2
    return found


def row_bands(bands: Iterable[Band], gap_rows: int) -> list[Band]:
    """Sort the bands and join those that overlap or have at most so many rows between them."""
    joined: list[Band] = []
    for top, bottom in sorted(bands):
        if joined and top - joined[-1][1] <= gap_rows:
            joined[-1] = (joined[-1][0], max(joined[-1][1], bottom))
        else:
            joined.append((top, bottom))
    return joined


def _cells(edges: Edges, size: Size, cell: int) -> Iterator[Rectangle]:
    """Rectangles that cover every cell of the grid that one of these touches."""
    covered = _occupancy(edges, -(-size.width // cell), -(-size.height // cell), cell)
    open_runs: dict[Band, int] = {}  # columns of cells -> the row of cells they began in
    for row in range(len(covered) + 1):
        runs = _runs(covered[row]) if row < len(covered) else set()
        for run in [run for run in open_runs if run not in runs]:
            yield _cut(run, (open_runs.pop(run), row), cell, size)
        for run in runs:
            open_runs.setdefault(run, row)


def _occupancy(edges: Edges, columns: int, rows: int, cell: int) -> NDArray[np.bool_]:
    """(rows, columns): True where a rectangle touches the cell."""
    left, top = edges[:, 0] // cell, edges[:, 1] // cell
    right, bottom = -(-edges[:, 2] // cell), -(-edges[:, 3] // cell)
    steps = np.zeros((rows + 1, columns + 1), np.int64)
    np.add.at(steps, (top, left), 1)
    np.add.at(steps, (top, right), -1)
    np.add.at(steps, (bottom, left), -1)
    np.add.at(steps, (bottom, right), 1)
    covered: NDArray[np.bool_] = steps.cumsum(0).cumsum(1)[:rows, :columns] > 0
    return covered


def _runs(row: NDArray[np.bool_]) -> set[Band]:
    padded = np.concatenate(([False], row, [False]))
    changes = np.flatnonzero(padded[1:] != padded[:-1]).tolist()
    return set(zip(changes[::2], changes[1::2], strict=True))


def _cut(columns: Band, rows: Band, cell: int, size: Size) -> Rectangle:
    return Rectangle.from_edges(
        columns[0] * cell,
        rows[0] * cell,
        min(columns[1] * cell, size.width),
        min(rows[1] * cell, size.height),
    )
