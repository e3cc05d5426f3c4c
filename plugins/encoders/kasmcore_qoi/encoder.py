"""Pixels to a QOI image."""

from __future__ import annotations

import numpy as np
import qoi

from kasmcore.api import BgrxPixels, encodable_pixels

OPAQUE = np.uint32(0xFF000000)


class QoiEncoder:
    """Writes pixels in the framebuffer's byte order: a QOI image with red and blue swapped.

    The browser's decoder puts them back where it writes each pixel anyway, so that no one pays
    for a conversion. The unused byte becomes 255 whatever it held.
    """

    def encode(self, pixels: BgrxPixels, quality: int) -> bytes:
        """Encode one rectangle.

        Args:
            pixels: (height, width, 4) uint8, BGRX; may be a strided view; is only read.
            quality: 0 to 100; no effect, the codec has no loss.

        Raises:
            EncodeError: not such an array, or it has no pixel.
        """
        pixels = encodable_pixels("qoi", pixels, quality)
        opaque = np.bitwise_or(pixels.view(np.uint32)[..., 0], OPAQUE, order="C")
        return qoi.encode(opaque.view(np.uint8).reshape(pixels.shape))
