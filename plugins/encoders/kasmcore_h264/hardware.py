"""Which encoder is used: a graphics card's when a test proves that it can, else x264."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np

from kasmcore.api import BgrxPixels, EncodeError, Size, StreamSettings
from kasmcore_h264.conversion import ConverterFactory
from kasmcore_h264.engines import NVENC, Engine, vaapi
from kasmcore_h264.settings import H264Settings
from kasmcore_h264.stream import H264Stream

logger = logging.getLogger("kasmcore.h264")

_SIZE = Size(320, 240)
_PICTURES = 3
_MOST_DIFFERENCE = 12.0
"""Mean, of 255: more means that the colours are wrong."""


def find_hardware(settings: H264Settings, make_converter: ConverterFactory) -> Engine | None:
    """Return the first hardware encoder that passes a test; None when there is none."""
    level = av.logging.get_level()
    av.logging.set_level(av.logging.FATAL)  # puts what FFmpeg says into its exceptions
    try:
        for engine in _candidates(settings):
            reason = _fault_of(engine, make_converter)
            if not reason:
                return engine
            logger.debug("h264: %s is not used: %s", engine.title, reason)
    finally:
        av.logging.set_level(level)
    return None


def _candidates(settings: H264Settings) -> Iterator[Engine]:
    if settings.hardware == "never":
        return
    for engine in (NVENC, vaapi(settings.device)):
        if engine.name not in av.codecs_available:
            logger.debug("h264: %s is not used: FFmpeg was built without it", engine.title)
        elif engine.device and not Path(engine.device).exists():
            logger.debug("h264: %s is not used: there is no %s", engine.title, engine.device)
        else:
            yield engine


def _fault_of(engine: Engine, make_converter: ConverterFactory) -> str:
    """Encode a few pictures and decode them; return what is wrong, empty when nothing is."""
    settings = StreamSettings(size=_SIZE, frame_rate=30, quality=90, most_bits_per_s=20e6)
    try:
        stream = H264Stream(settings, engine, make_converter, None)
    except EncodeError as error:
        return str(error)
    try:
        pictures = [_test_picture(number) for number in range(_PICTURES)]
        wanted = [number != 1 for number in range(_PICTURES)]
        packets = [
            stream.encode(picture, key_frame=key)
            for picture, key in zip(pictures, wanted, strict=True)
        ]
    except EncodeError as error:
        return str(error)
    finally:
        stream.close()
    if [packet.is_key for packet in packets] != wanted:
        return "key frames do not come when they are asked for"
    shown = _decoded([packet.payload for packet in packets])
    if len(shown) != _PICTURES:
        return f"of {_PICTURES} pictures {len(shown)} can be decoded"
    differences = [
        float(np.abs(one[..., :3].astype(int) - other[..., :3]).mean())
        for one, other in zip(shown, pictures, strict=True)
    ]
    return "" if max(differences) <= _MOST_DIFFERENCE else f"pictures are off by {differences}"


def _decoded(payloads: list[bytes]) -> list[BgrxPixels]:
    decoder = av.CodecContext.create("h264", "r")
    frames = [frame for payload in payloads for frame in decoder.decode(av.Packet(payload))]
    frames += decoder.decode(None)
    return [frame.to_ndarray(format="bgra").astype(np.uint8, copy=False) for frame in frames]


def _test_picture(number: int) -> BgrxPixels:
    """Plain red, green and blue in smooth shades, brighter from picture to picture."""
    picture = np.zeros((_SIZE.height, _SIZE.width, 4), np.uint8)
    shade = np.linspace(60, 200, _SIZE.width, dtype=np.uint8) + number * 10
    for third in range(3):
        rows = slice(third * _SIZE.height // 3, (third + 1) * _SIZE.height // 3)
        picture[rows, :, third] = shade
    return picture
