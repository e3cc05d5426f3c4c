"""One display and those who watch it: puts the flows together and runs them."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import attrs
import trio

from kasmcore.config.schema import ServerConfig
from kasmcore.errors import CaptureEnded, ConnectionEnded, RemoteProtocolError
from kasmcore.interfaces.capture import CaptureSource
from kasmcore.interfaces.encoder import EncoderSpec
from kasmcore.interfaces.stream_encoder import StreamEncoderSpec
from kasmcore.interfaces.viewer_link import ViewerLink
from kasmcore.pipeline.choice import EncoderFigures
from kasmcore.pipeline.copies import FrameChange
from kasmcore.pipeline.copy_search import CopyFinder
from kasmcore.pipeline.pacing import Pacer, Preference
from kasmcore.pipeline.plan import Planner
from kasmcore.plugin_set import PluginEvents
from kasmcore.session.clipboard_flow import ClipboardFlow
from kasmcore.session.cursor_flow import CursorFlow
from kasmcore.session.encode_pool import EncodePool
from kasmcore.session.frame_flow import FrameFlow, NewestFrame
from kasmcore.session.frame_sender import FrameSender
from kasmcore.session.input_flow import InputFlow, NamedFilter
from kasmcore.session.loop_watch import LoopWatch
from kasmcore.session.masking import FrameMasks
from kasmcore.session.outbox import Outbox
from kasmcore.session.registry import ViewerRegistry
from kasmcore.session.send_rules import SendRules
from kasmcore.session.shared_plans import SharedPlans
from kasmcore.session.statistics_flow import StatisticsFlow
from kasmcore.session.video_mode_watch import VideoModeWatch
from kasmcore.session.video_streams import VideoStreams, streams_by_rules
from kasmcore.session.viewer import Viewer
from kasmcore.session.viewer_events import ViewerEvents
from kasmcore.session.viewer_video import ViewerVideo
from kasmcore.stats.loop_lag import LoopLag
from kasmcore.stats.timeline import TimelineStatistics
from kasmcore.values.geometry import Size
from kasmcore.values.permissions import Permission, User, ViewerInfo
from kasmcore.values.viewer_updates import Farewell

_LOG = logging.getLogger(__name__)

T = TypeVar("T")

_SMALLEST_SIDE = 64
_FAREWELL_S = 1.0


@attrs.frozen(kw_only=True)
class SessionParts:
    """What a session is made of."""

    config: ServerConfig
    display: str
    source: CaptureSource
    encoders: Sequence[EncoderSpec]
    filters: Sequence[NamedFilter]
    """Every DLP filter with its name, in order."""
    masks: FrameMasks
    events: PluginEvents
    stream_encoders: Sequence[StreamEncoderSpec] = ()


@attrs.define(eq=False)
class Session:
    """Runs the flows of one display; viewers come and go by ``serve_viewer``."""

    parts: SessionParts
    viewers: ViewerRegistry = attrs.field(init=False)
    frames: FrameFlow = attrs.field(init=False)
    pool: EncodePool = attrs.field(init=False)
    streams: VideoStreams = attrs.field(init=False)
    timeline: TimelineStatistics = attrs.field(factory=TimelineStatistics, init=False)
    loop_lag: LoopLag = attrs.field(factory=LoopLag, init=False)
    refusals: int = attrs.field(default=0, init=False)
    _rules: SendRules = attrs.field(init=False)
    _plans: SharedPlans = attrs.field(factory=SharedPlans, init=False)
    _video_mode: VideoModeWatch = attrs.field(init=False)
    _cursor: CursorFlow = attrs.field(init=False)
    _input: InputFlow = attrs.field(init=False)
    _clipboard: ClipboardFlow = attrs.field(init=False)
    _nursery: trio.Nursery | None = attrs.field(default=None, init=False)
    _keeping: trio.Nursery | None = attrs.field(default=None, init=False)
    """Runs viewers that may outlive the connection that they came by."""
    _somebody_left: trio.Event = attrs.field(factory=trio.Event, init=False)

    def __attrs_post_init__(self) -> None:
        parts, config = self.parts, self.parts.config
        self._rules = SendRules.of(config)
        self.viewers = ViewerRegistry(config.session.maximum_viewers)
        self.frames = FrameFlow(
            parts.source,
            parts.masks,
            self._rules.frame_interval_s,
            self._on_changed,
            CopyFinder(self._rules.copies),
            self._rules.compares_frames,
        )
        specs = {spec.codec: spec for spec in parts.encoders}
        figures = EncoderFigures(list(parts.encoders))
        self.pool = EncodePool(specs, figures, self._rules.encode_threads)
        self.streams = streams_by_rules(parts.stream_encoders, self.pool, self._rules)
        self._video_mode = VideoModeWatch(self._rules.video_mode, self._rules.frame_interval_s)
        self._cursor = CursorFlow(parts.source, lambda: self.viewers)
        self._input = InputFlow(
            sink=parts.source.input,
            filters=parts.filters,
            on_refused=self._on_refused,
            on_input=self.frames.hurry,
            pointer_enabled=config.pointer.enabled,
        )
        self._clipboard = ClipboardFlow(
            parts.source.clipboard,
            parts.filters,
            config.session.maximum_clipboard_bytes,
            lambda: self.viewers,
            self._on_refused,
        )

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Run until cancelled.

        Raises:
            CaptureEnded: the display is gone (in an exception group).
        """
        self.parts.events.session_started(self.parts.display, self.parts.source.size)
        reason = "the display has ended"
        try:
            with LoopWatch(self.loop_lag).watching():
                async with trio.open_nursery() as self._keeping:
                    await self._run_flows(task_status)
        except trio.Cancelled:
            reason = "the server stops"
            raise
        finally:
            self._nursery = self._keeping = None
            self.parts.events.session_ended(self.parts.display, reason)

    async def _run_flows(self, task_status: trio.TaskStatus[None]) -> None:
        try:
            async with trio.open_nursery() as nursery:
                self._nursery = nursery
                nursery.start_soon(self.frames.run)
                nursery.start_soon(self._cursor.run)
                nursery.start_soon(self._clipboard.run)
                nursery.start_soon(StatisticsFlow(lambda: self.viewers).run)
                task_status.started()
        except BaseExceptionGroup as group:
            if group.subgroup(CaptureEnded) is not None:
                await self._bid_farewell("The desktop has ended.")
            raise

    def keep(self, run: Callable[[T], Awaitable[None]], argument: T) -> None:
        """Run something as long as this session at most, whoever asked for it.

        Raises:
            ConnectionEnded: the session does not run.
        """
        if self._keeping is None:
            raise ConnectionEnded("the session has ended")
        self._keeping.start_soon(run, argument)

    async def serve_viewer(self, link: ViewerLink) -> None:
        """Run one viewer until it leaves; its faults end here."""
        viewer = self._admit(link)
        reason = "the connection ended"
        try:
            await self._run_viewer(viewer)
        except* ConnectionEnded as group:
            reason = _text_of(group)
        except* RemoteProtocolError as group:
            reason = _text_of(group)
            _LOG.warning("viewer %d broke the protocol: %s", link.viewer.viewer_id, reason)
        except* Exception:  # noqa: BLE001 - the border of one viewer
            reason = "a fault in the server"
            _LOG.exception("viewer %d met a fault; only it ends", link.viewer.viewer_id)
        finally:
            with trio.CancelScope(shield=True):
                await self._dismiss(viewer, reason)

    def abilities_of(self, codecs: Sequence[str]) -> list[EncoderSpec]:
        """The encoders that a viewer with these decoders can use, in the operator's order."""
        return [spec for spec in self.parts.encoders if spec.codec in codecs]

    def user_changed(self, name: str, user: User | None) -> None:
        """An account has other rights now, or is gone (None)."""
        if user is None:
            self.viewers.dismiss_user(name, "This account was removed.")
            return
        for viewer in self.viewers.change_user(user):
            if not viewer.may(Permission.WRITE) and self._nursery is not None:
                self._nursery.start_soon(self._release, viewer)

    def _admit(self, link: ViewerLink) -> Viewer:
        config = self.parts.config.session
        outbox = Outbox()
        pacer = Pacer(
            frames_in_flight=config.frames_in_flight,
            target_queue_s=config.target_queue_ms / 1000,
            frame_interval_s=self._rules.frame_interval_s,
            preference=Preference(config.prefer),
        )
        pacer.link.path_round_trip_s = link.abilities.path_round_trip_s
        viewer = Viewer(
            link=link,
            user=link.viewer.user,
            planner=Planner(
                self.abilities_of(link.abilities.codecs),
                self.pool.figures,
                self._rules.time_limits_s,
                self._rules.portion_s,
            ),
            pacer=pacer,
            outbox=outbox,
            video=ViewerVideo(
                self.streams,
                pacer,
                outbox,
                link.abilities.codecs,
                self._rules.streams.preference,
                link.abilities.has_full_chroma,
            ),
            rules=self._rules,
        )
        self.viewers.add(viewer)
        self._cursor.welcome(viewer)
        _LOG.info("viewer %d joined: %s", viewer.info.viewer_id, _who(viewer.info))
        self.parts.events.viewer_joined(viewer.info)
        return viewer

    async def _run_viewer(self, viewer: Viewer) -> None:
        sender = FrameSender(viewer, self.frames, self.pool, self._video_mode, self._plans)
        events = ViewerEvents(
            viewer=viewer,
            input_flow=self._input,
            clipboard_flow=self._clipboard,
            timeline=self.timeline,
            resize=self._resize_for,
            rules=self._rules,
            counts=self.pool.counts,
            on_attached=self._cursor.welcome,
        )
        abilities = viewer.link.abilities
        if abilities.viewport is not None and abilities.wants_resize:
            await self._resize_for(viewer, abilities.viewport)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(sender.run)
            nursery.start_soon(events.run)
            await viewer.outbox.send_all(viewer.link)
            nursery.cancel_scope.cancel()

    async def _dismiss(self, viewer: Viewer, reason: str) -> None:
        self.viewers.remove(viewer)
        viewer.video.close()
        with trio.move_on_after(5):
            await self._release(viewer)
        for _, dlp_filter in self.parts.filters:
            dlp_filter.viewer_left(viewer.info)
        _LOG.info("viewer %d left: %s", viewer.info.viewer_id, reason)
        self._somebody_left.set()
        self._somebody_left = trio.Event()
        self.parts.events.viewer_left(viewer.info, reason)

    async def _bid_farewell(self, reason: str) -> None:
        """Tell every viewer why it ends; do not wait long for those that do not listen."""
        for viewer in self.viewers:
            viewer.outbox.put(Farewell(reason, may_reconnect=True))
        with trio.move_on_after(_FAREWELL_S):
            while len(self.viewers):
                await self._somebody_left.wait()

    async def _release(self, viewer: Viewer) -> None:
        """Let go of every key and button that a viewer holds."""
        try:
            await self._input.release(viewer)
        except CaptureEnded:
            _LOG.info("viewer %d: no display to release its keys on", viewer.info.viewer_id)

    async def _resize_for(self, viewer: Viewer, size: Size) -> None:
        """Give the display the size that a viewer with the right to it asks for."""
        config = self.parts.config.desktop
        if not (config.allow_resize and viewer.may(Permission.WRITE)):
            return
        wanted = Size(
            min(max(size.width, _SMALLEST_SIDE), config.maximum_resolution.width),
            min(max(size.height, _SMALLEST_SIDE), config.maximum_resolution.height),
        )
        if wanted != self.parts.source.size:
            now = await self.parts.source.resize(wanted)
            _LOG.info("the display is now %s (viewer %d)", now, viewer.info.viewer_id)

    def _on_changed(self, newest: NewestFrame, change: FrameChange) -> None:
        self.pool.forget_before(newest.frame.serial)
        exposed = None
        if self.frames.history is not None:
            exposed = self.streams.note_frame(newest, self.frames.history)
        self._video_mode.note_changed(change.residual, newest.damaged_s)
        for viewer in self.viewers:
            viewer.video.note_exposed(exposed)
            viewer.note_changed(newest.grid, change)

    def _on_refused(self, viewer: ViewerInfo, filter_name: str, topic: str) -> None:
        self.refusals += 1
        self.parts.events.policy_refused(viewer, filter_name, topic)


def _who(viewer: ViewerInfo) -> str:
    rights = "/".join(str(right.name).lower() for right in viewer.user.permissions) or "no rights"
    return f"{viewer.user.name} from {viewer.address} by {viewer.transport} ({rights})"


def _text_of(group: BaseExceptionGroup[BaseException]) -> str:
    first = group.exceptions[0]
    return _text_of(first) if isinstance(first, BaseExceptionGroup) else str(first)
