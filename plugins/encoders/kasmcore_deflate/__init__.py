"""Encoder ``deflate``: exact and cheap; made for text, window frames and line art."""

from __future__ import annotations

from kasmcore.api import ContentRating, EncoderSpec, Exactness, hookimpl
from kasmcore_deflate.encoder import DeflateEncoder


@hookimpl
def kasmcore_register_encoders() -> list[EncoderSpec]:
    """Offer ``deflate``."""
    return [
        EncoderSpec(
            codec="deflate",
            factory=DeflateEncoder,
            exactness=Exactness.ALWAYS,
            cost_ns_per_pixel=ContentRating(text=1.8, picture=12.6),
            bits_per_pixel=ContentRating(text=1.8, picture=24.0),
            overhead_us=60.0,
            releases_gil=True,
            needs=("isal",),
        )
    ]
