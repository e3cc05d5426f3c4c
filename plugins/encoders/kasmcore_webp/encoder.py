"""Pixels to a WebP image, with or without loss."""

from __future__ import annotations

import numpy as np
import webp

from kasmcore.api import BgrxPixels, EncodeError, RgbaPixels, encodable_pixels

MAXIMUM_SIDE = 16383
OPAQUE = np.uint32(0xFF000000)
SAMPLED_ROWS = 8
"""Every how many rows is looked at to tell line art from a picture."""


class WebpEncoder:
    """Lossy with libwebp's quickest method; without loss at quality 100."""

    def __init__(self) -> None:
        self._exact_line_art = webp.WebPConfig.new(lossless=True, quality=0, method=1)
        self._exact_picture = webp.WebPConfig.new(lossless=True, quality=0, method=0)
        self._lossy = webp.WebPConfig.new(method=0)

    def encode(self, pixels: BgrxPixels, quality: int) -> bytes:
        """Encode one rectangle.

        Args:
            pixels: (height, width, 4) uint8, BGRX; may be a strided view; is only read.
            quality: 0 to 99 lossy; 100 gives back the very pixels.

        Raises:
            EncodeError: not such an array, it has no pixel or a side above 16383, or libwebp
                failed.
        """
        pixels = encodable_pixels("webp", pixels, quality, MAXIMUM_SIDE)
        picture = webp.WebPPicture.from_numpy(_opaque_rgba(pixels))
        try:
            return bytes(picture.encode(self._config_for(pixels, quality)).buffer())
        except (webp.WebPError, AttributeError) as error:
            # AttributeError: webp 0.4 looks for the error's number in a field that is not there
            raise EncodeError("libwebp cannot encode the picture", where="webp") from error

    def _config_for(self, pixels: BgrxPixels, quality: int) -> webp.WebPConfig:
        if quality < 100:
            self._lossy.quality = float(quality)
            return self._lossy
        return self._exact_line_art if _is_line_art(pixels) else self._exact_picture


def _is_line_art(pixels: BgrxPixels) -> bool:
    """Whether most pixels equal their left neighbour.

    Method 1 makes such pictures a third smaller than method 0, at twice the time; photographs
    gain a sixth at four times the time.
    """
    rows = np.bitwise_or(pixels[::SAMPLED_ROWS].view(np.uint32)[..., 0], OPAQUE)
    equal = int(np.count_nonzero(rows[:, 1:] == rows[:, :-1]))
    return 2 * equal >= rows[:, 1:].size


def _opaque_rgba(pixels: BgrxPixels) -> RgbaPixels:
    """Copy to contiguous RGBA with alpha 255, in two passes of whole words.

    Each word BGRA, turned round, reads ARGB; from the second byte on that is R, G, B and the next
    pixel's A. All A are equal, so one more 255 at the end makes it whole.
    """
    count = pixels.shape[0] * pixels.shape[1]
    words = np.empty(count + 1, np.uint32)
    turned = words[:count].reshape(pixels.shape[:2])
    np.bitwise_or(pixels.view(np.uint32)[..., 0], OPAQUE, out=turned)
    turned.byteswap(inplace=True)
    words[count] = 0xFF
    return words.view(np.uint8)[1 : 1 + 4 * count].reshape(pixels.shape)
