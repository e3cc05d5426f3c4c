"""From what a stream should be like to what an encoder is told; plain arithmetic."""

from __future__ import annotations

import attrs

from kasmcore.api import StreamSettings

BUFFER_S = 0.25
"""Of the bit rate: what may be ahead of it. More makes a drop of the rate slower to take hold."""
_LEAST_BUFFERED_FRAMES = 1.5
_COARSEST = 44.0
_STEP = 0.3


@attrs.frozen
class RateTarget:
    """Quality wanted and bits allowed, as H.264 encoders count them."""

    quantiser: float
    """Constant rate factor of x264, 14 (best) to 44; other encoders' scales are about the same."""
    bits_per_s: int
    buffer_bits: int


def rate_target(settings: StreamSettings, opened_frame_rate: float) -> RateTarget:
    """Translate quality, bit rate and frame rate.

    Encoders count in pictures of the frame rate that they were opened with and cannot change it:
    when fewer come, each may take more.

    Args:
        settings: what is wanted now.
        opened_frame_rate: what the encoder was told when it was opened.
    """
    bits_per_frame = settings.most_bits_per_s / settings.frame_rate
    buffer_bits = max(settings.most_bits_per_s * BUFFER_S, bits_per_frame * _LEAST_BUFFERED_FRAMES)
    return RateTarget(
        quantiser=round(_COARSEST - _STEP * settings.quality, 1),
        bits_per_s=max(1000, round(bits_per_frame * opened_frame_rate)),
        buffer_bits=max(1000, round(buffer_bits)),
    )
