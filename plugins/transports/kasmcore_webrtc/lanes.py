"""How units travel on data channels: cut into pieces, the most urgent lane first."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from struct import Struct
from typing import Protocol

import attrs

from kasmcore.api import Lane

CONTROL, FRAMES, BULK, LOOSE = LABELS = ("control", "frames", "bulk", "loose")
GOODBYE = "goodbye"
"""Text on the control channel: the viewer leaves on purpose, and does not come back."""
LABEL_OF_LANE = {Lane.CONTROL: CONTROL, Lane.FRAMES: FRAMES, Lane.BULK: BULK}

MOST_INCOMING_BYTES = 128 * 1024 + 16
LOOSE_HEAD_BYTES = 8
MOST_LOOSE_BYTES = 1100 + LOOSE_HEAD_BYTES
PIECE_BYTES = 16 * 1024
BUFFERED_BYTES = 64 * 1024
"""What the stack may hold that the network has not taken; enough to keep a fast one busy."""
BUFFERED_BESIDE_BULK_BYTES = 8 * 1024
"""Bulk follows only when there is less, so that a key press never waits long behind it."""
LOW_BYTES = BUFFERED_BESIDE_BULK_BYTES // 4
"""A channel that falls below this says so: whenever a limit holds a lane back, one will."""
_CHUNK_HEAD = Struct(">IHH")  # serial, index, count
CHUNK_HEAD_BYTES = _CHUNK_HEAD.size


class PieceSink(Protocol):
    """The open data channels of one peer."""

    @property
    def buffered_bytes(self) -> int:
        """What all channels together hold that is not sent."""

    @property
    def is_path_busy(self) -> bool:
        """True while packets queue in the network, so that bulk must wait."""

    def send(self, label: str, message: bytes) -> None:
        """Hand over one message."""


@attrs.define(eq=False)
class _Waiting:
    unit: memoryview
    serial: int
    start: int = 0


class LaneSender:
    """Holds the units that wait, and hands over pieces while the channels take some."""

    def __init__(self, sink: PieceSink, chunk_bytes: int, taken: Callable[[Lane], None]) -> None:
        self._sink = sink
        self._chunk_bytes = chunk_bytes
        self._taken = taken
        self._waiting: dict[Lane, deque[_Waiting]] = {lane: deque() for lane in Lane}

    @property
    def waiting_bytes(self) -> int:
        """What was not handed over yet."""
        return sum(len(w.unit) - w.start for queue in self._waiting.values() for w in queue)

    @property
    def has_bulk(self) -> bool:
        """True when bulk waits: nothing tells when the path is not busy any more."""
        return bool(self._waiting[Lane.BULK])

    def put(self, lane: Lane, unit: memoryview, serial: int = 0) -> None:
        """Send a unit in its turn."""
        self._waiting[lane].append(_Waiting(unit, serial))
        self.pump()

    def drop(self, serial: int) -> None:
        """Hand over nothing more of this frame."""
        frames = self._waiting[Lane.FRAMES]
        for waiting in [w for w in frames if w.serial == serial]:
            frames.remove(waiting)
            self._taken(Lane.FRAMES)

    def pump(self) -> None:
        """Hand over what fits now; call it whenever the channels have sent some."""
        for lane, queue in self._waiting.items():
            limit = BUFFERED_BESIDE_BULK_BYTES if lane is Lane.BULK else BUFFERED_BYTES
            while queue:
                if self._sink.buffered_bytes >= limit:
                    return
                if lane is Lane.BULK and self._sink.is_path_busy:
                    return
                waiting = queue[0]
                self._sink.send(LABEL_OF_LANE[lane], self._next_piece(lane, waiting))
                if waiting.start >= len(waiting.unit):
                    queue.popleft()
                    self._taken(lane)

    def _next_piece(self, lane: Lane, waiting: _Waiting) -> bytes:
        size = self._chunk_bytes if lane is Lane.FRAMES else PIECE_BYTES
        start, waiting.start = waiting.start, waiting.start + size
        part = waiting.unit[start : start + size]
        if lane is Lane.FRAMES:
            count = max(1, -(-len(waiting.unit) // size))
            return _CHUNK_HEAD.pack(waiting.serial, start // size, count) + part
        has_more = waiting.start < len(waiting.unit)
        return bytes((has_more,)) + part


class PieceJoiner:
    """Joins the pieces of one reliable channel to units."""

    def __init__(self, most_bytes: int = MOST_INCOMING_BYTES) -> None:
        self._most_bytes = most_bytes
        self._pieces: list[bytes] = []
        self._held_bytes = 0

    def feed(self, piece: bytes) -> bytes | None:
        """Return a unit when it is whole.

        Raises:
            ValueError: the unit is too long, or this is no piece.
        """
        if not piece or piece[0] > 1:
            raise ValueError("a message that is no piece of a unit")
        self._held_bytes += len(piece) - 1
        if self._held_bytes > self._most_bytes:
            raise ValueError(f"a unit of more than {self._most_bytes} bytes")
        self._pieces.append(piece[1:])
        if piece[0]:
            if len(piece) == 1:
                raise ValueError("an empty piece of a unit")
            return None
        unit = b"".join(self._pieces)
        self._pieces, self._held_bytes = [], 0
        return unit


class ChunkJoiner:
    """Joins the chunks of frames, of which any may be missing; the client's part."""

    def __init__(self, most_frames: int = 64, most_bytes: int = 32 * 2**20) -> None:
        self._most_frames = most_frames
        self._most_bytes = most_bytes
        self._partial: dict[int, dict[int, bytes]] = {}
        self._held_bytes = 0

    def feed(self, message: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield serial and unit of a frame that is whole now."""
        serial, index, count = _CHUNK_HEAD.unpack_from(message)
        chunks = self._partial.setdefault(serial, {})
        if index not in chunks:
            chunks[index] = message[CHUNK_HEAD_BYTES:]
            self._held_bytes += len(chunks[index])
        if len(chunks) == count:
            yield serial, b"".join(chunks[number] for number in range(count))
            self._forget(serial)
        while len(self._partial) > self._most_frames or self._held_bytes > self._most_bytes:
            self._forget(next(iter(self._partial)))

    def _forget(self, serial: int) -> None:
        self._held_bytes -= sum(map(len, self._partial.pop(serial).values()))
