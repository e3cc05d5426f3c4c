"""What the operator set about sending frames, in the units of the pipeline; what a viewer may ask.

Rules are those of one viewer: it starts with the operator's, and ``for_viewer`` puts in what it
asked for.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import attrs

from kasmcore.config.schema import ServerConfig
from kasmcore.config.schema_encoding import ScrollingConfig, VideoEncodingModeConfig
from kasmcore.config.units import (
    LOWEST_JPEG_QUALITY,
    LOWEST_WEBP_QUALITY,
    jpeg_quality_of_level,
    quality_of_constant,
    webp_quality_of_level,
)
from kasmcore.interfaces.stream_encoder import StreamEncoderSpec
from kasmcore.pipeline.copy_search import CopyRules
from kasmcore.pipeline.quality import QualityBounds
from kasmcore.pipeline.scaling import ScalingAlgorithm
from kasmcore.pipeline.video_mode import VideoModeRules
from kasmcore.values.geometry import Size
from kasmcore.values.viewer_events import PictureSettings, VideoPreference

_BEST_LOSSY = 99
"""On the wire 100 means exact, and no lossy codec is."""
_NOTHING_COUNTS_AS_EXACT = 101
_SAME_CODEC = {"avc": "h264", "hevc": "h265"}
_WORD_OF_VIDEO = {
    "auto": VideoPreference.AUTO,
    "off": VideoPreference.OFF,
    "whole_screen": VideoPreference.WHOLE_SCREEN,
}


@attrs.frozen(kw_only=True)
class StreamRules:
    """What is sent as video streams."""

    preference: VideoPreference
    """AUTO: what keeps moving."""
    codecs: tuple[str, ...] | None
    """Those that may be used, in order of preference; None: all there are."""
    quality: int
    """1 to 99, where the link carries it."""
    key_frame_every: int | None
    """Pictures from one key frame to the next; None: only where a viewer needs one."""

    def chosen(self, specs: Sequence[StreamEncoderSpec]) -> list[StreamEncoderSpec]:
        """Those of the encoders that may be used, in order.

        KasmVNC names encoders (``h264_vaapi``) and other names of a codec (``avc``, ``hevc``).
        """
        if self.preference is VideoPreference.OFF:
            return []
        if self.codecs is None or "auto" in self.codecs:
            return list(specs)
        wanted = [_codec_of(name) for name in self.codecs]
        found = [spec for spec in specs if spec.codec in wanted]
        return sorted(found, key=lambda spec: wanted.index(spec.codec))


@attrs.frozen(kw_only=True)
class SendRules:
    """Rules for one viewer."""

    quality: QualityBounds
    rest_before_exact_s: float
    is_exact_at_rest: bool = True
    """False: what was sent with loss stays so."""
    frame_interval_s: float
    full_frame_every: int | None
    """The whole picture is sent again after so many frames."""
    copies: CopyRules
    compares_frames: bool
    """False: all that the capture source calls damaged is sent."""
    encode_threads: int
    webp_time_share: float
    """Share of a frame's time, on all threads, that lossy WebP may take."""
    video_mode: VideoModeRules
    """For viewers without a video stream."""
    streams: StreamRules
    viewers_may_ask: bool
    """True when a viewer with write permission may ask for other picture settings."""

    @classmethod
    def of(cls, config: ServerConfig) -> SendRules:
        """Translate the settings."""
        encoding, rectangles = config.encoding, config.encoding.rect_encoding_mode
        threads = rectangles.rectangle_compress_threads or config.session.encode_threads
        streaming = encoding.video_streaming_mode
        runtime = config.runtime_configuration
        return cls(
            quality=_quality_bounds(config),
            rest_before_exact_s=config.session.rest_before_exact_ms / 1000,
            frame_interval_s=1 / encoding.max_frame_rate,
            full_frame_every=encoding.full_frame_updates,
            copies=_copy_rules(encoding.scrolling),
            compares_frames=encoding.compare_framebuffer != "off",
            encode_threads=threads or len(os.sched_getaffinity(0)),
            webp_time_share=encoding.video_encoding_mode.webp_encoding_time / 100,
            video_mode=_video_mode_rules(encoding.video_encoding_mode),
            streams=StreamRules(
                preference=_WORD_OF_VIDEO[config.session.video_streams],
                codecs=streaming.codec,
                quality=quality_of_constant(streaming.quality),
                key_frame_every=streaming.gop,
            ),
            viewers_may_ask=runtime.allow_client_to_override_kasm_server_settings,
        )

    @property
    def time_limits_s(self) -> Mapping[str, float]:
        """CPU time of one frame that a lossy codec may take."""
        return {"webp": self.webp_time_share * self.frame_interval_s * self.encode_threads}

    @property
    def portion_s(self) -> float:
        """CPU time, on all threads, that the images of one frame should take."""
        return self.frame_interval_s * self.encode_threads

    def for_viewer(self, wished: PictureSettings) -> SendRules:
        """These rules, the operator's, with what a viewer asked for put in as far as they allow.

        Nobody gets more frames than are captured. Video that the operator switched off stays off.
        """
        interval_s = self.frame_interval_s
        if wished.max_frame_rate is not None:
            interval_s = max(interval_s, 1 / wished.max_frame_rate)
        preference = self.streams.preference
        if wished.video is not VideoPreference.AUTO and self.offers_video:
            preference = wished.video
        return attrs.evolve(
            self,
            quality=_wished_quality(self.quality, wished),
            is_exact_at_rest=self.is_exact_at_rest and wished.exact_at_rest,
            frame_interval_s=interval_s,
            streams=attrs.evolve(self.streams, preference=preference),
        )

    @property
    def offers_video(self) -> bool:
        """False when the operator wants no video streams at all."""
        is_off = self.streams.preference is VideoPreference.OFF
        return not is_off and self.streams.codecs != ()


def _copy_rules(scrolling: ScrollingConfig) -> CopyRules:
    vertical, sideways = scrolling.detect_vertical_scrolling, scrolling.detect_horizontal_scrolling
    return CopyRules(
        moves=vertical,
        sideways=vertical if sideways is None else sideways,
        threshold=scrolling.scroll_detect_threshold / 100,
    )


def _codec_of(name: str) -> str:
    codec = name.lower().partition("_")[0]
    return _SAME_CODEC.get(codec, codec)


def _quality_bounds(config: ServerConfig) -> QualityBounds:
    """At KasmVNC's rule, all is sent at the minimum when the maximum is not above it."""
    rectangles = config.encoding.rect_encoding_mode
    lowest, highest = (
        min(_BEST_LOSSY, jpeg_quality_of_level(level))
        for level in (rectangles.min_quality, rectangles.max_quality)
    )
    level = rectangles.consider_lossless_quality
    return QualityBounds(
        minimum=lowest,
        maximum=max(lowest, highest),
        counts_as_exact=(
            min(_BEST_LOSSY, jpeg_quality_of_level(level))
            if level <= 9
            else _NOTHING_COUNTS_AS_EXACT
        ),
    )


def _wished_quality(bounds: QualityBounds, wished: PictureSettings) -> QualityBounds:
    """Quality 100 would be exact, which only rest allows; one bound alone moves the other along."""
    lowest, highest = wished.min_quality, wished.max_quality
    minimum = bounds.minimum if lowest is None else min(_BEST_LOSSY, lowest)
    maximum = bounds.maximum if highest is None else min(_BEST_LOSSY, highest)
    if lowest is None:
        minimum = min(minimum, maximum)
    return attrs.evolve(
        bounds,
        minimum=minimum,
        maximum=max(minimum, maximum),
        floor=min(bounds.floor, minimum),
    )


def _video_mode_rules(config: VideoEncodingModeConfig) -> VideoModeRules:
    enter = config.enter_video_encoding_mode
    jpeg, webp = config.jpeg_quality, config.webp_quality
    return VideoModeRules(
        enter_s=enter.time_threshold,
        area_share=enter.area_threshold / 100,
        exit_s=config.exit_video_encoding_mode.time_threshold,
        largest=Size(config.max_resolution.width, config.max_resolution.height),
        algorithm=ScalingAlgorithm(config.scaling_algorithm),
        quality_of_codec={
            "jpeg": None if jpeg < 0 else min(_BEST_LOSSY, jpeg_quality_of_level(jpeg)),
            "webp": None if webp < 0 else min(_BEST_LOSSY, webp_quality_of_level(webp)),
        },
        lowest_quality_of_codec={"jpeg": LOWEST_JPEG_QUALITY, "webp": LOWEST_WEBP_QUALITY},
        is_logged=config.logging.level == "info",
    )
