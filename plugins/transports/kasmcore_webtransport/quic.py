"""A QUIC connection of aioquic with our congestion control, an order of streams, and back pressure.

The only modules that use what aioquic keeps private are this one, ``full_packets`` and
``quic_control``: it has no public way to learn what is unsent, to send one stream before another,
or to hold a sender back.
pyproject.toml therefore allows only the versions that the tests have seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import cast

from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import Limit, NetworkAddress, QuicConnection, QuicNetworkPath
from aioquic.quic.packet import QuicFrameType, QuicPacketType
from aioquic.quic.packet_builder import QuicDeliveryState, QuicPacketBuilder
from aioquic.quic.stream import QuicStream
from aioquic.tls import Epoch

from kasmcore_webtransport.congestion import RateControl
from kasmcore_webtransport.full_packets import FullPackets
from kasmcore_webtransport.packet_size import PacketSize
from kasmcore_webtransport.quic_control import NAME, RateCongestionControl

IDLE_S = 30.0
"""A connection whose peer is silent for so long has ended."""
FIRST_WINDOW_BYTES = 2**18
WINDOW_BYTES = 2**20
"""What a client may send before the session has taken it."""
_NO_STREAM_LIMIT = 2**40
"""The connection's window is the limit; aioquic would double a stream's own as it pleases."""
_MOST_BIDI_STREAMS = 8
_MOST_UNI_STREAMS = 16
_LONGEST_PROBE_S = 0.4
"""Between two probes of a path that is silent; without a bound they double, and a link that is
back would be noticed late."""
_FEWEST_SILENT_PROBES = 2
_FIRST_ROUND_TRIP_S = 0.1
_FEWEST_FULL_PACKETS = 4
"""Fewer are not worth the detour."""


class _ReceiveWindow(Limit):
    """MAX_DATA that grows by what was taken, not by what arrived."""

    def __init__(self, value: int) -> None:
        self._granted = value
        super().__init__(QuicFrameType.MAX_DATA, "max_data", value)

    @property
    def value(self) -> int:  # aioquic doubles it: that has no effect
        """What the peer may send in all."""
        return self._granted

    @value.setter
    def value(self, value: int) -> None:
        """Keep what was granted."""

    def grant(self, total: int) -> bool:
        """Let the peer send more; True when it is worth telling."""
        if total - self._granted < WINDOW_BYTES // 4:
            return False
        self._granted = total
        return True


def quic_configuration(packet_bytes: int) -> QuicConfiguration:
    """Return the settings of every connection, without a certificate.

    No session tickets are issued, so there is no 0-RTT.
    """
    return QuicConfiguration(
        is_client=False,
        alpn_protocols=["h3"],
        congestion_control_algorithm=NAME,
        idle_timeout=IDLE_S,
        initial_rtt=_FIRST_ROUND_TRIP_S,
        max_data=FIRST_WINDOW_BYTES,
        max_stream_data=_NO_STREAM_LIMIT,
        max_datagram_size=packet_bytes,
        max_datagram_frame_size=65536,
    )


class _StreamsInOrder(list[QuicStream]):
    """aioquic puts streams that it has served behind the others, by ``extend``: not here."""

    def __init__(self, rank: Callable[[QuicStream], tuple[int, int]]) -> None:
        super().__init__()
        self._rank_of = rank

    def extend(self, streams: Iterable[QuicStream]) -> None:
        """Add streams where they belong."""
        super().extend(streams)
        self.sort(key=self._rank_of)


class ServerQuic(QuicConnection):
    """One connection of a client."""

    def __init__(
        self, configuration: QuicConfiguration, original_cid: bytes, retry_cid: bytes | None
    ) -> None:
        self._ranks: dict[int, int] = {}
        self._queue = _StreamsInOrder(self._rank)
        super().__init__(
            configuration=configuration,
            original_destination_connection_id=original_cid,
            retry_source_connection_id=retry_cid,
        )
        self._first_cid = original_cid if retry_cid is None else retry_cid
        congestion = cast("RateCongestionControl", self._loss._cc)
        congestion.take_over(self)
        self.control: RateControl = congestion.control
        self._pacer = congestion.pacer
        self._size = PacketSize(configuration.max_datagram_size)
        self._sizes_are_tried = False
        self._window = _ReceiveWindow(FIRST_WINDOW_BYTES)
        self._local_max_data = self._window
        self._local_max_streams_bidi.__init__(  # type: ignore[misc]
            QuicFrameType.MAX_STREAMS_BIDI, "max_streams_bidi", _MOST_BIDI_STREAMS
        )
        self._local_max_streams_uni.__init__(  # type: ignore[misc]
            QuicFrameType.MAX_STREAMS_UNI, "max_streams_uni", _MOST_UNI_STREAMS
        )

    # -- order: aioquic serves the streams in the order of this list, anew for each packet

    @property
    def _streams_queue(self) -> list[QuicStream]:
        return self._queue

    @_streams_queue.setter
    def _streams_queue(self, streams: list[QuicStream]) -> None:
        self._queue = _StreamsInOrder(self._rank)
        self._queue.extend(streams)

    def _rank(self, stream: QuicStream) -> tuple[int, int]:
        stream_id = stream.stream_id or 0
        return (self._ranks.get(stream_id, 0), stream_id)

    def set_rank(self, stream_id: int, rank: int) -> None:
        """Send a stream after all of lower rank; older ones of the same rank come first."""
        self._ranks[stream_id] = rank
        self._queue.sort(key=self._rank)

    # -- what waits

    def unsent_bytes(self, stream_id: int) -> int:
        """Bytes of a stream that have to be sent, for the first time or again."""
        stream = self._streams.get(stream_id)
        if stream is None or stream.sender._reset_error_code is not None:
            return 0
        return sum(part.stop - part.start for part in stream.sender._pending)

    def is_delivered(self, stream_id: int) -> bool:
        """True when all that was written to a stream has arrived, or never will."""
        stream = self._streams.get(stream_id)
        if stream is None or stream.sender._reset_error_code is not None:
            return True
        return stream.sender._buffer_start == stream.sender._buffer_stop

    def all_unsent_bytes(self) -> int:
        """Bytes of all streams that have to be sent."""
        return sum(self.unsent_bytes(stream_id) for stream_id in self._streams)

    def is_known(self, stream_id: int) -> bool:
        """False when a stream has come to its end."""
        return stream_id in self._streams

    def forget_ranks(self) -> None:
        """Drop what belongs to streams that have ended."""
        if len(self._ranks) > 2 * len(self._streams) + 8:
            self._ranks = {key: rank for key, rank in self._ranks.items() if key in self._streams}

    # -- back pressure

    def grant(self, total_bytes: int) -> bool:
        """Let the client send so many bytes in all; True when it should be told soon."""
        return self._window.grant(total_bytes)

    def own_cids(self) -> set[bytes]:
        """Names by which packets may call this connection."""
        names = {each.cid for each in self._host_cids}
        if not self._handshake_complete:
            names.add(self._first_cid)
        return names

    # -- interruptions and other ways

    @property
    def is_established(self) -> bool:
        """True once the handshake is complete."""
        return self._handshake_complete

    @property
    def is_over(self) -> bool:
        """True when nothing more is to be sent or received."""
        return self._close_event is not None and not self._close_pending

    def receive_datagram(self, data: bytes, addr: NetworkAddress, now: float) -> None:
        """Take one; probe at once if it breaks a silence, and start anew on another way."""
        before, newest = self.get_peer_address(), self._newest_received()
        super().receive_datagram(data, addr, now)
        if self._newest_received() == newest:
            return
        if before is not None and self.get_peer_address() != before:
            self.control.path_changed(now)
            self._size.begin(now)
        if self._handshake_confirmed and self._loss._pto_count >= _FEWEST_SILENT_PROBES:
            self._loss.reschedule_data(now=now)
            self._loss._pto_count = 1

    def handle_timer(self, now: float) -> None:
        """Do what is due; probe often enough."""
        super().handle_timer(now)
        loss = self._loss
        if self._handshake_confirmed:
            if loss._pto_count >= _FEWEST_SILENT_PROBES:
                self._size.went_silent(now)
            while (
                loss._pto_count > 1
                and loss.get_probe_timeout() * 2**loss._pto_count > _LONGEST_PROBE_S
            ):
                loss._pto_count -= 1

    def datagrams_to_send(self, now: float) -> list[tuple[bytes, NetworkAddress]]:
        """Return what may leave now, the most urgent streams first."""
        self._max_datagram_size = self.control.packet_bytes = self._size.now_bytes
        datagrams = super().datagrams_to_send(now)
        datagrams += self._try_size(now)
        self._pacer.settle()  # packets of nothing but acknowledgements are told to nobody
        if self._pacing_at is None and self.control.bytes_in_flight < self.control.window_bytes:
            self.control.nothing_to_send()
        return datagrams

    def _write_application(
        self, builder: QuicPacketBuilder, network_path: QuicNetworkPath, now: float
    ) -> None:
        """Let aioquic build the first packet and the last ones, and build the full ones between."""
        is_plain = self._handshake_confirmed and network_path.is_validated
        if not is_plain or self._queue_is_short():
            super()._write_application(builder, network_path, now)
            return
        with self._pacer.for_one_packet():
            super()._write_application(builder, network_path, now)
        if builder._packet is not None:
            builder._end_packet()
        self._write_full_packets(builder, now)
        super()._write_application(builder, network_path, now)

    def _try_size(self, now: float) -> list[tuple[bytes, NetworkAddress]]:
        """Send a packet that does nothing but be large, when it is time for one."""
        path = self._network_paths[0]
        if not self._handshake_confirmed or not path.is_validated or self._close_event is not None:
            return []
        if not self._sizes_are_tried:
            self._sizes_are_tried = True
            self._size.begin(now)
        size = self._size.to_try(now)
        if size is None:
            return []
        builder = QuicPacketBuilder(
            host_cid=self.host_cid,
            peer_cid=self._peer_cid.cid,
            version=self._version or 0,
            is_client=False,
            max_datagram_size=size,
            packet_number=self._packet_number,
            spin_bit=self._spin_bit,
        )
        builder.start_packet(QuicPacketType.ONE_RTT, self._cryptos[Epoch.ONE_RTT])
        builder.start_frame(QuicFrameType.PING, handler=self._note_tried, handler_args=(size, now))
        builder._datagram_needs_padding = True
        return self._flush_builder(
            builder=builder, network_path=path, peer_cid=self._peer_cid.cid, now=now
        )

    def _note_tried(self, delivery: QuicDeliveryState, size: int, sent_s: float) -> None:
        self._size.tried(size, sent_s, has_arrived=delivery is QuicDeliveryState.ACKED)

    def _queue_is_short(self) -> bool:
        least = _FEWEST_FULL_PACKETS * self._max_datagram_size
        return not any(len(each.sender._buffer) > least for each in self._queue)

    def _write_full_packets(self, builder: QuicPacketBuilder, now: float) -> None:
        full = FullPackets(builder, self._cryptos[Epoch.ONE_RTT], self._max_datagram_size)
        for stream in self._queue:
            sender = stream.sender
            if sender.buffer_is_empty or sender.reset_pending or sender.is_finished:
                continue
            if stream.is_blocked or stream.receiver.stop_pending:
                continue
            while full.has_room and self._pacer.next_send_time(now) is None:
                left = self._remote_max_data - self._remote_max_data_used
                used = full.add(
                    stream, min(left, stream.max_stream_data_remote - sender.highest_offset)
                )
                if used is None:
                    break
                self._remote_max_data_used += used
                self._pacer.update_after_send(now)
            if len(sender._pending):
                return  # what is left of it comes before the streams after it

    def _newest_received(self) -> int:
        space = self._spaces.get(Epoch.ONE_RTT)
        return -1 if space is None else space.largest_received_packet
