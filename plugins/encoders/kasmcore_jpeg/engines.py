"""The two libraries that can write JPEG; both are libjpeg-turbo inside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import attrs
import numpy as np
import simplejpeg  # type: ignore[import-untyped]
import turbojpeg  # type: ignore[import-untyped]

from kasmcore.api import BgrxPixels

Chroma = Literal["420", "422", "444"]


@attrs.frozen
class JpegEngine:
    """One library, ready to use from any thread."""

    name: str
    """What ``kasmcore plugins`` shows."""
    compress: Callable[[BgrxPixels, int, Chroma], bytes]
    """Pixels, quality 1 to 100 and chroma to JPEG; ValueError or OSError if it fails."""


def open_engine() -> JpegEngine:
    """PyTurboJPEG where the system has libturbojpeg, else simplejpeg, which brings its own."""
    try:
        return turbojpeg_engine()
    except (OSError, RuntimeError):  # the library is missing, or of a version it does not take
        return simplejpeg_engine()


def turbojpeg_engine() -> JpegEngine:
    """PyTurboJPEG on the system's libturbojpeg.

    Raises: ``RuntimeError`` or ``OSError`` when that library cannot be used.
    """
    library = turbojpeg.TurboJPEG()  # looks for the library with a subprocess: once is enough
    subsampling = {
        "420": turbojpeg.TJSAMP_420,
        "422": turbojpeg.TJSAMP_422,
        "444": turbojpeg.TJSAMP_444,
    }

    def compress(pixels: BgrxPixels, quality: int, chroma: Chroma) -> bytes:
        encoded: bytes = library.encode(
            pixels,
            quality=quality,
            pixel_format=turbojpeg.TJPF_BGRX,
            jpeg_subsample=subsampling[chroma],
        )
        return encoded

    return JpegEngine("PyTurboJPEG", compress)


def simplejpeg_engine() -> JpegEngine:
    """Simplejpeg, which carries libjpeg-turbo in its wheel and reads tiles without a copy."""

    def compress(pixels: BgrxPixels, quality: int, chroma: Chroma) -> bytes:
        rows_are_whole = pixels.strides[1] == 4 and pixels.strides[0] > 0
        readable = pixels if rows_are_whole else np.ascontiguousarray(pixels)
        encoded: bytes = simplejpeg.encode_jpeg(readable, quality, "BGRX", chroma)
        return encoded

    return JpegEngine("simplejpeg", compress)
