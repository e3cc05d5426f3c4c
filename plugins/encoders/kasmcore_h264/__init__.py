"""Encoder ``h264``: video streams, by x264 or a graphics card; FFmpeg comes with PyAV."""

from __future__ import annotations

from kasmcore.api import (
    PluginUnavailable,
    ServerConfig,
    SettingsSection,
    StreamEncoderSpec,
    hookimpl,
)
from kasmcore_h264.settings import H264Settings


@hookimpl
def kasmcore_register_settings() -> list[SettingsSection]:
    """Offer ``plugin_settings.h264``."""
    return [SettingsSection(name="h264", settings_class=H264Settings)]


@hookimpl
def kasmcore_register_encoders(config: ServerConfig) -> list[StreamEncoderSpec]:
    """Offer ``h264``; only here FFmpeg is loaded, which takes 0.1 s and 20 MB."""
    try:
        from kasmcore_h264.offer import stream_encoder_spec
    except ImportError as error:
        raise PluginUnavailable(
            f"PyAV cannot be imported: {error}",
            where="h264",
            remedy="Install the package av; without it there are no video streams.",
        ) from error
    return [stream_encoder_spec(config.plugin_settings.of(H264Settings))]
