"""Encoders: pixels in, bytes of one codec out."""

from __future__ import annotations

import enum
from collections.abc import Callable
from importlib.resources.abc import Traversable
from typing import Protocol

import attrs
import numpy as np

from kasmcore.errors import EncodeError
from kasmcore.values.pixels import BgrxPixels


class Exactness(enum.Enum):
    """Whether a decoder gets back the very pixels."""

    ALWAYS = "always"
    AT_QUALITY_100 = "at_quality_100"
    NEVER = "never"


class ImageEncoder(Protocol):
    """Encodes one rectangle at a time and keeps no state between calls.

    One object is used by one thread at a time; the server makes one per worker thread.
    """

    def encode(self, pixels: BgrxPixels, quality: int) -> bytes:
        """Encode one rectangle.

        Args:
            pixels: (height, width, 4) uint8, BGRX; may be a strided view; is only read.
            quality: 0 (smallest) to 100 (best; exact where the spec says so).

        Raises:
            EncodeError: it cannot be encoded; the next encoder in the list is asked.
        """


@attrs.frozen(kw_only=True)
class ContentRating:
    """A figure for each kind of content."""

    text: float
    """Text and line art."""
    picture: float
    """Photographs and video."""


@attrs.frozen(kw_only=True)
class EncoderSpec:
    """What an encoder takes, costs and promises.

    Attributes:
        codec: name of the format; YAML, wire, browser decoder and tests use the same word.
        factory: makes one encoder; called once per worker thread.
        exactness: when the decoder gets back the very pixels.
        cost_ns_per_pixel: typical CPU time on one core of today; the planner compares these.
        bits_per_pixel: typical size (lossy codecs: at quality 80; else exact).
        exact_cost_ns_per_pixel, exact_bits_per_pixel: the same at quality 100, for a codec that
            is exact only there.
        overhead_us: what each rectangle costs whatever its size, encoding and decoding together.
        releases_gil: True when encode lets other Python threads run.
        maximum_side: greatest width and height in pixels that the format can hold.
        needs: libraries that must be there, for people who read ``kasmcore plugins``.
        browser_decoder: ES module that the browser loads; None when the client already brings
            ``decoders/<codec>.js``.
    """

    codec: str
    factory: Callable[[], ImageEncoder]
    exactness: Exactness
    cost_ns_per_pixel: ContentRating
    bits_per_pixel: ContentRating
    releases_gil: bool
    exact_cost_ns_per_pixel: ContentRating | None = None
    exact_bits_per_pixel: ContentRating | None = None
    overhead_us: float = 0.0
    maximum_side: int = 65535
    needs: tuple[str, ...] = ()
    browser_decoder: Traversable | None = None

    def is_exact_at(self, quality: int) -> bool:
        """True when pixels encoded at this quality come back unchanged."""
        if self.exactness is Exactness.AT_QUALITY_100:
            return quality >= 100
        return self.exactness is Exactness.ALWAYS


def encodable_pixels(
    codec: str, pixels: BgrxPixels, quality: int, maximum_side: int = 65535
) -> BgrxPixels:
    """Check what an encoder was given; the first line of every ``encode``.

    Returns:
        The pixels, not copied unless the four bytes of a pixel lie apart; so
        ``.view(numpy.uint32)[..., 0]`` works on them.

    Raises:
        EncodeError: not (height, width, 4) uint8, without a pixel, larger than ``maximum_side``,
            or the quality is not within 0 to 100.
    """
    if pixels.ndim != 3 or pixels.shape[2] != 4 or pixels.dtype != np.uint8:
        raise EncodeError(
            f"an array {pixels.shape} of {pixels.dtype} is not (height, width, 4) uint8",
            where=codec,
        )
    height, width = pixels.shape[:2]
    if not (0 < width <= maximum_side and 0 < height <= maximum_side):
        raise EncodeError(
            f"{width}x{height} pixels cannot be encoded, sides are 1 to {maximum_side}", where=codec
        )
    if not 0 <= quality <= 100:
        raise EncodeError(f"quality {quality} is not within 0 to 100", where=codec)
    return pixels if pixels.strides[2] == 1 else np.ascontiguousarray(pixels)
