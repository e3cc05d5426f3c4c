"""Settings of the display, the desktop on it, its input and the session that shows it."""

from __future__ import annotations

from pathlib import Path

import attrs

from kasmcore.config.sections import setting
from kasmcore.config.units import KeyRemap


@attrs.frozen(kw_only=True)
class ResolutionConfig:
    """Size of the display at start. YAML: ``desktop.resolution``."""

    width: int = setting(
        1024,
        "Width of the display at start. A viewer's resize replaces it.",
        at_least=16,
        at_most=16384,
        unit="pixels",
    )
    height: int = setting(
        768,
        "Height of the display at start. A viewer's resize replaces it.",
        at_least=16,
        at_most=16384,
        unit="pixels",
    )


@attrs.frozen(kw_only=True)
class MaximumResolutionConfig:
    """The largest size a display can be resized to. YAML: ``desktop.maximum_resolution``."""

    width: int = setting(
        3840,
        "Greatest width a viewer can resize the display to. More costs memory.",
        at_least=16,
        at_most=16384,
        unit="pixels",
    )
    height: int = setting(
        2160,
        "Greatest height a viewer can resize the display to. More costs memory.",
        at_least=16,
        at_most=16384,
        unit="pixels",
    )


@attrs.frozen(kw_only=True)
class GpuConfig:
    """Rendering on a GPU. YAML: ``desktop.gpu``."""

    hw3d: bool = setting(False, "Let programs render on the GPU by DRI3.", effective=False)
    drinode: Path = setting(
        Path("/dev/dri/renderD128"),
        "Render node for DRI3 and for encoding by VAAPI.",
        effective=False,
    )


@attrs.frozen(kw_only=True)
class DesktopConfig:
    """The display and the desktop environment on it. YAML: ``desktop``."""

    resolution: ResolutionConfig = attrs.field(factory=ResolutionConfig)
    maximum_resolution: MaximumResolutionConfig = attrs.field(factory=MaximumResolutionConfig)
    allow_resize: bool = setting(True, "Viewers with write permission may resize the display.")
    pixel_depth: int = setting(
        24,
        "Bits of a pixel. The display always has 24 bits of colour in pixels of 32 bits.",
        choices=("16", "24", "32"),
        unit="bits",
        effective=False,
    )
    gpu: GpuConfig = attrs.field(factory=GpuConfig)
    display: int | None = setting(
        None,
        "Number of the X display to start, 1 for :1. auto takes the first free one.",
        at_least=0,
        at_most=9999,
        none_words=("auto",),
    )
    attach: str | None = setting(
        None,
        "Name of a running X display to show, such as :0, instead of starting one.",
        none_words=("none",),
    )
    server: str = setting(
        "xvfb",
        "Which X server is started for a virtual display.",
        choices=("xvfb", "xvnc", "xorg_dummy"),
    )
    environment: str = setting(
        "auto",
        "Desktop environment to start: auto takes the first one installed, none starts no desktop, "
        "a name such as xfce, lxqt, mate, gnome, kde or openbox takes that one.",
    )
    start_command: str | None = setting(
        None,
        "Command line to run on the display instead of a desktop environment.",
        none_words=("none",),
    )


@attrs.frozen(kw_only=True)
class SessionConfig:
    """How one display is shown to its viewers. YAML: ``session``."""

    maximum_viewers: int = setting(
        64, "Viewers that may watch at once; one more is refused.", at_least=1, at_most=10000
    )
    maximum_clipboard_bytes: int = setting(
        16 * 1024 * 1024,
        "Largest clipboard that is carried, either way, whatever the policies allow.",
        at_least=1024,
        at_most=1024 * 1024 * 1024,
        unit="bytes",
    )
    encode_threads: int | None = setting(
        None,
        "Threads that encode, unless encoding.rect_encoding_mode.rectangle_compress_threads says "
        "so. auto uses one for each processor.",
        at_least=1,
        at_most=256,
        none_words=("auto",),
    )
    target_queue_ms: int = setting(
        50,
        "How long a frame may wait in the network before fewer frames are sent.",
        at_least=1,
        at_most=5000,
        unit="ms",
    )
    prefer: str = setting(
        "smooth",
        "What a slow link costs first: smooth keeps the frame rate and lets pictures blur, sharp "
        "keeps them sharp and sends fewer, balanced does some of both.",
        choices=("smooth", "balanced", "sharp"),
    )
    rest_before_exact_ms: int = setting(
        250,
        "How long a part of the screen must rest before it is sent again without loss.",
        at_least=0,
        at_most=60000,
        unit="ms",
    )
    video_streams: str = setting(
        "auto",
        "What is sent as a video stream to viewers that can show one: auto what keeps moving, "
        "whole_screen everything, which takes the least bandwidth, off nothing.",
        choices=("auto", "off", "whole_screen"),
    )
    resume_grace: int = setting(
        15,
        "How long a viewer whose connection broke may take to come back without a login. 0 ends "
        "it at once.",
        at_least=0,
        at_most=3600,
        unit="s",
    )
    frames_in_flight: int = setting(
        2,
        "Frames that may be on the way to a viewer before its acknowledgement is awaited.",
        at_least=1,
        at_most=16,
    )


@attrs.frozen(kw_only=True)
class UserSessionConfig:
    """Who may join whom. YAML: ``user_session``."""

    session_type: str | None = setting(
        None,
        "shared lets viewers in beside each other, exclusive admits one at a time. "
        "Not set: as the viewer asks.",
        choices=("shared", "exclusive"),
        effective=False,
    )
    new_session_disconnects_existing_exclusive_session: bool = setting(
        False, "A newcomer to an exclusive session ends the one before it.", effective=False
    )
    concurrent_connections_prompt: bool = setting(
        False, "Ask on the desktop before another viewer is let in.", effective=False
    )
    concurrent_connections_prompt_timeout: int = setting(
        10,
        "How long that question stands; no answer refuses the newcomer.",
        at_least=0,
        unit="s",
        effective=False,
    )
    idle_timeout: int | None = setting(
        None,
        "Disconnect a viewer that gives no input for this long.",
        at_least=1,
        unit="s",
        none_words=("never", "0"),
        effective=False,
    )


@attrs.frozen(kw_only=True)
class KeyboardConfig:
    """How keys are handled. YAML: ``keyboard``."""

    remap_keys: tuple[KeyRemap, ...] = setting(
        (), "Keysyms to replace before a key is handled, such as 0x22->0x40.", effective=False
    )
    ignore_numlock: bool = setting(False, "Pay no heed to Num Lock.", effective=False)
    raw_keyboard: bool = setting(
        False, "Pass key positions on, without a look at the viewer's layout.", effective=False
    )


@attrs.frozen(kw_only=True)
class PointerConfig:
    """How the pointer is handled. YAML: ``pointer``."""

    enabled: bool = setting(True, "Viewers may move and click the pointer.")
    game_mode: bool = setting(
        False, "Ask every able viewer for relative pointer movement.", effective=False
    )
