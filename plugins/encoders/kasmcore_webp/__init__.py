"""Encoder ``webp``: small pictures at any quality, exact and smallest of all at quality 100."""

from __future__ import annotations

from kasmcore.api import ContentRating, EncoderSpec, Exactness, hookimpl
from kasmcore_webp.encoder import MAXIMUM_SIDE, WebpEncoder


@hookimpl
def kasmcore_register_encoders() -> list[EncoderSpec]:
    """Offer ``webp``."""
    return [
        EncoderSpec(
            codec="webp",
            factory=WebpEncoder,
            exactness=Exactness.AT_QUALITY_100,
            cost_ns_per_pixel=ContentRating(text=31.0, picture=16.0),
            bits_per_pixel=ContentRating(text=1.7, picture=0.2),
            exact_cost_ns_per_pixel=ContentRating(text=42.0, picture=40.0),
            exact_bits_per_pixel=ContentRating(text=1.1, picture=12.9),
            overhead_us=200.0,
            releases_gil=True,
            maximum_side=MAXIMUM_SIDE,
            needs=("webp",),
        )
    ]
