"""Decoders in Python for the codecs of the built-in encoders, as the browser's decoders do it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import qoi
import simplejpeg  # type: ignore[import-untyped]
import webp
from isal import igzip_lib

from kasmcore.values.pixels import BgrxPixels

Decoder = Callable[[bytes, int, int], BgrxPixels]
"""Takes payload, width and height; gives (height, width, 4) BGRX; ValueError if they disagree."""

_STORED = 0
_DEFLATED = 1


def decode_deflate(payload: bytes, width: int, height: int) -> BgrxPixels:
    """Decode ``deflate``: a byte for the format, then BGRX as it is or as a raw deflate stream."""
    if not payload or payload[0] not in (_STORED, _DEFLATED):
        raise ValueError(f"unknown deflate format in {payload[:1]!r}")
    data: bytes | memoryview = memoryview(payload)[1:]
    if payload[0] == _DEFLATED:
        try:
            data = igzip_lib.decompress(data, igzip_lib.COMP_DEFLATE, 15, width * height * 4)
        except igzip_lib.IsalError as error:  # type: ignore[misc]  # isal declares it wrongly
            raise ValueError(f"damaged deflate stream: {error}") from error
    if len(data) != width * height * 4:
        raise ValueError(f"{len(data)} bytes are no BGRX of {width}x{height}")
    return np.frombuffer(data, np.uint8).reshape(height, width, 4)


def decode_jpeg(payload: bytes, width: int, height: int) -> BgrxPixels:
    """Decode ``jpeg``."""
    return _sized(simplejpeg.decode_jpeg(payload, "BGRX"), width, height)


def decode_webp(payload: bytes, width: int, height: int) -> BgrxPixels:
    """Decode ``webp``, with or without loss."""
    try:
        pixels = webp.WebPData.from_buffer(payload).decode(webp.WebPColorMode.BGRA)
    except webp.WebPError as error:
        raise ValueError(f"damaged WebP image: {error}") from error
    return _sized(pixels, width, height)


def decode_qoi(payload: bytes, width: int, height: int) -> BgrxPixels:
    """Decode ``qoi``, whose images hold blue, green, red in this order."""
    try:
        pixels = qoi.decode(payload, channels=4)
    except RuntimeError as error:
        raise ValueError(f"damaged QOI image: {error}") from error
    return _sized(pixels, width, height)


def _sized(pixels: BgrxPixels, width: int, height: int) -> BgrxPixels:
    if pixels.shape != (height, width, 4):
        raise ValueError(f"the image is {pixels.shape[1]}x{pixels.shape[0]}, not {width}x{height}")
    return pixels


DECODERS: Mapping[str, Decoder] = {
    "deflate": decode_deflate,
    "jpeg": decode_jpeg,
    "webp": decode_webp,
    "qoi": decode_qoi,
}
"""By codec; tests of a plugin add its own to a copy."""
