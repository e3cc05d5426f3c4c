"""One client's WebTransport session on one QUIC connection: streams and datagrams to units.

Does no I/O: ``handle_events`` after the QUIC connection has received, and what it wants to send is
sent by whoever owns its socket.
"""

from __future__ import annotations

import collections
import enum
from collections.abc import Callable

from aioquic.buffer import encode_uint_var
from aioquic.h3.events import (
    DatagramReceived,
    DataReceived,
    H3Event,
    HeadersReceived,
    WebTransportStreamDataReceived,
)
from aioquic.quic import events

from kasmcore.api import RemoteProtocolError
from kasmcore_webtransport.h3 import CapsuleReader, WebTransportH3, close_capsule, stream_error
from kasmcore_webtransport.loose import LooseUnits
from kasmcore_webtransport.quic import WINDOW_BYTES, ServerQuic
from kasmcore_webtransport.transport import PATH
from kasmcore_webtransport.units import UnitReader, with_length

FRAMES_LANE = 1
BULK_LANE = 2
_FRAME_RANK = 1
_BULK_RANK = 2
_PROTOCOLS = (b"webtransport", b"webtransport-h3")
_MOST_WAITING_LOOSE = 256
"""Datagrams that the session has not taken; more are left out, as by a network."""
_STREAM_TYPE = encode_uint_var(0x54)
_UNI_STREAM = 2
_DROPPED = stream_error(1)

IsAllowed = Callable[[str, str], bool]
"""Says whether a page may connect, by its Origin and the :authority that it called us by."""


class State(enum.Enum):
    """Where a session is."""

    OPENING = enum.auto()
    OPEN = enum.auto()
    ENDED = enum.auto()


class Session:
    """Streams and datagrams of one client."""

    def __init__(self, quic: ServerQuic, is_allowed: IsAllowed) -> None:
        self.quic = quic
        self.state = State.OPENING
        self.end_reason = ""
        self.ended_in_order = False
        """The client has closed it, it does not mean to come back."""
        self.fault: RemoteProtocolError | None = None
        self.units: collections.deque[tuple[bytes, bool]] = collections.deque()
        """What the session has not taken, and whether it came as a datagram."""
        self._is_allowed = is_allowed
        self._h3: WebTransportH3 | None = None
        self._session_id = -1
        self._capsules = CapsuleReader()
        self._control_id = -1
        self._control = UnitReader()
        self._control_units = 0
        self._bulk_id = -1
        self._bulk = UnitReader()
        self._bulk_out = -1
        self._loose = LooseUnits()
        self._loose_waiting = 0
        self._waiting_bytes = 0
        self._taken_bytes = 0
        self._frames: dict[int, int] = {}

    # -- what the client sends

    def handle_events(self) -> None:
        """Take all that the QUIC connection has received."""
        was_cut = False
        while (event := self.quic.next_event()) is not None:
            if isinstance(event, events.ProtocolNegotiated):
                self._h3 = WebTransportH3(self.quic)
            elif isinstance(event, events.ConnectionTerminated):
                self.end("the connection has ended: " + (event.reason_phrase or "closed"))
            elif isinstance(event, events.StreamReset | events.StopSendingReceived):
                ours = (self._session_id, self._control_id, self._bulk_id, self._bulk_out)
                was_cut = was_cut or event.stream_id in ours
            if self._h3 is not None and self.state is not State.ENDED:
                for h3_event in self._h3.handle_event(event):
                    self._handle_h3(h3_event)
        if was_cut:  # what arrived with it comes first: it may be the session's end in order
            self.end("the viewer has cut one of its streams")

    def take_unit(self) -> bytes:
        """Remove the first unit that waits, and let the client send as much more."""
        unit, is_loose = self.units.popleft()
        if is_loose:
            self._loose_waiting -= 1
        else:
            self._waiting_bytes -= len(unit)
        return unit

    def grant(self) -> bool:
        """Let the client send as much as was taken; True when that is worth a packet."""
        if self.state is not State.OPEN:
            return False
        waiting = self._waiting_bytes + self._control.waiting_bytes + self._bulk.waiting_bytes
        return self.quic.grant(WINDOW_BYTES + self._taken_bytes - waiting)

    def _handle_h3(self, event: H3Event) -> None:
        if isinstance(event, HeadersReceived):
            self._handle_request(event)
        elif self.state is not State.OPEN:
            return
        elif isinstance(event, WebTransportStreamDataReceived):
            self._taken_bytes += len(event.data)
            if event.session_id == self._session_id:
                self._handle_stream(event)
        elif isinstance(event, DatagramReceived):
            if event.stream_id == self._session_id and self._loose_waiting < _MOST_WAITING_LOOSE:
                unit = self._loose.receive(event.data, self._control_units)
                if unit is not None:
                    self._deliver_loose(unit)
        elif isinstance(event, DataReceived) and event.stream_id == self._session_id:
            self._taken_bytes += len(event.data)
            if self._capsules.has_close(event.data) or event.stream_ended:
                self._close_in_order()

    def _handle_request(self, event: HeadersReceived) -> None:
        headers = dict(event.headers)
        status = self._status_of(headers)
        if event.stream_id == self._session_id:
            return  # trailers of the session
        assert self._h3 is not None  # noqa: S101 - it made the event
        answer = [(b":status", str(status).encode())]
        if status != 200:
            self._h3.send_headers(event.stream_id, answer, end_stream=True)
            return
        answer.append((b"sec-webtransport-http3-draft", b"draft02"))
        self._h3.send_headers(event.stream_id, answer)
        self._session_id = event.stream_id
        self.state = State.OPEN

    def _status_of(self, headers: dict[bytes, bytes]) -> int:
        if headers.get(b":method") != b"CONNECT" or headers.get(b":protocol") not in _PROTOCOLS:
            return 405
        if headers.get(b":path", b"").partition(b"?")[0] != PATH.encode():
            return 404
        if self._session_id >= 0:
            return 429
        origin = headers.get(b"origin")
        authority = headers.get(b":authority", b"").decode("ascii", "replace")
        if origin is not None and not self._is_allowed(
            origin.decode("ascii", "replace"), authority
        ):
            return 403
        return 200

    def _handle_stream(self, event: WebTransportStreamDataReceived) -> None:
        try:
            if event.stream_id & _UNI_STREAM:
                self._handle_bulk(event)
            else:
                self._handle_control(event)
        except RemoteProtocolError as fault:
            self.fault = fault
            self.end(str(fault))

    def _handle_control(self, event: WebTransportStreamDataReceived) -> None:
        if self._control_id < 0:
            self._control_id = event.stream_id
        if event.stream_id != self._control_id:
            raise RemoteProtocolError("the viewer opened a second stream for control")
        for unit in self._control.receive(event.data):
            self._control_units += 1
            self._deliver(unit)
            motion = self._loose.take(self._control_units)
            if motion is not None:
                self._deliver_loose(motion)
        if event.stream_ended:
            self._close_in_order()

    def _handle_bulk(self, event: WebTransportStreamDataReceived) -> None:
        data = event.data
        if self._bulk_id < 0 and data:
            if data[0] != BULK_LANE:
                raise RemoteProtocolError(f"the viewer opened a stream for lane {data[0]}")
            self._bulk_id, data = event.stream_id, data[1:]
        if data and event.stream_id != self._bulk_id:
            raise RemoteProtocolError("the viewer opened a second stream for bulk")
        for unit in self._bulk.receive(data):
            self._deliver(unit)

    def _deliver(self, unit: bytes) -> None:
        self.units.append((unit, False))
        self._waiting_bytes += len(unit)

    def _deliver_loose(self, unit: bytes) -> None:
        self.units.append((unit, True))
        self._loose_waiting += 1

    def _close_in_order(self) -> None:
        self.ended_in_order = self.state is State.OPEN
        self.end("the viewer closed the connection")

    def end(self, reason: str) -> None:
        """Nothing more is exchanged. Safe to repeat."""
        if self.state is not State.ENDED:
            self.state = State.ENDED
            self.end_reason = reason

    # -- what the client gets

    def send_control(self, unit: bytes) -> int | None:
        """Write a unit of control; returns its stream, None before the client has opened it."""
        if self._control_id < 0:
            return None
        self.quic.send_stream_data(self._control_id, with_length(unit))
        return self._control_id

    def send_frame(self, serial: int | None, unit: bytes) -> int:
        """Write a frame on a stream of its own; returns that."""
        stream_id = self._open_stream(_FRAME_RANK)
        self.quic.send_stream_data(stream_id, bytes((FRAMES_LANE,)) + unit, end_stream=True)
        if serial is not None:
            self._frames[serial] = stream_id
        self._forget_arrived()
        return stream_id

    def drop_frame(self, serial: int) -> None:
        """Stop sending a frame; nothing for one that has arrived or is not known."""
        stream_id = self._frames.pop(serial, None)
        if stream_id is not None and self.quic.is_known(stream_id):
            self.quic.reset_stream(stream_id, _DROPPED)

    def send_bulk(self, unit: bytes) -> int:
        """Write a unit of bulk; returns its stream."""
        if self._bulk_out < 0:
            self._bulk_out = self._open_stream(_BULK_RANK)
            self.quic.send_stream_data(self._bulk_out, bytes((BULK_LANE,)))
        self.quic.send_stream_data(self._bulk_out, with_length(unit))
        return self._bulk_out

    def say_goodbye(self, reason: str) -> int:
        """Tell the client that the session ends; returns the stream that tells it."""
        assert self._h3 is not None  # noqa: S101 - a session is open
        self._h3.send_data(self._session_id, close_capsule(reason), end_stream=True)
        return self._session_id

    @property
    def control_id(self) -> int:
        """Stream of the control lane; negative before the client has opened it."""
        return self._control_id

    def _open_stream(self, rank: int) -> int:
        stream_id = self.quic.get_next_available_stream_id(is_unidirectional=True)
        head = _STREAM_TYPE + encode_uint_var(self._session_id)
        self.quic.send_stream_data(stream_id, head)
        self.quic.set_rank(stream_id, rank)
        return stream_id

    def _forget_arrived(self) -> None:
        if len(self._frames) > 64:
            known = {key: value for key, value in self._frames.items() if self.quic.is_known(value)}
            self._frames = known
        self.quic.forget_ranks()
