"""``Frame`` on the wire. It carries most bytes, so its rectangles have a codec of their own."""

from __future__ import annotations

import struct
from typing import cast

import attrs

from kasmcore.errors import RemoteProtocolError
from kasmcore.protocol.fields import F64, U16, U32, FieldType, PayloadReader, WireValue
from kasmcore.values.frames import (
    CopiedRectangle,
    EncodedFrame,
    EncodedRectangle,
    FramePart,
    FrameTimes,
    VideoRectangle,
)
from kasmcore.values.geometry import Rectangle, Size

OPERATION_IMAGE = 0
OPERATION_COPY = 1
"""Its payload is u16 source x, u16 source y; codec and quality are 0."""
OPERATION_VIDEO = 2
"""Its payload begins with u16 stream, u8 flags."""
OPERATION_SCALED = 3
"""Its payload begins with u16 width, u16 height: those of the image."""
RECTANGLE_FIELDS = (
    ("operation", "u8"),
    ("x", "u16"),
    ("y", "u16"),
    ("width", "u16"),
    ("height", "u16"),
    ("codec", "u8"),
    ("quality", "u8"),
    ("payload", "blob32"),
)
_RECTANGLE_HEAD = struct.Struct(">BHHHHBBI")
_COUNT = struct.Struct(">H")
_COPY_SOURCE = struct.Struct(">HH")
_VIDEO_HEAD = struct.Struct(">HB")
_IMAGE_SIZE = struct.Struct(">HH")
_FLAG_KEY = 1
_FLAG_HIDDEN = 2
_U32_MOST = 2**32 - 1
_EXACT = 100

WireRectangle = tuple[int, int, int, int, int, int, int, bytes]


class RectangleList:
    """``list16<rectangle>``; its value is a tuple of tuples in the order of RECTANGLE_FIELDS."""

    name = "list16<rectangle>"

    def write(self, value: WireValue, parts: list[bytes]) -> None:
        """Append all rectangles; their payloads are not copied."""
        rectangles = cast("tuple[WireRectangle, ...]", value)
        try:
            parts.append(_COUNT.pack(len(rectangles)))
            for rectangle in rectangles:
                payload = rectangle[7]
                parts.append(_RECTANGLE_HEAD.pack(*rectangle[:7], len(payload)))
                parts.append(payload)
        except struct.error as error:
            raise ValueError(f"a frame's rectangles do not fit: {error}") from error

    def read(self, reader: PayloadReader) -> tuple[WireValue, ...]:
        """Read all rectangles; each payload is copied once."""
        (count,) = reader.unpack(_COUNT)
        rectangles: list[WireValue] = []
        for _ in range(int(count)):
            *head, length = reader.unpack(_RECTANGLE_HEAD)
            rectangles.append((*head, bytes(reader.take(int(length)))))
        return tuple(rectangles)


FRAME_FIELDS: tuple[tuple[str, FieldType], ...] = (
    ("serial", U32),
    ("width", U16),
    ("height", U16),
    ("changed_s", F64),
    ("captured_us", U32),
    ("damaged_us", U32),
    ("planned_us", U32),
    ("encoded_us", U32),
    ("rectangles", RectangleList()),
)


@attrs.frozen
class CodecTable:
    """The codecs that a connection agreed on; a codec's number is its place."""

    names: tuple[str, ...] = ()
    _numbers: dict[str, int] = attrs.field(init=False)

    @_numbers.default
    def _count_names(self) -> dict[str, int]:
        return {name: number for number, name in enumerate(self.names)}

    def number_of(self, name: str) -> int:
        """The number of a codec. Raises ValueError when the viewer does not know it."""
        try:
            return self._numbers[name]
        except KeyError:
            raise ValueError(f"the viewer has no codec {name!r}, only {self.names}") from None

    def name_of(self, number: int) -> str:
        """The codec behind a number. Raises RemoteProtocolError when there is none."""
        if number >= len(self.names):
            raise RemoteProtocolError(f"codec {number} was not agreed on")
        return self.names[number]


def frame_to_wire(frame: EncodedFrame, codecs: CodecTable) -> tuple[WireValue, ...]:
    """The frame in the order of FRAME_FIELDS.

    Raises: ``ValueError`` for a codec that was not agreed on.
    """
    times = frame.times
    start_s = times.changed_s
    rectangles = tuple(_rectangle_to_wire(part, codecs) for part in frame.rectangles)
    return (
        frame.serial,
        frame.size.width,
        frame.size.height,
        start_s,
        _microseconds(times.captured_s - start_s),
        _microseconds(times.damaged_s - start_s),
        _microseconds(times.planned_s - start_s),
        _microseconds(times.encoded_s - start_s),
        rectangles,
    )


def frame_from_wire(values: tuple[WireValue, ...], codecs: CodecTable) -> EncodedFrame:
    """The frame with these fields.

    Raises: ``RemoteProtocolError`` for rectangles that make no sense.
    """
    serial, width, height = cast("tuple[int, int, int]", values[:3])
    changed_s, *offsets_us = cast("tuple[float, int, int, int, int]", values[3:8])
    if not width or not height:
        raise RemoteProtocolError(f"the framebuffer is {width}x{height}")
    size = Size(width, height)
    rectangles = cast("tuple[WireRectangle, ...]", values[8])
    return EncodedFrame(
        serial=serial,
        size=size,
        rectangles=tuple(_rectangle_from_wire(item, size, codecs) for item in rectangles),
        times=FrameTimes(changed_s, *(changed_s + offset * 1e-6 for offset in offsets_us)),
    )


def _rectangle_to_wire(part: FramePart, codecs: CodecTable) -> WireRectangle:
    area = part.rectangle
    place = (area.x, area.y, area.width, area.height)
    if isinstance(part, CopiedRectangle):
        source = _COPY_SOURCE.pack(part.source_x, part.source_y)
        return (OPERATION_COPY, *place, 0, 0, source)
    codec = codecs.number_of(part.codec)
    if isinstance(part, EncodedRectangle):
        if part.image_size is None:
            return (OPERATION_IMAGE, *place, codec, part.quality, part.payload)
        head = _IMAGE_SIZE.pack(part.image_size.width, part.image_size.height)
        return (OPERATION_SCALED, *place, codec, part.quality, head + part.payload)
    flags = _FLAG_KEY * part.is_key | _FLAG_HIDDEN * part.is_hidden
    payload = _VIDEO_HEAD.pack(part.stream, flags) + part.payload
    return (OPERATION_VIDEO, *place, codec, part.quality, payload)


def _rectangle_from_wire(item: WireRectangle, size: Size, codecs: CodecTable) -> FramePart:
    operation, x, y, width, height, codec, quality, payload = item
    rectangle = _inside(Rectangle(x, y, width, height), size)
    if quality > _EXACT:
        raise RemoteProtocolError(f"a rectangle's quality is {quality}")
    if operation == OPERATION_IMAGE:
        return EncodedRectangle(rectangle, codecs.name_of(codec), quality, payload)
    if operation == OPERATION_COPY:
        if len(payload) != _COPY_SOURCE.size:
            raise RemoteProtocolError(f"a copy's source takes {len(payload)} bytes")
        source_x, source_y = _COPY_SOURCE.unpack(payload)
        _inside(Rectangle(source_x, source_y, width, height), size)
        return CopiedRectangle(rectangle, source_x, source_y)
    if operation == OPERATION_VIDEO:
        if len(payload) < _VIDEO_HEAD.size:
            raise RemoteProtocolError(f"a video packet has {len(payload)} bytes")
        stream, flags = _VIDEO_HEAD.unpack_from(payload)
        return VideoRectangle(
            rectangle=rectangle,
            codec=codecs.name_of(codec),
            quality=quality,
            stream=stream,
            is_key=bool(flags & _FLAG_KEY),
            is_hidden=bool(flags & _FLAG_HIDDEN),
            payload=payload[_VIDEO_HEAD.size :],
        )
    if operation == OPERATION_SCALED:
        image_size = _image_size(payload)
        image = payload[_IMAGE_SIZE.size :]
        return EncodedRectangle(rectangle, codecs.name_of(codec), quality, image, image_size)
    raise RemoteProtocolError(f"rectangle operation {operation} was not agreed on")


def _image_size(payload: bytes) -> Size:
    if len(payload) < _IMAGE_SIZE.size:
        raise RemoteProtocolError(f"a scaled image has {len(payload)} bytes")
    width, height = _IMAGE_SIZE.unpack_from(payload)
    if not width or not height:
        raise RemoteProtocolError(f"a scaled image is {width}x{height}")
    return Size(width, height)


def _inside(rectangle: Rectangle, size: Size) -> Rectangle:
    if rectangle.is_empty() or rectangle.right > size.width or rectangle.bottom > size.height:
        raise RemoteProtocolError(f"rectangle {rectangle} is not inside {size}")
    return rectangle


def _microseconds(duration_s: float) -> int:
    return min(max(round(duration_s * 1e6), 0), _U32_MOST)
