"""Encoder ``rle``: runs of equal pixels; exact, small on flat colours, useless on photographs."""

from __future__ import annotations

from importlib.resources import files

from kasmcore.api import ContentRating, EncoderSpec, Exactness, hookimpl

from kasmcore_rle.encoder import RleEncoder


@hookimpl
def kasmcore_register_encoders() -> list[EncoderSpec]:
    """Offer ``rle``."""
    return [
        EncoderSpec(
            codec="rle",
            factory=RleEncoder,
            exactness=Exactness.ALWAYS,
            cost_ns_per_pixel=ContentRating(text=7.0, picture=11.0),
            bits_per_pixel=ContentRating(text=21.0, picture=40.0),
            releases_gil=False,
            browser_decoder=files("kasmcore_rle") / "rle.js",
        )
    ]
