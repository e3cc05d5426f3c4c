"""A viewer's picture: frames are decoded and painted as the browser does it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

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


class StreamDecoder(Protocol):
    """Decodes one video stream, packet after packet."""

    def decode(self, payload: bytes, width: int, height: int) -> BgrxPixels:
        """Return the picture, (height, width, 4) BGRX.

        Raises:
            ValueError: the packet is damaged, holds no picture, or one of another size.
        """


StreamDecoders = Mapping[str, Callable[[], StreamDecoder]]
"""By codec; each call starts a stream."""


class ReceivedPicture:
    """The framebuffer as one viewer knows it."""

    def __init__(
        self, decoders: Mapping[str, Decoder], stream_decoders: StreamDecoders | None = None
    ) -> None:
        self._decoders = decoders
        self._stream_decoders = stream_decoders or {}
        self._streams: dict[int, StreamDecoder] = {}
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
        self._newest = 0
        self._drawn_by: NDArray[np.uint32] = np.zeros((size.height, size.width), np.uint32)
        """Serial of the frame that drew a pixel last."""
        self._pixels = np.zeros((size.height, size.width, 4), np.uint8)
        self._qualities: NDArray[np.uint8] = np.zeros((size.height, size.width), np.uint8)

    def show(self, frame: EncodedFrame) -> None:
        """Paint all rectangles, or nothing when one cannot be decoded.

        What newer frames have painted stays as it is.

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
                self._drawn_by[place] = frame.serial
                self._newest = max(self._newest, frame.serial)
            elif pixels is not None and not _is_hidden(part):
                self._paint(place, pixels, part.quality, frame.serial)

    def _paint(
        self, place: tuple[slice, slice], pixels: BgrxPixels, quality: int, serial: int
    ) -> None:
        """Paint a rectangle, but for what a newer frame has painted."""
        if serial >= self._newest:  # quicker than pixel by pixel
            self._newest = serial
            self._pixels[place], self._qualities[place] = pixels, quality
            self._drawn_by[place] = serial
            return
        is_older = self._drawn_by[place] <= serial
        self._pixels[place][is_older] = pixels[is_older]
        self._qualities[place][is_older] = quality
        self._drawn_by[place][is_older] = serial

    def _decode(self, part: EncodedRectangle | VideoRectangle) -> BgrxPixels:
        if isinstance(part, VideoRectangle):
            return self._decode_packet(part)
        place = part.rectangle.size
        size = part.image_size or place
        try:
            pixels = self._decoders[part.codec](part.payload, size.width, size.height)
        except ValueError as error:
            raise DamagedRectangle(part.codec, str(error)[:MOST_REASON_CHARACTERS]) from error
        return pixels if size == place else stretched(pixels, place)

    def _decode_packet(self, part: VideoRectangle) -> BgrxPixels:
        """Decode the next packet of a stream; a key frame starts it, as in a browser."""
        if part.is_key:
            self._streams[part.stream] = self._stream_decoders[part.codec]()
        # Whatever goes wrong, only a key frame helps: the decoder is put back once it has worked.
        decoder = self._streams.pop(part.stream, None)
        if decoder is None:
            raise DamagedRectangle(part.codec, "the stream waits for a key frame")
        try:
            pixels = decoder.decode(part.payload, part.rectangle.width, part.rectangle.height)
        except ValueError as error:
            raise DamagedRectangle(part.codec, str(error)[:MOST_REASON_CHARACTERS]) from error
        self._streams[part.stream] = decoder
        return pixels


def _is_hidden(part: EncodedRectangle | VideoRectangle) -> bool:
    return isinstance(part, VideoRectangle) and part.is_hidden


def stretched(pixels: BgrxPixels, size: Size) -> BgrxPixels:
    """Make a picture larger by taking the nearest pixel; a browser smooths."""
    rows = np.arange(size.height) * pixels.shape[0] // size.height
    columns = np.arange(size.width) * pixels.shape[1] // size.width
    stretched: BgrxPixels = pixels[rows[:, None], columns[None, :]]
    return stretched
