"""Encoder ``jpeg``: the cheapest for pictures, never exact."""

from __future__ import annotations

import logging
from functools import partial

from kasmcore.api import ContentRating, EncoderSpec, Exactness, hookimpl
from kasmcore_jpeg.encoder import MAXIMUM_SIDE, JpegEncoder
from kasmcore_jpeg.engines import open_engine

logger = logging.getLogger("kasmcore.jpeg")


@hookimpl
def kasmcore_register_encoders() -> list[EncoderSpec]:
    """Offer ``jpeg``, by PyTurboJPEG where its library is installed, else by simplejpeg."""
    engine = open_engine()
    logger.info("jpeg: encodes by %s", engine.name)
    return [
        EncoderSpec(
            codec="jpeg",
            factory=partial(JpegEncoder, engine),
            exactness=Exactness.NEVER,
            cost_ns_per_pixel=ContentRating(text=4.7, picture=3.8),
            bits_per_pixel=ContentRating(text=2.7, picture=0.7),
            overhead_us=150.0,
            releases_gil=True,
            maximum_side=MAXIMUM_SIDE,
            needs=(engine.name,),
        )
    ]
