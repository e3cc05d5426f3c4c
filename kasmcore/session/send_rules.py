"""What the operator set about sending frames, in the units of the pipeline."""

from __future__ import annotations

import os

import attrs

from kasmcore.config.schema import ServerConfig
from kasmcore.config.units import jpeg_quality_of_level
from kasmcore.pipeline.quality import QualityBounds

_BEST_LOSSY = 99
"""On the wire 100 means exact, and no lossy codec is."""


@attrs.frozen(kw_only=True)
class SendRules:
    """Rules for every viewer of a session."""

    quality: QualityBounds
    rest_before_exact_s: float
    frame_interval_s: float
    encode_threads: int
    time_limits_s: dict[str, float]
    """CPU time of one frame that a lossy codec may take."""

    @classmethod
    def of(cls, config: ServerConfig) -> SendRules:
        """Translate the settings."""
        rectangles = config.encoding.rect_encoding_mode
        lowest, highest = (
            min(_BEST_LOSSY, jpeg_quality_of_level(level))
            for level in (rectangles.min_quality, rectangles.max_quality)
        )
        level = rectangles.consider_lossless_quality
        quality = QualityBounds(
            minimum=min(lowest, highest),
            maximum=highest,
            counts_as_exact=jpeg_quality_of_level(level) if level <= 9 else 101,
        )
        frame_interval_s = 1 / config.encoding.max_frame_rate
        webp_share = config.encoding.video_encoding_mode.webp_encoding_time / 100
        threads = rectangles.rectangle_compress_threads or config.session.encode_threads
        return cls(
            quality=quality,
            rest_before_exact_s=config.session.rest_before_exact_ms / 1000,
            frame_interval_s=frame_interval_s,
            time_limits_s={"webp": webp_share * frame_interval_s},
            encode_threads=threads or len(os.sched_getaffinity(0)),
        )
