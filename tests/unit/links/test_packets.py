"""The address translation of the impaired link gives packets that a kernel takes."""

from __future__ import annotations

import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.links.model import Rebinding
from tests.links.packets import Translation, protocol_of

INSIDE, SERVER, OUTSIDE = "198.18.0.2", "198.18.0.1", "198.18.0.77"
TCP, UDP = 6, 17
PLACES = {TCP: 16, UDP: 6}


def ones_complement_sum(data: bytes) -> int:
    padded = data + b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def packet_of(
    protocol: int, ends: tuple[tuple[str, int], tuple[str, int]], payload: bytes
) -> bytes:
    """An IPv4 packet with right checksums."""
    (source, source_port), (destination, destination_port) = ends
    ports = struct.pack(">HH", source_port, destination_port)
    if protocol == UDP:
        segment = bytearray(ports + struct.pack(">HH", 8 + len(payload), 0) + payload)
    else:
        segment = bytearray(ports + struct.pack(">IIBBHHH", 1, 2, 5 << 4, 16, 999, 0, 0) + payload)
    addresses = socket.inet_aton(source) + socket.inet_aton(destination)
    pseudo = addresses + struct.pack(">HH", protocol, len(segment))
    checksum = ~ones_complement_sum(pseudo + bytes(segment)) & 0xFFFF
    struct.pack_into(">H", segment, PLACES[protocol], checksum or 0xFFFF)
    header = bytearray(
        struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(segment), 7, 0, 64, protocol, 0) + addresses
    )
    struct.pack_into(">H", header, 10, ~ones_complement_sum(bytes(header)) & 0xFFFF)
    return bytes(header + segment)


def is_sound(packet: bytes) -> bool:
    segment = packet[20:]
    pseudo = packet[12:20] + struct.pack(">HH", packet[9], len(segment))
    return ones_complement_sum(packet[:20]) == ones_complement_sum(pseudo + segment) == 0xFFFF


def ends_of(packet: bytes) -> tuple[tuple[str, int], tuple[str, int]]:
    ports = struct.unpack_from(">HH", packet, 20)
    source, destination = packet[12:16], packet[16:20]
    return (socket.inet_ntoa(source), ports[0]), (socket.inet_ntoa(destination), ports[1])


@given(
    protocol=st.sampled_from([TCP, UDP]),
    port=st.integers(1024, 65535),
    shift=st.integers(0, 5000),
    payload=st.binary(min_size=0, max_size=60),
    address=st.sampled_from([None, OUTSIDE, "255.255.0.1", "0.0.0.1"]),
)
def test_packets_go_out_changed_and_come_back_as_they_were(protocol, port, shift, payload, address):
    translation = Translation(INSIDE)
    translation.rebind(Rebinding(address=address, port_shift=shift))
    sent = packet_of(protocol, ((INSIDE, port), (SERVER, 443)), payload)
    outside = translation.outward(sent)
    assert is_sound(outside)
    source, destination = ends_of(outside)
    assert source == (address or INSIDE, 1024 + (port - 1024 + shift) % 64512)
    assert destination == (SERVER, 443)
    answer = translation.inward(packet_of(protocol, (destination, source), payload))
    assert answer == packet_of(protocol, ((SERVER, 443), (INSIDE, port)), payload)


@pytest.mark.parametrize("rebinding", [Rebinding(address=OUTSIDE), Rebinding(port_shift=3)])
def test_a_forgotten_address_reaches_nobody(rebinding):
    translation = Translation(INSIDE)
    answer = packet_of(UDP, ((SERVER, 443), (INSIDE, 5000)), b"late")
    sent = packet_of(UDP, ((INSIDE, 5000), (SERVER, 443)), b"ask")
    assert translation.outward(sent) == sent
    assert translation.inward(answer) == answer
    translation.rebind(rebinding)
    translation.outward(sent)
    assert translation.inward(answer) is None


def test_protocols_are_told_apart():
    ends = ((INSIDE, 5000), (SERVER, 443))
    assert protocol_of(packet_of(UDP, ends, b"")) == "udp"
    assert protocol_of(packet_of(TCP, ends, b"")) == "tcp"
    assert protocol_of(b"\x60" + bytes(10)) == ""
