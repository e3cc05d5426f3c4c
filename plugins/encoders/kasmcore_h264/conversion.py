"""From BGRX to the planes that encoders take: luma and two of colour, full range, BT.601.

That is what JPEG uses, so that libturbojpeg can do it, which is twice as quick as swscale.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Protocol

import numpy as np
from av import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from kasmcore.api import BgrxPixels, EncodeError, Size

FULL_RANGE = 2
BT601_MATRIX = 6
BT709_PRIMARIES = 1
SRGB_TRANSFER = 13
"""Numbers of ISO/IEC 23091-2, as FFmpeg and the stream's VUI write them."""

_LIBRARY = "libturbojpeg.so.0"
_BGRX = 3
_SUBSAMPLING_444 = 0
_SUBSAMPLING_420 = 2


class Converter(Protocol):
    """Makes pictures of one size; used by one thread at a time."""

    def convert(self, pixels: BgrxPixels) -> VideoFrame:
        """Return the picture; it is good until the next call.

        Args:
            pixels: (height, width, 4) uint8, BGRX; may be a strided view; is only read.

        Raises:
            EncodeError: the library refused.
        """

    def close(self) -> None:
        """Give back what it holds; safe to repeat."""


ConverterFactory = Callable[[Size, bool], Converter]
"""Takes the size of the pictures and whether colours keep their full resolution."""


def coded_size(size: Size, full_chroma: bool) -> Size:
    """Size of the planes: with halved colours both sides are even."""
    if full_chroma:
        return size
    return Size(size.width + size.width % 2, size.height + size.height % 2)


def _format_name(full_chroma: bool) -> str:
    return "yuv444p" if full_chroma else "yuv420p"


class TurboJpegConverter:
    """libturbojpeg: takes views of any stride, averages colours, repeats the edge of odd sides."""

    def __init__(self, library: ctypes.CDLL, size: Size, full_chroma: bool) -> None:
        self._library = library
        self._subsampling = _SUBSAMPLING_444 if full_chroma else _SUBSAMPLING_420
        coded = coded_size(size, full_chroma)
        self._frame = VideoFrame(coded.width, coded.height, _format_name(full_chroma))
        self._frame.color_range, self._frame.colorspace = FULL_RANGE, BT601_MATRIX
        planes = self._frame.planes
        self._planes = (ctypes.c_void_p * 3)(*[plane.buffer_ptr for plane in planes])
        self._strides = (ctypes.c_int * 3)(*[plane.line_size for plane in planes])
        self._handle: int | None = library.tjInitCompress()

    def convert(self, pixels: BgrxPixels) -> VideoFrame:
        """Return the picture; always the same one, with other contents."""
        if pixels.strides[1] != 4 or pixels.strides[0] <= 0:
            pixels = np.ascontiguousarray(pixels)
        height, width = pixels.shape[:2]
        failed = self._library.tjEncodeYUVPlanes(
            self._handle,
            pixels.ctypes.data,
            width,
            pixels.strides[0],
            height,
            _BGRX,
            self._planes,
            self._strides,
            self._subsampling,
            0,
        )
        if failed:
            raise EncodeError("libturbojpeg cannot convert the picture", where="h264")
        return self._frame

    def close(self) -> None:
        """Give back libturbojpeg's handle."""
        if self._handle is not None:
            self._library.tjDestroy(self._handle)
            self._handle = None


class SwscaleConverter:
    """FFmpeg's own; copies views whose sides are odd."""

    def __init__(self, size: Size, full_chroma: bool) -> None:
        self._coded = coded_size(size, full_chroma)
        self._format = _format_name(full_chroma)
        self._reformatter = VideoReformatter()

    def convert(self, pixels: BgrxPixels) -> VideoFrame:
        """Return the picture; a new one each time."""
        height, width = pixels.shape[:2]
        if (width, height) != (self._coded.width, self._coded.height):
            missing = ((0, self._coded.height - height), (0, self._coded.width - width), (0, 0))
            pixels = np.pad(pixels, missing, mode="edge")
        elif pixels.strides[1:] != (4, 1) or pixels.strides[0] <= 0:
            pixels = np.ascontiguousarray(pixels)
        frame = self._reformatter.reformat(
            VideoFrame.from_numpy_buffer(pixels, format="bgra"),
            format=self._format,
            interpolation=Interpolation.AREA,
            src_color_range=ColorRange.JPEG,
            dst_color_range=ColorRange.JPEG,
            dst_colorspace=Colorspace.SMPTE170M,
            threads=1,
        )
        frame.color_range, frame.colorspace = FULL_RANGE, BT601_MATRIX
        return frame

    def close(self) -> None:
        """Nothing is held."""


def converter_factory() -> tuple[str, ConverterFactory]:
    """Return the library's name and what makes converters: libturbojpeg's where it is there."""
    try:
        library = ctypes.CDLL(_LIBRARY)
    except OSError:
        return "swscale", SwscaleConverter
    pointer, integer = ctypes.c_void_p, ctypes.c_int
    library.tjInitCompress.restype = pointer
    library.tjDestroy.argtypes = [pointer]
    library.tjEncodeYUVPlanes.argtypes = [
        *(pointer, pointer, integer, integer, integer, integer),
        *(ctypes.POINTER(pointer), ctypes.POINTER(integer), integer, integer),
    ]

    def make(size: Size, full_chroma: bool) -> Converter:
        return TurboJpegConverter(library, size, full_chroma)

    return "libturbojpeg", make
