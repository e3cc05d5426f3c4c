"""Transport ``webtransport``: QUIC and HTTP/3 on the UDP port of the same number.

Control on one stream, each frame on a stream of its own, pointer motion and acknowledgements as
datagrams: a lost packet delays what it carried and nothing else.
"""

from __future__ import annotations

from importlib.util import find_spec

from kasmcore.api import (
    PluginUnavailable,
    ServerConfig,
    SettingsSection,
    TransportSpec,
    hookimpl,
)
from kasmcore_webtransport.settings import WebTransportSettings
from kasmcore_webtransport.transport import NAME, WebTransportTransport


@hookimpl
def kasmcore_register_settings() -> list[SettingsSection]:
    """Declare ``plugin_settings.webtransport``."""
    return [SettingsSection(name=NAME, settings_class=WebTransportSettings)]


@hookimpl
def kasmcore_register_transports(config: ServerConfig) -> list[TransportSpec]:
    """Offer ``webtransport``; it needs its library only where it is listed."""
    if NAME in config.plugins.transports and find_spec("aioquic") is None:
        raise PluginUnavailable(
            "the transport webtransport has no library to run on",
            where="plugins.transports",
            remedy="Install it: pip install aioquic; or take webtransport out of the list.",
        )
    return [TransportSpec(name=NAME, factory=WebTransportTransport)]
