"""How a message lies on the wire: its kind, its class, its fields, its greatest length."""

from __future__ import annotations

import struct
from collections.abc import Callable
from operator import attrgetter
from typing import Any

import attrs

from kasmcore.errors import RemoteProtocolError
from kasmcore.protocol.fields import FieldType, Number, PayloadReader, WireValue
from kasmcore.protocol.frame_wire import CodecTable
from kasmcore.protocol.messages import Message

HEADER = struct.Struct(">BI")
FIRST_OPTIONAL_KIND = 0x80

Values = tuple[WireValue, ...]
"""A message's fields in the order of the protocol page."""


@attrs.frozen
class MessageLayout:
    """One row of the protocol page."""

    kind: int
    name: str
    """Its name on the protocol page."""
    message: type
    maximum_bytes: int
    """Greatest length of the payload."""
    fields: tuple[tuple[str, FieldType], ...]
    take: Callable[..., Values]
    """From the message to its fields; ValueError when they make no sense."""
    make: Callable[..., Any]
    """From the fields to the message; RemoteProtocolError when they make no sense."""
    needs_codecs: bool = False
    """True when take and make want the connection's CodecTable as second argument."""
    check_start: Callable[[memoryview], None] | None = None
    """Looks at the payload before it is read, for peers of another protocol version."""
    _fixed: struct.Struct | None = attrs.field(init=False)
    _fixed_with_header: struct.Struct | None = attrs.field(init=False)
    _refined: tuple[tuple[int, Number], ...] = attrs.field(init=False)

    @_fixed.default
    def _make_fixed(self) -> struct.Struct | None:
        return self._fixed_struct(">")

    @_fixed_with_header.default
    def _make_fixed_with_header(self) -> struct.Struct | None:
        return self._fixed_struct(HEADER.format)

    @_refined.default
    def _find_refined(self) -> tuple[tuple[int, Number], ...]:
        kinds = [kind for _, kind in self.fields]
        return tuple(
            (place, kind)
            for place, kind in enumerate(kinds)
            if isinstance(kind, Number) and kind.refine is not None
        )

    def _fixed_struct(self, start: str) -> struct.Struct | None:
        codes = [kind.code for _, kind in self.fields if isinstance(kind, Number)]
        return struct.Struct(start + "".join(codes)) if len(codes) == len(self.fields) else None

    def write(self, message: Message, codecs: CodecTable) -> bytes:
        """The whole message with its header.

        Raises: ``ValueError`` when a field does not fit its type or the message is too long.
        """
        values = self.take(message, codecs) if self.needs_codecs else self.take(message)
        if self._fixed is not None and self._fixed_with_header is not None:
            try:
                return self._fixed_with_header.pack(self.kind, self._fixed.size, *values)
            except struct.error as error:
                raise ValueError(f"{message} does not fit the wire: {error}") from error
        parts = [b""]
        for value, (_, kind) in zip(values, self.fields, strict=True):
            kind.write(value, parts)
        length = sum(map(len, parts))
        if length > self.maximum_bytes:
            raise ValueError(f"{self.name} of {length} bytes, the most is {self.maximum_bytes}")
        parts[0] = HEADER.pack(self.kind, length)
        return b"".join(parts)

    def read(self, payload: memoryview, codecs: CodecTable) -> Message:
        """The message in this payload.

        Raises: ``RemoteProtocolError`` when it is malformed.
        """
        try:
            if self.check_start is not None:
                self.check_start(payload)
            values = self._read_values(payload)
            message: Message = self.make(values, codecs) if self.needs_codecs else self.make(values)
        except RemoteProtocolError as error:
            what = f"{self.name} is malformed: {error.what}"
            raise RemoteProtocolError(what, remedy=error.remedy) from error
        return message

    def _read_values(self, payload: memoryview) -> Values:
        reader = PayloadReader(payload)
        values: Values
        if self._fixed is None:
            values = tuple([kind.read(reader) for _, kind in self.fields])
        elif self._refined:
            refined = list(reader.unpack(self._fixed))
            for place, kind in self._refined:
                refined[place] = kind.refined(refined[place])
            values = tuple(refined)
        else:
            values = reader.unpack(self._fixed)
        if reader.remaining:
            raise RemoteProtocolError(f"{reader.remaining} bytes are left over")
        return values


def layout(
    kind: int,
    message: type,
    maximum_bytes: int,
    *fields: tuple[str, FieldType],
    make: Callable[[Values], Any] | None = None,
) -> MessageLayout:
    """The layout of a message whose wire fields are its attributes.

    Args:
        kind: number of the message.
        message: its class; the page uses the same name.
        maximum_bytes: greatest length of the payload.
        fields: name and type, in the order of the wire. ``width`` and ``height`` may also be those
            of its attribute ``size``.
        make: builds the message from its fields; the default gives them by name.
    """
    names = tuple(name for name, _ in fields)
    attributes = {field.name for field in attrs.fields(message)}
    paths = [name if name in attributes else f"size.{name}" for name in names]
    getters = [attrgetter(path) for path in paths]

    def take(value: Any) -> Values:
        return tuple([getter(value) for getter in getters])

    def make_by_name(values: Values) -> Any:
        return message(**dict(zip(names, values, strict=True)))

    return MessageLayout(
        kind, message.__name__, message, maximum_bytes, fields, take, make or make_by_name
    )
