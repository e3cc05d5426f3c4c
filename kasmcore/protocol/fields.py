"""The field types of the wire: how one value is written and read.

On the wire a field is a plain value: int, float, bool, str, bytes, an enumeration's member, or a
tuple of them. Names are those of the protocol page (``u16``, ``text8``, ``list8<text8>``).
"""

from __future__ import annotations

import enum
import math
import struct
from collections.abc import Callable
from typing import Protocol

import attrs

from kasmcore.errors import RemoteProtocolError

WireValue = int | float | bool | str | bytes | enum.Enum | tuple["WireValue", ...]


class PayloadReader:
    """Walks through one payload.

    Raises: ``RemoteProtocolError`` from each method when the payload ends too early.
    """

    __slots__ = ("_offset", "_payload")

    def __init__(self, payload: memoryview) -> None:
        self._payload = payload
        self._offset = 0

    @property
    def remaining(self) -> int:
        """Bytes not read yet."""
        return len(self._payload) - self._offset

    def unpack(self, layout: struct.Struct) -> tuple[int | float, ...]:
        """Read the next fixed fields."""
        start = self._advance(layout.size)
        return layout.unpack_from(self._payload, start)

    def take(self, length: int) -> memoryview:
        """Read the next bytes, without copying them."""
        start = self._advance(length)
        return self._payload[start : self._offset]

    def _advance(self, length: int) -> int:
        start = self._offset
        if start + length > len(self._payload):
            raise RemoteProtocolError(
                f"it ends {start + length - len(self._payload)} bytes too early"
            )
        self._offset = start + length
        return start


class FieldType(Protocol):
    """One type of the protocol page."""

    @property
    def name(self) -> str:
        """Its name there."""

    def write(self, value: WireValue, parts: list[bytes]) -> None:
        """Append the value's bytes. Raises ValueError when it does not fit."""

    def read(self, reader: PayloadReader) -> WireValue:
        """Read one value. Raises RemoteProtocolError when it is malformed."""


def _strict_bool(value: int | float) -> bool:
    if value not in (0, 1):
        raise RemoteProtocolError(f"a bool is {value}")
    return value == 1


def _finite(value: int | float) -> float:
    if not math.isfinite(value):
        raise RemoteProtocolError(f"an f64 is {value}")
    return value


@attrs.frozen
class Number:
    """A field of fixed size; ``refine`` checks what was read."""

    name: str
    code: str
    """Format character of ``struct``."""
    refine: Callable[[int | float], int | float] | None = None
    layout: struct.Struct = attrs.field(init=False)

    @layout.default
    def _make_layout(self) -> struct.Struct:
        return struct.Struct(f">{self.code}")

    def write(self, value: WireValue, parts: list[bytes]) -> None:
        """Append the number's bytes."""
        try:
            parts.append(self.layout.pack(value))
        except struct.error as error:
            raise ValueError(f"{value!r} does not fit {self.name}") from error

    def read(self, reader: PayloadReader) -> int | float:
        """Read one number."""
        return self.refined(reader.unpack(self.layout)[0])

    def refined(self, value: int | float) -> int | float:
        """What was read, checked."""
        return value if self.refine is None else self.refine(value)


U8 = Number("u8", "B")
U16 = Number("u16", "H")
U32 = Number("u32", "I")
I16 = Number("i16", "h")
F64 = Number("f64", "d", _finite)
BOOL = Number("bool", "B", _strict_bool)


@attrs.frozen
class Text:
    """Byte count, then UTF-8 without NUL."""

    name: str
    count: Number

    def write(self, value: WireValue, parts: list[bytes]) -> None:
        """Append the text's bytes."""
        if not isinstance(value, str) or "\0" in value:
            raise ValueError(f"{value!r} is no text without NUL")
        encoded = value.encode()
        self.count.write(len(encoded), parts)
        parts.append(encoded)

    def read(self, reader: PayloadReader) -> str:
        """Read one text."""
        length = int(self.count.read(reader))
        raw = bytes(reader.take(length))
        if b"\0" in raw:
            raise RemoteProtocolError("a text holds NUL")
        try:
            return raw.decode()
        except UnicodeDecodeError as error:
            raise RemoteProtocolError(f"a text is not UTF-8: {error.reason}") from error


@attrs.frozen
class Blob:
    """Byte count, then bytes."""

    name: str
    count: Number

    def write(self, value: WireValue, parts: list[bytes]) -> None:
        """Append the bytes, not copied."""
        if not isinstance(value, bytes):
            raise TypeError(f"{type(value).__name__} is not bytes")
        self.count.write(len(value), parts)
        parts.append(value)

    def read(self, reader: PayloadReader) -> bytes:
        """Read the bytes; the only copy of them."""
        return bytes(reader.take(int(self.count.read(reader))))


@attrs.frozen
class Record:
    """Fields in their order, as one item of a list; its value is a tuple."""

    fields: tuple[tuple[str, FieldType], ...]

    @property
    def name(self) -> str:
        """The fields, as the protocol page writes them."""
        return "(" + "; ".join(f"{kind.name} {name}" for name, kind in self.fields) + ")"

    def write(self, value: WireValue, parts: list[bytes]) -> None:
        """Append all fields."""
        if not isinstance(value, tuple) or len(value) != len(self.fields):
            raise ValueError(f"{value!r} is not {self.name}")
        for item, (_, kind) in zip(value, self.fields, strict=True):
            kind.write(item, parts)

    def read(self, reader: PayloadReader) -> tuple[WireValue, ...]:
        """Read all fields."""
        return tuple(kind.read(reader) for _, kind in self.fields)


@attrs.frozen
class ListOf:
    """Item count, then the items; its value is a tuple."""

    count: Number
    item: FieldType

    @property
    def name(self) -> str:
        """As the protocol page writes it."""
        return f"list{self.count.name[1:]}<{self.item.name}>"

    def write(self, value: WireValue, parts: list[bytes]) -> None:
        """Append the count and all items."""
        if not isinstance(value, tuple):
            raise TypeError(f"{type(value).__name__} is not a tuple")
        self.count.write(len(value), parts)
        for item in value:
            self.item.write(item, parts)

    def read(self, reader: PayloadReader) -> tuple[WireValue, ...]:
        """Read all items; grows with the bytes that are there, not with the count announced."""
        return tuple(self.item.read(reader) for _ in range(int(self.count.read(reader))))


@attrs.frozen
class Enumerated:
    """A u8 that stands for a member of an enumeration or flags, all numbers up to ``most``."""

    kind: type[enum.Enum]
    most: int
    name: str = "u8"

    def write(self, value: WireValue, parts: list[bytes]) -> None:
        """Append the member's number."""
        U8.write(self.kind(value).value, parts)

    def read(self, reader: PayloadReader) -> enum.Enum:
        """Read one member."""
        number = int(U8.read(reader))
        if number > self.most:
            raise RemoteProtocolError(f"{number} is no {self.kind.__name__}")
        return self.kind(number)


TEXT8 = Text("text8", U8)
TEXT16 = Text("text16", U16)
BLOB32 = Blob("blob32", U32)
