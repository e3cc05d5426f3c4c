"""What the server and the process that runs the WebRTC stack tell each other, over one socket."""

from __future__ import annotations

import enum
import json
from collections.abc import Iterator, Sequence
from struct import Struct

import attrs

_HEAD = Struct(">IBI")  # bytes after the head, kind, peer
SERIAL = Struct(">I")
PATH = Struct(">II")  # round trip in µs, bytes not yet sent


class ToStack(enum.IntEnum):
    """Kinds of records to the stack."""

    OFFER = 1
    """OpenRequest as JSON."""
    UNIT = 2
    """u8 lane, then a unit. The next one of this lane follows only after ``TAKEN``."""
    FRAME = 3
    """u32 serial, then a unit."""
    DROP = 4
    """u32 serial."""
    CLOSE = 5
    """Send what waits, then end the peer."""


class FromStack(enum.IntEnum):
    """Kinds of records from the stack."""

    ANSWER = 1
    """SDP."""
    OPENED = 2
    """All channels are open."""
    UNIT = 3
    """u8 channel, then a unit."""
    TAKEN = 4
    """u8 lane: its unit is with the network, or was dropped."""
    PATH = 5
    """u32 round trip in µs, u32 unsent bytes."""
    ENDED = 6
    """Why, before an answer too. Nothing follows for this peer."""
    LEFT = 7
    """The viewer said goodbye; ``ENDED`` follows."""


@attrs.frozen
class IceServer:
    """A STUN or TURN server, as the browser and the server's own end use it."""

    url: str
    username: str = ""
    credential: str = attrs.field(default="", repr=False)


@attrs.frozen(kw_only=True)
class OpenRequest:
    """Everything that the stack needs for one peer.

    Attributes:
        sdp: the checked offer.
        bind_address: the only address to use; empty for all of this machine.
        with_loopback: use 127.0.0.1 too.
        use_ipv4: use addresses of this kind.
        use_ipv6: use addresses of this kind.
        first_port: least UDP port; 0 for any.
        last_port: greatest UDP port; 0 for any.
        payload_bytes: most bytes of one datagram.
        ice_servers: asked for more addresses.
    """

    sdp: str = attrs.field(repr=False)
    bind_address: str
    with_loopback: bool
    use_ipv4: bool
    use_ipv6: bool
    first_port: int
    last_port: int
    payload_bytes: int
    ice_servers: Sequence[IceServer]

    def to_json(self) -> bytes:
        """Write it as JSON."""
        return json.dumps(attrs.asdict(self)).encode()

    @classmethod
    def of_json(cls, text: bytes) -> OpenRequest:
        """Read what ``to_json`` wrote."""
        fields = json.loads(text)
        servers = tuple(IceServer(**server) for server in fields.pop("ice_servers"))
        return cls(ice_servers=servers, **fields)


@attrs.frozen
class Record:
    """One record; ``kind`` is of ToStack or FromStack, whichever end reads."""

    kind: int
    peer: int
    data: memoryview = attrs.field(repr=False)


def record_head(kind: int, peer: int, length: int) -> bytes:
    """Return what stands before the data of a record."""
    return _HEAD.pack(length, kind, peer)


def record_bytes(kind: int, peer: int, data: bytes = b"") -> bytes:
    """Return a whole record."""
    return record_head(kind, peer, len(data)) + data


class RecordReader:
    """Cuts a byte stream into records."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._held_bytes = 0
        self._needed_bytes = _HEAD.size

    def feed(self, piece: bytes) -> Iterator[Record]:
        """Yield the records that are whole now."""
        self._pieces.append(piece)
        self._held_bytes += len(piece)
        if self._held_bytes < self._needed_bytes:
            return
        data = memoryview(b"".join(self._pieces) if len(self._pieces) > 1 else piece)
        start = 0
        while True:
            left = len(data) - start
            if left < _HEAD.size:
                self._needed_bytes = _HEAD.size
                break
            length, kind, peer = _HEAD.unpack_from(data, start)
            self._needed_bytes = _HEAD.size + length
            if left < self._needed_bytes:
                break
            yield Record(kind, peer, data[start + _HEAD.size : start + self._needed_bytes])
            start += self._needed_bytes
        self._held_bytes = len(data) - start
        self._pieces = [bytes(data[start:])] if self._held_bytes else []
