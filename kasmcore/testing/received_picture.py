"""A viewer's picture: frames are decoded and painted as the browser does it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from kasmcore.testing.reference_decoders import Decoder
from kasmcore.values.frames import (
    CopiedRectangle,
    EncodedFrame,
    EncodedRectangle,
    VideoRectangle,
)
from kasmcore.values.geometry import Rectangle, Size
from kasmcore.values.pixels import BgrxPixels

EXACT = 100
MOST_REASON_CHARACTERS = 60


class DamagedRectangle(Exception):
    """A payload that its decoder does not take."""

    def __init__(self, codec: str, reason: str) -> None:
        self.codec = codec
        self.reason = reason
        super().__init__(f"{codec}: {reason}")


class ReceivedPicture:
    """The framebuffer as one viewer knows it."""

    def __init__(self, decoders: Mapping[str, Decoder]) -> None:
        self._decoders = decoders
        self.clear(Size(1, 1))

    @property
    def pixels(self) -> BgrxPixels:
        """(height, width, 4) BGRX; changed in place by frames, replaced when the size changes."""
        return self._pixels

    @property
    def size(self) -> Size:
        """Size of the framebuffer."""
        return Size(width=self._pixels.shape[1], height=self._pixels.shape[0])

    @property
    def is_exact(self) -> bool:
        """True when every pixel came without loss."""
        return bool((self._qualities == EXACT).all())

    def clear(self, size: Size) -> None:
        """Start from black."""
        self._pixels = np.zeros((size.height, size.width, 4), np.uint8)
        self._qualities: NDArray[np.uint8] = np.zeros((size.height, size.width), np.uint8)

    def show(self, frame: EncodedFrame) -> None:
        """Paint all rectangles, or nothing when one cannot be decoded.

        Raises:
            DamagedRectangle: one cannot be decoded.
        """
        decoded = [
            (part, None if isinstance(part, CopiedRectangle) else self._decode(part))
            for part in frame.rectangles
        ]
        if frame.size != self.size:
            self.clear(frame.size)
        for part, pixels in decoded:
            place = part.rectangle.rows, part.rectangle.columns
            if isinstance(part, CopiedRectangle):
                area = part.rectangle.size
                source = Rectangle(part.source_x, part.source_y, area.width, area.height)
                for array in (self._pixels, self._qualities):
                    array[place] = array[source.rows, source.columns].copy()
            elif pixels is not None:
                self._pixels[place] = pixels
                self._qualities[place] = part.quality

    def _decode(self, part: EncodedRectangle | VideoRectangle) -> BgrxPixels:
        if isinstance(part, VideoRectangle):
            raise DamagedRectangle(part.codec, "video streams are not decoded here")
        place = part.rectangle.size
        size = part.image_size or place
        try:
            pixels = self._decoders[part.codec](part.payload, size.width, size.height)
        except ValueError as error:
            raise DamagedRectangle(part.codec, str(error)[:MOST_REASON_CHARACTERS]) from error
        return pixels if size == place else stretched(pixels, place)


def stretched(pixels: BgrxPixels, size: Size) -> BgrxPixels:
    """Make a picture larger by taking the nearest pixel; a browser smooths."""
    rows = np.arange(size.height) * pixels.shape[0] // size.height
    columns = np.arange(size.width) * pixels.shape[1] // size.width
    stretched: BgrxPixels = pixels[rows[:, None], columns[None, :]]
    return stretched
