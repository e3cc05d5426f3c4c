"""What a viewer sends, each kind to its place."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

import attrs
import trio

from kasmcore.errors import RemoteProtocolError
from kasmcore.interfaces.viewer_link import LinkAttached, LinkBroken, LinkChange, ViewerLink
from kasmcore.session.clipboard_flow import ClipboardFlow
from kasmcore.session.input_flow import InputFlow
from kasmcore.session.picture_requests import grant_picture
from kasmcore.session.resuming import note_attached, note_broken
from kasmcore.session.send_rules import SendRules
from kasmcore.session.viewer import Viewer
from kasmcore.stats.codec_counts import CodecCounts
from kasmcore.stats.timeline import TimelineStatistics
from kasmcore.values.geometry import Size
from kasmcore.values.viewer_events import (
    LOST_IN_NETWORK,
    ClipboardReceived,
    FrameFailed,
    FrameShown,
    PictureSettings,
    Ping,
    RefreshRequested,
    ResizeRequested,
    ViewerEvent,
)
from kasmcore.values.viewer_updates import Notice, Pong, Severity

_LOG = logging.getLogger(__name__)

_FAULTS_BEFORE_AVOIDED = 2
_FAILURES_BEFORE_ENDED = 10
"""Frames in a row; a viewer that can show none of what it gets is not sent more for ever."""


@attrs.define(eq=False)
class ViewerEvents:
    """Receives one viewer's events; run by one task, so that they act in order."""

    viewer: Viewer
    input_flow: InputFlow
    clipboard_flow: ClipboardFlow
    timeline: TimelineStatistics
    resize: Callable[[Viewer, Size], Awaitable[None]]
    rules: SendRules
    """The operator's."""
    counts: CodecCounts
    on_attached: Callable[[Viewer], None]
    """Tells a viewer that goes on with another connection what it may not have heard."""
    _failures_in_a_row: int = attrs.field(default=0, init=False)

    async def run(self) -> None:
        """Receive until the viewer leaves.

        Raises:
            ConnectionEnded: the viewer is gone.
            RemoteProtocolError: it broke the protocol.
        """
        link: ViewerLink = self.viewer.link
        while True:
            await self._handle(await link.receive())

    async def _handle(self, event: ViewerEvent | LinkChange) -> None:
        viewer = self.viewer
        match event:
            case LinkBroken():
                note_broken(viewer)
                await self.input_flow.release(viewer)
            case LinkAttached():
                note_attached(viewer, event)
                self.on_attached(viewer)
            case FrameShown():
                timeline = viewer.note_shown(event, trio.current_time())
                if timeline is not None:
                    self._failures_in_a_row = 0
                    self.timeline.add(timeline)
            case FrameFailed():
                self._note_failure(event)
            case Ping(token):
                viewer.outbox.put(Pong(token))
            case RefreshRequested():
                viewer.forget_picture()
            case PictureSettings():
                grant_picture(viewer, self.rules, event)
            case ResizeRequested(size):
                await self.resize(viewer, size)
            case ClipboardReceived(offer):
                await self.clipboard_flow.receive(viewer, offer)
            case _:
                viewer.note_input(trio.current_time())
                await self.input_flow.handle(viewer, event)

    def _note_failure(self, event: FrameFailed) -> None:
        """Send it again, and not by a codec that fails repeatedly.

        Raises:
            RemoteProtocolError: the viewer shows nothing at all.
        """
        viewer = self.viewer
        is_lost = not event.codec and event.reason == LOST_IN_NETWORK
        sent = viewer.note_failed(event.serial, trio.current_time(), is_lost=is_lost)
        if sent is None or is_lost:
            return
        is_new = viewer.faults.is_new(sent, event.codec)
        _LOG.log(
            logging.WARNING if is_new else logging.DEBUG,
            "viewer %d could not show frame %d (%s: %s). It is sent again.",
            viewer.info.viewer_id,
            event.serial,
            event.codec or "no codec",
            event.reason,
        )
        if not is_new:
            return
        faults = viewer.faults.note(event.codec, viewer.newest_serial())
        self._failures_in_a_row += 1
        if self._failures_in_a_row >= _FAILURES_BEFORE_ENDED:
            raise RemoteProtocolError(
                f"the viewer could show none of {_FAILURES_BEFORE_ENDED} frames in a row"
            )
        if event.codec and faults >= _FAULTS_BEFORE_AVOIDED and self._avoid(event.codec):
            viewer.outbox.put(
                Notice(
                    Severity.WARNING,
                    "codec_failed",
                    f"This browser cannot show {event.codec} pictures; others are used instead.",
                )
            )

    def _avoid(self, codec: str) -> bool:
        """Use something else from now on. Returns: False when there is nothing else, or already."""
        viewer = self.viewer
        others = viewer.planner.without(codec)
        is_dropped = 0 < len(others.specs) < len(viewer.planner.specs)
        if is_dropped:
            viewer.planner = others
        elif codec in viewer.video.codecs:
            is_dropped = viewer.video.avoid(codec)
        if is_dropped:
            self.counts.of(codec).viewers_without += 1
        return is_dropped
