"""Clipboard contents cut into messages, and put together again with a limit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from kasmcore.errors import RemoteProtocolError
from kasmcore.protocol.messages import AnnouncedItem, ClipboardChunk, ClipboardStart
from kasmcore.protocol.version import MAXIMUM_CHUNK_BYTES
from kasmcore.values.clipboard import ClipboardItem

CHUNK_BYTES = MAXIMUM_CHUNK_BYTES // 4
"""So short that what is more urgent need not wait long for it, also on a slow link."""


def cut_transfer(
    transfer: int, items: Sequence[ClipboardItem]
) -> Iterator[ClipboardStart | ClipboardChunk]:
    """The messages of one transfer, in the order to send them."""
    announced = tuple(AnnouncedItem(item.mime, len(item.data)) for item in items)
    yield ClipboardStart(transfer, announced)
    for number, item in enumerate(items):
        for start in range(0, len(item.data), CHUNK_BYTES):
            data = item.data[start : start + CHUNK_BYTES]
            yield ClipboardChunk(transfer, number, data)


@attrs.frozen
class TransferRefused:
    """A transfer was announced that is over the limit; its chunks are dropped."""

    announced_bytes: int
    maximum_bytes: int


class TransferAssembler:
    """Puts the transfers of one peer together, one at a time.

    Memory grows with the bytes that arrive, never over ``maximum_bytes``: a transfer that announces
    more is refused before its first chunk.
    """

    def __init__(self, maximum_bytes: int) -> None:
        self.maximum_bytes = maximum_bytes
        self._start: ClipboardStart | None = None
        self._is_refused = False
        self._received: list[bytearray] = []

    @property
    def kept_bytes(self) -> int:
        """Bytes held of the transfer that is going on."""
        return sum(map(len, self._received))

    def begin(self, start: ClipboardStart) -> tuple[ClipboardItem, ...] | TransferRefused | None:
        """Begin a transfer; an unfinished one is forgotten.

        Returns: its items if it has no bytes at all, None if they are yet to come.
        """
        announced_bytes = sum(item.size for item in start.items)
        self._start = start
        self._is_refused = announced_bytes > self.maximum_bytes
        self._received = [bytearray() for _ in start.items]
        if self._is_refused:
            return TransferRefused(announced_bytes, self.maximum_bytes)
        return self._finished_items(start)

    def add(self, chunk: ClipboardChunk) -> tuple[ClipboardItem, ...] | None:
        """Add the next bytes.

        Returns: the items once the last byte has arrived, else None.

        Raises:
            RemoteProtocolError: the chunk belongs to no transfer, is out of order or too long.
        """
        start = self._start
        if start is None or chunk.transfer != start.transfer:
            raise RemoteProtocolError(f"clipboard transfer {chunk.transfer} was not announced")
        if self._is_refused:
            return None
        if chunk.item != self._current_item(start):
            raise RemoteProtocolError(f"clipboard item {chunk.item} is out of order")
        received = self._received[chunk.item]
        if len(received) + len(chunk.data) > start.items[chunk.item].size:
            raise RemoteProtocolError(f"clipboard item {chunk.item} is longer than announced")
        received += chunk.data
        return self._finished_items(start)

    def _current_item(self, start: ClipboardStart) -> int:
        """Index of the first item that has bytes to come."""
        for number, (item, received) in enumerate(zip(start.items, self._received, strict=True)):
            if len(received) < item.size:
                return number
        return len(start.items)

    def _finished_items(self, start: ClipboardStart) -> tuple[ClipboardItem, ...] | None:
        if self._current_item(start) < len(start.items):
            return None
        items = tuple(
            ClipboardItem(item.mime, bytes(received))
            for item, received in zip(start.items, self._received, strict=True)
        )
        self._start = None
        self._received = []
        return items
