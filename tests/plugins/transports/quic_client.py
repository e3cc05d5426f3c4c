"""A WebTransport client on aioquic and a real UDP socket, for tests."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from typing import Any

import trio
from aioquic.h3 import events as h3_events
from aioquic.h3.connection import H3Connection
from aioquic.quic import events
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection

ORIGIN = b"https://127.0.0.1:8443"
_BATCH = 16
"""Packets that it takes before it answers."""


class QuicClient:
    """Drives one QUIC connection; streams are collected as they arrive."""

    def __init__(self, port: int, **configuration: Any) -> None:
        settings = QuicConfiguration(
            is_client=True,
            alpn_protocols=["h3"],
            verify_mode=ssl.CERT_NONE,
            max_datagram_frame_size=65536,
            **configuration,
        )
        self.quic = QuicConnection(configuration=settings)
        self.h3: H3Connection | None = None
        self.server = ("127.0.0.1", port)
        self.udp = self._new_socket()
        self._old_sockets: list[trio.socket.SocketType] = []
        self.session_id = -1
        self.status = 0
        self.streams: dict[int, bytearray] = {}
        self.ended: set[int] = set()
        self.was_reset: set[int] = set()
        self.closed_by_server = False
        self.is_over = False
        """The session has ended, by whoever."""
        self.terminated: events.ConnectionTerminated | None = None
        self.control_id = -1
        self.bulk_id = -1
        self.is_deaf = False
        self.changed = trio.Event()
        self.sequence = 0
        self.control_units = 0
        self.recorded: list[bytes] = []
        """Packets that it has sent."""

    @staticmethod
    def _new_socket() -> trio.socket.SocketType:
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**21)
        udp.bind(("127.0.0.1", 0))
        return trio.socket.from_stdlib_socket(udp)

    async def run(self) -> None:
        """Receive and keep time until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._receive)
            nursery.start_soon(self._keep_time)

    async def _receive(self) -> None:
        while True:
            udp = self.udp
            with trio.move_on_after(0.05):
                await trio.lowlevel.wait_readable(udp.fileno())
                with contextlib.suppress(BlockingIOError):
                    for _ in range(_BATCH):
                        data = os.read(udp.fileno(), 65536)
                        if not self.is_deaf:
                            self.quic.receive_datagram(data, self.server, trio.current_time())
                await self.settle()

    async def _keep_time(self) -> None:
        while True:
            due_s = self.quic.get_timer()
            now_s = trio.current_time()
            await trio.sleep(min(0.02, max(0.0, (due_s or now_s + 1) - now_s)) or 0.001)
            if due_s is not None and trio.current_time() >= due_s:
                self.quic.handle_timer(trio.current_time())
                await self.settle()

    async def settle(self) -> None:
        """Take events, and send."""
        while (event := self.quic.next_event()) is not None:
            if isinstance(event, events.HandshakeCompleted):
                self.h3 = H3Connection(self.quic, enable_webtransport=True)
            if isinstance(event, events.StreamReset):
                self.was_reset.add(event.stream_id)
            if isinstance(event, events.ConnectionTerminated):
                self.terminated = event
                self.is_over = True
            if isinstance(event, events.StreamDataReceived) and event.stream_id == self.control_id:
                # aioquic takes what the server sends on the client's own stream for HTTP.
                self._note(event.stream_id, event.data)
            elif self.h3 is not None:
                for each in self.h3.handle_event(event):
                    self._take(each)
        for data, address in self.quic.datagrams_to_send(trio.current_time()):
            self.recorded.append(data)
            await self.udp.sendto(data, address)
        self.changed.set()
        self.changed = trio.Event()

    def _take(self, event: h3_events.H3Event) -> None:
        if isinstance(event, h3_events.HeadersReceived):
            self.status = int(dict(event.headers)[b":status"])
        elif isinstance(event, h3_events.WebTransportStreamDataReceived):
            self._note(event.stream_id, event.data)
            if event.stream_ended:
                self.ended.add(event.stream_id)
        elif isinstance(event, h3_events.DataReceived) and event.stream_ended:
            self.closed_by_server = self.is_over = True

    def _note(self, stream_id: int, data: bytes) -> None:
        self.streams.setdefault(stream_id, bytearray()).extend(data)

    async def until(self, condition: Any) -> None:
        """Wait until something is so."""
        with trio.fail_after(10):
            while not condition():
                with trio.move_on_after(0.1):
                    await self.changed.wait()

    async def connect(self) -> None:
        self.quic.connect(self.server, trio.current_time())
        await self.settle()
        await self.until(lambda: self.h3 is not None)

    async def open_session(
        self, path: bytes = b"/transports/webtransport", origin: bytes | None = ORIGIN
    ) -> int:
        """Ask for a session; returns the status."""
        assert self.h3 is not None
        self.session_id = self.quic.get_next_available_stream_id()
        headers = [
            (b":method", b"CONNECT"),
            (b":protocol", b"webtransport"),
            (b":scheme", b"https"),
            (b":authority", b"127.0.0.1:%d" % self.server[1]),
            (b":path", path),
        ]
        if origin is not None:
            headers.append((b"origin", origin))
        self.status = 0
        self.h3.send_headers(self.session_id, headers)
        await self.settle()
        await self.until(lambda: self.status)
        return self.status

    async def open_control(self) -> None:
        assert self.h3 is not None
        self.control_id = self.h3.create_webtransport_stream(self.session_id)
        await self.settle()

    async def send_control(self, unit: bytes) -> None:
        self.control_units += 1
        self.quic.send_stream_data(self.control_id, struct.pack(">I", len(unit)) + unit)
        await self.settle()

    async def send_bulk(self, unit: bytes) -> None:
        assert self.h3 is not None
        if self.bulk_id < 0:
            self.bulk_id = self.h3.create_webtransport_stream(
                self.session_id, is_unidirectional=True
            )
            self.quic.send_stream_data(self.bulk_id, b"\x02")
        self.quic.send_stream_data(self.bulk_id, struct.pack(">I", len(unit)) + unit)
        await self.settle()

    async def send_loose(self, unit: bytes, control_units: int | None = None) -> None:
        assert self.h3 is not None
        self.sequence += 1
        before = self.control_units if control_units is None else control_units
        head = struct.pack(">II", self.sequence, before)
        self.h3.send_datagram(self.session_id, head + unit)
        await self.settle()

    def control_received(self) -> list[bytes]:
        """Units of control, so far."""
        return units_of(bytes(self.streams.get(self.control_id, b"")))

    def frames_received(self) -> list[bytes]:
        """Frames that have arrived in full."""
        return [
            bytes(data[1:])
            for key, data in sorted(self.streams.items())
            if key in self.ended and data[:1] == b"\x01"
        ]

    def bulk_received(self) -> list[bytes]:
        """Units of bulk, so far."""
        return [
            unit
            for data in self.streams.values()
            if data[:1] == b"\x02"
            for unit in units_of(bytes(data[1:]))
        ]

    def move(self) -> None:
        """Go on from another port, as after a new mapping of a router."""
        self._old_sockets.append(self.udp)
        self.udp = self._new_socket()


def units_of(data: bytes) -> list[bytes]:
    found = []
    while len(data) >= 4 and len(data) - 4 >= int.from_bytes(data[:4], "big"):
        end = 4 + int.from_bytes(data[:4], "big")
        found.append(data[4:end])
        data = data[end:]
    return found


@contextlib.asynccontextmanager
async def connected(port: int, **configuration: Any) -> AsyncIterator[QuicClient]:
    """A client whose session and control lane are open."""
    async with running(port, **configuration) as client:
        await client.connect()
        assert await client.open_session() == 200
        await client.open_control()
        yield client


@contextlib.asynccontextmanager
async def running(port: int, **configuration: Any) -> AsyncIterator[QuicClient]:
    """A client that has not connected."""
    client = QuicClient(port, **configuration)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(client.run)
        yield client
        nursery.cancel_scope.cancel()
    client.udp.close()
