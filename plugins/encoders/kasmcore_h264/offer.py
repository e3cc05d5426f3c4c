"""What the plugin offers, once it is known what is there."""

from __future__ import annotations

import logging
from functools import partial

import av

from kasmcore.api import EncodeError, PluginUnavailable, StreamEncoderSpec, StreamSettings
from kasmcore_h264.conversion import ConverterFactory, converter_factory
from kasmcore_h264.engines import X264, Engine
from kasmcore_h264.hardware import find_hardware
from kasmcore_h264.settings import H264Settings
from kasmcore_h264.stream import CODEC, MAXIMUM_SIDE, H264Stream

logger = logging.getLogger("kasmcore.h264")

_X264_NS_PER_PIXEL = 6.0
_HARDWARE_NS_PER_PIXEL = 2.0


def stream_encoder_spec(settings: H264Settings) -> StreamEncoderSpec:
    """Look for encoders and libraries and return what they are together.

    Raises:
        PluginUnavailable: FFmpeg has been built without x264.
    """
    if X264.name not in av.codecs_available:
        raise PluginUnavailable(
            "this FFmpeg has no libx264",
            where=CODEC,
            remedy="Install PyAV from a wheel, which brings an FFmpeg with it.",
        )
    converter_name, make_converter = converter_factory()
    hardware = find_hardware(settings, make_converter)
    engines = tuple(engine for engine in (hardware, X264) if engine is not None)
    titles = tuple(engine.title for engine in engines)
    logger.info("h264: encodes by %s, converts by %s", " or ".join(titles), converter_name)
    return StreamEncoderSpec(
        codec=CODEC,
        open=partial(_open_stream, engines, make_converter, settings.slices),
        cost_ns_per_pixel=_X264_NS_PER_PIXEL if hardware is None else _HARDWARE_NS_PER_PIXEL,
        releases_gil=True,
        has_full_chroma=True,
        maximum_side=MAXIMUM_SIDE,
        smallest_side=X264.smallest_side,
        needs=("PyAV", *titles, converter_name),
    )


def _open_stream(
    engines: tuple[Engine, ...],
    make_converter: ConverterFactory,
    slices: int | None,
    settings: StreamSettings,
) -> H264Stream:
    """Open a stream by the first engine that takes it.

    Raises:
        EncodeError: the last one does not.
    """
    *preferred, last = engines
    for engine in preferred:
        too_small = min(settings.size.width, settings.size.height) < engine.smallest_side
        if too_small or (settings.full_chroma and not engine.has_full_chroma):
            continue
        try:
            return H264Stream(settings, engine, make_converter, slices)
        except EncodeError as error:
            logger.debug("h264: a stream goes to %s: %s", last.title, error)
    return H264Stream(settings, last, make_converter, slices)
