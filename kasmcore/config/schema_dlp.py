"""Settings of data loss prevention: what may enter and leave the session."""

from __future__ import annotations

from pathlib import Path

import attrs

from kasmcore.config.sections import setting
from kasmcore.config.units import EdgeDistance, PixelOffset, Tint


@attrs.frozen(kw_only=True)
class ConcealedRegionConfig:
    """Clicks outside the visible region. YAML: ``…visible_region.concealed_region``."""

    allow_click_down: bool = setting(False, "Let button presses outside the region through.")
    allow_click_release: bool = setting(False, "Let button releases outside the region through.")


@attrs.frozen(kw_only=True)
class VisibleRegionConfig:
    """The part of the screen that viewers see; all four sides or none.

    Percent: the share hidden at that side. Pixels: left and top are where the region begins; right
    and bottom are where it ends when positive, the distance from that edge when negative, that edge
    when 0. YAML: ``data_loss_prevention.visible_region``.
    """

    top: EdgeDistance | None = setting(
        None, "Where the region begins from the top: pixels, or percent hidden at that side."
    )
    left: EdgeDistance | None = setting(
        None, "Where the region begins from the left: pixels, or percent hidden at that side."
    )
    right: EdgeDistance | None = setting(
        None,
        "Where the region ends: pixels from the left, negative from the right, or percent hidden "
        "at that side.",
    )
    bottom: EdgeDistance | None = setting(
        None,
        "Where the region ends: pixels from the top, negative from the bottom, or percent hidden "
        "at that side.",
    )
    concealed_region: ConcealedRegionConfig = attrs.field(factory=ConcealedRegionConfig)


@attrs.frozen(kw_only=True)
class ServerToClientConfig:
    """From the desktop to viewers. YAML: ``data_loss_prevention.clipboard.server_to_client``."""

    enabled: bool = setting(True, "Give what is copied on the desktop to viewers.")
    size: int | None = setting(
        None,
        "Largest item that leaves; a larger one is left out, the others go.",
        at_least=1,
        unit="bytes",
        none_words=("unlimited", "0"),
    )
    primary_clipboard_enabled: bool = setting(
        False, "Give what is merely selected on the desktop to viewers, too."
    )


@attrs.frozen(kw_only=True)
class ClientToServerConfig:
    """From viewers to the desktop. YAML: ``data_loss_prevention.clipboard.client_to_server``."""

    enabled: bool = setting(True, "Take what viewers copied.")
    size: int | None = setting(
        None,
        "Largest item that enters; a larger one is left out, the others go.",
        at_least=1,
        unit="bytes",
        none_words=("unlimited", "0"),
    )


@attrs.frozen(kw_only=True)
class ClipboardConfig:
    """What the clipboard may carry. YAML: ``data_loss_prevention.clipboard``."""

    delay_between_operations: int | None = setting(
        None,
        "Shortest time from one clipboard that leaves to the next; sooner is refused.",
        at_least=1,
        unit="ms",
        none_words=("none", "0"),
    )
    allow_mimetypes: tuple[str, ...] = setting(
        ("chromium/x-web-custom-data", "text/html", "image/png"),
        "Types that may pass besides plain text, which always may.",
    )
    server_to_client: ServerToClientConfig = attrs.field(factory=ServerToClientConfig)
    client_to_server: ClientToServerConfig = attrs.field(factory=ClientToServerConfig)


@attrs.frozen(kw_only=True)
class KeyboardPolicyConfig:
    """What viewers may type. YAML: ``data_loss_prevention.keyboard``."""

    enabled: bool = setting(True, "Take keys from viewers.")
    rate_limit: int | None = setting(
        None,
        "Most keys a second from one viewer; presses beyond it are dropped.",
        at_least=1,
        unit="keys/s",
        none_words=("unlimited", "0"),
    )


@attrs.frozen(kw_only=True)
class WatermarkTextConfig:
    """A watermark made of text. YAML: ``data_loss_prevention.watermark.text``."""

    template: str | None = setting(
        None, "Text to show; %H and the like stand for the time.", effective=False
    )
    font: Path | None = setting(
        None,
        "Font file. auto takes the one that is included.",
        none_words=("auto",),
        effective=False,
    )
    font_size: int = setting(
        48, "Size of the font.", at_least=8, at_most=256, unit="points", effective=False
    )
    timezone_name: str = setting(
        "UTC", "Time zone of the text, such as Europe/Riga.", effective=False
    )
    angle: int = setting(
        0,
        "Turn of the text, clockwise.",
        at_least=-359,
        at_most=359,
        unit="degrees",
        effective=False,
    )


@attrs.frozen(kw_only=True)
class WatermarkConfig:
    """A mark over the picture. YAML: ``data_loss_prevention.watermark``."""

    image: Path | None = setting(
        None, "PNG in grey: black is transparent, white opaque. Excludes text.", effective=False
    )
    location: PixelOffset | None = setting(
        None,
        "Place x,y; negative numbers count from the right and the bottom. Not set: the centre.",
        effective=False,
    )
    tint: Tint = setting(
        Tint(red=255, green=255, blue=255, alpha=255),
        "Colour and opacity r,g,b,a.",
        effective=False,
    )
    repeat_spacing: int = setting(
        0,
        "Repeat the mark with this much space between; 0 shows it once. Excludes location.",
        at_least=0,
        at_most=4096,
        unit="pixels",
        effective=False,
    )
    text: WatermarkTextConfig = attrs.field(factory=WatermarkTextConfig)


@attrs.frozen(kw_only=True)
class DlpLoggingConfig:
    """What is logged. YAML: ``data_loss_prevention.logging``."""

    level: str = setting(
        "off",
        "info logs that keys and clipboards passed, verbose what they held.",
        choices=("off", "info", "verbose"),
        effective=False,
    )


@attrs.frozen(kw_only=True)
class DataLossPreventionConfig:
    """What may enter and leave the session. YAML: ``data_loss_prevention``."""

    visible_region: VisibleRegionConfig = attrs.field(factory=VisibleRegionConfig)
    clipboard: ClipboardConfig = attrs.field(factory=ClipboardConfig)
    keyboard: KeyboardPolicyConfig = attrs.field(factory=KeyboardPolicyConfig)
    watermark: WatermarkConfig = attrs.field(factory=WatermarkConfig)
    logging: DlpLoggingConfig = attrs.field(factory=DlpLoggingConfig)
