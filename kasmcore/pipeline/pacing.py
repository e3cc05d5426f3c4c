"""When a viewer may get its next frame, and how large it may be; steered by acknowledgements."""

from __future__ import annotations

import collections
import enum
from math import inf

import attrs

from kasmcore.pipeline.link_estimate import FASTEST_BYTES_PER_S, LinkEstimate

_SMALLEST_BUDGET_BYTES = 4096
_MOST_UNPROVEN_BYTES = 65_536
"""What may be on its way on a link that has not carried anything yet; as much as it has carried
comes on top."""
_MOST_IN_FLIGHT = 16
_EMPTY_QUEUE_GAIN = 1.25
"""While nothing waits in the network a little more is sent than it is known to carry ..."""
_FULL_QUEUE_GAIN = 0.75
"""... and less while the queue is as long as it may be: it settles at half of that."""
_LONGEST_PASSING_S = 1 / 30
"""How long a frame may keep the link busy because none came before it for long."""
_LONGEST_PORTION_S = 0.05
"""How long a part of a large change may keep the link busy: a key press waits no longer for it."""
_DRAINING_GAIN = 0.5
_DRAINING_S = 0.2
_DRAINED_EVERY_S = 4.0
"""After so long with a queue it is emptied, to see again how short the round trip can be ..."""
_DRAINED_FIRST_S = 1.0
"""... or after so long while that still finds it to be shorter than was known."""
_SHORTER_S = 0.01
_INPUT_MEMORY_S = 0.3
"""How long after input its effect may overtake."""
_WINDOW_SHARE = 0.7
"""No frame is sent into a queue that is expected to be longer than this share of the target."""
_LEARNING_RATE = 0.1
_CLOCK_S = 0.001
"""Waits shorter than this are none."""


class Preference(enum.StrEnum):
    """What a slow link costs first."""

    SMOOTH = "smooth"
    """Sharpness: frames come as often as they can, as blurred as they must."""
    BALANCED = "balanced"
    """Some of both."""
    SHARP = "sharp"
    """Frames: they come as seldom as they must, as sharp as they can."""

    @property
    def passing_s(self) -> float:
        """How long any frame may keep the link busy, however soon the next one follows."""
        return {"smooth": 0.0, "balanced": 1 / 15, "sharp": 1 / 6}[self.value]


@attrs.frozen
class _Sent:
    serial: int
    payload_bytes: int
    sent_s: float
    overtook: bool


@attrs.define
class Pacer:
    """Keeps few bytes on their way to one viewer, so that none waits long in the network.

    Args:
        frames_in_flight: frames that may be unacknowledged on a link without length.
        target_queue_s: time that frames may wait in the network beyond its shortest round trip.
        frame_interval_s: shortest time between two frames.
        preference: what a slow link costs first.
    """

    frames_in_flight: int
    target_queue_s: float
    frame_interval_s: float
    preference: Preference = Preference.SMOOTH
    link: LinkEstimate = attrs.field(init=False)
    _now_s: float = attrs.field(default=-1e9, init=False)
    _idle_since_s: float = attrs.field(default=-1e9, init=False)
    """Since when there has been room, or the latest frame if that was later."""
    _drains_until_s: float = attrs.field(default=-1e9, init=False)
    _drain_every_s: float = attrs.field(default=_DRAINED_FIRST_S, init=False)
    _had_room: bool = attrs.field(default=True, init=False)
    _carried_bytes: int = attrs.field(default=0, init=False)
    input_s: float = attrs.field(default=-1e9, init=False)
    """When the viewer last did something."""
    _is_overdue: bool = attrs.field(default=False, init=False)
    _queued_at_viewer: float = attrs.field(default=0.0, init=False)
    _in_flight: collections.deque[_Sent] = attrs.field(factory=collections.deque, init=False)
    _stragglers: dict[int, int] = attrs.field(factory=dict, init=False)
    """Bytes of frames that newer ones have overtaken, by serial."""

    def __attrs_post_init__(self) -> None:
        self.link = LinkEstimate(long_queue_s=2 * self.target_queue_s)

    @property
    def in_flight(self) -> int:
        """Frames sent but not acknowledged."""
        return len(self._in_flight)

    @property
    def bytes_in_flight(self) -> int:
        """Their bytes."""
        return sum(frame.payload_bytes for frame in self._in_flight)

    @property
    def round_trip_s(self) -> float:
        """Latest time from sent to shown, less the viewer's part; 0 before the first."""
        return self.link.round_trip_s

    @property
    def queue_s(self) -> float:
        """Time that the latest acknowledged frame waited for those before it."""
        return self.link.queue_s

    @property
    def bytes_per_s(self) -> float:
        """What the link carries, as far as is known."""
        return self.link.bytes_per_s

    @property
    def may_only_overtake(self) -> bool:
        """True when the next frame may hold only what input changed, not what moves anyway."""
        return not self._has_room()

    def advance(self, now_s: float) -> None:
        """Time passes; call before asking for credit or budget."""
        self._now_s = max(self._now_s, now_s)
        self._is_overdue = False
        if self._in_flight:
            oldest = self._in_flight[0]
            self._is_overdue = self.link.note_waiting(
                oldest.sent_s, oldest.payload_bytes, self._now_s
            )
        had_room, self._had_room = self._had_room, self._has_room()
        if self._had_room and not had_room:
            self._idle_since_s = self._now_s

    def has_credit(self) -> bool:
        """True when a frame may be sent now."""
        return self._has_room() or self._may_overtake()

    def credit_due_s(self) -> float:
        """When to ask for credit again, if no acknowledgement comes before: inf for not at all."""
        if not self._has_window():
            return inf
        wait_s = self._expected_queue_s() - self._most_queue_s()
        return self._now_s + max(wait_s, _CLOCK_S)

    def frame_budget_bytes(self) -> float:
        """Size that the next frame should not exceed.

        It may keep the link busy for the time that the link had room and nothing was sent, within
        bounds: a video of 30 Hz gets twice the bytes per frame of one of 60 Hz.
        """
        since_s = min(self._now_s - self._idle_since_s, _LONGEST_PASSING_S)
        passing_s = max(self.frame_interval_s, since_s, self.preference.passing_s)
        return max(_SMALLEST_BUDGET_BYTES, self.bytes_per_s * self._gain() * passing_s)

    def portion_bytes(self) -> float:
        """Size of the parts of a change that is too large for one frame."""
        portion = max(self.frame_budget_bytes(), self.bytes_per_s * _LONGEST_PORTION_S)
        return portion if self.link.is_proven else min(portion, _MOST_UNPROVEN_BYTES / 2)

    def note_input(self, now_s: float) -> None:
        """The viewer did something and waits for the effect."""
        self.input_s = now_s
        self.advance(now_s)

    def sent(self, serial: int, payload_bytes: int, now_s: float) -> None:
        """A frame is handed to the link."""
        overtook = not self._has_room()
        self._in_flight.append(_Sent(serial, payload_bytes, now_s, overtook))
        self._idle_since_s = now_s
        self.advance(now_s)

    def shown(
        self, serial: int, now_s: float, viewer_s: float, queued: int = 0, *, alone: bool = False
    ) -> bool:
        """The viewer acknowledged a frame, and all before it.

        Args:
            serial: the viewer's number of the frame.
            now_s: when the acknowledgement arrived.
            viewer_s: time that decoding and showing took at the viewer.
            queued: frames that wait there to be decoded or shown.
            alone: frames come in any order. Those before it are held up in the network, or lost,
                and do not count as being on their way any more.

        Returns: False when no such frame is in flight.
        """
        if not any(frame.serial == serial for frame in self._in_flight):
            return self._straggler_arrived(serial)
        self._queued_at_viewer += _LEARNING_RATE * (queued - self._queued_at_viewer)
        payload_bytes = 0
        while True:
            frame = self._in_flight.popleft()
            if frame.serial == serial:
                payload_bytes += frame.payload_bytes
                break
            if alone:
                self._stragglers[frame.serial] = frame.payload_bytes
            else:
                payload_bytes += frame.payload_bytes
        self._carried_bytes += payload_bytes
        shortest_s = self.link.shortest_round_trip_s
        self.link.arrived(frame.sent_s, payload_bytes, now_s - viewer_s)
        self._drain_at_times(now_s, shortest_s)
        self.advance(now_s)
        return True

    def lost(self, serial: int) -> None:
        """A frame does not arrive any more; that teaches nothing about when others do."""
        self._stragglers.pop(serial, None)
        for frame in self._in_flight:
            if frame.serial == serial:
                self._in_flight.remove(frame)
                break
        self.advance(self._now_s)

    def _straggler_arrived(self, serial: int) -> bool:
        """A frame came after newer ones: when it came tells about its loss, not about the link."""
        payload_bytes = self._stragglers.pop(serial, None)
        if payload_bytes is None:
            return False
        self._carried_bytes += payload_bytes
        return True

    def _gain(self) -> float:
        """How much of the link's rate to use: more than all of it while nothing waits."""
        if self.bytes_per_s >= FASTEST_BYTES_PER_S:
            return 1.0
        if self._drains_until_s > self._now_s:
            return _DRAINING_GAIN
        fullness = min(1.0, self.queue_s / self.target_queue_s)
        return _EMPTY_QUEUE_GAIN + fullness * (_FULL_QUEUE_GAIN - _EMPTY_QUEUE_GAIN)

    def _drain_at_times(self, now_s: float, shortest_s: float) -> None:
        """Empty a queue that has stood for long: nobody knows how long the way is without it.

        Args:
            now_s: when a frame has arrived.
            shortest_s: shortest round trip that was known before.
        """
        link = self.link
        if self._drains_until_s > now_s and link.shortest_round_trip_s < shortest_s - _SHORTER_S:
            self._drain_every_s = _DRAINED_FIRST_S
        if now_s - max(link.empty_at_s, self._drains_until_s) > self._drain_every_s:
            self._drain_every_s = _DRAINED_EVERY_S
            self._drains_until_s = now_s + _DRAINING_S + link.shortest_round_trip_s

    def _has_room(self) -> bool:
        """True when another frame would not wait in the network or at the viewer."""
        if not self._in_flight:
            return True
        return self._has_window() and self._expected_queue_s() < self._most_queue_s() + _CLOCK_S

    def _has_window(self) -> bool:
        """False when only an acknowledgement can make room, not the time that passes."""
        if self._is_overdue or self.in_flight >= self._most_frames():
            return False
        link, on_the_way = self.link, self.bytes_in_flight
        if not link.is_proven and on_the_way > _MOST_UNPROVEN_BYTES + self._carried_bytes:
            return False
        window_s = link.shortest_round_trip_s + self._most_queue_s()
        return link.passing_s(on_the_way) < max(window_s, _CLOCK_S)

    def _most_queue_s(self) -> float:
        is_long = self.queue_s > self.target_queue_s or self._drains_until_s > self._now_s
        return 0.0 if is_long else _WINDOW_SHARE * self.target_queue_s

    def _expected_queue_s(self) -> float:
        """How long a frame that is sent now is going to wait for those before it."""
        bytes_per_s, way_s = self.link.bytes_per_s, self.link.shortest_round_trip_s
        free_s = self.link.last_arrived_s
        for frame in self._in_flight:
            free_s = max(free_s, frame.sent_s + way_s) + frame.payload_bytes / bytes_per_s
        return max(0.0, free_s - self._now_s - way_s)

    def _most_frames(self) -> int:
        """Frames that may be in flight: more on a long link, fewer to a viewer that is slow."""
        on_the_way = round(self.link.shortest_round_trip_s / self.frame_interval_s)
        at_once = 1 if self._queued_at_viewer > 1 else self.frames_in_flight
        return min(_MOST_IN_FLIGHT, at_once + on_the_way)

    def _may_overtake(self) -> bool:
        """One frame may go beyond the limit for what input has changed."""
        if self._now_s - self.input_s > _INPUT_MEMORY_S or self.in_flight > _MOST_IN_FLIGHT:
            return False
        return not any(frame.overtook for frame in self._in_flight)
