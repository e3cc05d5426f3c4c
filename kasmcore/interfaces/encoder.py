"""Encoders: pixels in, bytes of one codec out."""

from __future__ import annotations

import enum
from collections.abc import Callable
from importlib.resources.abc import Traversable
from typing import Protocol

import attrs

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
    maximum_side: int = 65535
    needs: tuple[str, ...] = ()
    browser_decoder: Traversable | None = None

    def is_exact_at(self, quality: int) -> bool:
        """True when pixels encoded at this quality come back unchanged."""
        if self.exactness is Exactness.AT_QUALITY_100:
            return quality >= 100
        return self.exactness is Exactness.ALWAYS
