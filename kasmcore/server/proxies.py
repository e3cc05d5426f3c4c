"""What trusted proxies say about a request; what anybody else says is not believed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import attrs

Networks = Sequence[IPv4Network | IPv6Network]
_WITH_PORT = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::\d+)?|(\d+\.\d+\.\d+\.\d+):\d+")


@attrs.frozen
class RequestSource:
    """Where a request really came from and what the browser asked for."""

    address: str
    """IP address of the client."""
    host: str
    """The Host that the browser used, with its port if it has one."""
    is_secure: bool
    """True when the browser speaks TLS, with us or with the proxy."""
    came_by_proxy: bool
    """True when a trusted proxy passed it on."""


def request_source(
    peer: str, headers: Mapping[str, str], is_tls: bool, trusted: Networks
) -> RequestSource:
    """Sort out X-Forwarded-For, -Host and -Proto.

    The client is the rightmost address that is no trusted proxy: everything to its left is
    what that client claims.

    Args:
        peer: IP address of the TCP connection.
        headers: names in lower case.
        is_tls: the TCP connection itself is encrypted.
        trusted: ``network.trusted_proxies``.
    """
    host = headers.get("host", "")
    peer = _plain(peer)
    if not is_trusted_proxy(peer, trusted):
        return RequestSource(peer, host, is_tls, came_by_proxy=False)
    return RequestSource(
        address=_client_address(peer, headers.get("x-forwarded-for", ""), trusted),
        host=_last(headers.get("x-forwarded-host", "")) or host,
        is_secure=is_tls or _last(headers.get("x-forwarded-proto", "")).lower() == "https",
        came_by_proxy=True,
    )


def _client_address(peer: str, forwarded_for: str, trusted: Networks) -> str:
    address = peer
    for entry in reversed(forwarded_for.split(",")):
        ip = _parsed(entry)
        if ip is None:
            break
        address = str(ip)
        if not is_trusted_proxy(address, trusted):
            break
    return address


def _parsed(entry: str) -> IPv4Address | IPv6Address | None:
    entry = entry.strip()
    match = _WITH_PORT.fullmatch(entry)
    try:
        return ip_address(_plain((match[1] or match[2]) if match else entry))
    except ValueError:
        return None


def _plain(address: str) -> str:
    """Without scope, and IPv4 as itself when it comes mapped into IPv6."""
    address = address.partition("%")[0]
    return address[7:] if address.lower().startswith("::ffff:") and "." in address else address


def is_trusted_proxy(address: str, trusted: Networks) -> bool:
    """True for the address of a proxy that the settings trust."""
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    return any(ip in network for network in trusted if network.version == ip.version)


def _last(value: str) -> str:
    return value.rpartition(",")[2].strip()
