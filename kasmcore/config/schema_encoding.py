"""Settings of how frames are made. Quality levels are KasmVNC's 0-9."""

from __future__ import annotations

import attrs

from kasmcore.config.sections import setting


@attrs.frozen(kw_only=True)
class RectEncodingModeConfig:
    """Pictures sent as rectangles. YAML: ``encoding.rect_encoding_mode``."""

    min_quality: int = setting(
        7,
        "Quality level of what moves on much of the screen. A slow link may lower it further.",
        at_least=0,
        at_most=9,
    )
    max_quality: int = setting(
        8,
        "Quality level of a picture that appears, or moves on little of the screen. At min_quality "
        "or below, all is sent at min_quality.",
        at_least=0,
        at_most=9,
    )
    consider_lossless_quality: int = setting(
        10,
        "A picture sent at this quality level or better is not sent again without loss at rest. "
        "10: all are.",
        at_least=0,
        at_most=10,
    )
    rectangle_compress_threads: int | None = setting(
        None,
        "Threads that encode. auto and 0 leave it to session.encode_threads.",
        at_least=1,
        at_most=64,
        none_words=("auto", "0"),
    )


@attrs.frozen(kw_only=True)
class VideoMaxResolutionConfig:
    """Largest picture in video mode. YAML: ``encoding.video_encoding_mode.max_resolution``."""

    width: int = setting(1920, "Greatest width in video mode.", at_least=16, unit="pixels")
    height: int = setting(1080, "Greatest height in video mode.", at_least=16, unit="pixels")


@attrs.frozen(kw_only=True)
class EnterVideoEncodingModeConfig:
    """When video mode begins. YAML: ``…video_encoding_mode.enter_video_encoding_mode``."""

    time_threshold: int = setting(
        5,
        "Time over which it is averaged how much of the screen moves. 0: always in video mode.",
        at_least=0,
        at_most=2000,
        unit="s",
    )
    area_threshold: int = setting(
        45,
        "Above this mean share of the screen that moves, video mode begins.",
        at_least=1,
        at_most=100,
        unit="%",
    )


@attrs.frozen(kw_only=True)
class ExitVideoEncodingModeConfig:
    """When video mode ends. YAML: ``…video_encoding_mode.exit_video_encoding_mode``."""

    time_threshold: int = setting(
        3,
        "Video mode ends when no more than that share has moved for so long.",
        at_least=1,
        at_most=100,
        unit="s",
    )


@attrs.frozen(kw_only=True)
class VideoModeLoggingConfig:
    """Log of video mode. YAML: ``encoding.video_encoding_mode.logging``."""

    level: str = setting(
        "off",
        "info logs how much of the screen moves, and when video mode begins and ends.",
        choices=("off", "info"),
    )


@attrs.frozen(kw_only=True)
class VideoEncodingModeConfig:
    """Images while much of the screen moves. YAML: ``encoding.video_encoding_mode``.

    For viewers that get no video stream.
    """

    jpeg_quality: int = setting(
        -1,
        "JPEG quality level in video mode. -1: as good as the link carries, down to quality 10.",
        at_least=-1,
        at_most=9,
    )
    webp_quality: int = setting(
        -1,
        "WebP quality level in video mode. -1: as good as the link carries, down to quality 3.",
        at_least=-1,
        at_most=9,
    )
    max_resolution: VideoMaxResolutionConfig = attrs.field(factory=VideoMaxResolutionConfig)
    enter_video_encoding_mode: EnterVideoEncodingModeConfig = attrs.field(
        factory=EnterVideoEncodingModeConfig
    )
    exit_video_encoding_mode: ExitVideoEncodingModeConfig = attrs.field(
        factory=ExitVideoEncodingModeConfig
    )
    logging: VideoModeLoggingConfig = attrs.field(factory=VideoModeLoggingConfig)
    scaling_algorithm: str = setting(
        "progressive_bilinear",
        "How a picture is made smaller in video mode.",
        choices=("nearest", "bilinear", "progressive_bilinear"),
    )
    webp_encoding_time: int = setting(
        30,
        "Share of a frame's time, on all encoding threads, that lossy WebP may use; the rest of "
        "that frame is sent as JPEG. 0: no lossy WebP.",
        at_least=0,
        at_most=100,
        unit="%",
    )


@attrs.frozen(kw_only=True)
class VideoStreamingModeConfig:
    """Video streams. YAML: ``encoding.video_streaming_mode``."""

    codec: tuple[str, ...] | None = setting(
        None,
        "Video codecs in order of preference, such as h264_vaapi,h264; those without a plugin are "
        "passed over. auto: all there are. []: no video streams.",
        none_words=("auto",),
    )
    quality: int = setting(
        17,
        "Rate factor of the video codec where the link carries it: 0 is the best, 17 hardly to be "
        "told from exact, 23 x264's default. Better than 14 is taken as 14, worse than 44 as 44.",
        at_least=0,
        at_most=63,
    )
    gop: int | None = setting(
        None,
        "Pictures from one key frame of a stream to the next. auto: key frames only where a viewer "
        "needs one, which takes the least bandwidth.",
        at_least=1,
        at_most=100,
        unit="frames",
        none_words=("auto", "0"),
    )


@attrs.frozen(kw_only=True)
class ScrollingConfig:
    """Finding what scrolled. YAML: ``encoding.scrolling``."""

    detect_vertical_scrolling: bool = setting(
        True,
        "Send what scrolled up or down, and windows that moved, as copies of what a viewer shows "
        "already. KasmVNC's default is false.",
    )
    detect_horizontal_scrolling: bool | None = setting(
        None,
        "Send what scrolled sideways as a copy; needs detect_vertical_scrolling. auto is the same "
        "as that. KasmVNC's default is false.",
        none_words=("auto",),
    )
    scroll_detect_threshold: int = setting(
        1,
        "How much of the screen must have changed before scrolling is looked for; windows that "
        "moved always are. KasmVNC's default is 25%.",
        at_least=0,
        at_most=100,
        unit="%",
    )


@attrs.frozen(kw_only=True)
class EncodingConfig:
    """How frames are made. YAML: ``encoding``."""

    max_frame_rate: int = setting(
        60, "Most frames a second.", at_least=1, at_most=500, unit="frames/s"
    )
    full_frame_updates: int | None = setting(
        None,
        "Send the whole picture again after this many frames. No transport here loses frames, as "
        "KasmVNC's UDP does, so none needs it.",
        at_least=1,
        at_most=1000,
        unit="frames",
        none_words=("none", "0"),
    )
    rect_encoding_mode: RectEncodingModeConfig = attrs.field(factory=RectEncodingModeConfig)
    video_encoding_mode: VideoEncodingModeConfig = attrs.field(factory=VideoEncodingModeConfig)
    video_streaming_mode: VideoStreamingModeConfig = attrs.field(factory=VideoStreamingModeConfig)
    scrolling: ScrollingConfig = attrs.field(factory=ScrollingConfig)
    compare_framebuffer: str = setting(
        "auto",
        "Whether frames are compared with those before, so that only what differs is sent. off "
        "sends all that the X server calls damaged; auto compares.",
        choices=("off", "always", "auto"),
    )
    zrle_zlib_level: int | None = setting(
        None,
        "Level of a VNC encoding that is not spoken here.",
        at_least=0,
        at_most=9,
        none_words=("auto",),
        effective=False,
    )
    hextile_improved_compression: bool = setting(
        True, "Switch of a VNC encoding that is not spoken here.", effective=False
    )
