from __future__ import annotations

import math
import struct
from contextlib import suppress

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kasmcore.errors import RemoteProtocolError
from kasmcore.protocol.codec import MessageDecoder, MessageEncoder
from kasmcore.protocol.layout import HEADER, MessageLayout
from kasmcore.protocol.messages import ClipboardChunk, Hello, Message, Welcome
from kasmcore.protocol.table import LAYOUTS, Sender
from kasmcore.values.frames import EncodedFrame, EncodedRectangle, FrameTimes
from kasmcore.values.geometry import Rectangle, Size
from kasmcore.values.permissions import Permission
from kasmcore.values.viewer_events import FrameFailed, Ping, PointerMoved, TextTyped
from kasmcore.values.viewer_updates import Farewell, Notice, Pong, Severity
from tests.unit.protocol.any_message import CODECS, messages, messages_of

ROWS = [(sender, row) for sender in Sender for row in LAYOUTS[sender]]
MOST_KEPT_BYTES = HEADER.size + max(row.maximum_bytes for _, row in ROWS)
TIMES = FrameTimes(1.0, 1.1, 1.2, 1.3, 1.4)


def encoder(sender: Sender) -> MessageEncoder:
    made = MessageEncoder(sender)
    made.codecs = CODECS
    return made


def decoder(sender: Sender) -> MessageDecoder[Message]:
    made = MessageDecoder[Message](sender)
    made.codecs = CODECS
    return made


def without_rounding(message: Message) -> Message:
    """The same with the frame's times, which the wire rounds, taken out."""
    if not isinstance(message, EncodedFrame):
        return message
    return attrs.evolve(message, times=TIMES)


def assert_same(decoded: list[Message], sent: list[Message]) -> None:
    assert list(map(without_rounding, decoded)) == list(map(without_rounding, sent))
    for one, other in zip(decoded, sent, strict=True):
        if isinstance(one, EncodedFrame) and isinstance(other, EncodedFrame):
            pairs = zip(attrs.astuple(one.times), attrs.astuple(other.times), strict=True)
            assert all(math.isclose(a, b, abs_tol=1e-6) for a, b in pairs)


@pytest.mark.parametrize(("sender", "row"), ROWS, ids=lambda value: getattr(value, "name", ""))
@given(data=st.data())
def test_every_message_comes_back_as_it_was(
    sender: Sender, row: MessageLayout, data: st.DataObject
) -> None:
    message = data.draw(messages_of(row))
    wire = encoder(sender).encode(message)
    assert wire[0] == row.kind
    assert_same(decoder(sender).decode(wire), [message])


@pytest.mark.parametrize("sender", Sender)
@given(data=st.data())
def test_messages_survive_any_split(sender: Sender, data: st.DataObject) -> None:
    sent = data.draw(st.lists(messages(sender), max_size=6))
    wire = b"".join(map(encoder(sender).encode, sent))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=8)))
    receiving = decoder(sender)
    decoded: list[Message] = []
    for start, end in zip([0, *cuts], [*cuts, len(wire)], strict=True):
        decoded += receiving.decode(wire[start:end])
    assert_same(decoded, sent)
    assert receiving.kept_bytes == 0


@pytest.mark.parametrize("sender", Sender)
@given(data=st.data())
def test_a_message_survives_byte_by_byte(sender: Sender, data: st.DataObject) -> None:
    message = data.draw(messages(sender))
    wire = encoder(sender).encode(message)
    receiving = decoder(sender)
    decoded: list[Message] = []
    for place in range(len(wire)):
        assert not decoded
        decoded += receiving.decode(wire[place : place + 1])
    assert_same(decoded, [message])


@pytest.mark.parametrize("sender", Sender)
@given(chunks=st.lists(st.binary(max_size=40), max_size=8))
def test_any_bytes_are_decoded_or_refused_clearly(sender: Sender, chunks: list[bytes]) -> None:
    receiving = decoder(sender)
    with suppress(RemoteProtocolError):
        for chunk in chunks:
            receiving.decode(chunk)
            assert receiving.kept_bytes <= sum(map(len, chunks))


@pytest.mark.parametrize("sender", Sender)
@given(data=st.data())
def test_a_damaged_message_is_decoded_or_refused_clearly(
    sender: Sender, data: st.DataObject
) -> None:
    wire = bytearray(encoder(sender).encode(data.draw(messages(sender))))
    for _ in range(data.draw(st.integers(1, 3))):
        wire[data.draw(st.integers(0, len(wire) - 1))] = data.draw(st.integers(0, 255))
    receiving = decoder(sender)
    with suppress(RemoteProtocolError):
        assert len(receiving.decode(bytes(wire))) <= len(wire) // HEADER.size


@pytest.mark.parametrize("length", [0, 1, 2**16, 2**24])
def test_a_message_that_nobody_knows_is_skipped_without_keeping_it(length: int) -> None:
    receiving = decoder(Sender.CLIENT)
    assert receiving.decode(HEADER.pack(0xFD, length)) == []
    for start in range(0, length, 2**15):
        assert receiving.decode(bytes(min(2**15, length - start))) == []
        assert receiving.kept_bytes == 0
    assert receiving.decode(encoder(Sender.CLIENT).encode(Ping(1))) == [Ping(1)]


@pytest.mark.parametrize(("sender", "row"), ROWS, ids=lambda value: getattr(value, "name", ""))
def test_a_message_over_its_limit_is_refused_by_its_header(
    sender: Sender, row: MessageLayout
) -> None:
    receiving = decoder(sender)
    with pytest.raises(RemoteProtocolError, match=rf"{row.name} of \d+ bytes, the most is"):
        receiving.decode(HEADER.pack(row.kind, row.maximum_bytes + 1))


def test_no_more_than_one_message_is_kept() -> None:
    receiving = decoder(Sender.SERVER)
    chunk = bytes(2**16)
    receiving.decode(HEADER.pack(0x42, 2**24))
    for _ in range(2**8 - 1):
        receiving.decode(chunk)
    assert receiving.kept_bytes <= MOST_KEPT_BYTES


def test_a_welcome_agrees_on_the_codecs_of_the_frames_behind_it() -> None:
    welcome = Welcome("", 1, "", Permission.READ, "", ("qoi", "raw"), Size(2, 2), 0)
    part = EncodedRectangle(Rectangle(0, 0, 1, 1), "raw", 100, b"\1\2\3")
    frame = EncodedFrame(1, Size(2, 2), (part,), TIMES)
    sending, receiving = MessageEncoder(Sender.SERVER), MessageDecoder[Message](Sender.SERVER)
    wire = sending.encode(welcome) + sending.encode(frame)
    _, decoded = receiving.decode(wire)
    assert isinstance(decoded, EncodedFrame)
    assert decoded.rectangles == (part,)


def test_a_frame_before_the_welcome_cannot_be_sent() -> None:
    part = EncodedRectangle(Rectangle(0, 0, 1, 1), "raw", 100, b"\1\2\3")
    with pytest.raises(ValueError, match="no codec 'raw'"):
        MessageEncoder(Sender.SERVER).encode(EncodedFrame(1, Size(2, 2), (part,), TIMES))


def test_times_that_run_backwards_or_take_hours_are_clipped() -> None:
    frame = EncodedFrame(1, Size(1, 1), (), FrameTimes(10.0, 9.0, 10.5, 1e9, 11.0))
    (decoded,) = decoder(Sender.SERVER).decode(encoder(Sender.SERVER).encode(frame))
    assert isinstance(decoded, EncodedFrame)
    assert decoded.times == FrameTimes(10.0, 10.0, 10.5, 10.0 + (2**32 - 1) * 1e-6, 11.0)


@pytest.mark.parametrize(
    ("sender", "message"),
    [
        (Sender.CLIENT, PointerMoved(x=65536, y=0)),
        (Sender.CLIENT, PointerMoved(x=-1, y=0)),
        (Sender.CLIENT, TextTyped("NUL \0")),
        (Sender.CLIENT, TextTyped("a" * 4095)),
        (Sender.CLIENT, TextTyped("a" * 65536)),
        (Sender.CLIENT, TextTyped("\ud800")),
        (Sender.CLIENT, FrameFailed(1, "c" * 256, "")),
        (Sender.CLIENT, ClipboardChunk(1, 0, bytes(2**16 + 1))),
        (Sender.CLIENT, Hello("", tuple("abc" * 100))),
        (Sender.CLIENT, Pong(1)),
        (Sender.SERVER, Ping(1)),
        (Sender.SERVER, Notice(Severity.INFO, "t", "ä" * 2048)),
        (Sender.SERVER, Farewell("\0", may_reconnect=False)),
        (
            Sender.SERVER,
            EncodedFrame(
                1,
                Size(1, 1),
                (EncodedRectangle(Rectangle(0, 0, 1, 1), "jpeg", 1, bytes(2**24)),),
                TIMES,
            ),
        ),
        (
            Sender.SERVER,
            EncodedFrame(
                1, Size(1, 1), (EncodedRectangle(Rectangle(-1, 0, 1, 1), "jpeg", 1, b""),), TIMES
            ),
        ),
    ],
    ids=repr,
)
def test_what_does_not_fit_the_wire_is_refused_before_it_is_sent(
    sender: Sender, message: Message
) -> None:
    with pytest.raises(ValueError, match=r"."):
        encoder(sender).encode(message)


def test_an_error_names_the_message_and_what_is_wrong() -> None:
    with pytest.raises(RemoteProtocolError, match="TextTyped is malformed: a text holds NUL"):
        decoder(Sender.CLIENT).decode(b"\x11" + struct.pack(">IH", 3, 1) + b"\0")


def test_another_protocol_version_says_what_to_do() -> None:
    future = HEADER.pack(1, 6) + b"\0\2????"
    with pytest.raises(RemoteProtocolError, match="speaks protocol version 2") as refused:
        decoder(Sender.CLIENT).decode(future)
    assert "Reload" in refused.value.remedy
