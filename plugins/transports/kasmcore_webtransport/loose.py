"""Datagrams of a client: pointer motion in its place among the rest, acknowledgements at once."""

from __future__ import annotations

import struct

import attrs

_HEAD = struct.Struct(">II")
_POINTER_MOVED = 0x13
_FRAME_SHOWN = 0x02
_PING = 0x05
"""First bytes of the messages that may come so."""
_MODULUS = 2**32


@attrs.frozen
class _Motion:
    sequence: int
    control_units: int
    unit: bytes


@attrs.define(eq=False)
class LooseUnits:
    """Decides when a datagram is delivered, if at all."""

    _delivered: int | None = attrs.field(default=None, init=False)
    _waiting: _Motion | None = attrs.field(default=None, init=False)

    def receive(self, datagram: bytes, control_units: int) -> bytes | None:
        """Return what to deliver now.

        Motion waits for the control units that were sent before it, and only the newest does: a
        button press must happen where the pointer was.

        Args:
            datagram: with its head.
            control_units: units that have arrived on the control stream.
        """
        if len(datagram) <= _HEAD.size:
            return None
        sequence, before = _HEAD.unpack_from(datagram)
        unit = datagram[_HEAD.size :]
        if unit[0] in (_FRAME_SHOWN, _PING):
            return unit
        if unit[0] != _POINTER_MOVED or not self._is_newer(sequence):
            return None
        if self._waiting is None or _is_after(sequence, self._waiting.sequence):
            self._waiting = _Motion(sequence, before, unit)
        return self.take(control_units)

    def take(self, control_units: int) -> bytes | None:
        """Return the motion that waited for so many control units, if one did."""
        waiting = self._waiting
        if waiting is None or _is_after(waiting.control_units, control_units % _MODULUS):
            return None
        self._waiting, self._delivered = None, waiting.sequence
        return waiting.unit

    def _is_newer(self, sequence: int) -> bool:
        return self._delivered is None or _is_after(sequence, self._delivered)


def _is_after(number: int, other: int) -> bool:
    """Compare numbers that begin again at 0."""
    return 0 < (number - other) % _MODULUS < _MODULUS // 2
