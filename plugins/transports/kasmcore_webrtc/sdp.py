"""Checks of what viewers offer, and the public address in what is answered. Pure."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

MOST_OFFER_BYTES = 16 * 1024
MOST_LINES = 200
MOST_CANDIDATES = 24
_REFLEXIVE_PRIORITY = (100 << 24) | (65535 << 8) | 255

Address = IPv4Address | IPv6Address


class OfferRefused(ValueError):
    """The offer is not one that a viewer's browser makes."""


def checked_offer(text: str, *, allow_loopback: bool) -> str:
    """Return the offer without candidates that the server must not send packets to.

    A candidate is kept when it is a literal address, over UDP, and neither loopback, multicast nor
    unspecified. Names (``….local``) would have to be asked of the network; browsers that hide
    their addresses behind such names are found by the packets they send.

    Args:
        text: SDP.
        allow_loopback: keep loopback candidates: the viewer is on this machine.

    Raises:
        OfferRefused: too long, or not an offer of data channels alone.
    """
    if len(text) > MOST_OFFER_BYTES:
        raise OfferRefused(f"the offer is longer than {MOST_OFFER_BYTES} bytes")
    if not text.isascii() or "\0" in text:
        raise OfferRefused("the offer is not ASCII")
    lines = text.splitlines()
    if len(lines) > MOST_LINES:
        raise OfferRefused(f"the offer has more than {MOST_LINES} lines")
    media = [line for line in lines if line.startswith("m=")]
    if lines[:1] != ["v=0"] or len(media) != 1 or not media[0].startswith("m=application "):
        raise OfferRefused("the offer is not one of data channels alone")
    for needed in ("a=ice-ufrag:", "a=ice-pwd:", "a=fingerprint:sha-256 ", "a=sctp-port:"):
        if sum(line.startswith(needed) for line in lines) != 1:
            raise OfferRefused(f"the offer must have one line {needed.rstrip()}")
    kept: list[str] = []
    candidates = 0
    for line in lines:
        if line.startswith("a=candidate:"):
            if not _is_usable(line, allow_loopback):
                continue
            candidates += 1
            if candidates > MOST_CANDIDATES:
                continue
        kept.append(line)
    return "\r\n".join(kept) + "\r\n"


def with_public_address(answer: str, public: Address | None) -> str:
    """Return the answer with this address beside each host candidate of its kind.

    For a server behind a router that forwards the same port numbers to it.
    """
    if public is None:
        return answer
    lines: list[str] = []
    added: set[str] = set()
    for line in answer.splitlines():
        lines.append(line)
        fields = line.removeprefix("a=candidate:").split()
        if not line.startswith("a=candidate:") or len(fields) < 8 or fields[7] != "host":
            continue
        own, port = _address(fields[4]), fields[5]
        if own is None or own.version != public.version or own.is_loopback or port in added:
            continue
        added.add(port)
        lines.append(
            f"a=candidate:public{len(added)} {fields[1]} udp {_REFLEXIVE_PRIORITY - len(added)} "
            f"{public} {port} typ srflx raddr {own} rport {port}"
        )
    return "\r\n".join(lines) + "\r\n"


def _is_usable(line: str, allow_loopback: bool) -> bool:
    fields = line.removeprefix("a=candidate:").split()
    if len(fields) < 8 or fields[2].lower() != "udp" or fields[6] != "typ":
        return False
    address = _address(fields[4])
    if address is None or not fields[5].isdecimal() or not 0 < int(fields[5]) < 65536:
        return False
    if address.is_loopback:
        return allow_loopback
    return not (address.is_multicast or address.is_unspecified)


def _address(text: str) -> Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None
