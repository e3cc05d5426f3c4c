"""Units on a byte stream: each is preceded by its length."""

from __future__ import annotations

import attrs

from kasmcore.api import RemoteProtocolError

LENGTH_BYTES = 4
MOST_UNIT_BYTES = 128 * 2**10 + 16
"""Of a client; what it sends is small, clipboard contents come in pieces."""


def with_length(unit: bytes) -> bytes:
    """Return a unit as it is sent."""
    return len(unit).to_bytes(LENGTH_BYTES, "big") + unit


@attrs.define(eq=False)
class UnitReader:
    """Cuts what arrives into units."""

    _buffer: bytearray = attrs.field(factory=bytearray, init=False)

    @property
    def waiting_bytes(self) -> int:
        """Bytes of a unit that has not arrived in full."""
        return len(self._buffer)

    def receive(self, data: bytes) -> list[bytes]:
        """Return the units that are complete now.

        Raises:
            RemoteProtocolError: one is too long.
        """
        buffer = self._buffer
        buffer += data
        units, start = [], 0
        while len(buffer) - start >= LENGTH_BYTES:
            begin = start + LENGTH_BYTES
            length = int.from_bytes(buffer[start:begin], "big")
            if length > MOST_UNIT_BYTES:
                raise RemoteProtocolError(
                    f"the viewer sends a unit of {length} bytes, the most is {MOST_UNIT_BYTES}"
                )
            if len(buffer) - begin < length:
                break
            units.append(bytes(buffer[begin : begin + length]))
            start = begin + length
        del buffer[:start]
        return units
