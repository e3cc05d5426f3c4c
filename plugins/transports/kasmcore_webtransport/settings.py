"""The plugin's settings: ``plugin_settings.webtransport``."""

from __future__ import annotations

import attrs

from kasmcore.api import setting


@attrs.frozen(kw_only=True)
class WebTransportSettings:
    """WebTransport over QUIC. YAML: ``plugin_settings.webtransport``."""

    public_port: int | None = setting(
        None,
        "UDP port that browsers are told to use; same: the number of the HTTPS port. Set it when a "
        "router or a container maps the UDP port to another number.",
        at_least=1,
        at_most=65535,
        none_words=("same",),
    )
    certificate: str = setting(
        "auto",
        "made: a certificate that is made anew every few days and told to the browser by its hash; "
        "it needs no authority. configured: network.ssl.pem_certificate, for browsers that refuse "
        "hashes; it must come from a public authority. auto: configured if there is one, else "
        "made.",
        choices=("auto", "configured", "made"),
    )
    most_connections: int = setting(
        100, "QUIC connections at the same time, of all viewers.", at_least=1, at_most=10_000
    )
    packet_bytes: int = setting(
        1200,
        "Size of full UDP packets without their headers. More costs less processor time, but a "
        "link on the way may not carry it.",
        at_least=1200,
        at_most=1452,
        unit="bytes",
    )
