"""From a mask of tiles to the few rectangles that hold most of it."""

from __future__ import annotations

import attrs
import numpy as np
from numpy.typing import NDArray

from kasmcore.kernels import CompiledMask
from kasmcore.pipeline.tiles import TileMask, runs_of
from kasmcore.values.geometry import Rectangle

_LEAST_EDGE_SHARE = 0.35
"""A row or column at the edge that holds less of the mask is left out."""


def share_of(mask: TileMask, tiles: Rectangle) -> float:
    """Share of a rectangle's tiles that are in the mask; 0 for an empty rectangle."""
    return float(mask[tiles.rows, tiles.columns].mean()) if not tiles.is_empty() else 0.0


def dense_rectangles(mask: TileMask, least_share: float, least_tiles: int) -> list[Rectangle]:
    """Rectangles round neighbouring tiles of the mask, in tiles, the largest first.

    Tiles with one other between them are neighbours. Thin outgrowths are left out; what then
    holds fewer tiles of the mask, or a smaller share, is no rectangle.
    """
    found: list[Rectangle] = []
    compiled = CompiledMask.of(mask)
    for group in compiled.groups() if compiled is not None else _groups(mask):
        if group.area < least_tiles:
            continue
        box = _without_sparse_edges(mask, group)
        part = mask[box.rows, box.columns]
        if np.count_nonzero(part) >= least_tiles and part.mean() >= least_share:
            found.append(box)
    found.sort(key=lambda box: (-box.area, box.y, box.x))
    disjoint: list[Rectangle] = []
    for box in found:
        if not any(box.overlaps(other) for other in disjoint):
            disjoint.append(box)
    return disjoint


def bounding_box(first: Rectangle, second: Rectangle) -> Rectangle:
    """The smallest rectangle that holds both."""
    return Rectangle.from_edges(
        min(first.x, second.x),
        min(first.y, second.y),
        max(first.right, second.right),
        max(first.bottom, second.bottom),
    )


def _without_sparse_edges(mask: TileMask, box: Rectangle) -> Rectangle:
    """Cut back until every edge holds enough of the mask."""
    while not box.is_empty():
        part = mask[box.rows, box.columns]
        top, bottom = _dense_span(part.mean(axis=1))
        left, right = _dense_span(part[top:bottom].mean(axis=0)) if bottom > top else (0, 0)
        cut = Rectangle.from_edges(box.x + left, box.y + top, box.x + right, box.y + bottom)
        if cut == box:
            break
        box = cut
    return box


def _dense_span(shares: NDArray[np.float64]) -> tuple[int, int]:
    """First and last + 1 of those that are dense; (0, 0) when none is."""
    dense = np.flatnonzero(shares >= _LEAST_EDGE_SHARE)
    return (int(dense[0]), int(dense[-1]) + 1) if dense.size else (0, 0)


@attrs.define
class _Run:
    """Neighbouring tiles of one row, and the group that they belong to."""

    left: int
    right: int
    group: int


def _groups(mask: TileMask) -> list[Rectangle]:
    """Bounding boxes of the groups of neighbouring tiles."""
    boxes: dict[int, Rectangle] = {}
    parents: list[int] = []

    def root(group: int) -> int:
        while parents[group] != group:
            group = parents[group]
        return group

    rows: list[list[_Run]] = []
    for row in range(mask.shape[0]):
        runs = [_Run(left, right, -1) for left, right in runs_of(mask[row], bridging=1)]
        for run in runs:
            near = [other for above in rows[-2:] for other in above if _touch(run, other)]
            roots = sorted({root(other.group) for other in near})
            if not roots:
                roots = [len(parents)]
                parents.append(len(parents))
            run.group = roots[0]
            box = Rectangle.from_edges(run.left, row, run.right, row + 1)
            for merged in roots:
                parents[merged] = run.group
                box = bounding_box(box, boxes.pop(merged, box))
            boxes[run.group] = box
        rows.append(runs)
    return list(boxes.values())


def _touch(run: _Run, other: _Run) -> bool:
    return run.left <= other.right + 1 and other.left <= run.right + 1
