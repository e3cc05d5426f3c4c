"""Hypothesis strategies for every message of the protocol's table."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from kasmcore.protocol.fields import (
    BOOL,
    F64,
    Blob,
    Enumerated,
    FieldType,
    ListOf,
    Number,
    Record,
    Text,
)
from kasmcore.protocol.frame_wire import CodecTable
from kasmcore.protocol.layout import MessageLayout
from kasmcore.protocol.messages import Message
from kasmcore.protocol.table import LAYOUTS, Sender
from kasmcore.values.cursors import CursorImage
from kasmcore.values.frames import (
    CopiedRectangle,
    EncodedFrame,
    EncodedRectangle,
    FramePart,
    FrameTimes,
    VideoRectangle,
)
from kasmcore.values.geometry import Rectangle, Size
from kasmcore.values.viewer_events import PictureSettings, ResizeRequested, VideoPreference

CODECS = CodecTable(("deflate", "jpeg", "webp"))
_SIGNED = "hilq"


def _values_of(kind: FieldType) -> st.SearchStrategy[Any]:
    if kind is BOOL:
        return st.booleans()
    if kind is F64:
        return st.floats(allow_nan=False, allow_infinity=False)
    if isinstance(kind, Number):
        bits = kind.layout.size * 8
        if kind.code in _SIGNED:
            return st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        return st.integers(0, 2**bits - 1)
    if isinstance(kind, Text):
        return st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=14)
    if isinstance(kind, Blob):
        return st.binary(max_size=300)
    if isinstance(kind, Enumerated):
        return st.integers(0, kind.most).map(kind.kind)
    if isinstance(kind, Record):
        return st.tuples(*(_values_of(field) for _, field in kind.fields))
    if isinstance(kind, ListOf):
        return st.lists(_values_of(kind.item), max_size=4).map(tuple)
    raise TypeError(f"no strategy for {kind.name}")


_sides = st.integers(1, 65535)


@st.composite
def _rectangles(draw: st.DrawFn, size: Size) -> FramePart:
    x = draw(st.integers(0, size.width - 1))
    y = draw(st.integers(0, size.height - 1))
    width = draw(st.integers(1, size.width - x))
    height = draw(st.integers(1, size.height - y))
    place = Rectangle(x, y, width, height)
    if draw(st.booleans()):
        source_x = draw(st.integers(0, size.width - width))
        return CopiedRectangle(place, source_x, draw(st.integers(0, size.height - height)))
    codec = draw(st.sampled_from(CODECS.names))
    quality = draw(st.integers(0, 100))
    payload = draw(st.binary(max_size=200))
    if draw(st.booleans()):
        image_size = draw(st.none() | st.builds(Size, _sides, _sides))
        return EncodedRectangle(place, codec, quality, payload, image_size)
    return VideoRectangle(
        rectangle=place,
        codec=codec,
        quality=quality,
        stream=draw(st.integers(0, 65535)),
        is_key=draw(st.booleans()),
        is_hidden=draw(st.booleans()),
        payload=payload,
    )


@st.composite
def frames(draw: st.DrawFn) -> EncodedFrame:
    """A frame whose times are whole microseconds, as the wire has them."""
    size = Size(draw(_sides), draw(_sides))
    changed_s = draw(st.floats(0, 1e6))
    offsets_us = draw(st.lists(st.integers(0, 2**32 - 1), min_size=4, max_size=4))
    return EncodedFrame(
        serial=draw(st.integers(0, 2**32 - 1)),
        size=size,
        rectangles=tuple(draw(st.lists(_rectangles(size), max_size=4))),
        times=FrameTimes(changed_s, *(changed_s + offset * 1e-6 for offset in offsets_us)),
    )


@st.composite
def _cursors(draw: st.DrawFn) -> CursorImage:
    width, height = draw(st.integers(0, 20)), draw(st.integers(0, 20))
    spots = st.integers(0, 65535)
    pixels = draw(st.binary(min_size=width * height * 4, max_size=width * height * 4))
    return CursorImage(width, height, draw(spots), draw(spots), pixels)


_qualities = st.none() | st.integers(0, 100)
_picture_settings = st.builds(
    PictureSettings,
    max_frame_rate=st.none() | st.integers(1, 65535),
    min_quality=_qualities,
    max_quality=_qualities,
    video=st.sampled_from(VideoPreference),
    exact_at_rest=st.booleans(),
)


def messages_of(row: MessageLayout) -> st.SearchStrategy[Any]:
    """Messages of one row of the table."""
    if row.message is EncodedFrame:
        return frames()
    if row.message is CursorImage:
        return _cursors()
    if row.message is ResizeRequested:
        return st.builds(lambda width, height: ResizeRequested(Size(width, height)), _sides, _sides)
    if row.message is PictureSettings:
        return _picture_settings
    fields = [
        _sides if name in ("width", "height") else _values_of(kind) for name, kind in row.fields
    ]
    if row.name in ("Hello", "Welcome"):
        fields[0] = st.just(1)
    return st.tuples(*fields).map(row.make)


def messages(sender: Sender) -> st.SearchStrategy[Message]:
    """Any message of this side."""
    return st.one_of(
        [messages_of(row) for row in LAYOUTS[sender] if row.name != "Welcome"]
    )  # Welcome changes the codecs of the frames after it
