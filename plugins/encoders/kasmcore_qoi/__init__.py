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
            cost_ns_per_pixel=ContentRating(text=2.5, picture=6.6),
            bits_per_pixel=ContentRating(text=3.5, picture=18.0),
            overhead_us=5.0,
            releases_gil=True,
            needs=("qoi",),
        )
    ]
