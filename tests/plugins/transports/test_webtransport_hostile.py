"""What peers of bad will send to the UDP port, and a viewer beside them."""

from __future__ import annotations

import os
import random
import socket
import ssl
import time

import pytest
import trio
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection

from kasmcore.api import Lane, RemoteProtocolError
from tests.plugins.transports.quic_client import connected, running
from tests.plugins.transports.webtransport_host import config_with, joined, listening


def _first_packet() -> bytes:
    """A client's first packet, good in every respect."""
    quic = QuicConnection(
        configuration=QuicConfiguration(
            is_client=True, alpn_protocols=["h3"], verify_mode=ssl.CERT_NONE
        )
    )
    quic.connect(("127.0.0.1", 1), time.monotonic())
    return quic.datagrams_to_send(time.monotonic())[0][0]


class _Flood:
    """A socket that sends and forgets."""

    def __init__(self, port: int) -> None:
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.setblocking(False)
        self._udp.bind(("127.0.0.1", 0))
        self._server = ("127.0.0.1", port)
        self.sent_bytes = 0

    def send(self, data: bytes) -> None:
        self.sent_bytes += len(data)
        self._udp.sendto(data, self._server)

    def answers(self) -> list[bytes]:
        found = []
        while True:
            try:
                found.append(self._udp.recv(65536))
            except BlockingIOError:
                return found

    def close(self) -> None:
        self._udp.close()


async def test_garbage_is_dropped_and_a_viewer_notices_nothing():
    seeded = random.Random(1)
    async with listening() as site, joined(site) as client:
        await client.send_control(b"\x20a")
        assert await site.connection.receive() == b"\x20a"
        flood = _Flood(await site.port())
        good = _first_packet()
        for number in range(3000):
            kind = number % 4
            if kind == 0:
                flood.send(seeded.randbytes(seeded.randrange(1, 1400)))
            elif kind == 1:
                flood.send(good[: seeded.randrange(1, len(good))])
            elif kind == 2:
                broken = bytearray(good)
                broken[seeded.randrange(len(good))] ^= 1 << seeded.randrange(8)
                flood.send(bytes(broken))
            else:
                flood.send(b"\x40" + client.quic._peer_cid.cid + seeded.randbytes(60))
            if number % 64 == 0:
                await trio.sleep(0)
        await client.send_control(b"\x20b")
        with trio.fail_after(5):
            assert await site.connection.receive() == b"\x20b"
        assert len(b"".join(flood.answers())) <= 3 * flood.sent_bytes
        assert len(site.host.connections) == 1
        flood.close()


async def test_handshakes_that_never_end_take_no_memory():
    async with listening() as site, joined(site) as client:
        await client.send_control(b"\x20a")
        await site.connection.receive()
        flood = _Flood(await site.port())
        packets = [bytearray(_first_packet()) for _ in range(20)]
        for number in range(4000):
            flood.send(bytes(packets[number % 20]))
            if number >= 40:  # other names: each looks like a new connection
                fresh = packets[number % 20]
                fresh[6:14] = os.urandom(8)
            if number % 64 == 0:
                await trio.sleep(0)
        endpoint = site.endpoint
        assert endpoint.open_connections <= 66
        answers = flood.answers()
        retries = [each for each in answers if each[0] & 0xF0 == 0xF0]
        assert retries, "nobody was asked to prove its address"
        await client.send_control(b"\x20b")
        with trio.fail_after(5):
            assert await site.connection.receive() == b"\x20b"
        flood.close()


async def test_a_client_that_proves_its_address_gets_in_while_others_do_not():
    async with listening() as site:
        port = await site.port()
        flood = _Flood(await site.port())
        for _ in range(12):
            flood.send(_first_packet())
        await trio.sleep(0.2)
        async with connected(port) as client:
            assert client.quic._retry_count == 1
            await client.send_control(b"\x20a")
            assert await site.connection.receive() == b"\x20a"
        flood.close()


async def test_an_address_that_proved_nothing_gets_no_more_than_three_times_what_it_sent():
    async with listening() as site:
        flood = _Flood(await site.port())
        flood.send(_first_packet())
        await trio.sleep(1.0)
        assert 0 < len(b"".join(flood.answers())) <= 3 * flood.sent_bytes
        flood.close()


async def test_replayed_packets_do_nothing():
    async with listening() as site, joined(site) as client:
        seen = client.recorded = []
        for number in range(10):
            await client.send_control(bytes((0x20, number)))
            assert await site.connection.receive() == bytes((0x20, number))
        flood = _Flood(client.server[1])
        for data in seen * 5:
            flood.send(data)
        await trio.sleep(0.1)
        await client.send_control(b"\x20last")
        assert await site.connection.receive() == b"\x20last"
        flood.close()


async def test_an_unknown_version_is_answered_with_those_that_are_known():
    async with listening() as site:
        flood = _Flood(await site.port())
        packet = bytearray(_first_packet())
        packet[1:5] = b"\x1a\x2a\x3a\x4a"
        flood.send(bytes(packet))
        flood.send(bytes(packet[:600]))
        await trio.sleep(0.2)
        (answer,) = flood.answers()
        assert answer[1:5] == bytes(4)
        flood.close()


async def test_a_client_that_opens_no_session_is_sent_away():
    async with listening() as site, running(await site.port()) as client:
        await client.connect()
        assert site.endpoint.open_connections == 1
        site.endpoint.sweep(trio.current_time() + 11)
        await client.until(lambda: client.terminated is not None)
        assert site.endpoint.open_connections == 0


async def test_a_unit_that_is_too_long_ends_the_connection():
    async with listening() as site, joined(site) as client:
        client.quic.send_stream_data(client.control_id, b"\xff\xff\xff\xff")
        await client.settle()
        await client.until(lambda: site.host.connections)
        with pytest.raises(RemoteProtocolError, match="the most is"):
            await site.connection.receive()


async def test_streams_of_other_kinds_end_the_connection():
    async with listening() as site, joined(site) as client:
        await client.send_control(b"\x20a")
        await site.connection.receive()
        stream = client.h3.create_webtransport_stream(client.session_id, is_unidirectional=True)
        client.quic.send_stream_data(stream, b"\x07what")
        await client.settle()
        with pytest.raises(RemoteProtocolError, match="lane 7"):
            await site.connection.receive()


async def test_no_more_connections_than_the_settings_allow():
    config = config_with(most_connections=2)
    async with listening(config=config) as site:
        port = await site.port()
        async with connected(port) as first, connected(port):
            async with running(port) as third:
                third.quic.connect(third.server, trio.current_time())
                await third.settle()
                await trio.sleep(0.5)
                assert third.h3 is None
            await first.send_control(b"\x20a")
            assert await site.host.connections[0].receive() == b"\x20a"
            await site.host.connections[0].send(Lane.CONTROL, b"b")
