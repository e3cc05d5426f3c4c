"""Transport ``webrtc``: data channels over UDP, through NAT, by STUN and TURN if configured."""

from __future__ import annotations

from importlib.util import find_spec

from kasmcore.api import (
    PluginUnavailable,
    ServerConfig,
    SettingsSection,
    Transport,
    TransportSpec,
    hookimpl,
)
from kasmcore_webrtc.connection import NAME
from kasmcore_webrtc.settings import WebRtcSettings
from kasmcore_webrtc.transport import WebRtcTransport

BACK_ENDS = ("libdatachannel", "aiortc")
"""Best first. Each is the name of its package, and is imported by the process that uses it."""


@hookimpl
def kasmcore_register_settings() -> list[SettingsSection]:
    """Declare ``plugin_settings.webrtc``."""
    return [SettingsSection(name=NAME, settings_class=WebRtcSettings)]


@hookimpl
def kasmcore_register_transports(config: ServerConfig) -> list[TransportSpec]:
    """Offer ``webrtc``; it needs a library only where it is listed."""
    if NAME in config.plugins.transports:
        usable_back_end(config.plugin_settings.of(WebRtcSettings).back_end)
    return [TransportSpec(name=NAME, factory=_transport)]


def usable_back_end(wanted: str) -> str:
    """Return the back-end to use; ``wanted`` is one or ``auto``.

    Raises:
        PluginUnavailable: it is not installed.
    """
    for name in BACK_ENDS if wanted == "auto" else (wanted,):
        if find_spec(name) is not None:
            return name
    raise PluginUnavailable(
        "the transport webrtc has no library to run on",
        where="plugins.transports",
        remedy="Install one: pip install 'kasmcore[webrtc]'; or take webrtc out of the list.",
    )


def _transport(config: ServerConfig) -> Transport:
    back_end = usable_back_end(config.plugin_settings.of(WebRtcSettings).back_end)
    return WebRtcTransport(config, back_end)
