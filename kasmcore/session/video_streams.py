"""The video streams of a session: found, opened, shared among viewers, closed."""

from __future__ import annotations

import itertools
import logging
from collections import Counter
from collections.abc import Iterable, Sequence

import attrs

from kasmcore.interfaces.stream_encoder import StreamEncoderSpec
from kasmcore.pipeline.history import ChangeHistory
from kasmcore.pipeline.region_bounds import RegionBounds
from kasmcore.pipeline.tiles import TILE, TileMask
from kasmcore.pipeline.video_budget import (
    EffortChoice,
    VideoRules,
    budget_class,
    first_frame_rate,
)
from kasmcore.pipeline.video_regions import RegionFinder, RegionRules, VideoRegion
from kasmcore.session.encode_pool import EncodePool
from kasmcore.session.frame_flow import NewestFrame
from kasmcore.session.send_rules import SendRules
from kasmcore.session.video_stream import StreamFormat, Subscription, VideoStream
from kasmcore.values.geometry import Rectangle

_LOG = logging.getLogger(__name__)

_MOST_STREAMS = 12
_MOST_PRIVATE_STREAMS = 2
"""For each region."""
_FAULTS_BEFORE_DROPPED = 3
_STAY_S = 2.0
"""A viewer stays in a stream so long at least: each change costs a key frame."""


@attrs.define(eq=False)
class VideoStreams:
    """All streams of a session.

    Viewers share a stream of a region when their links carry about the same; one that carries
    less gets its own, so that nobody is lowered by another. A stream that nobody subscribes to
    is closed.
    """

    specs: Sequence[StreamEncoderSpec]
    """In the operator's order."""
    pool: EncodePool
    rules: VideoRules
    _regions: tuple[VideoRegion, ...] = attrs.field(default=(), init=False)
    packets: int = attrs.field(default=0, init=False)
    """Encoded by streams that are closed."""
    _finder: RegionFinder = attrs.field(init=False)
    _whole_screen: RegionFinder = attrs.field(init=False)
    _bounds: RegionBounds = attrs.field(init=False)
    _latest: tuple[ChangeHistory, float] | None = attrs.field(default=None, init=False)
    _streams: list[VideoStream] = attrs.field(factory=list, init=False)
    _efforts: dict[str, EffortChoice] = attrs.field(init=False)
    _faults: Counter[str] = attrs.field(factory=Counter, init=False)
    _broken: set[tuple[int, str]] = attrs.field(factory=set, init=False)

    def __attrs_post_init__(self) -> None:
        numbers = itertools.count(1)
        self._finder = RegionFinder(RegionRules(), numbers)
        self._whole_screen = RegionFinder(RegionRules(whole_screen=True), numbers)
        self._bounds = RegionBounds(numbers)
        self._efforts = {spec.codec: EffortChoice(spec.cost_ns_per_pixel) for spec in self.specs}

    @property
    def running(self) -> int:
        """How many streams there are now."""
        return len(self._streams)

    def note_frame(self, newest: NewestFrame, history: ChangeHistory) -> TileMask | None:
        """A new frame exists: follow the regions, end the streams of those that are over.

        Returns: tiles at the edges of regions in which something beside them has changed.
        """
        if not self.specs:
            return None
        now_s = newest.damaged_s
        before = {region.number for region in self._regions}
        self._latest = history, now_s
        found = self._finder.look(history, now_s)
        self._regions, exposed = self._bounds.follow(found, newest.grid, newest.frame.pixels)
        numbers = {region.number for region in self._regions}
        if numbers != before:
            _LOG.debug("video regions: %s", self._finder.why() or "none")
            numbers |= {region.number for region in self._whole_screen.look(history, now_s)}
            self._broken = {pair for pair in self._broken if pair[0] in numbers}
            self._close(stream for stream in self._streams if stream.region not in numbers)
        return exposed

    def regions(self, *, whole_screen: bool) -> tuple[VideoRegion, ...]:
        """What moves in the newest frame, or the one region that is all of it."""
        if self._latest is None or not whole_screen:
            return self._regions
        return self._whole_screen.look(*self._latest)

    def choose_format(
        self, region: VideoRegion, codecs: Iterable[str], *, has_full_chroma: bool
    ) -> StreamFormat | None:
        """The first encoder for a region that works and that a viewer with these codecs decodes."""
        is_small = region.rectangle.area <= self.rules.full_chroma_area
        for spec in self.specs:
            usable = self.is_usable(spec.codec)
            fits = min(region.rectangle.width, region.rectangle.height) >= spec.smallest_side
            whole = (region.number, spec.codec) not in self._broken
            if spec.codec in codecs and usable and fits and whole:
                return StreamFormat(spec, spec.has_full_chroma and has_full_chroma and is_small)
        return None

    def subscribe(
        self, region: VideoRegion, wanted: StreamFormat, bits_per_s: float, now_s: float
    ) -> Subscription | None:
        """Join the stream for such a link, or open it; None when there are too many already."""
        bits_class = budget_class(bits_per_s)
        stream = self._shared(region.number, wanted, bits_class)
        if stream is None and len(self._streams) < _MOST_STREAMS:
            stream = self._open(region, wanted, bits_per_s, bits_class)
        return _enter(stream, bits_per_s, now_s) if stream is not None else None

    def keep(
        self, subscription: Subscription, region: VideoRegion, bits_per_s: float, now_s: float
    ) -> Subscription:
        """Go on in a stream, or in another one when the link carries much more or less by now."""
        stream = subscription.stream
        subscription.bits_per_s = bits_per_s
        wanted = budget_class(bits_per_s, stream.budget_class)
        if wanted == stream.budget_class or stream.is_private:
            return subscription
        others = self._shared(region.number, stream.format, wanted)
        if len(stream.subscriptions) == 1 and others is None:
            stream.budget_class = wanted
        elif now_s - subscription.since_s >= _STAY_S:
            moved = self.subscribe(region, stream.format, bits_per_s, now_s)
            if moved is not None:
                self.leave(subscription)
                return moved
        return subscription

    def separate(
        self, subscription: Subscription, region: VideoRegion, now_s: float
    ) -> Subscription:
        """Give a viewer that cannot keep up with the others a stream of its own, if there is room.

        It costs less than key frames for all of them.
        """
        stream, bits_per_s = subscription.stream, subscription.bits_per_s
        private = [s for s in self._streams if s.region == region.number and s.is_private]
        is_full = len(self._streams) >= _MOST_STREAMS or len(private) >= _MOST_PRIVATE_STREAMS
        if is_full or len(stream.subscriptions) < 2:
            return subscription
        own = self._open(region, stream.format, bits_per_s, stream.budget_class)
        own.is_private = True
        self.leave(subscription)
        return _enter(own, bits_per_s, now_s)

    def leave(self, subscription: Subscription) -> None:
        """A viewer does without a stream from now on."""
        stream = subscription.stream
        if subscription in stream.subscriptions:
            stream.subscriptions.remove(subscription)
        if not stream.subscriptions and not stream.is_closed:
            self._close([stream])

    def note_fault(self, stream: VideoStream, reason: str) -> None:
        """A stream's encoder failed: images, or another codec, take its place for that region."""
        if stream not in self._streams:
            return
        codec = stream.spec.codec
        self._faults[codec] += 1
        self.pool.counts.of(codec).faults += 1
        self._broken.add((stream.region, codec))
        self._close([stream])
        _LOG.warning(
            "video encoder %s failed on %s (%s). Images take its place%s.",
            codec,
            stream.rectangle,
            reason,
            " there" if self.is_usable(codec) else " from now on",
        )

    def is_usable(self, codec: str) -> bool:
        """False once an encoder has failed too often."""
        return self._faults[codec] < _FAULTS_BEFORE_DROPPED

    def total_packets(self) -> int:
        """Packets encoded so far."""
        return self.packets + sum(stream.packets for stream in self._streams)

    def _shared(self, region: int, wanted: StreamFormat, bits_class: int) -> VideoStream | None:
        for stream in self._streams:
            is_alike = stream.region == region and stream.format == wanted
            if is_alike and not stream.is_private and stream.budget_class == bits_class:
                return stream
        return None

    def _open(
        self, region: VideoRegion, wanted: StreamFormat, bits_per_s: float, bits_class: int
    ) -> VideoStream:
        """A new stream; its encoder opens with its first picture, in a worker thread."""
        spec = wanted.spec
        rectangle = stream_rectangle(region, spec)
        size = rectangle.size
        rules, effort = self.rules, self._efforts[spec.codec]
        frame_rate = first_frame_rate(region.changes_per_s, rules.most_pictures_per_s)
        bits_per_s = min(bits_per_s, rules.most_bits_per_s(size, frame_rate))
        time_s = rules.time_share / frame_rate / max(1, len(self._regions))
        settings = rules.settings(
            size,
            frame_rate,
            bits_per_s,
            effort.effort_for(size.area, time_s, rules.most_effort),
            full_chroma=wanted.full_chroma,
        )
        stream = VideoStream(
            number=self._free_number(),
            region=region.number,
            rectangle=rectangle,
            spec=spec,
            rules=rules,
            pool=self.pool,
            effort=effort,
            settings=settings,
            budget_class=bits_class,
        )
        self._streams.append(stream)
        _LOG.debug("video stream %d (%s): %s", stream.number, spec.codec, settings)
        return stream

    def _free_number(self) -> int:
        """The smallest that is free, so that viewers keep few decoders."""
        taken = {stream.number for stream in self._streams}
        return next(number for number in range(_MOST_STREAMS + 1) if number not in taken)

    def _close(self, streams: Iterable[VideoStream]) -> None:
        for stream in list(streams):
            self.packets += stream.packets
            self._streams.remove(stream)
            stream.close()


def streams_by_rules(
    specs: Sequence[StreamEncoderSpec], pool: EncodePool, rules: SendRules
) -> VideoStreams:
    """The streams of a session under the operator's rules."""
    video_rules = VideoRules(
        quality=rules.streams.quality,
        most_pictures_per_s=1 / rules.frame_interval_s,
        key_frame_every=rules.streams.key_frame_every,
    )
    return VideoStreams(rules.streams.chosen(specs), pool, video_rules)


def stream_rectangle(region: VideoRegion, spec: StreamEncoderSpec) -> Rectangle:
    """What an encoder can hold of a region; images show the rest."""
    most = spec.maximum_side // TILE * TILE
    area = region.rectangle
    return Rectangle(area.x, area.y, min(area.width, most), min(area.height, most))


def _enter(stream: VideoStream, bits_per_s: float, now_s: float) -> Subscription:
    subscription = Subscription(stream, bits_per_s, now_s)
    stream.subscriptions.append(subscription)
    return subscription
