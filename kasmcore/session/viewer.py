"""One connected viewer: what it sees, what it may do, and how it is paced."""

from __future__ import annotations

import collections

import attrs
import trio

from kasmcore.interfaces.viewer_link import ViewerLink
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
    on_the_way: collections.deque[SentFrame] = attrs.field(factory=collections.deque, init=False)
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
            if not self.picture.is_current():
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
        self._wake_sender()

    def note_sent(self, sent: SentFrame, encode_s: float) -> None:
        """A frame was handed to the link."""
        self.on_the_way.append(sent)
        self.pacer.sent(sent.serial, sent.payload_bytes, sent.sent_s)
        self.counters.frames += 1
        self.counters.payload_bytes += sent.payload_bytes
        self.counters.encode_s.append(encode_s)

    def note_shown(self, shown: FrameShown, now_s: float) -> FrameTimeline | None:
        """The viewer shows a frame; None when it names one that is not on its way."""
        viewer_s = (shown.decode_us + shown.present_us) / 1e6
        sent = self._finish(shown.serial)
        if sent is None or not self.pacer.shown(shown.serial, now_s, viewer_s, shown.queued):
            return None
        self._wake_sender()
        self.faults.note_shown(sent)
        return _timeline(sent, shown, now_s)

    def note_failed(self, serial: int, now_s: float) -> SentFrame | None:
        """The viewer could not show a frame: its tiles are pending again.

        Returns: None when it names one that is not on its way.
        """
        sent = self._finish(serial)
        if sent is None or not self.pacer.shown(serial, now_s, 0.0):
            return None
        self.counters.failed_frames += 1
        self.video.start_again()
        if self.picture is sent.picture:  # else all was pending again after it
            sent.picture.give_back(sent.tiles, sent.copies_before)
        self._wake_sender()
        self.wake()
        return sent

    def newest_serial(self) -> int:
        """Of the newest frame that was sent; 0 before the first."""
        return self.counters.frames

    def _finish(self, serial: int) -> SentFrame | None:
        """Take a frame, and those before it, from the way."""
        if not any(sent.serial == serial for sent in self.on_the_way):
            return None
        while True:
            sent = self.on_the_way.popleft()
            if sent.serial == serial:
                return sent

    def _wake_sender(self) -> None:
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
