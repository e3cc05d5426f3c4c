"""IPv4 packets: whose they are, and the address translation that a router does."""

from __future__ import annotations

import socket
import struct

import attrs

from tests.links.model import Rebinding

_TCP, _UDP = 6, 17
_PROTOCOLS = {_TCP: "tcp", _UDP: "udp"}
_CHECKSUM_PLACES = {_TCP: 16, _UDP: 6}
_FIRST_SHIFTED_PORT = 1024
_SHIFTED_PORTS = 65536 - _FIRST_SHIFTED_PORT
_SOURCE, _DESTINATION = 12, 16


def protocol_of(packet: bytes) -> str:
    """``tcp``, ``udp``, or nothing for others."""
    return _PROTOCOLS.get(packet[9], "") if len(packet) >= 20 else ""


@attrs.define
class Translation:
    """What a router between the client and the network does to addresses and ports.

    Until the first rebinding it does nothing. After one, packets to the old outside address and
    ports reach nobody: the router has forgotten them.
    """

    inside: str
    _binding: Rebinding | None = None
    _senders: dict[tuple[int, int], str] = attrs.field(factory=dict, init=False)
    """Which address of the client's own sent by this protocol and outside port since the rebinding:
    it may have got another one."""

    def rebind(self, rebinding: Rebinding) -> None:
        """Use other outside addresses from now on."""
        self._binding = rebinding
        self._senders.clear()

    def outward(self, packet: bytes) -> bytes:
        """A packet of the client, as the network sees it."""
        if self._binding is None or len(packet) < 20:
            return packet
        protocol, ports_at = _ports_place(packet)
        port = None
        if ports_at is not None:
            own = struct.unpack_from(">H", packet, ports_at)[0]
            port = _shifted(own, self._binding.port_shift)
            source = socket.inet_ntoa(packet[_SOURCE : _SOURCE + 4])
            self._senders[protocol, port] = source
        return _changed(packet, _SOURCE, self._outside, ports_at, port)

    def inward(self, packet: bytes) -> bytes | None:
        """A packet of the network, as the client sees it; None when it is for nobody."""
        if self._binding is None or len(packet) < 20:
            return packet
        if packet[_DESTINATION : _DESTINATION + 4] != socket.inet_aton(self._outside):
            return None
        protocol, ports_at = _ports_place(packet)
        if ports_at is None:
            return _changed(packet, _DESTINATION, self.inside, None, None)
        outside_port = struct.unpack_from(">H", packet, ports_at + 2)[0]
        sender = self._senders.get((protocol, outside_port))
        if sender is None:
            return None
        own = _shifted(outside_port, -self._binding.port_shift)
        return _changed(packet, _DESTINATION, sender, ports_at + 2, own)

    @property
    def _outside(self) -> str:
        chosen = self._binding.address if self._binding is not None else None
        return chosen or self.inside


def _shifted(port: int, by: int) -> int:
    if port < _FIRST_SHIFTED_PORT:
        return port
    return _FIRST_SHIFTED_PORT + (port - _FIRST_SHIFTED_PORT + by) % _SHIFTED_PORTS


def _ports_place(packet: bytes) -> tuple[int, int | None]:
    """Protocol, and where the ports are; None without ports, as in a later fragment."""
    protocol = packet[9]
    is_later_fragment = struct.unpack_from(">H", packet, 6)[0] & 0x1FFF
    header_bytes = (packet[0] & 15) * 4
    if protocol not in _PROTOCOLS or is_later_fragment or len(packet) < header_bytes + 20:
        if protocol == _UDP and not is_later_fragment and len(packet) >= header_bytes + 8:
            return protocol, header_bytes
        return protocol, None
    return protocol, header_bytes


def _changed(
    packet: bytes, address_at: int, address: str, port_at: int | None, port: int | None
) -> bytes:
    """The packet with another address and port, and checksums that fit."""
    changed = bytearray(packet)
    changed[address_at : address_at + 4] = socket.inet_aton(address)
    header_change = _difference(packet, changed, address_at, 4)
    _fix_checksum(changed, 10, header_change)
    if port_at is None or port is None:
        return bytes(changed)
    struct.pack_into(">H", changed, port_at, port)
    header_bytes, protocol = (packet[0] & 15) * 4, packet[9]
    place = header_bytes + _CHECKSUM_PLACES[protocol]
    is_unused = protocol == _UDP and changed[place : place + 2] == b"\0\0"
    if not is_unused:
        _fix_checksum(changed, place, header_change + _difference(packet, changed, port_at, 2))
    return bytes(changed)


def _difference(before: bytes, after: bytearray, start: int, length: int) -> int:
    """What the sum of 16-bit words has grown by, in ones' complement (RFC 1624)."""
    total = 0
    for place in range(start, start + length, 2):
        old, new = struct.unpack_from(">H", before, place), struct.unpack_from(">H", after, place)
        total += (~old[0] & 0xFFFF) + new[0]
    return total


def _fix_checksum(packet: bytearray, place: int, change: int) -> None:
    total = (~struct.unpack_from(">H", packet, place)[0] & 0xFFFF) + change
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    struct.pack_into(">H", packet, place, ~total & 0xFFFF)
