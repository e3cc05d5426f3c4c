"""QUIC connections of aioquic as programs of a simulation: a server that sends, a client that
notes what arrives when."""

from __future__ import annotations

import datetime
import functools
import ssl
from collections.abc import Callable, Iterator

import attrs
from aioquic.quic import events
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import NameOID

from tests.links.simulation import Simulation

Accept = Callable[[bytes], QuicConnection]
"""Makes a server's connection from the first connection id that the client chose."""

_ALPN = ["h3"]
_IDLE_S = 60.0
_CLIENT_WINDOW_BYTES = 1 << 24


@attrs.frozen(kw_only=True)
class Demand:
    """What the server has to send.

    Attributes:
        frames_per_s: each frame is a stream of its own.
        frame_bytes: size of one.
        from_s, until_s: when.
        most_waiting_bytes: a frame is left out while more than this waits to be sent.
    """

    frames_per_s: float
    frame_bytes: int
    from_s: float = 1.0
    until_s: float = float("inf")
    most_waiting_bytes: float = float("inf")


EVERYTHING = Demand(frames_per_s=100, frame_bytes=25_000, most_waiting_bytes=50_000)
"""As much as gets through, up to 20 Mbit/s."""


@functools.cache
def _identity() -> tuple[x509.Certificate, Ed25519PrivateKey]:
    """A certificate whose signatures are always of the same size, so that runs repeat."""
    key = Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "simulated")])
    begins = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)
    builder = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(begins)
        .not_valid_after(begins + datetime.timedelta(days=36500))
    )
    return builder.sign(key, None), key


@attrs.define(eq=False)
class QuicProgram:
    """What both ends have in common."""

    connection: QuicConnection | None = None
    is_over: bool = False
    _sent_s: float | None = None

    def receive(self, datagram: bytes, sender: str, now_s: float) -> None:
        """A datagram arrives."""
        if self.connection is not None:
            self.connection.receive_datagram(datagram, (sender, 1), now_s)
            self._take_events(now_s)

    def due_s(self) -> float | None:
        """When the connection wants to be woken."""
        return None if self.connection is None else self.connection.get_timer()

    def wake(self, now_s: float) -> None:
        """Its time has come."""
        if self.connection is not None:
            timer_s = self.connection.get_timer()
            if timer_s is not None and timer_s <= now_s:
                self.connection.handle_timer(now_s)
                self._take_events(now_s)

    def outgoing(self, now_s: float) -> list[bytes]:
        """Datagrams that it wants to send now."""
        if self.connection is None:
            return []
        return [datagram for datagram, _ in self.connection.datagrams_to_send(now_s)]

    def _take_events(self, now_s: float) -> None:
        assert self.connection is not None
        while (event := self.connection.next_event()) is not None:
            if isinstance(event, events.ConnectionTerminated):
                self.is_over = True
            self._take(event, now_s)

    def _take(self, event: events.QuicEvent, now_s: float) -> None:
        """Something happened."""


@attrs.define(eq=False)
class QuicServer(QuicProgram):
    """Sends what it is asked for, as soon as the client is there."""

    accept: Accept = attrs.field(kw_only=True)
    demand: Demand = attrs.field(kw_only=True)
    sent_at_s: dict[int, float] = attrs.field(factory=dict, init=False)
    """When each frame was handed over, by its stream."""
    left_out: int = attrs.field(default=0, init=False)
    _frame: int = attrs.field(default=0, init=False)
    _is_open: bool = attrs.field(default=False, init=False)
    _streams: dict[int, None] = attrs.field(factory=dict, init=False)

    def receive(self, datagram: bytes, sender: str, now_s: float) -> None:
        """A datagram arrives; the first one makes the connection."""
        if self.connection is None:
            id_bytes = datagram[5]
            self.connection = self.accept(datagram[6 : 6 + id_bytes])
        super().receive(datagram, sender, now_s)

    def due_s(self) -> float | None:
        """When it wants to be woken, for the connection or for the next frame."""
        times = [super().due_s(), self._frame_due_s()]
        return min((at_s for at_s in times if at_s is not None), default=None)

    def wake(self, now_s: float) -> None:
        """Send the frames that are due."""
        super().wake(now_s)
        while (due_s := self._frame_due_s()) is not None and due_s <= now_s:
            self._frame += 1
            self._send_frame(now_s)

    def waiting_bytes(self) -> int:
        """What has been handed over and is not known to have arrived, or lies unsent."""
        return sum(sender_bytes for _, sender_bytes in self._unsent())

    def _frame_due_s(self) -> float | None:
        due_s = self.demand.from_s + self._frame / self.demand.frames_per_s
        return due_s if self._is_open and due_s < self.demand.until_s else None

    def _send_frame(self, now_s: float) -> None:
        assert self.connection is not None
        if self.waiting_bytes() > self.demand.most_waiting_bytes:
            self.left_out += 1
            return
        stream = self.connection.get_next_available_stream_id(is_unidirectional=True)
        self.sent_at_s[stream] = now_s
        self._streams[stream] = None
        self.connection.send_stream_data(stream, bytes(self.demand.frame_bytes), end_stream=True)

    def _unsent(self) -> Iterator[tuple[int, int]]:
        """aioquic has no public count of them."""
        assert self.connection is not None
        for stream in list(self._streams):
            known = self.connection._streams.get(stream)
            if known is None or known.sender.is_finished:
                del self._streams[stream]
            else:
                unsent = sum(part.stop - part.start for part in known.sender._pending)
                yield stream, unsent

    def _take(self, event: events.QuicEvent, now_s: float) -> None:
        if isinstance(event, events.HandshakeCompleted):
            self._is_open = True


@attrs.define(eq=False)
class QuicClient(QuicProgram):
    """Notes what arrives."""

    arrived: list[tuple[float, int]] = attrs.field(factory=list, init=False)
    """When, and how many bytes of streams."""
    complete_at_s: dict[int, float] = attrs.field(factory=dict, init=False)
    """When the last byte of each stream was there."""

    def bytes_between(self, from_s: float, until_s: float) -> int:
        """How much arrived."""
        return sum(size for at_s, size in self.arrived if from_s <= at_s < until_s)

    def _take(self, event: events.QuicEvent, now_s: float) -> None:
        if isinstance(event, events.StreamDataReceived):
            self.arrived.append((now_s, len(event.data)))
            if event.end_stream:
                self.complete_at_s[event.stream_id] = now_s


@attrs.frozen
class QuicFlow:
    """One server and its client."""

    server: QuicServer
    client: QuicClient

    def mbit_per_s(self, from_s: float, until_s: float) -> float:
        """Data of streams that arrived."""
        return self.client.bytes_between(from_s, until_s) * 8 / 1e6 / (until_s - from_s)

    def latencies_s(self, from_s: float, until_s: float) -> list[float]:
        """From handed over to complete, of frames handed over then; those that never came are
        infinitely late."""
        complete = self.client.complete_at_s
        return [
            complete.get(stream, float("inf")) - sent_s
            for stream, sent_s in self.server.sent_at_s.items()
            if from_s <= sent_s < until_s
        ]


def identified(configuration: QuicConfiguration) -> QuicConfiguration:
    """Give a server's configuration a certificate."""
    configuration.certificate, configuration.private_key = _identity()
    return configuration


def by_name(congestion_control: str) -> Accept:
    """A server's plain connection with one of aioquic's own congestion controls."""

    def accept(original_id: bytes) -> QuicConnection:
        configuration = QuicConfiguration(
            is_client=False,
            alpn_protocols=_ALPN,
            congestion_control_algorithm=congestion_control,
            idle_timeout=_IDLE_S,
        )
        return QuicConnection(
            configuration=identified(configuration),
            original_destination_connection_id=original_id,
        )

    return accept


def add_flow(simulation: Simulation, demand: Demand, accept: Accept) -> QuicFlow:
    """Let a client join a server that sends.

    Args:
        simulation: where.
        demand: what the server sends.
        accept: makes the server's connection; the client's is a plain one.
    """
    server = QuicServer(accept=accept, demand=demand)
    client = QuicClient(
        QuicConnection(
            configuration=QuicConfiguration(
                is_client=True,
                alpn_protocols=_ALPN,
                verify_mode=ssl.CERT_NONE,
                idle_timeout=_IDLE_S,
                max_data=_CLIENT_WINDOW_BYTES,
                max_stream_data=_CLIENT_WINDOW_BYTES,
            )
        )
    )
    assert client.connection is not None
    client.connection.connect(("server", 1), now=simulation.now_s)
    simulation.add(server, client)
    return QuicFlow(server, client)
