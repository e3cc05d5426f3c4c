"""A picture as a PNG file: 8 bits RGB, no filter; small enough to need no library."""

from __future__ import annotations

import struct
import zlib

import numpy as np

from kasmcore.values.pixels import BgrxPixels

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_RGB_8 = (8, 2, 0, 0, 0)
"""Bits a channel, colour type RGB, and the only compression, filter and interlace."""


def encode_png(pixels: BgrxPixels) -> bytes:
    """Encode a picture of any size.

    Args:
        pixels: (height, width, 4) uint8, BGRX.
    """
    height, width, _ = pixels.shape
    rows = np.zeros((height, 1 + width * 3), np.uint8)  # each row begins with its filter: none
    rows[:, 1:].reshape(height, width, 3)[...] = pixels[:, :, 2::-1]
    return b"".join(
        (
            _SIGNATURE,
            _chunk(b"IHDR", struct.pack(">II5B", width, height, *_RGB_8)),
            _chunk(b"IDAT", zlib.compress(rows.tobytes())),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(data, zlib.crc32(kind))
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)
