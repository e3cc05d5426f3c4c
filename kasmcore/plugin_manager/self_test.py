"""Try an encoder on small pictures before a session depends on it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kasmcore.errors import EncodeError
from kasmcore.interfaces.encoder import EncoderSpec
from kasmcore.values.pixels import BgrxPixels

QUALITIES = (30, 80, 100)


def sample_pictures() -> Iterator[BgrxPixels]:
    """Yield text-like and photo-like pictures: one pixel, odd sizes, and a strided view."""
    photo, text = photo_like(64, 96), _text_like(64, 96)
    for picture in (photo, text):
        yield np.ascontiguousarray(picture[:1, :1])
        yield np.ascontiguousarray(picture[:7, :13])
        yield picture[5:38, 3:20]
        yield picture


def photo_like(height: int, width: int) -> BgrxPixels:
    """Make a picture of smooth colours."""
    rows, columns = np.mgrid[0:height, 0:width]
    picture = np.zeros((height, width, 4), np.uint8)
    picture[..., 0] = 128 + 120 * np.sin(columns / 17)
    picture[..., 1] = 128 + 120 * np.cos(rows / 11)
    picture[..., 2] = (rows * columns) // 7 % 256
    return picture


def _text_like(height: int, width: int) -> BgrxPixels:
    rows, columns = np.mgrid[0:height, 0:width]
    picture = np.full((height, width, 4), 255, np.uint8)
    picture[((rows % 12) < 8) & ((columns * 7 + rows * rows) % 5 < 2)] = (40, 20, 20, 0)
    return picture


def self_test_encoder(spec: EncoderSpec) -> None:
    """Encode each picture at each quality.

    Raises:
        EncodeError: it returned no bytes or changed its input; and whatever the encoder raises.
    """
    encoder = spec.factory()
    for picture in sample_pictures():
        before = picture.copy()
        for quality in QUALITIES:
            payload = encoder.encode(picture, quality)
            height, width = picture.shape[:2]
            where = f"{width}x{height} at quality {quality}"
            if not isinstance(payload, bytes) or not payload:
                raise EncodeError(f"returned {payload!r:.40} instead of bytes", where=where)
            if not np.array_equal(before, picture):
                raise EncodeError("wrote to the pixels that it may only read", where=where)
