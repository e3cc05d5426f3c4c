"""One viewer's part in the video streams: what of a frame comes as video."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Collection, Sequence

import attrs
import numpy as np
import trio
from numpy.typing import NDArray

from kasmcore.pipeline.moving_rectangles import share_of
from kasmcore.pipeline.pacing import Pacer
from kasmcore.pipeline.region_bounds import edge_tiles
from kasmcore.pipeline.tiles import TileGrid, TileMask
from kasmcore.pipeline.video_regions import VideoRegion
from kasmcore.session.outbox import Outbox
from kasmcore.session.video_stream import StreamFailed, Subscription
from kasmcore.session.video_streams import VideoStreams
from kasmcore.values.frames import VideoRectangle, VisibleFrame
from kasmcore.values.geometry import Rectangle
from kasmcore.values.viewer_events import VideoPreference
from kasmcore.values.viewer_updates import Notice, Severity

_WAKING_SHARE = 0.3
"""A region at rest is shown by video again when so much of it is pending."""
_TIMES_BEHIND = 3
_IMAGE_MEMORY_S = 1.0
_LEAST_IMAGE_SHARE = 0.25
_LEAST_VIDEO_SHARE = 0.5
"""Of what the link may carry of video, however many images there are."""


@attrs.frozen(eq=False)
class VideoPlan:
    """What one frame shows by video."""

    subscriptions: tuple[Subscription, ...]
    tiles: TileMask
    """Shown by video, and so not by images."""
    exposed: TileMask
    """At the edges of videos, changed beside them: images show them, exactly, over the video."""
    waiting: TileMask
    """Left as they are until the stream can go on."""
    quality_sent: NDArray[np.uint8]
    """Per tile: quality that it is sent at, 0 where it is not sent."""
    expected_bytes: float
    why: str

    @classmethod
    def leaving_all_but(cls, tiles: TileMask, grid: TileGrid) -> VideoPlan:
        """No video now, and only these tiles as images."""
        nothing = grid.empty_mask()
        quality_sent = np.zeros(grid.shape, np.uint8)
        return cls((), nothing, nothing, ~tiles, quality_sent, 0.0, "overtakes")

    def budget_left(self, budget_bytes: float) -> float:
        """What the frame's images may take; little, if they only make exact what rests."""
        if not self.subscriptions:
            return budget_bytes
        return max(_LEAST_IMAGE_SHARE * budget_bytes, budget_bytes - self.expected_bytes)


@attrs.define
class VideoPackets:
    """What came of a plan; filled when its context ends."""

    parts: tuple[VideoRectangle, ...] = ()
    failed: tuple[Rectangle, ...] = ()
    """Not encoded; images are to show them."""


@attrs.define(eq=False)
class ViewerVideo:
    """The streams that one viewer gets."""

    streams: VideoStreams
    pacer: Pacer
    outbox: Outbox
    codecs: Sequence[str]
    """What it can decode."""
    preference: VideoPreference = VideoPreference.AUTO
    has_full_chroma: bool = False
    """It decodes 4:4:4 too."""
    _subscriptions: dict[int, Subscription] = attrs.field(factory=dict, init=False)
    _exposed: TileMask | None = attrs.field(default=None, init=False)
    """Tiles that changed beside a video, if they are at its edge; None: perhaps all."""
    _was_told: bool = attrs.field(default=False, init=False)
    _image_bytes: float = attrs.field(default=0.0, init=False)
    """Of the last second, about."""
    _image_s: float = attrs.field(default=0.0, init=False)

    @property
    def is_possible(self) -> bool:
        """True when video streams can show motion to this viewer."""
        if self.preference is VideoPreference.OFF:
            return False
        return any(spec.codec in self.codecs for spec in self.streams.specs)

    def plan(self, grid: TileGrid, pending: TileMask, now_s: float) -> VideoPlan:
        """Decide which regions come by video now."""
        regions = self._regions()
        self._leave_others(regions)
        tiles, edges, waiting = grid.empty_mask(), grid.empty_mask(), grid.empty_mask()
        quality_sent = np.zeros(grid.shape, np.uint8)
        chosen: list[Subscription] = []
        for region in regions:
            subscription = self._subscribe(region, pending, now_s)
            if subscription is None:
                continue
            area = grid.tiles_of(subscription.stream.rectangle)
            place = area.rows, area.columns
            if not pending[place].any():
                continue
            subscription = self._catch_up(subscription, region, now_s)
            if subscription.position is not None or subscription.stream.may_start(now_s):
                subscription.stream.adapt(now_s)
                chosen.append(subscription)
                tiles[place] = True
                edges |= edge_tiles(subscription.stream.rectangle, grid)
                quality_sent[place] = subscription.stream.settings.quality
            elif subscription.times_behind:
                waiting[place] = True
        exposed = self._take_exposed(edges & pending)
        expected_bytes = sum(item.stream.mean_bytes for item in chosen)
        why = ", ".join(f"video {item.stream.number}" for item in chosen)
        return VideoPlan(
            tuple(chosen), tiles & ~exposed, exposed, waiting, quality_sent, expected_bytes, why
        )

    @contextlib.asynccontextmanager
    async def encoding(self, plan: VideoPlan, frame: VisibleFrame) -> AsyncIterator[VideoPackets]:
        """Encode what is planned while the block runs."""
        packets = VideoPackets()
        if not plan.subscriptions:
            yield packets
            return
        encoded: dict[int, tuple[VideoRectangle, ...]] = {}

        async def encode_one(place: int, subscription: Subscription) -> None:
            try:
                encoded[place] = await subscription.stream.packets_for(subscription, frame)
            except StreamFailed as fault:
                packets.failed += (subscription.stream.rectangle,)
                self.streams.note_fault(subscription.stream, str(fault))

        async with trio.open_nursery() as nursery:
            for place, subscription in enumerate(plan.subscriptions):
                nursery.start_soon(encode_one, place, subscription)
            yield packets
        packets.parts = tuple(part for place in sorted(encoded) for part in encoded[place])

    def moving(self, grid: TileGrid, now_s: float) -> TileMask:
        """Tiles that streams of this viewer show and that move: not worth being made exact."""
        return grid.mask_of(
            self._subscriptions[region.number].stream.rectangle
            for region in self._regions()
            if region.number in self._subscriptions and region.is_awake(now_s)
        )

    def next_rest_s(self, now_s: float) -> float:
        """When the next region that moves will be at rest; infinity when none moves."""
        ends_s = [
            region.awake_until_s
            for region in self._regions()
            if region.number in self._subscriptions and region.is_awake(now_s)
        ]
        return min(ends_s, default=float("inf"))

    def start_again(self, numbers: Collection[int] | None = None) -> None:
        """The viewer lost a frame, or asked for all of its picture: streams go on by key frames.

        Args:
            numbers: of the streams; None: all.
        """
        for subscription in self._subscriptions.values():
            if numbers is None or subscription.stream.number in numbers:
                subscription.start_again()
        self._exposed = None

    def note_exposed(self, exposed: TileMask | None) -> None:
        """In a new frame these tiles at the edges of videos have changed beside the video."""
        if exposed is None or self._exposed is None or exposed.shape != self._exposed.shape:
            self._exposed = None
        else:
            self._exposed |= exposed

    def avoid(self, codec: str) -> bool:
        """The viewer cannot decode a codec after all. Returns: True when it is one of streams."""
        if codec not in [spec.codec for spec in self.streams.specs]:
            return False
        self.codecs = [name for name in self.codecs if name != codec]
        for number, subscription in list(self._subscriptions.items()):
            if subscription.stream.spec.codec == codec:
                self.streams.leave(self._subscriptions.pop(number))
        self._was_told = True
        return True

    def note_images(self, payload_bytes: int, now_s: float) -> None:
        """So many bytes of images were sent: streams leave room for them."""
        faded = np.exp((self._image_s - now_s) / _IMAGE_MEMORY_S)
        self._image_bytes = float(self._image_bytes * faded) + payload_bytes
        self._image_s = now_s

    def close(self) -> None:
        """The viewer leaves."""
        for subscription in self._subscriptions.values():
            self.streams.leave(subscription)
        self._subscriptions.clear()

    def _subscribe(
        self, region: VideoRegion, pending: TileMask, now_s: float
    ) -> Subscription | None:
        """The stream that shows a region to this viewer; None when images do."""
        bits_per_s = self._bits_per_s(region)
        subscription = self._subscriptions.get(region.number)
        if not region.is_awake(now_s) and share_of(pending, region.tiles) < _WAKING_SHARE:
            return None
        if subscription is None:
            wanted = self.streams.choose_format(
                region, self.codecs, has_full_chroma=self.has_full_chroma
            )
            if wanted is None:
                self._tell_why()
                return None
            subscription = self.streams.subscribe(region, wanted, bits_per_s, now_s)
            self._exposed = None
        else:
            subscription = self.streams.keep(subscription, region, bits_per_s, now_s)
        if subscription is not None:
            self._subscriptions[region.number] = subscription
        return subscription

    def _take_exposed(self, edges: TileMask) -> TileMask:
        """Those of the edges' tiles that images must show too; they are not told again."""
        if self._exposed is None:
            self._exposed = np.ones_like(edges)
        exposed: TileMask = edges & self._exposed
        self._exposed &= ~exposed
        return exposed

    def _catch_up(
        self, subscription: Subscription, region: VideoRegion, now_s: float
    ) -> Subscription:
        """A viewer that missed too much goes on by a key frame, or by itself if that is usual."""
        stream = subscription.stream
        if stream.is_behind(subscription, self.pacer.frame_budget_bytes()):
            subscription.start_again()
            subscription.times_behind += 1
            if subscription.times_behind >= _TIMES_BEHIND:
                subscription = self.streams.separate(subscription, region, now_s)
                self._subscriptions[region.number] = subscription
        return subscription

    def _bits_per_s(self, region: VideoRegion) -> float:
        """What the link carries of one region, in proportion to its area, as far as it needs it."""
        rules = self.streams.rules
        link = self.pacer.bytes_per_s * rules.link_share
        video = max(link - self._image_bytes / _IMAGE_MEMORY_S, _LEAST_VIDEO_SHARE * link)
        total = sum(other.rectangle.area for other in self._regions())
        most = rules.most_bits_per_s(region.rectangle.size, rules.most_pictures_per_s)
        return min(most, 8 * video * region.rectangle.area / total)

    def _regions(self) -> tuple[VideoRegion, ...]:
        if self.preference is VideoPreference.OFF:
            return ()
        is_whole = self.preference is VideoPreference.WHOLE_SCREEN
        return self.streams.regions(whole_screen=is_whole)

    def _leave_others(self, regions: tuple[VideoRegion, ...]) -> None:
        """Streams of regions that are over, or that this viewer no longer wants."""
        numbers = {region.number for region in regions}
        for number, subscription in list(self._subscriptions.items()):
            if number not in numbers or subscription.stream.is_closed:
                self.streams.leave(self._subscriptions.pop(number))

    def _tell_why(self) -> None:
        """Once: a viewer without video should know what it lacks."""
        offered = [spec.codec for spec in self.streams.specs]
        if self._was_told or any(codec in self.codecs for codec in offered):
            return
        self._was_told = True
        self.outbox.put(
            Notice(
                Severity.INFO,
                "video_as_images",
                "Moving pictures come as single images: this browser decodes no "
                f"{' or '.join(offered)} video here. Video needs a browser with WebCodecs, "
                "and a page over HTTPS.",
            )
        )
