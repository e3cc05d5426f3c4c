"""Settings of the transport."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Self

import attrs

from kasmcore.api import setting


@attrs.frozen
class PortRange:
    """UDP ports that may be used; 0 and 0 for any."""

    first: int
    last: int

    @classmethod
    def of_text(cls, text: str) -> Self:
        """Read ``50000-50100``."""
        match = re.fullmatch(r"([0-9]{1,5})-([0-9]{1,5})", text)
        if match is None:
            raise ValueError("is not two ports such as 50000-50100")
        first, last = int(match[1]), int(match[2])
        if not 1024 <= first <= last <= 65535:
            raise ValueError("is not a range within 1024-65535")
        return cls(first, last)


@attrs.frozen(kw_only=True)
class WebRtcSettings:
    """WebRTC's own. YAML: ``plugin_settings.webrtc``."""

    back_end: str = setting(
        "auto",
        "Library that does WebRTC. auto takes libdatachannel where it is installed: it needs a "
        "fifth of the processor.",
        choices=("auto", "libdatachannel", "aiortc"),
    )
    port_range: str = setting(
        "any", "UDP ports, such as 50000-50100, for a firewall that lets no others in; or any."
    )
    turn_urls: tuple[str, ...] = setting(
        (),
        "TURN servers, such as turn:turn.example:3478 or turns:turn.example:443?transport=tcp, "
        "that carry viewers whom no packet reaches directly.",
    )
    turn_secret_file: Path | None = setting(
        None,
        "File with the secret that the TURN servers share with this one (coturn: "
        "static-auth-secret). Viewers get names and passwords made from it that end by themselves.",
        none_words=("none",),
    )
    turn_lifetime: int = setting(
        86400,
        "How long such a name and password are good.",
        at_least=60,
        at_most=604800,
        unit="s",
    )
    most_peers: int = setting(16, "Connections at once.", at_least=1, at_most=1000)
    most_peers_of_user: int = setting(
        4, "Connections of one user at once, tabs and devices together.", at_least=1
    )
    offers_per_minute: int = setting(20, "Attempts of one user to connect.", at_least=1)

    def __attrs_post_init__(self) -> None:
        """Check what single limits cannot.

        Raises:
            ValueError: a setting cannot be used; the text is for the operator.
        """
        try:
            _ = self.ports
        except ValueError as error:
            raise ValueError(f"port_range is {self.port_range!r}, which {error}") from None
        for url in self.turn_urls:
            if not re.fullmatch(r"turns?:[^\s?@]+(\?transport=(udp|tcp))?", url):
                raise ValueError(f"turn_urls has {url!r}, which is no address of a TURN server")
        if self.turn_urls and self.turn_secret_file is None:
            raise ValueError("turn_urls needs turn_secret_file")

    @property
    def ports(self) -> PortRange:
        """The UDP ports."""
        return PortRange(0, 0) if self.port_range == "any" else PortRange.of_text(self.port_range)
