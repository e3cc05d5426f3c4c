"""The UDP port: packets to connections, timers, and who may begin one."""

from __future__ import annotations

import contextlib
import heapq
import logging
import os
from collections.abc import Awaitable, Callable, Iterator

import attrs
import trio
from aioquic._buffer import Buffer
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.packet import (
    QuicHeader,
    QuicPacketType,
    encode_quic_retry,
    encode_quic_version_negotiation,
    pull_quic_header,
)
from aioquic.quic.retry import QuicRetryTokenHandler

from kasmcore_webtransport.admission import Admission, Verdict
from kasmcore_webtransport.connection import WebTransportConnection
from kasmcore_webtransport.quic import ServerQuic
from kasmcore_webtransport.session import IsAllowed, Session, State
from kasmcore_webtransport.udp import Address, UdpSocket

_log = logging.getLogger(__name__)

_CID_BYTES = 8
_LEAST_FIRST_BYTES = 1200
_OPENING_S = 10.0
"""From the first packet to a session."""
_KEEP_ALIVE_S = 8.0
_HOUSEKEEPING_S = 1.0
_LONG_HEADER = 0x80

Serve = Callable[[WebTransportConnection, str], Awaitable[None]]
"""Serves a connection of a peer's IP address until it has ended."""


@attrs.define(eq=False)
class _Peer:
    """One QUIC connection, and what belongs to it."""

    quic: ServerQuic
    session: Session
    address: str
    began_s: float
    heard_s: float
    udp: UdpSocket
    cids: set[bytes] = attrs.field(factory=set)
    connection: WebTransportConnection | None = None
    timer_s: float | None = None
    is_gone: bool = False


class Endpoint:
    """All connections of the transport.

    Args:
        sockets: bound; stay open until ``run`` ends.
        configuration: makes the QUIC settings of a new connection, with its certificate.
        admission: who may connect.
        is_allowed: which pages may.
        serve: runs a connection.
    """

    def __init__(
        self,
        sockets: list[UdpSocket],
        configuration: Callable[[], QuicConfiguration],
        admission: Admission,
        is_allowed: IsAllowed,
        serve: Serve,
    ) -> None:
        self._sockets = sockets
        self._configuration = configuration
        self._admission = admission
        self._is_allowed = is_allowed
        self._serve = serve
        self._versions = configuration().supported_versions
        self._retry = QuicRetryTokenHandler()
        self._by_cid: dict[bytes, _Peer] = {}
        self._peers: set[_Peer] = set()
        self._timers: list[tuple[float, int, _Peer]] = []
        self._timer_count = 0
        self._timer_changed = trio.Event()
        self._nursery: trio.Nursery | None = None

    async def run(self) -> None:
        """Serve until cancelled; then tell the peers that it is over."""
        try:
            async with trio.open_nursery() as self._nursery:
                for udp in self._sockets:
                    self._nursery.start_soon(self._receive, udp)
                self._nursery.start_soon(self._keep_time)
                self._nursery.start_soon(self._keep_house)
        finally:
            for peer in list(self._peers):
                self._hang_up(peer, "the server stops")
            for udp in self._sockets:
                udp.close()

    @property
    def open_connections(self) -> int:
        """Connections that there are, with and without a session."""
        return len(self._peers)

    # -- packets

    async def _receive(self, udp: UdpSocket) -> None:
        while True:
            await udp.wait_readable()
            now_s = trio.current_time()
            touched = set()
            for data, address in udp.receive():
                peer = self._peer_of(data, address, udp, now_s)
                if peer is not None and self._feed(peer, data, address, now_s):
                    touched.add(peer)
            for peer in touched:
                self._settle(peer)

    def _peer_of(self, data: bytes, address: Address, udp: UdpSocket, now_s: float) -> _Peer | None:
        """Find the connection of a packet, cheaply, or begin one."""
        if not data:
            return None
        if not data[0] & _LONG_HEADER:
            return self._by_cid.get(data[1 : 1 + _CID_BYTES])
        try:
            header = pull_quic_header(Buffer(data=data), host_cid_length=_CID_BYTES)
        except ValueError:
            return None
        peer = self._by_cid.get(header.destination_cid)
        if peer is not None or len(data) < _LEAST_FIRST_BYTES:
            return peer
        if header.version not in self._versions:
            if header.packet_type is not QuicPacketType.VERSION_NEGOTIATION:
                self._name_versions(header, address, udp, now_s)
            return None
        if header.packet_type is not QuicPacketType.INITIAL:
            return None
        return self._begin(header, address, udp, now_s)

    def _begin(
        self, header: QuicHeader, address: Address, udp: UdpSocket, now_s: float
    ) -> _Peer | None:
        original_cid, retry_cid = header.destination_cid, None
        if header.token:
            try:
                original_cid = self._retry.validate_token(
                    address=address,
                    destination_cid=header.destination_cid,
                    token=header.token,
                    now=now_s,
                )
            except ValueError:
                return None  # also of a connection before the server started anew
            retry_cid = header.destination_cid
        verdict = self._admission.judge(address[0], retry_cid is not None, now_s)
        if verdict is Verdict.RETRY:
            self._ask_again(header, address, udp, now_s)
        if verdict is not Verdict.ACCEPT:
            return None
        quic = ServerQuic(self._configuration(), original_cid, retry_cid)
        session = Session(quic, self._is_allowed)
        peer = _Peer(quic, session, address[0], now_s, now_s, udp)
        peer.cids = {header.destination_cid, quic.host_cid}
        for cid in peer.cids:
            self._by_cid[cid] = peer
        self._peers.add(peer)
        self._admission.began(peer.address)
        return peer

    def _name_versions(
        self, header: QuicHeader, address: Address, udp: UdpSocket, now_s: float
    ) -> None:
        if self._admission.may_answer(now_s):
            packet = encode_quic_version_negotiation(
                source_cid=header.destination_cid,
                destination_cid=header.source_cid,
                supported_versions=self._versions,
            )
            udp.send(packet, address)

    def _ask_again(
        self, header: QuicHeader, address: Address, udp: UdpSocket, now_s: float
    ) -> None:
        """Let the peer show that it gets what is sent to its address; nothing is kept of it."""
        assert header.version is not None  # noqa: S101 - a first packet has one
        source_cid = os.urandom(_CID_BYTES)
        token = self._retry.create_token(
            address=address,
            original_destination_connection_id=header.destination_cid,
            retry_source_connection_id=source_cid,
            now=now_s,
        )
        packet = encode_quic_retry(
            version=header.version,
            source_cid=source_cid,
            destination_cid=header.source_cid,
            original_destination_cid=header.destination_cid,
            retry_token=token,
        )
        udp.send(packet, address)

    def _feed(self, peer: _Peer, data: bytes, address: Address, now_s: float) -> bool:
        with self._kept_apart(peer):
            peer.quic.receive_datagram(data, address, now_s)
            peer.heard_s = now_s
        return not peer.is_gone

    @contextlib.contextmanager
    def _kept_apart(self, peer: _Peer) -> Iterator[None]:
        """Let a connection's fault end that connection alone."""
        try:
            yield
        except Exception:  # noqa: BLE001 - one viewer: its packets must not end the others' port
            _log.warning("the connection of %s is broken", peer.address, exc_info=True)
            self._forget(peer, "the connection is broken")

    # -- connections

    def _settle(self, peer: _Peer) -> None:
        """Do what follows from anything that happened to a connection, and send."""
        if peer.is_gone:
            return
        with self._kept_apart(peer):
            peer.session.handle_events()
            peer.session.grant()
            self._send(peer)
        if peer.is_gone:
            return
        self._note_cids(peer)
        session = peer.session
        if session.state is State.OPEN and peer.connection is None:
            self._admission.opened()
            peer.connection = WebTransportConnection(
                session, lambda: self._flush(peer), lambda reason: self._hang_up(peer, reason)
            )
            if self._nursery is not None:
                self._nursery.start_soon(self._run_connection, peer, peer.connection)
        if peer.connection is not None:
            peer.connection.note_progress()
        if session.state is State.ENDED:
            if peer.quic.is_over:
                self._forget(peer, session.end_reason)
            elif peer.connection is None:
                self._hang_up(peer, session.end_reason)

    def _flush(self, peer: _Peer) -> None:
        """Send what a connection's user has written."""
        if not peer.is_gone:
            self._send(peer)

    def _send(self, peer: _Peer) -> None:
        quic = peer.quic
        peer.udp.send_all(quic.datagrams_to_send(trio.current_time()))
        due_s = quic.get_timer()
        if due_s is not None and (peer.timer_s is None or due_s < peer.timer_s):
            self._set_timer(peer, due_s)

    def _note_cids(self, peer: _Peer) -> None:
        """Let packets with the connection's newest names find it."""
        current = peer.quic.own_cids()
        if len(current) == len(peer.cids) and current == peer.cids:
            return
        for cid in peer.cids - current:
            self._by_cid.pop(cid, None)
        for cid in current - peer.cids:
            self._by_cid[cid] = peer
        peer.cids = current

    async def _run_connection(self, peer: _Peer, connection: WebTransportConnection) -> None:
        try:
            await self._serve(connection, peer.address)
        finally:
            await connection.aclose("")

    def _hang_up(self, peer: _Peer, reason: str) -> None:
        """Close at once, with a word to the peer; late packets of it are nobody's then."""
        if peer.is_gone:
            return
        peer.session.end(reason)
        with self._kept_apart(peer):
            peer.quic.close(reason_phrase=reason[:200])
            self._send(peer)
        self._forget(peer, reason)

    def _forget(self, peer: _Peer, reason: str) -> None:
        if peer.is_gone:
            return
        peer.is_gone = True
        peer.session.end(reason)
        self._peers.discard(peer)
        for cid in peer.cids:
            self._by_cid.pop(cid, None)
        self._admission.ended(peer.address, peer.connection is not None)
        if peer.connection is not None:
            peer.connection.note_progress()

    # -- time

    def _set_timer(self, peer: _Peer, due_s: float) -> None:
        peer.timer_s = due_s
        self._timer_count += 1
        heapq.heappush(self._timers, (due_s, self._timer_count, peer))
        if self._timers[0][2] is peer:
            self._timer_changed.set()

    async def _keep_time(self) -> None:
        while True:
            self._timer_changed = trio.Event()
            wait_until_s = self._timers[0][0] if self._timers else trio.current_time() + 3600
            with trio.move_on_at(wait_until_s):
                await self._timer_changed.wait()
            now_s = trio.current_time()
            for peer in self._due(now_s):
                self._handle_timer(peer, now_s)
            await trio.lowlevel.checkpoint()

    def _due(self, now_s: float) -> Iterator[_Peer]:
        while self._timers and self._timers[0][0] <= now_s:
            due_s, _, peer = heapq.heappop(self._timers)
            if peer.timer_s == due_s and not peer.is_gone:
                peer.timer_s = None
                yield peer

    def _handle_timer(self, peer: _Peer, now_s: float) -> None:
        due_s = peer.quic.get_timer()
        if due_s is not None and due_s <= now_s:
            peer.quic.handle_timer(now_s)
        self._settle(peer)

    async def _keep_house(self) -> None:
        while True:
            await trio.sleep(_HOUSEKEEPING_S)
            self.sweep(trio.current_time())

    def sweep(self, now_s: float) -> None:
        """Send away who opened no session, and see whether the silent are still there."""
        for peer in list(self._peers):
            if peer.connection is None and now_s - peer.began_s > _OPENING_S:
                self._hang_up(peer, "no session was opened")
            elif now_s - peer.heard_s > _KEEP_ALIVE_S:
                peer.quic.send_ping(0)
                self._settle(peer)
