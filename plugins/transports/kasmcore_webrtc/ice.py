"""STUN and TURN servers, as the operator configured them: none by default."""

from __future__ import annotations

import base64
import hashlib
import hmac
from ipaddress import IPv4Address, IPv6Address

import attrs

from kasmcore.api import ConfigError, ServerConfig
from kasmcore_webrtc.records import IceServer
from kasmcore_webrtc.settings import WebRtcSettings

STUN_PORT = 3478


@attrs.frozen(kw_only=True)
class IceSettings:
    """What both ends of a connection are told.

    Attributes:
        stun_server: host:port; None for none.
        turn_urls: TURN servers.
        turn_secret: shared with them.
        turn_lifetime_s: how long credentials are good.
        public_address: forwarded to this machine; None where there is none, or STUN tells it.
        asks_stun: the server's own end asks the STUN server too.
    """

    stun_server: str | None
    turn_urls: tuple[str, ...] = ()
    turn_secret: bytes = attrs.field(default=b"", repr=False)
    turn_lifetime_s: int = 86400
    public_address: IPv4Address | IPv6Address | None = None
    asks_stun: bool = False

    def for_browser(self, user: str, now_s: float) -> list[IceServer]:
        """Return what the browser is to use. ``now_s`` is the time of day."""
        stun = [IceServer(f"stun:{self.stun_server}")] if self.stun_server else []
        return [*stun, *self._turn(user, now_s)]

    def for_server(self, now_s: float) -> list[IceServer]:
        """Return what the server's own end is to use."""
        stun = [IceServer(f"stun:{self.stun_server}")] if self.asks_stun else []
        return [*stun, *self._turn("kasmcore", now_s)]

    def _turn(self, user: str, now_s: float) -> list[IceServer]:
        if not self.turn_urls:
            return []
        name = f"{int(now_s) + self.turn_lifetime_s}:{user}"
        # SHA-1 is what TURN servers compute; as a keyed MAC it holds.
        mac = hmac.new(self.turn_secret, name.encode(), hashlib.sha1).digest()
        password = base64.b64encode(mac).decode()
        return [IceServer(url, name, password) for url in self.turn_urls]


def ice_settings(config: ServerConfig) -> IceSettings:
    """Read ``network.udp`` and the plugin's section.

    Raises:
        ConfigError: the secret's file cannot be read, or is empty.
    """
    udp = config.network.udp
    own = config.plugin_settings.of(WebRtcSettings)
    public = udp.public_ip
    stun_server = udp.stun_server
    if stun_server and ":" not in stun_server:
        stun_server = f"{stun_server}:{STUN_PORT}"
    return IceSettings(
        stun_server=stun_server,
        turn_urls=own.turn_urls,
        turn_secret=_read_secret(own),
        turn_lifetime_s=own.turn_lifetime,
        public_address=None if public is None or public.is_loopback else public,
        asks_stun=public is None and stun_server is not None,
    )


def _read_secret(own: WebRtcSettings) -> bytes:
    path = own.turn_secret_file
    if path is None:
        return b""
    try:
        secret = path.read_bytes().strip()
    except OSError as error:
        raise ConfigError(
            f"the TURN secret cannot be read: {error.strerror}",
            where=str(path),
            remedy="Mend plugin_settings.webrtc.turn_secret_file.",
        ) from error
    if not secret:
        raise ConfigError(
            "the file of the TURN secret is empty",
            where=str(path),
            remedy="Write the TURN server's static-auth-secret into it.",
        )
    return secret
