"""Stream encoders: the pictures of one moving rectangle in, packets of a video codec out."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources.abc import Traversable
from typing import Protocol

import attrs

from kasmcore.values.geometry import Size
from kasmcore.values.pixels import BgrxPixels


@attrs.frozen(kw_only=True)
class StreamSettings:
    """What a video stream should be like; all but the size and the chroma may change while it runs.

    Attributes:
        size: of every picture; the encoder pads what its format cannot hold (odd sides) and the
            decoder is given the picture's own size.
        frame_rate: most pictures a second that will come; fewer may.
        quality: 0 to 99, as for images: what it should look like when the bits allow it.
        most_bits_per_s: what the stream may take on average over about half a second; never zero.
        full_chroma: True for 4:4:4, where thin coloured lines stay sharp.
        effort: 0 (fastest) to 100 (smallest); each encoder translates it to its presets.
    """

    size: Size
    frame_rate: float
    quality: int
    most_bits_per_s: float
    full_chroma: bool = False
    effort: int = 30


@attrs.frozen
class StreamPacket:
    """One encoded picture."""

    payload: bytes
    is_key: bool
    """It can be decoded without the packets before it."""


class StreamEncoder(Protocol):
    """Encodes the pictures of one rectangle, each against those before it.

    Used by one thread at a time, not always the same one. No picture is held back: each call
    returns the packet of its own picture. Key frames come at the start and on request only.
    """

    def encode(self, pixels: BgrxPixels, *, key_frame: bool) -> StreamPacket:
        """Encode the next picture.

        Args:
            pixels: (height, width, 4) uint8, BGRX, of the stream's size; may be a strided view; is
                only read, and only during the call.
            key_frame: True: the packet must not need those before it.

        Raises:
            EncodeError: it cannot be encoded; the stream is closed and images take its place.
        """

    def reconfigure(self, settings: StreamSettings) -> None:
        """Follow new settings from the next picture on, without a key frame where that is possible.

        Raises:
            EncodeError: size or chroma are others than those it was opened with.
        """

    def close(self) -> None:
        """Give back what it holds; safe to repeat."""


@attrs.frozen(kw_only=True)
class StreamEncoderSpec:
    """What a stream encoder takes, costs and promises.

    Attributes:
        codec: name of the format; YAML, wire, browser decoder and tests use the same word.
        open: opens one stream; raises EncodeError when it cannot be had.
        cost_ns_per_pixel: typical time of one picture, conversion included.
        releases_gil: True when encode lets other Python threads run.
        has_full_chroma: True when ``StreamSettings.full_chroma`` is possible.
        maximum_side: greatest width and height.
        smallest_side: least width and height.
        needs: libraries that must be there, for people who read ``kasmcore plugins``.
        browser_decoder: ES module that the browser loads; None when the client already brings
            ``decoders/<codec>.js``.
    """

    codec: str
    open: Callable[[StreamSettings], StreamEncoder]
    cost_ns_per_pixel: float
    releases_gil: bool
    has_full_chroma: bool = False
    maximum_side: int = 4096
    smallest_side: int = 32
    needs: tuple[str, ...] = ()
    browser_decoder: Traversable | None = None
