"""Settings of how frames are made. Quality levels are KasmVNC's 0-9."""

from __future__ import annotations

import attrs

from kasmcore.config.sections import setting


@attrs.frozen(kw_only=True)
class RectEncodingModeConfig:
    """Pictures sent as rectangles. YAML: ``encoding.rect_encoding_mode``."""

    min_quality: int = setting(
        7, "Lowest quality level of a moving picture.", at_least=0, at_most=9
    )
    max_quality: int = setting(
        8, "Highest quality level of a picture before it is sent exactly.", at_least=0, at_most=9
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

    width: int = setting(
        1920, "Greatest width in video mode.", at_least=16, unit="pixels", effective=False
    )
    height: int = setting(
        1080, "Greatest height in video mode.", at_least=16, unit="pixels", effective=False
    )


@attrs.frozen(kw_only=True)
class EnterVideoEncodingModeConfig:
    """When video mode begins. YAML: ``…video_encoding_mode.enter_video_encoding_mode``."""

    time_threshold: int = setting(
        5,
        "How long much of the screen must move. 0 is always in video mode.",
        at_least=0,
        at_most=2000,
        unit="s",
        effective=False,
    )
    area_threshold: int = setting(
        45,
        "How much of the screen must move.",
        at_least=1,
        at_most=100,
        unit="%",
        effective=False,
    )


@attrs.frozen(kw_only=True)
class ExitVideoEncodingModeConfig:
    """When video mode ends. YAML: ``…video_encoding_mode.exit_video_encoding_mode``."""

    time_threshold: int = setting(
        3,
        "How long the screen must rest.",
        at_least=1,
        at_most=100,
        unit="s",
        effective=False,
    )


@attrs.frozen(kw_only=True)
class VideoModeLoggingConfig:
    """Log of video mode. YAML: ``encoding.video_encoding_mode.logging``."""

    level: str = setting(
        "off",
        "info logs how much of the screen moves.",
        choices=("off", "info"),
        effective=False,
    )


@attrs.frozen(kw_only=True)
class VideoEncodingModeConfig:
    """Pictures while much of the screen moves. YAML: ``encoding.video_encoding_mode``."""

    jpeg_quality: int = setting(
        -1,
        "JPEG quality level in video mode. -1 is the lowest there is.",
        at_least=-1,
        at_most=9,
        effective=False,
    )
    webp_quality: int = setting(
        -1,
        "WebP quality level in video mode. -1 is the lowest there is.",
        at_least=-1,
        at_most=9,
        effective=False,
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
        effective=False,
    )
    webp_encoding_time: int = setting(
        30,
        "Share of a frame's time that WebP may use; the rest of that frame is sent as JPEG.",
        at_least=0,
        at_most=100,
        unit="%",
    )


@attrs.frozen(kw_only=True)
class VideoStreamingModeConfig:
    """Video codecs. YAML: ``encoding.video_streaming_mode``."""

    codec: tuple[str, ...] | None = setting(
        None,
        "Video codecs in order of preference, such as h264_vaapi,h264.",
        none_words=("auto",),
        effective=False,
    )
    quality: int = setting(
        17,
        "Constant quality of the video codec; 0 is the best.",
        at_least=0,
        at_most=63,
        effective=False,
    )
    gop: int = setting(
        24,
        "Frames from one key frame to the next.",
        at_least=0,
        at_most=100,
        unit="frames",
        effective=False,
    )


@attrs.frozen(kw_only=True)
class ScrollingConfig:
    """Finding what scrolled. YAML: ``encoding.scrolling``."""

    detect_vertical_scrolling: bool = setting(
        False, "Send what scrolled up or down as a copy.", effective=False
    )
    detect_horizontal_scrolling: bool = setting(
        False,
        "Send what scrolled sideways as a copy; needs detect_vertical_scrolling.",
        effective=False,
    )
    scroll_detect_threshold: int = setting(
        25,
        "How much of the screen must have changed before scrolling is looked for.",
        at_least=0,
        at_most=100,
        unit="%",
        effective=False,
    )


@attrs.frozen(kw_only=True)
class EncodingConfig:
    """How frames are made. YAML: ``encoding``."""

    max_frame_rate: int = setting(
        60, "Most frames a second.", at_least=1, at_most=500, unit="frames/s"
    )
    full_frame_updates: int | None = setting(
        None,
        "Over UDP, send a whole frame after this many.",
        at_least=1,
        at_most=1000,
        unit="frames",
        none_words=("none", "0"),
        effective=False,
    )
    rect_encoding_mode: RectEncodingModeConfig = attrs.field(factory=RectEncodingModeConfig)
    video_encoding_mode: VideoEncodingModeConfig = attrs.field(factory=VideoEncodingModeConfig)
    video_streaming_mode: VideoStreamingModeConfig = attrs.field(factory=VideoStreamingModeConfig)
    scrolling: ScrollingConfig = attrs.field(factory=ScrollingConfig)
    compare_framebuffer: str = setting(
        "auto",
        "Whether frames are compared before they are sent. They always are.",
        choices=("off", "always", "auto"),
        effective=False,
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
