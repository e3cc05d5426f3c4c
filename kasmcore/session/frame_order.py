"""Which frames must be settled at a viewer before it applies another one."""

from __future__ import annotations

import attrs

from kasmcore.values.frames import CopiedRectangle, EncodedFrame, FrameOrder, VideoRectangle
from kasmcore.values.geometry import Size


@attrs.define
class FrameOrdering:
    """The rule of the protocol page, for one connection whose frames come in any order.

    What it remembers is one serial for each stream of the last frames, and one more.
    """

    _size: Size | None = attrs.field(default=None, init=False)
    _barrier: int | None = attrs.field(default=None, init=False)
    """The last frame with copies or of another size, until it is settled."""
    _packets: dict[int, int] = attrs.field(factory=dict, init=False)
    """By stream: the last frame with a packet of it, until that was shown. One that failed stays:
    a packet that was encoded before the server knew is not to be decoded either."""

    def order(self, frame: EncodedFrame) -> FrameOrder:
        """What the viewer must be told of a frame that is sent now."""
        streams = {part.stream for part in frame.rectangles if isinstance(part, VideoRectangle)}
        after = {self._packets[stream] for stream in streams if stream in self._packets}
        after_all = frame.size != self._size or any(
            isinstance(part, CopiedRectangle) for part in frame.rectangles
        )
        self._size = frame.size
        if after_all:
            self._barrier = frame.serial
        elif self._barrier is not None:
            after.add(self._barrier)
        for stream in streams:
            self._packets[stream] = frame.serial
        return FrameOrder(frame.serial, after_all, tuple(sorted(after)))

    def settle(self, serial: int, *, was_shown: bool) -> None:
        """The viewer has answered a frame: nothing needs to wait for it any more."""
        if self._barrier == serial:
            self._barrier = None
        if was_shown:
            packets = self._packets
            self._packets = {stream: last for stream, last in packets.items() if last != serial}
