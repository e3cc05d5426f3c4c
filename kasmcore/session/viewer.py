"""One connected viewer: what it sees, what it may do, and how it is paced."""

from __future__ import annotations

import collections
import time

import attrs
import trio

from kasmcore.interfaces.viewer_link import UnorderedLink, ViewerLink
from kasmcore.pipeline.copies import FrameChange
from kasmcore.pipeline.pacing import Pacer
from kasmcore.pipeline.pending import ViewerPicture
from kasmcore.pipeline.plan import Planner
from kasmcore.pipeline.rate_limit import RateLimit
from kasmcore.pipeline.tiles import TileGrid
from kasmcore.session.codec_faults import CodecFaults
from kasmcore.session.outbox import Outbox
from kasmcore.session.send_rules import SendRules
from kasmcore.session.sent_frame import SentFrame
from kasmcore.session.viewer_video import ViewerVideo
from kasmcore.stats.limits import FrameCost, ViewerLimits
from kasmcore.stats.timeline import STAGES, FrameTimeline
from kasmcore.values.permissions import Permission, User, ViewerInfo
from kasmcore.values.viewer_events import FrameShown


@attrs.define
class ViewerCounters:
    """What a viewer got since it joined."""

    frames: int = 0
    payload_bytes: int = 0
    skipped_frames: int = 0
    failed_frames: int = 0
    encode_s: collections.deque[float] = attrs.field(factory=lambda: collections.deque(maxlen=60))
    """From planned to encoded, of the last frames."""

    def add(self, other: ViewerCounters) -> None:
        """Add another viewer's counts."""
        self.frames += other.frames
        self.payload_bytes += other.payload_bytes
        self.skipped_frames += other.skipped_frames
        self.failed_frames += other.failed_frames


@attrs.define(eq=False)
class Viewer:
    """State of one viewer; its tasks are in ``frame_sender`` and ``viewer_events``."""

    link: ViewerLink
    user: User
    planner: Planner
    pacer: Pacer
    outbox: Outbox
    video: ViewerVideo
    rules: SendRules
    rate_limit: RateLimit = attrs.field(factory=RateLimit, init=False)
    picture: ViewerPicture | None = attrs.field(default=None, init=False)
    counters: ViewerCounters = attrs.field(factory=ViewerCounters, init=False)
    faults: CodecFaults = attrs.field(factory=CodecFaults, init=False)
    limits: ViewerLimits = attrs.field(factory=ViewerLimits, init=False)
    newest_shown: tuple[SentFrame, FrameTimeline, float] | None = attrs.field(
        default=None, init=False
    )
    """The last frame that was shown, and when."""
    connected_at_s: float = attrs.field(factory=time.time, init=False)
    """Unix time."""
    credit_wait_s: tuple[float, float] = attrs.field(default=(0.0, 0.0), init=False)
    """When the wait for the credit of the next frame began and ended."""
    _behind_since_s: float = attrs.field(default=0.0, init=False)
    """Since when changes were pending, if any are."""
    on_the_way: collections.deque[SentFrame] = attrs.field(factory=collections.deque, init=False)
    is_away: bool = attrs.field(default=False, init=False)
    """Its connection broke: nothing reaches it until it comes back."""
    attachments: int = attrs.field(default=0, init=False)
    """How often it went on with another connection."""
    _sent_picture: ViewerPicture | None = attrs.field(default=None, init=False)
    """What the latest frame is part of."""
    _restarted: dict[int, int] = attrs.field(factory=dict, init=False)
    """By stream: the newest frame that was sent when it had to start again."""
    acknowledged: trio.Event = attrs.field(factory=trio.Event, init=False)
    changed: trio.Event = attrs.field(factory=trio.Event, init=False)

    @property
    def info(self) -> ViewerInfo:
        """Who it is, with its rights of now."""
        return attrs.evolve(self.link.viewer, user=self.user)

    def may(self, permission: Permission) -> bool:
        """True when the viewer's user has this right now."""
        return permission in self.user.permissions

    def note_changed(self, grid: TileGrid, change: FrameChange) -> None:
        """A new frame exists; what it changed is now pending here."""
        if self.picture is None or self.picture.grid != grid:
            self.picture = ViewerPicture(grid)
        else:
            if self.picture.is_current():
                self._behind_since_s = trio.current_time()
            else:
                self.counters.skipped_frames += 1
            if self.link.abilities.can_copy:
                self.picture.add_change(change)
            else:
                self.picture.add_changed(change.changed)
        self.wake()

    def wake(self) -> None:
        """Let the frame sender look again."""
        self.changed.set()

    def forget_picture(self) -> None:
        """Everything is to be sent again."""
        if self.picture is not None:
            self.picture = ViewerPicture(self.picture.grid)
        self.video.start_again()
        self.wake()

    def note_input(self, now_s: float) -> None:
        """It did something whose effect should overtake what is on its way."""
        self.pacer.note_input(now_s)
        self.wake_sender()

    def note_sent(self, sent: SentFrame, encode_s: float) -> None:
        """A frame was handed to the link."""
        sent.held_up_s = self._held_up_s(sent)
        sent.is_needed = sent.has_copies or self._sent_picture is not sent.picture
        if sent.is_needed:
            for before in self.on_the_way:
                before.is_needed = True
        self._sent_picture = sent.picture
        self.on_the_way.append(sent)
        self.pacer.sent(sent.serial, sent.payload_bytes, sent.sent_s)
        self.counters.frames += 1
        self.counters.payload_bytes += sent.payload_bytes
        self.counters.encode_s.append(encode_s)

    def note_shown(self, shown: FrameShown, now_s: float) -> FrameTimeline | None:
        """The viewer shows a frame; None when it names one that is not on its way."""
        viewer_s = (shown.decode_us + shown.present_us) / 1e6
        sent = self._finish(shown.serial)
        if sent is None or not self.pacer.shown(
            shown.serial, now_s, viewer_s, shown.queued, alone=self.is_unordered
        ):
            return None
        self.wake_sender()
        self.faults.note_shown(sent)
        timeline = _timeline(sent, shown, now_s)
        self.limits.add(now_s, self._cost(sent, timeline), self.rules.frame_interval_s)
        self.newest_shown = sent, timeline, now_s
        return timeline

    @property
    def is_unordered(self) -> bool:
        """True while its frames may arrive in any order."""
        return isinstance(self.link, UnorderedLink) and self.link.is_unordered

    def note_failed(self, serial: int, now_s: float, *, is_lost: bool = False) -> SentFrame | None:
        """The viewer could not show a frame, or it never arrived: its tiles are pending again.

        Returns: None when it names one that is not on its way.
        """
        sent = self._finish(serial)
        if sent is None:
            return None
        if is_lost:
            self.pacer.lost(serial)
        elif not self.pacer.shown(serial, now_s, 0.0, alone=self.is_unordered):
            return None
        self.counters.failed_frames += 1
        self.give_back(sent)
        self.wake_sender()
        self.wake()
        return sent

    def give_back(self, sent: SentFrame) -> None:
        """What a frame showed did not reach the viewer; the caller takes it from the way.

        A stream that lacks a packet starts again, but not once more for those that were sent
        before it did.
        """
        lacking = {
            stream for stream in sent.streams if sent.serial > self._restarted.get(stream, 0)
        }
        for stream in lacking:
            self._restarted[stream] = self.newest_serial()
        self.video.start_again(lacking)
        if self.picture is sent.picture:  # else all was pending again after it
            sent.picture.give_back(sent.tiles, sent.copies_before)

    def newest_serial(self) -> int:
        """Of the newest frame that was sent; 0 before the first."""
        return self.counters.frames

    def _held_up_s(self, sent: SentFrame) -> float:
        """How long a change waited for credit; while there is none nothing new is captured."""
        (began_s, ended_s), self.credit_wait_s = self.credit_wait_s, (0.0, 0.0)
        return max(0.0, ended_s - max(began_s, min(sent.times.changed_s, self._behind_since_s)))

    def _cost(self, sent: SentFrame, timeline: FrameTimeline) -> FrameCost:
        """What one frame cost each part.

        The server's work is that of finding and encoding changes. A wait for credit is shared out
        by where the frame then was: in the network, beyond the shortest way, or in the browser. A
        link is also busy with the frame's bytes.
        """
        stages = dict(zip(STAGES, timeline.durations_s, strict=True))
        delay_s = max(0.0, stages["network"] - self.pacer.link.shortest_round_trip_s)
        viewer_s = stages["decode"] + stages["present"]
        browser_share = viewer_s / (viewer_s + delay_s) if viewer_s > 0 else 0.0
        passing_s = min(delay_s, self.pacer.link.passing_s(sent.payload_bytes))
        return FrameCost(
            server_s=stages["damage"] + stages["encode"],
            link_s=max(passing_s, (1 - browser_share) * sent.held_up_s),
            browser_s=browser_share * sent.held_up_s,
        )

    def _finish(self, serial: int) -> SentFrame | None:
        """Take a frame from the way, and those before it where frames come in order."""
        if not any(sent.serial == serial for sent in self.on_the_way):
            return None
        if self.is_unordered:
            sent = next(sent for sent in self.on_the_way if sent.serial == serial)
            self.on_the_way.remove(sent)
            return sent
        while True:
            sent = self.on_the_way.popleft()
            if sent.serial == serial:
                return sent

    def wake_sender(self) -> None:
        """Let the frame sender look at the pacer again."""

        self.acknowledged.set()
        self.acknowledged = trio.Event()


def _timeline(sent: SentFrame, shown: FrameShown, now_s: float) -> FrameTimeline:
    times = sent.times
    decode_s, present_s = shown.decode_us / 1e6, shown.present_us / 1e6
    network_s = max(0.0, now_s - sent.sent_s - decode_s - present_s)
    durations = {
        "capture": times.captured_s - times.changed_s,
        "damage": times.damaged_s - times.captured_s,
        "plan": times.planned_s - times.damaged_s,
        "encode": times.encoded_s - times.planned_s,
        "send": sent.sent_s - times.encoded_s,
        "network": network_s,
        "decode": decode_s,
        "present": present_s,
    }
    return FrameTimeline(tuple(durations[stage] for stage in STAGES), sent.payload_bytes)
