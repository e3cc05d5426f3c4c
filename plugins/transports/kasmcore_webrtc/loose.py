"""Datagrams of the client that may be lost or overtake each other: which count, and when."""

from __future__ import annotations

from struct import Struct

POINTER_MOVED = 0x13
_ALLOWED = frozenset((0x02, 0x05, POINTER_MOVED))  # FrameShown, Ping, PointerMoved
_HEAD = Struct(">II")  # sequence, units on the control channel before it


class LooseOrder:
    """Keeps a pointer from moving before the key press, or after the motion, that it followed."""

    def __init__(self) -> None:
        self._control_units = 0
        self._newest_motion = 0
        self._held: tuple[int, bytes] | None = None
        """The newest motion, and the control units it waits for."""

    def control_came(self) -> bytes | None:
        """Count a unit of the control channel; return the motion that waited for it, if any.

        The unit is to be delivered first.
        """
        self._control_units += 1
        if self._held is None or self._held[0] > self._control_units:
            return None
        motion, self._held = self._held[1], None
        return motion

    def datagram_came(self, datagram: bytes) -> bytes | None:
        """Return the unit to be delivered now, if any.

        Raises:
            ValueError: what no client sends this way.
        """
        unit = datagram[_HEAD.size :]
        if not unit or unit[0] not in _ALLOWED:
            raise ValueError("a datagram that may not be one")
        if unit[0] != POINTER_MOVED:
            return unit
        sequence, after_units = _HEAD.unpack_from(datagram)
        if sequence <= self._newest_motion:
            return None
        self._newest_motion = sequence
        self._held = None
        if after_units <= self._control_units:
            return unit
        self._held = (after_units, unit)
        return None
