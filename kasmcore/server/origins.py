"""Whether a browser's page may use this server: its Origin, and the name it called us by."""

from __future__ import annotations

import re
from collections.abc import Collection
from ipaddress import ip_address

import attrs

_DEFAULT_PORTS = {"http": 80, "https": 443}
_ORIGIN = re.compile(r"(https?)://(\[[0-9A-Fa-f:.%]+\]|[^/:@\[\]\s]+)(?::(\d{1,5}))?/?", re.I)
_HOST = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[^/:@\[\]\s]+)(?::(\d{1,5}))?")


@attrs.frozen
class Origin:
    """Scheme, host and port of a page; host in lower case, IPv6 in brackets."""

    scheme: str
    host: str
    port: int

    @classmethod
    def of_text(cls, text: str) -> Origin | None:
        """Read ``https://desk.example:8443``; None for anything else, such as ``null``."""
        match = _ORIGIN.fullmatch(text)
        if match is None:
            return None
        scheme = match[1].lower()
        port = int(match[3]) if match[3] else _DEFAULT_PORTS[scheme]
        return cls(scheme, match[2].lower(), port)


def host_name(host: str) -> str:
    """Return the name in a Host header without its port, in lower case; empty if malformed."""
    match = _HOST.fullmatch(host)
    return match[1].lower() if match is not None else ""


def is_origin_allowed(origin: str, host: str, allowed_origins: Collection[str]) -> bool:
    """True for a page of this server itself, or of one that the settings name.

    Args:
        origin: the request's Origin header.
        host: its Host header (behind a trusted proxy: what the browser asked the proxy for).
        allowed_origins: ``network.allowed_origins``.
    """
    page = Origin.of_text(origin)
    if page is None:
        return False
    # Host names no scheme: a proxy may end TLS. The port's default is that of the page's scheme.
    if Origin.of_text(f"{page.scheme}://{host}") == page:
        return True
    return page in {Origin.of_text(text) for text in allowed_origins}


def is_origin_of_host(origin: str, host: str, allowed_origins: Collection[str]) -> bool:
    """As ``is_origin_allowed``, for a port that is not the page's.

    Args:
        origin: the page's Origin header.
        host: the name that it called us by, with or without a port.
        allowed_origins: ``network.allowed_origins``.
    """
    page = Origin.of_text(origin)
    if page is None:
        return False
    return page.host == host_name(host) or is_origin_allowed(origin, host, allowed_origins)


def is_own_name(host: str, own_names: Collection[str], allowed_origins: Collection[str]) -> bool:
    """True when a Host header names this machine by something no foreign DNS server controls.

    Where nobody has to log in, a page on ``evil.example`` could otherwise point that name at our
    address (DNS rebinding) and pass for our own page.

    Args:
        host: the request's Host header.
        own_names: names of this machine, in lower case.
        allowed_origins: ``network.allowed_origins``; their hosts are trusted as names.
    """
    name = host_name(host)
    if name == "localhost" or name.endswith(".localhost") or name in own_names:
        return True
    if name in {origin.host for text in allowed_origins if (origin := Origin.of_text(text))}:
        return True
    try:
        ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
