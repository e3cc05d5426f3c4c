"""Packets that are filled by one stream, built with less ado than aioquic's.

Most bytes of a viewer leave in such packets. What aioquic does for each of them (looks for all
that could go into it, writes it piece by piece into a buffer) costs more than its encryption. It
builds all the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aioquic.buffer import encode_uint_var
from aioquic.quic.packet import PACKET_FIXED_BIT, QuicFrameType, QuicPacketType
from aioquic.quic.packet_builder import PACKET_NUMBER_SEND_SIZE, QuicPacketBuilder, QuicSentPacket
from aioquic.tls import Epoch

if TYPE_CHECKING:
    from aioquic.quic.crypto import CryptoPair
    from aioquic.quic.stream import QuicStream

_LENGTH = 2
_OFFSET = 4
_FIN = 1
_SHORT_LENGTH = 0x4000
"""Marks a length of two bytes."""


class FullPackets:
    """Adds packets to those of a builder whose own last packet is complete.

    Args:
        builder: of packets with short headers.
        crypto: of those.
        packet_bytes: of a full packet.
    """

    def __init__(self, builder: QuicPacketBuilder, crypto: CryptoPair, packet_bytes: int) -> None:
        self._builder = builder
        self._crypto = crypto
        first_byte = PACKET_FIXED_BIT | (builder._spin_bit << 5) | (PACKET_NUMBER_SEND_SIZE - 1)
        self._first_byte = first_byte | (crypto.key_phase << 2)
        self._peer_cid = builder._peer_cid
        header_bytes = 1 + len(self._peer_cid) + PACKET_NUMBER_SEND_SIZE
        self._packet_bytes = packet_bytes
        self._payload_bytes = packet_bytes - header_bytes - crypto.aead_tag_size

    @property
    def has_room(self) -> bool:
        """True when the window and the peer's address take another one."""
        builder, size = self._builder, self._packet_bytes
        flight, total = builder.max_flight_bytes, builder.max_total_bytes
        if flight is not None and flight - builder._flight_bytes < size:
            return False
        return total is None or total - builder._total_bytes >= size

    def add(self, stream: QuicStream, may_use: int) -> int | None:
        """Add a packet of a stream.

        Args:
            stream: has something to send.
            may_use: bytes that the peer still takes beyond what has been sent of it.

        Returns: how many of those it took; None when the stream does not fill a packet.
        """
        sender = stream.sender
        pending = sender._pending
        if not len(pending):  # it has no truth value
            return None
        offset = pending[0].start
        head = encode_uint_var(stream.stream_id or 0)
        if offset:
            head += encode_uint_var(offset)
        size = self._payload_bytes - 3 - len(head)
        before = sender.highest_offset
        if pending[0].stop - offset < size or offset + size > before + may_use:
            return None
        frame = sender.get_frame(size)
        if frame is None:
            return None
        kind = QuicFrameType.STREAM_BASE | _LENGTH
        kind |= (_OFFSET if offset else 0) | (_FIN if frame.fin else 0)
        length = (size | _SHORT_LENGTH).to_bytes(2, "big")
        packet = self._seal(b"".join((bytes((kind,)), head, length, frame.data)))
        delivered = (sender.on_data_delivery, (offset, offset + size, frame.fin))
        packet.delivery_handlers.append(delivered)
        return sender.highest_offset - before

    def _seal(self, payload: bytes) -> QuicSentPacket:
        builder = self._builder
        number = builder._packet_number
        header = b"".join(
            (bytes((self._first_byte,)), self._peer_cid, (number & 0xFFFF).to_bytes(2, "big"))
        )
        sealed = self._crypto.encrypt_packet(header, payload, number)
        packet = QuicSentPacket(
            epoch=Epoch.ONE_RTT,
            in_flight=True,
            is_ack_eliciting=True,
            is_crypto_packet=False,
            packet_number=number,
            packet_type=QuicPacketType.ONE_RTT,
            sent_bytes=len(sealed),
        )
        builder._packet_number += 1
        builder._datagrams.append(sealed)
        builder._packets.append(packet)
        builder._flight_bytes += len(sealed)
        builder._total_bytes += len(sealed)
        return packet
