"""Try a stream encoder on a few pictures before a session depends on it."""

from __future__ import annotations

import numpy as np

from kasmcore.errors import EncodeError
from kasmcore.interfaces.stream_encoder import (
    StreamEncoder,
    StreamEncoderSpec,
    StreamPacket,
    StreamSettings,
)
from kasmcore.plugin_manager.self_test import photo_like
from kasmcore.values.geometry import Size
from kasmcore.values.pixels import BgrxPixels

_SIZES = (Size(96, 64), Size(85, 49))
"""The sides of the second one are odd, and its pictures are views into larger ones."""
_KEY_FRAMES = (True, False, True, False)
"""Asked for before each picture."""


def self_test_stream_encoder(spec: StreamEncoderSpec) -> None:
    """Encode a few pictures of an even and of an odd size, with new settings on the way.

    Raises:
        EncodeError: a packet is not as promised, or the input was changed; and whatever the encoder
            raises.
    """
    least = spec.smallest_side
    for full_chroma in (False, True) if spec.has_full_chroma else (False,):
        for size in _SIZES:
            settings = StreamSettings(
                size=Size(max(size.width, least), max(size.height, least)),
                frame_rate=30.0,
                quality=60,
                most_bits_per_s=2e6,
                full_chroma=full_chroma,
            )
            encoder = spec.open(settings)
            try:
                _encode_pictures(encoder, settings)
            finally:
                encoder.close()
                encoder.close()


def _encode_pictures(encoder: StreamEncoder, settings: StreamSettings) -> None:
    size = settings.size
    whole = photo_like(size.height + 8, size.width + 5)
    for number, key_frame in enumerate(_KEY_FRAMES):
        pixels = whole[number : number + size.height, 3 : 3 + size.width]
        before = pixels.copy()
        packet = encoder.encode(pixels, key_frame=key_frame)
        _check(packet, must_be_key=key_frame, where=f"picture {number + 1} of a stream of {size}")
        if not np.array_equal(before, pixels):
            raise EncodeError("wrote to the pixels that it may only read", where=f"stream {size}")
    changed = StreamSettings(
        size=size,
        frame_rate=settings.frame_rate,
        quality=30,
        most_bits_per_s=1e6,
        full_chroma=settings.full_chroma,
    )
    encoder.reconfigure(changed)
    _check(encoder.encode(_first(whole, size), key_frame=False), must_be_key=False, where="reconf")


def _first(whole: BgrxPixels, size: Size) -> BgrxPixels:
    return whole[: size.height, : size.width]


def _check(packet: object, *, must_be_key: bool, where: str) -> None:
    if not isinstance(packet, StreamPacket) or not isinstance(packet.payload, bytes):
        raise EncodeError(f"returned {packet!r:.40} instead of a packet of bytes", where=where)
    if not packet.payload:
        raise EncodeError("returned a packet without bytes", where=where)
    if must_be_key and not packet.is_key:
        raise EncodeError("returned no key frame where one was asked for", where=where)
