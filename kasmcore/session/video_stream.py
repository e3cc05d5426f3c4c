"""One running video stream: its encoder, its last packets, and who gets them."""

from __future__ import annotations

import collections
import math
import time

import attrs
import trio

from kasmcore.interfaces.stream_encoder import (
    StreamEncoder,
    StreamEncoderSpec,
    StreamPacket,
    StreamSettings,
)
from kasmcore.pipeline.video_budget import EffortChoice, VideoRules, frame_rate_for
from kasmcore.session.encode_pool import ENCODER_FAULTS, EncodePool
from kasmcore.values.frames import VideoRectangle, VisibleFrame
from kasmcore.values.geometry import Rectangle

MOST_PACKETS_BEHIND = 8
_KEY_FRAME_EVERY_S = 1.0
_BITS_DOWN_EVERY_S = 0.25
_BITS_UP_EVERY_S = 1.0
_BITS_TOLERANCE = 0.15
_ADAPT_EVERY_S = 1.0
_PAUSE_S = 0.5
"""Pictures further apart say nothing about the frame rate."""
_FEWEST_PICTURES = 20
_LATE = 1.3


class StreamFailed(Exception):
    """The encoder failed; the stream is closed."""


@attrs.define(eq=False)
class Subscription:
    """One viewer's place in a stream."""

    stream: VideoStream
    bits_per_s: float
    """What this viewer could be sent."""
    since_s: float
    position: int | None = None
    """The last packet that it was handed; None: it needs a key frame."""
    times_behind: int = 0

    def start_again(self) -> None:
        """The viewer cannot go on from the packets that it has."""
        self.position = None


@attrs.frozen
class StreamFormat:
    """What a viewer can be sent of a region."""

    spec: StreamEncoderSpec
    full_chroma: bool


@attrs.frozen
class _Packet:
    index: int
    packet: StreamPacket


@attrs.define(eq=False)
class VideoStream:
    """Encodes one rectangle, once for all its subscribers, when one of them asks.

    Args:
        number: what the viewers know it by.
        region: number of the region that it shows.
        rectangle: its pixels.
        spec: its codec.
        rules: the operator's limits.
        pool: where encoding runs.
        effort: what the codec's efforts cost here.
        settings: what it starts with.
        budget_class: of its subscribers.
    """

    number: int
    region: int
    rectangle: Rectangle
    spec: StreamEncoderSpec
    rules: VideoRules
    pool: EncodePool
    effort: EffortChoice
    settings: StreamSettings
    budget_class: int
    is_private: bool = False
    """True for one viewer that could not keep up with the others."""
    subscriptions: list[Subscription] = attrs.field(factory=list, init=False)
    is_closed: bool = attrs.field(default=False, init=False)
    packets: int = attrs.field(default=0, init=False)
    """How many were encoded."""
    _encoder: StreamEncoder | None = attrs.field(default=None, init=False)
    _applied: StreamSettings | None = attrs.field(default=None, init=False)
    _serial: int = attrs.field(default=-1, init=False)
    _log: collections.deque[_Packet] = attrs.field(
        factory=lambda: collections.deque(maxlen=MOST_PACKETS_BEHIND), init=False
    )
    _key_s: float = attrs.field(default=-1e9, init=False)
    _key_bytes: int = attrs.field(default=0, init=False)
    _since_key: int = attrs.field(default=0, init=False)
    _bits_changed_s: float = attrs.field(default=-1e9, init=False)
    _adapted_s: float = attrs.field(default=-1e9, init=False)
    _encoded_at_s: collections.deque[float] = attrs.field(
        factory=lambda: collections.deque(maxlen=60), init=False
    )
    _lock: trio.Lock = attrs.field(factory=trio.Lock, init=False)

    @property
    def format(self) -> StreamFormat:
        """What its viewers can decode."""
        return StreamFormat(self.spec, self.settings.full_chroma)

    @property
    def mean_bytes(self) -> float:
        """Mean size of the last packets that are no key frames."""
        sizes = [len(item.packet.payload) for item in self._log if not item.packet.is_key]
        return sum(sizes) / len(sizes) if sizes else 0.0

    def is_behind(self, subscription: Subscription, most_bytes: float) -> bool:
        """True when a subscriber lacks more packets than are worth being sent to it."""
        position = subscription.position
        if position is None:
            return False
        missing = [item for item in self._log if item.index > position]
        if self.packets - position > len(missing):
            return True
        missing_bytes = sum(len(item.packet.payload) for item in missing)
        return missing_bytes > max(most_bytes, self._key_bytes)

    def may_start(self, now_s: float) -> bool:
        """True when a subscriber without a picture can have one now.

        A key frame costs all subscribers, so there is one a second at most, unless there is just
        one subscriber.
        """
        has_key = any(item.packet.is_key for item in self._log)
        return has_key or len(self.subscriptions) < 2 or now_s - self._key_s >= _KEY_FRAME_EVERY_S

    async def packets_for(
        self, subscription: Subscription, frame: VisibleFrame
    ) -> tuple[VideoRectangle, ...]:
        """Encode this frame, unless somebody had it encoded; return what the subscriber lacks.

        All but the last packet are hidden; none when it has them all.

        Raises:
            StreamFailed: the encoder failed now, or for another subscriber.
        """
        async with self._lock:
            if self.is_closed:
                raise StreamFailed
            while self._serial < frame.serial or self._lacks_start(subscription):
                is_due = self._since_key + 1 >= (self.rules.key_frame_every or math.inf)
                await self._encode(frame, is_due or self._lacks_start(subscription))
            missing = self._missing(subscription)
            subscription.position = self.packets
        last = len(missing) - 1
        return tuple(
            VideoRectangle(
                rectangle=self.rectangle,
                codec=self.spec.codec,
                quality=self.settings.quality,
                stream=self.number,
                is_key=item.packet.is_key,
                is_hidden=place != last,
                payload=item.packet.payload,
            )
            for place, item in enumerate(missing)
        )

    def adapt(self, now_s: float) -> None:
        """Follow what the subscribers' links carry, the frame rate, and the time there is."""
        settings = self._with_rate_and_effort(now_s)
        wanted = min((item.bits_per_s for item in self.subscriptions), default=0.0)
        wanted = min(wanted, self.rules.most_bits_per_s(self.rectangle.size, settings.frame_rate))
        ratio = wanted / settings.most_bits_per_s
        since_s = now_s - self._bits_changed_s
        goes_down = ratio < 1 - _BITS_TOLERANCE and since_s >= _BITS_DOWN_EVERY_S
        goes_up = ratio > 1 + _BITS_TOLERANCE and since_s >= _BITS_UP_EVERY_S
        if goes_down or goes_up:
            self._bits_changed_s = now_s
            settings = self._changed(settings.frame_rate, wanted, settings.effort)
        self.settings = settings

    def close(self) -> None:
        """Give the encoder back; at once, or when the picture is encoded that it works on."""
        self.is_closed = True
        self._log.clear()
        if not self._lock.locked() and self._encoder is not None:
            encoder, self._encoder = self._encoder, None
            encoder.close()

    def _lacks_start(self, subscription: Subscription) -> bool:
        position = subscription.position
        if position is not None:
            return bool(self._log) and self._log[0].index > position + 1
        return not any(item.packet.is_key for item in self._log)

    def _missing(self, subscription: Subscription) -> list[_Packet]:
        position = subscription.position
        keys = [item.index for item in self._log if item.packet.is_key]
        if position is None or self._log[0].index > position + 1:
            return [item for item in self._log if item.index >= keys[-1]]
        return [item for item in self._log if item.index > position]

    async def _encode(self, frame: VisibleFrame, key_frame: bool) -> None:
        """Add a packet to the log."""
        settings = self.settings
        expected_s = self.effort.expected_s(settings.effort, self.rectangle.area)

        def encode() -> tuple[StreamPacket, float]:
            started_s = time.perf_counter()
            packet = self._encode_now(frame, key_frame, settings)
            return packet, time.perf_counter() - started_s

        try:
            packet, seconds = await self.pool.run(expected_s, encode)
        except ENCODER_FAULTS as fault:
            self.close()
            raise StreamFailed(f"{type(fault).__name__}: {fault}") from fault
        finally:
            if self.is_closed and self._encoder is not None:
                encoder, self._encoder = self._encoder, None
                encoder.close()
        self._note(frame.serial, packet, seconds)

    def _encode_now(
        self, frame: VisibleFrame, key_frame: bool, settings: StreamSettings
    ) -> StreamPacket:
        """Runs in a worker thread, or in place."""
        if self._encoder is None:
            self._encoder = self.spec.open(settings)
        elif settings != self._applied:
            self._encoder.reconfigure(settings)
        self._applied = settings
        pixels = frame.pixels[self.rectangle.rows, self.rectangle.columns]
        return self._encoder.encode(pixels, key_frame=key_frame)

    def _note(self, serial: int, packet: StreamPacket, seconds: float) -> None:
        now_s = trio.current_time()
        self.packets += 1
        self._since_key = 0 if packet.is_key else self._since_key + 1
        self._serial = max(self._serial, serial)
        self._log.append(_Packet(self.packets, packet))
        self.pool.counts.encoded(self.spec.codec, self.rectangle.area, len(packet.payload), seconds)
        if packet.is_key:
            self._key_s, self._key_bytes = now_s, len(packet.payload)
        if self.packets > 1:  # the first one opens the encoder
            self.effort.learn(self.settings.effort, self.rectangle.area, seconds)
        if self._encoded_at_s and now_s - self._encoded_at_s[-1] > _PAUSE_S:
            self._encoded_at_s.clear()
        self._encoded_at_s.append(now_s)

    def _with_rate_and_effort(self, now_s: float) -> StreamSettings:
        """Seldom changed: a codec may need a key frame for it."""
        settings, times_s = self.settings, self._encoded_at_s
        if now_s - self._adapted_s < _ADAPT_EVERY_S or len(times_s) < _FEWEST_PICTURES:
            return settings
        self._adapted_s = now_s
        rate_hz = (len(times_s) - 1) / max(times_s[-1] - times_s[0], 1e-3)
        frame_rate = settings.frame_rate
        if not 0.4 * frame_rate < rate_hz < 1.2 * frame_rate:
            frame_rate = frame_rate_for(rate_hz, self.rules.most_pictures_per_s)
        limit_s = self.rules.time_share / frame_rate
        pixels, effort = self.rectangle.area, settings.effort
        if self.effort.expected_s(effort, pixels) > _LATE * limit_s:
            effort = min(effort, self.effort.effort_for(pixels, limit_s, effort))
        if (frame_rate, effort) == (settings.frame_rate, settings.effort):
            return settings
        return self._changed(frame_rate, settings.most_bits_per_s, effort)

    def _changed(self, frame_rate: float, bits_per_s: float, effort: int) -> StreamSettings:
        size, full_chroma = self.settings.size, self.settings.full_chroma
        return self.rules.settings(size, frame_rate, bits_per_s, effort, full_chroma=full_chroma)
