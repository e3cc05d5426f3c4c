from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kasmcore.errors import RemoteProtocolError
from kasmcore.protocol.clipboard_transfer import (
    CHUNK_BYTES,
    TransferAssembler,
    TransferRefused,
    cut_transfer,
)
from kasmcore.protocol.messages import AnnouncedItem, ClipboardChunk, ClipboardStart
from kasmcore.protocol.version import MAXIMUM_CHUNK_BYTES
from kasmcore.values.clipboard import ClipboardItem

Result = tuple[ClipboardItem, ...] | TransferRefused | None

items_of_any_size = st.lists(
    st.builds(
        ClipboardItem,
        mime=st.sampled_from(["text/plain", "text/html", "image/png"]),
        data=st.one_of(
            st.binary(max_size=20),
            st.integers(0, 3 * MAXIMUM_CHUNK_BYTES).map(lambda size: b"x" * size),
        ),
    ),
    max_size=4,
).map(tuple)


def take(assembler: TransferAssembler, message: ClipboardStart | ClipboardChunk) -> Result:
    if isinstance(message, ClipboardStart):
        return assembler.begin(message)
    return assembler.add(message)


def start(*sizes: int, transfer: int = 1) -> ClipboardStart:
    return ClipboardStart(transfer, tuple(AnnouncedItem("text/plain", size) for size in sizes))


@given(items=items_of_any_size)
def test_contents_arrive_with_the_last_message_and_not_before(
    items: tuple[ClipboardItem, ...],
) -> None:
    assembler = TransferAssembler(maximum_bytes=2**20)
    results = [take(assembler, message) for message in cut_transfer(7, items)]
    assert results[-1] == items
    assert not any(results[:-1])
    assert assembler.kept_bytes == 0


def test_chunks_are_never_longer_than_the_protocol_allows() -> None:
    item = ClipboardItem("text/plain", b"x" * (2 * CHUNK_BYTES + 1))
    _, *chunks = cut_transfer(1, [item])
    lengths = [len(chunk.data) for chunk in chunks if isinstance(chunk, ClipboardChunk)]
    assert lengths == [CHUNK_BYTES, CHUNK_BYTES, 1]
    assert CHUNK_BYTES <= MAXIMUM_CHUNK_BYTES


def test_a_transfer_over_the_limit_is_refused_before_it_takes_memory() -> None:
    assembler = TransferAssembler(maximum_bytes=100)
    assert assembler.begin(start(60, 41)) == TransferRefused(101, 100)
    assert assembler.add(ClipboardChunk(1, 0, b"x" * 60)) is None
    assert assembler.kept_bytes == 0


def test_an_announcement_alone_takes_no_memory() -> None:
    assembler = TransferAssembler(maximum_bytes=2**32)
    assert assembler.begin(start(2**32 - 1)) is None
    assert assembler.kept_bytes == 0


def test_a_new_transfer_replaces_an_unfinished_one() -> None:
    assembler = TransferAssembler(maximum_bytes=100)
    assembler.begin(start(10, transfer=1))
    assembler.add(ClipboardChunk(1, 0, b"12345"))
    assembler.begin(start(3, transfer=2))
    assert assembler.kept_bytes == 0
    assert assembler.add(ClipboardChunk(2, 0, b"new")) == (ClipboardItem("text/plain", b"new"),)


@pytest.mark.parametrize(
    ("begun", "chunk", "reason"),
    [
        (None, ClipboardChunk(1, 0, b"x"), "not announced"),
        (start(3), ClipboardChunk(2, 0, b"x"), "not announced"),
        (start(3, 3), ClipboardChunk(1, 1, b"x"), "out of order"),
        (start(3), ClipboardChunk(1, 1, b"x"), "out of order"),
        (start(0, 3), ClipboardChunk(1, 0, b""), "out of order"),
        (start(3), ClipboardChunk(1, 0, b"four"), "longer than announced"),
        (start(), ClipboardChunk(1, 0, b""), "not announced"),
    ],
)
def test_chunks_that_do_not_belong_break_the_protocol(
    begun: ClipboardStart | None, chunk: ClipboardChunk, reason: str
) -> None:
    assembler = TransferAssembler(maximum_bytes=100)
    if begun is not None:
        assembler.begin(begun)
    with pytest.raises(RemoteProtocolError, match=reason):
        assembler.add(chunk)
