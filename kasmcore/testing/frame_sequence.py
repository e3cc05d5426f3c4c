"""Puts frames that come in any order into one in which a viewer may apply them."""

from __future__ import annotations

import collections

import attrs

from kasmcore.values.frames import EncodedFrame, FrameOrder, VideoRectangle

_MOST_HELD = 64
_MOST_FAILED = 256


@attrs.define
class FrameSequence:
    """Frames of one connection that carries each on its own.

    Attributes:
        first_serial: of the connection; all before it are settled.
    """

    first_serial: int
    _settled: set[int] = attrs.field(factory=set, init=False)
    _held: dict[int, tuple[FrameOrder, EncodedFrame]] = attrs.field(factory=dict, init=False)
    _not_shown: collections.deque[int] = attrs.field(
        factory=lambda: collections.deque(maxlen=_MOST_FAILED), init=False
    )
    _newest: int = attrs.field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self._newest = self.first_serial - 1

    @property
    def is_full(self) -> bool:
        """True when more are held than a viewer should: ask for all of the picture."""
        return len(self._held) > _MOST_HELD

    def missing(self) -> list[int]:
        """Serials below the newest that have neither come nor been settled."""
        numbers = range(self.first_serial, self._newest + 1)
        return [n for n in numbers if n not in self._settled and n not in self._held]

    def hold(self, order: FrameOrder, frame: EncodedFrame) -> None:
        """A frame has arrived. One that was settled already is forgotten."""
        self._newest = max(self._newest, frame.serial)
        if not self._is_settled(frame.serial):
            self._held[frame.serial] = order, frame

    def next(self) -> tuple[EncodedFrame, bool] | None:
        """Take a frame that may be applied now; settle it before the next call.

        Returns: the frame, and False when it needs a packet that was not shown.
        """
        for serial in sorted(self._held):
            order, frame = self._held[serial]
            if self._may_apply(order):
                del self._held[serial]
                is_whole = not any(n in self._not_shown for n in order.after)
                is_whole = is_whole or not _builds_on_others(frame)
                return frame, is_whole
        return None

    def settle(self, serial: int, *, was_shown: bool) -> None:
        """A frame was shown, has failed, is lost or was dropped."""
        self._newest = max(self._newest, serial)
        self._held.pop(serial, None)
        if self._is_settled(serial):
            return
        self._settled.add(serial)
        if not was_shown:
            self._not_shown.append(serial)
        while self.first_serial in self._settled:
            self._settled.discard(self.first_serial)
            self.first_serial += 1

    def _is_settled(self, serial: int) -> bool:
        return serial < self.first_serial or serial in self._settled

    def _may_apply(self, order: FrameOrder) -> bool:
        if order.after_all:
            return order.serial == self.first_serial
        return all(map(self._is_settled, order.after))


def _builds_on_others(frame: EncodedFrame) -> bool:
    """True when a packet needs one of a frame before: no key frame of its stream precedes it."""
    begun = set()
    for part in frame.rectangles:
        if isinstance(part, VideoRectangle):
            if part.is_key:
                begun.add(part.stream)
            elif part.stream not in begun:
                return True
    return False
