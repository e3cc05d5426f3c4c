"""Pictures made smaller, for image video mode: KasmVNC's three ways of doing it.

Colours are worked on two at a time: the even bytes of a pixel's word in one array, the odd ones in
another, each with 16 bits of room.
"""

from __future__ import annotations

import enum

import attrs
import numpy as np
from numpy.typing import NDArray

from kasmcore.values.geometry import Size
from kasmcore.values.pixels import BgrxPixels

Words = NDArray[np.uint32]
"""(height, width): one BGRX pixel each."""

_ALTERNATE_BYTES = np.uint32(0x00FF00FF)
_HALF_BYTES = np.uint32(0x7F7F7F7F)
_WEIGHT_BITS = np.uint32(8)
_WHOLE_WEIGHT = 256
_BAND_ROWS = 32
"""So many rows of the result at a time, so that the work stays in the processor's cache."""


class ScalingAlgorithm(enum.Enum):
    """How a picture is made smaller; the names are those of the YAML."""

    NEAREST = "nearest"
    BILINEAR = "bilinear"
    PROGRESSIVE_BILINEAR = "progressive_bilinear"


@attrs.frozen
class Scaling:
    """A picture is to be encoded in another size; the viewer stretches it back."""

    size: Size
    algorithm: ScalingAlgorithm


def fitting_share(framebuffer: Size, largest: Size) -> float:
    """How much smaller each side has to be so that the framebuffer fits; 1 when it does."""
    return min(1.0, largest.width / framebuffer.width, largest.height / framebuffer.height)


def scaled_size(size: Size, share: float) -> Size:
    """Size of a part of a framebuffer whose sides are made so much smaller."""
    return Size(max(1, round(size.width * share)), max(1, round(size.height * share)))


def scale_pixels(pixels: BgrxPixels, scaling: Scaling) -> BgrxPixels:
    """Make a picture smaller (or larger, where rounding asks for it).

    Args:
        pixels: (height, width, 4) uint8, BGRX; may be a strided view; is only read.
        scaling: the size it gets, and how.

    Returns: new pixels of that size; the picture itself when it has that size.
    """
    words = pixels.view(np.uint32)[..., 0]
    size = scaling.size
    if scaling.algorithm is ScalingAlgorithm.NEAREST:
        scaled = _nearest(words, size)
    else:
        if scaling.algorithm is ScalingAlgorithm.PROGRESSIVE_BILINEAR:
            while words.shape[0] >= 2 * size.height and words.shape[1] >= 2 * size.width:
                words = _halved(words)
        scaled = words if words.shape == (size.height, size.width) else _bilinear(words, size)
    return scaled.view(np.uint8).reshape(*scaled.shape, 4)


def _nearest(words: Words, size: Size) -> Words:
    rows = _middles(words.shape[0], size.height).astype(np.intp)
    columns = _middles(words.shape[1], size.width).astype(np.intp)
    return np.ascontiguousarray(words[rows[:, None], columns[None, :]])


def _halved(words: Words) -> Words:
    """Mean of each two by two pixels; an odd last row or column is left out."""
    height, width = words.shape[0] // 2, words.shape[1] // 2
    result: Words = np.empty((height, width), np.uint32)
    for top in range(0, height, _BAND_ROWS):
        band = words[2 * top : 2 * min(top + _BAND_ROWS, height), : 2 * width]
        upright = _mean(band[::2], band[1::2])
        result[top : top + _BAND_ROWS] = _mean(upright[:, ::2], upright[:, 1::2])
    return result


def _mean(first: Words, second: Words) -> Words:
    """Mean of each byte, rounded down."""
    mean: Words = (first & second) + (((first ^ second) >> np.uint32(1)) & _HALF_BYTES)
    return mean


def _bilinear(words: Words, size: Size) -> Words:
    """Each pixel from the four nearest to its middle."""
    top, bottom, down = _neighbours(words.shape[0], size.height)
    left, right, across = _neighbours(words.shape[1], size.width)
    result: Words = np.empty((size.height, size.width), np.uint32)
    for start in range(0, size.height, _BAND_ROWS):
        band = slice(start, start + _BAND_ROWS)
        rows = _between(words[top[band]], words[bottom[band]], down[band, None])
        result[band] = _between(rows[:, left], rows[:, right], across[None, :])
    return result


def _between(first: Words, second: Words, weight: Words) -> Words:
    """Between two pictures: ``weight`` of 256 parts of the second."""
    rest = np.uint32(_WHOLE_WEIGHT) - weight
    even = (first & _ALTERNATE_BYTES) * rest + (second & _ALTERNATE_BYTES) * weight
    odd = ((first >> _WEIGHT_BITS) & _ALTERNATE_BYTES) * rest
    odd += ((second >> _WEIGHT_BITS) & _ALTERNATE_BYTES) * weight
    mixed: Words = ((even >> _WEIGHT_BITS) & _ALTERNATE_BYTES) | (odd & ~_ALTERNATE_BYTES)
    return mixed


def _middles(length: int, scaled: int) -> NDArray[np.float64]:
    """Where the middles of the new pixels lie among the old ones."""
    return np.asarray((np.arange(scaled) + 0.5) * (length / scaled), np.float64)


def _neighbours(length: int, scaled: int) -> tuple[NDArray[np.intp], NDArray[np.intp], Words]:
    """The two old pixels beside each new one, and the weight of the second in 256 parts."""
    places = np.clip(_middles(length, scaled) - 0.5, 0, length - 1)
    first = places.astype(np.intp)
    second = np.minimum(first + 1, length - 1)
    weight: Words = np.round((places - first) * _WHOLE_WEIGHT).astype(np.uint32)
    return first, second, weight
