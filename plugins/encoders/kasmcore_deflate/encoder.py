"""Pixels to a deflate stream.

The payload is one byte for the format, then the data:

====== ==============================================================
byte   data
====== ==============================================================
0      the pixels as they are: BGRX, the unused byte is 255
1      the same, as a raw deflate stream (RFC 1951, no header, no sum)
====== ==============================================================
"""

from __future__ import annotations

import numpy as np
from isal import igzip_lib

from kasmcore.api import BgrxPixels, encodable_pixels

STORED = b"\x00"
DEFLATED = b"\x01"
OPAQUE = np.uint32(0xFF000000)
STORED_UP_TO_PIXELS = 64
"""Up to here the browser shows stored pixels sooner than it starts to inflate (about 60 us)."""
LEVEL = 1
"""Of 0 to 3. On text 0 is no quicker and 15 % larger; 3 is 1 % smaller at six times the cost."""


class DeflateEncoder:
    """Deflates the pixels as they lie: predictors and packing cost more than they save on text."""

    def encode(self, pixels: BgrxPixels, quality: int) -> bytes:
        """Encode one rectangle.

        Args:
            pixels: (height, width, 4) uint8, BGRX; may be a strided view; is only read.
            quality: 0 to 100; no effect, the codec has no loss.

        Raises:
            EncodeError: not such an array, or it has no pixel.
        """
        pixels = encodable_pixels("deflate", pixels, quality)
        opaque = np.bitwise_or(pixels.view(np.uint32)[..., 0], OPAQUE, order="C")
        if opaque.size > STORED_UP_TO_PIXELS:
            deflated = igzip_lib.compress(opaque, LEVEL, igzip_lib.COMP_DEFLATE)
            if len(deflated) < opaque.nbytes:
                return DEFLATED + deflated
        return STORED + opaque.tobytes()
