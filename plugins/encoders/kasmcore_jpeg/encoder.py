"""Pixels to a JPEG image."""

from __future__ import annotations

from kasmcore.api import BgrxPixels, EncodeError, encodable_pixels
from kasmcore_jpeg.engines import Chroma, JpegEngine

MAXIMUM_SIDE = 65500
HALF_CHROMA_FROM_QUALITY = 42
FULL_CHROMA_FROM_QUALITY = 79


def chroma_for(quality: int) -> Chroma:
    """Colour resolution, with the limits of KasmVNC's table of qualities."""
    if quality >= FULL_CHROMA_FROM_QUALITY:
        return "444"
    return "422" if quality >= HALF_CHROMA_FROM_QUALITY else "420"


class JpegEncoder:
    """Baseline JPEG; the lower the quality, the coarser the colours as well."""

    def __init__(self, engine: JpegEngine) -> None:
        self._engine = engine

    def encode(self, pixels: BgrxPixels, quality: int) -> bytes:
        """Encode one rectangle.

        Args:
            pixels: (height, width, 4) uint8, BGRX; may be a strided view; is only read.
            quality: 0 to 100; JPEG has no quality 0, it is taken as 1.

        Raises:
            EncodeError: not such an array, it has no pixel or a side above 65500, or the library
                failed.
        """
        pixels = encodable_pixels("jpeg", pixels, quality, MAXIMUM_SIDE)
        try:
            return self._engine.compress(pixels, max(1, quality), chroma_for(quality))
        except (ValueError, OSError) as error:
            raise EncodeError(f"{self._engine.name} failed: {error}", where="jpeg") from error
