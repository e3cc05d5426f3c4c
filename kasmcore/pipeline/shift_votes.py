"""How far the content of a band of pixels went along it: rows seen before vote by their hashes.

A hash stands for 16 rows of the band, so that one line of text tells from the next, and only those
that occur once before have a vote: blank and repeated rows say nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kasmcore.pipeline.pixel_words import FramePair
from kasmcore.values.geometry import Rectangle

_ROWS_HASHED = 16
_MIXERS = tuple(
    np.uint64(mixer)
    for mixer in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93)
)
"""Odd numbers without a pattern; one for each doubling of the rows that a hash stands for."""
_WEIGHTS = np.random.default_rng(20).integers(2**63, size=256, dtype=np.uint64) * 2 + 1
_PLACE_BITS = np.uint64(16)
_PLACE_MASK = np.uint64(0xFFFF)
_MOST_VOTERS = 128
_FEWEST_VOTES = 3

Hashes = NDArray[np.uint64]


def vertical_shift(frames: FramePair, band: Rectangle) -> int | None:
    """How far the content of a narrow upright band went down.

    Args:
        frames: before and after.
        band: at most 256 pixels wide.

    Returns: None when no distance has votes enough; a guess otherwise, not 0.
    """
    if frames.compiled is not None:
        return _shift(frames.compiled.row_hashes(band, _WEIGHTS, frames.word_bytes(band)))
    hashes = np.empty((2, band.height), np.uint64)
    for row, words in zip(hashes, frames.words(band), strict=True):
        row[:] = words @ _WEIGHTS[: words.shape[1]].astype(words.dtype)
    return _shift(hashes)


def horizontal_shift(frames: FramePair, band: Rectangle) -> int | None:
    """How far the content of a low lying band, at most 256 rows, went to the right; as above."""
    if frames.compiled is not None:
        return _shift(frames.compiled.column_hashes(band, _WEIGHTS))
    hashes = np.empty((2, band.width), np.uint64)
    for row, pixels in zip(hashes, frames.pixels(band), strict=True):
        weights = _WEIGHTS[: band.height].astype(np.uint32)
        mixed = pixels[0] * weights[0]
        for line, weight in zip(pixels[1:], weights[1:], strict=False):
            mixed += line * weight
        row[:] = mixed
    return _shift(hashes)


def _shift(hashes: Hashes) -> int | None:
    """The distance that most votes name, from the hashes of single rows (before, after)."""
    if hashes.shape[1] < 2 * _ROWS_HASHED:
        return None
    for doubling, mixer in enumerate(_MIXERS):
        reach = 1 << doubling
        hashes = hashes[:, :-reach] * mixer + hashes[:, reach:]
    before, after = hashes & ~_PLACE_MASK
    count = before.size
    known = np.sort(before | np.arange(count, dtype=np.uint64))
    step = max(1, count // _MOST_VOTERS)
    voters = after[::step]
    at = np.searchsorted(known, voters)
    known = np.append(known, (np.uint64(0), np.uint64(0)))
    is_seen_once = (known[at] & ~_PLACE_MASK == voters) & (known[at + 1] & ~_PLACE_MASK != voters)
    came_from = (known[at] & _PLACE_MASK).astype(np.int64)
    distances = (np.arange(0, count, step) - came_from)[is_seen_once]
    distances = distances[distances != 0]
    if distances.size < _FEWEST_VOTES:
        return None
    votes = np.bincount(distances + count)
    winner = int(votes.argmax())
    return winner - count if votes[winner] >= _FEWEST_VOTES else None
