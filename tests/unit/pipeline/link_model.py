"""A bottleneck with a queue, a viewer behind it and a paced sender before it, in model time."""

import collections
import random
from collections.abc import Callable

import attrs

from kasmcore.pipeline.pacing import Pacer, Preference

STEP_S = 0.001
INTERVAL_S = 1 / 60
TARGET_QUEUE_S = 0.05
FOR_EVER_S = 1e9


@attrs.define
class ModelFrame:
    serial: int
    payload_bytes: int
    sent_s: float
    left_bytes: float
    waited_s: float | None = None
    """In the queue, until its first byte went."""
    arrived_s: float = FOR_EVER_S
    shown_s: float = FOR_EVER_S


@attrs.define
class Model:
    """One viewer that watches a picture that always moves.

    ``natural_bytes`` is what a frame takes at full quality, ``floor_bytes`` at the least.
    """

    bytes_per_s: float
    round_trip_s: float
    natural_bytes: int = 60_000
    floor_bytes: int = 1_000
    content_interval_s: float = INTERVAL_S
    decode_s: float = 0.002
    loss: float = 0.0
    """Share of packets that are sent again, a round trip later; what follows them waits."""
    preference: Preference = Preference.SMOOTH
    path_round_trip_is_known: bool = True
    seed: int = 1
    now_s: float = 0.0
    frames: list[ModelFrame] = attrs.field(factory=list, init=False)
    pacer: Pacer = attrs.field(init=False)
    _queue: collections.deque[ModelFrame] = attrs.field(factory=collections.deque, init=False)
    _travelling: collections.deque[ModelFrame] = attrs.field(factory=collections.deque, init=False)
    _answers: collections.deque[ModelFrame] = attrs.field(factory=collections.deque, init=False)
    _held_until_s: float = 0.0
    _decoder_free_s: float = 0.0
    _next_content_s: float = 0.0
    _random: random.Random = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self.pacer = Pacer(
            frames_in_flight=2,
            target_queue_s=TARGET_QUEUE_S,
            frame_interval_s=INTERVAL_S,
            preference=self.preference,
        )
        if self.path_round_trip_is_known:
            self.pacer.link.path_round_trip_s = self.round_trip_s

    def run(self, seconds: float, each_step: Callable[[], None] = lambda: None) -> "Model":
        end_s = self.now_s + seconds
        while self.now_s < end_s:
            self.now_s += STEP_S
            self._serve()
            self._arrive()
            self._acknowledge()
            self.pacer.advance(self.now_s)
            if self.now_s >= self._next_content_s and not self.pacer.may_only_overtake:
                self._next_content_s = max(
                    self.now_s, self._next_content_s + self.content_interval_s
                )
                self.send(self._size())
            each_step()
        return self

    def send(self, payload_bytes: int) -> ModelFrame:
        frame = ModelFrame(len(self.frames) + 1, payload_bytes, self.now_s, payload_bytes)
        self.frames.append(frame)
        self._queue.append(frame)
        self.pacer.sent(frame.serial, payload_bytes, self.now_s)
        return frame

    def sent_since(self, since_s: float) -> list[ModelFrame]:
        return [frame for frame in self.frames if frame.sent_s >= since_s]

    def shown_between(self, since_s: float, until_s: float) -> list[ModelFrame]:
        return [frame for frame in self.frames if since_s <= frame.shown_s < until_s]

    def goodput(self, since_s: float) -> float:
        shown = self.shown_between(since_s, self.now_s)
        return sum(frame.payload_bytes for frame in shown) / (self.now_s - since_s)

    def _size(self) -> int:
        wanted = min(self.natural_bytes, self.pacer.frame_budget_bytes())
        return round(max(self.floor_bytes, wanted * self._random.uniform(0.7, 1.15)))

    def _serve(self) -> None:
        room_bytes = self.bytes_per_s * STEP_S
        while self._queue and room_bytes > 0:
            frame = self._queue[0]
            if frame.waited_s is None:
                frame.waited_s = self.now_s - frame.sent_s
            passed = min(room_bytes, frame.left_bytes)
            room_bytes -= passed
            frame.left_bytes -= passed
            if self._random.random() < self.loss * passed / 1400:
                self._held_until_s = self.now_s + 1.5 * self.round_trip_s
            if frame.left_bytes <= 0:
                self._queue.popleft()
                arrival_s = self.now_s + self.round_trip_s / 2
                frame.arrived_s = max(arrival_s, self._held_until_s)
                self._travelling.append(frame)

    def _arrive(self) -> None:
        while self._travelling and self._travelling[0].arrived_s <= self.now_s:
            frame = self._travelling.popleft()
            started_s = max(self._decoder_free_s, frame.arrived_s)
            self._decoder_free_s = frame.shown_s = started_s + self.decode_s
            self._answers.append(frame)

    def _acknowledge(self) -> None:
        while self._answers and self._answers[0].shown_s + self.round_trip_s / 2 <= self.now_s:
            frame = self._answers.popleft()
            queued = sum(other.arrived_s <= frame.shown_s for other in self._answers)
            viewer_s = frame.shown_s - frame.arrived_s
            assert self.pacer.shown(frame.serial, self.now_s, viewer_s, queued)
