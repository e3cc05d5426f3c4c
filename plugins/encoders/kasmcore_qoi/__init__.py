"""Encoder ``qoi``: exact, quick to encode, large; for exact pictures on a fast link."""

from __future__ import annotations

from kasmcore.api import ContentRating, EncoderSpec, Exactness, hookimpl
from kasmcore_qoi.encoder import QoiEncoder


@hookimpl
def kasmcore_register_encoders() -> list[EncoderSpec]:
    """Offer ``qoi``."""
    return [
        EncoderSpec(
            codec="qoi",
            factory=QoiEncoder,
            exactness=Exactness.ALWAYS,
            cost_ns_per_pixel=ContentRating(text=3.7, picture=7.0),
            bits_per_pixel=ContentRating(text=3.4, picture=17.0),
            releases_gil=True,
            needs=("qoi",),
        )
    ]
