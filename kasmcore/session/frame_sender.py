"""One viewer's frames: wait for credit and for something to send, plan, encode, send."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

import attrs
import numpy as np
import trio

from kasmcore.pipeline.choice import Link
from kasmcore.pipeline.copies import FrameChange
from kasmcore.pipeline.history import ChangeHistory
from kasmcore.pipeline.pending import ViewerPicture
from kasmcore.pipeline.plan import FramePlan, Planner, PlanRequest
from kasmcore.pipeline.tiles import TileGrid, TileMask
from kasmcore.pipeline.video_mode_plan import plan_in_video_mode
from kasmcore.protocol.version import MAXIMUM_FRAME_BYTES
from kasmcore.session.encode_pool import EncodePool, EncoderFailed
from kasmcore.session.frame_flow import FrameFlow, NewestFrame
from kasmcore.session.resuming import drop_replaced, give_up_silent, silence_ends_s
from kasmcore.session.sent_frame import SentFrame
from kasmcore.session.shared_plans import SharedPlans
from kasmcore.session.video_mode_watch import VideoModeWatch
from kasmcore.session.viewer import Viewer
from kasmcore.session.viewer_video import VideoPlan
from kasmcore.values.frames import EncodedFrame, EncodedRectangle, FramePart, FrameTimes
from kasmcore.values.permissions import Permission
from kasmcore.values.viewer_updates import FramesDropped

_LOG = logging.getLogger(__name__)

_LARGEST_FRAME_BYTES = MAXIMUM_FRAME_BYTES // 2
_REST_AMID_MOTION_S = 3.0
"""What is dragged or scrolled uncovers pictures that are covered again soon: while so much changes,
only what has long been at rest is sent exactly."""
_GRACE_S = 0.010
"""How long a viewer with old pending changes waits for a newer frame."""
_MOST_OVERTAKING = 256
"""Tiles; more than these are no effect of a key press that must not wait."""
_EARLIER_INPUT_S = 0.3
"""Effects of input so long before the latest are awaited too."""
_AWAITED_S = 2.0
"""How long effects of input, which no longer overtake, are told from what moves beside them."""
_PATIENCE_S = 0.05
"""How long it waits at most when nothing of what is pending can be sent now."""


@attrs.define(eq=False)
class FrameSender:
    """Sends one viewer's frames; run by one task."""

    viewer: Viewer
    flow: FrameFlow
    pool: EncodePool
    video_mode: VideoModeWatch
    plans: SharedPlans
    _serial: int = attrs.field(default=0, init=False)
    _frames_since_whole: int = attrs.field(default=0, init=False)
    _begin: int = attrs.field(default=0, init=False)
    """Where the next portion of a large change begins."""

    async def run(self) -> None:
        """Send frames until cancelled.

        Raises:
            ConnectionEnded: the viewer is gone.
        """
        while True:
            await self._wait_for_credit()
            await self._wait_for_turn()
            newest = await self._wait_for_work()
            if newest is not None:
                await self._send_one(newest)

    async def _wait_for_credit(self) -> None:
        viewer, since_s = self.viewer, trio.current_time()
        while viewer.is_away or not self._has_credit() or not viewer.may(Permission.READ):
            if viewer.may(Permission.READ) and not viewer.is_away:
                due_s = min(viewer.pacer.credit_due_s(), silence_ends_s(viewer))
                with trio.move_on_at(due_s):
                    await viewer.acknowledged.wait()
                give_up_silent(viewer, trio.current_time())
            else:
                await self._wait_for_change(float("inf"))
                since_s = trio.current_time()
        viewer.credit_wait_s = (since_s, trio.current_time())

    def _has_credit(self) -> bool:
        self.viewer.pacer.advance(trio.current_time())
        return self.viewer.pacer.has_credit()

    async def _wait_for_turn(self) -> None:
        """Keep to the frame rate that the viewer asked for, if that is below the session's."""
        limit = self.viewer.rate_limit
        while trio.current_time() < limit.due_s:
            await self._wait_for_change(limit.due_s)

    async def _wait_for_work(self) -> NewestFrame | None:
        """Wait until tiles are pending, or at rest long enough to be sent exactly.

        Returns: None when there was only the credit for what input changes, and it has ended.
        """
        viewer = self.viewer
        waited_for_newer = False
        while self._has_credit() and not viewer.is_away:
            now_s, newest = trio.current_time(), self.flow.newest
            if newest is None:
                await self._wait_for_change(float("inf"), capture=True)
                continue
            if viewer.picture is None:
                viewer.note_changed(newest.grid, FrameChange.of_everything(newest.grid))
            elif viewer.pacer.may_only_overtake:
                if self._overtaking(viewer.picture, now_s).any():
                    return newest
                await self._wait_for_change(now_s + _GRACE_S, capture=True)
            elif not viewer.picture.is_current():
                age_s = now_s - newest.frame.captured_at_s
                if age_s <= self.flow.frame_interval_s or waited_for_newer:
                    return newest
                waited_for_newer = True
                await self._wait_for_change(now_s + _GRACE_S, capture=True)
            elif self._refinable(viewer.picture, now_s).any():
                await self._let_capture()
                if self.flow.newest is newest:
                    return newest
            else:
                next_s = self._next_refinement_s(viewer.picture, now_s)
                await self._wait_for_change(next_s, capture=True)
        return None

    def _overtaking(self, picture: ViewerPicture, now_s: float) -> TileMask:
        """The few pending tiles that input may have changed: not what moves anyway."""
        history = self.flow.history
        if history is None:
            return picture.grid.empty_mask()
        tiles = picture.pending & ~history.restless(now_s)
        tiles &= ~self.viewer.video.moving(picture.grid, now_s)
        if np.count_nonzero(tiles) > _MOST_OVERTAKING:  # they waited before there was input
            tiles &= history.last_changed_s >= self.viewer.pacer.input_s - _EARLIER_INPUT_S
        return tiles if np.count_nonzero(tiles) <= _MOST_OVERTAKING else picture.grid.empty_mask()

    async def _wait_for_change(self, deadline_s: float, *, capture: bool = False) -> None:
        """Wait for a new frame, for something else that wakes this viewer, or the deadline."""
        self.viewer.changed = trio.Event()
        demand = self.flow.demand() if capture else contextlib.nullcontext()
        with demand, trio.move_on_at(min(deadline_s, silence_ends_s(self.viewer))):
            await self.viewer.changed.wait()
        give_up_silent(self.viewer, trio.current_time())

    async def _let_capture(self) -> None:
        """What is made exact bit by bit must not hold up what changes meanwhile."""
        with self.flow.demand():
            await trio.lowlevel.checkpoint()

    def _refinable(self, picture: ViewerPicture, now_s: float) -> TileMask:
        """Tiles at rest that could be sent exactly; not while the stream that shows them moves."""
        history = self._history_of_blurred(picture)
        if history is None or self._is_in_video_mode(now_s):
            return picture.grid.empty_mask()
        moving, calm_s = self._motion(picture.grid, history, now_s)
        rest_s = self.viewer.rules.rest_before_exact_s
        if calm_s > now_s:
            rest_s = max(rest_s, _REST_AMID_MOTION_S)
        return picture.refinable(history, now_s, rest_s) & ~moving

    def _next_refinement_s(self, picture: ViewerPicture, now_s: float) -> float:
        history = self._history_of_blurred(picture)
        if history is None:
            return float("inf")
        if self._is_in_video_mode(now_s):
            return self.video_mode.ends_at_s(now_s)
        rest_s = self.viewer.rules.rest_before_exact_s
        next_s = picture.next_refinement_s(history, rest_s)
        if next_s is None:
            return float("inf")
        _, calm_s = self._motion(picture.grid, history, now_s)
        if calm_s > now_s:
            next_s = max(next_s, min(calm_s, next_s - rest_s + _REST_AMID_MOTION_S))
        return next_s if next_s > now_s else self.viewer.video.next_rest_s(now_s)

    def _history_of_blurred(self, picture: ViewerPicture) -> ChangeHistory | None:
        """What tells when tiles may be made exact; None when there is none to be made so."""
        viewer = self.viewer
        may_be_exact = viewer.rules.is_exact_at_rest and viewer.planner.can_be_exact
        return self.flow.history if may_be_exact and picture.blurred().any() else None

    def _motion(
        self, grid: TileGrid, history: ChangeHistory, now_s: float
    ) -> tuple[TileMask, float]:
        """Tiles that streams show and that move; and when little else will have moved lately."""
        moving = self.viewer.video.moving(grid, now_s)
        return moving, history.calm_at_s(self.viewer.rules.rest_before_exact_s, moving)

    def _is_in_video_mode(self, now_s: float) -> bool:
        """True while this viewer is to get small images: it has no video stream to show motion."""
        return self.video_mode.is_on(now_s) and not self.viewer.video.is_possible

    async def _send_one(self, newest: NewestFrame) -> None:
        """Plan, encode and send one frame of what is pending now."""
        viewer = self.viewer
        self._count_frame()
        picture = viewer.picture
        if picture is None or self.flow.history is None:
            return
        now_s = trio.current_time()
        if viewer.pacer.may_only_overtake:
            video = VideoPlan.leaving_all_but(self._overtaking(picture, now_s), picture.grid)
        else:
            video = viewer.video.plan(picture.grid, picture.pending, now_s)
        request = self._request(newest, picture, video)
        copies_before, copies = picture.copies_taken, picture.take_copies()
        attachments = viewer.attachments
        try:
            plan, parts, planned_s = await self._encode(newest, picture, request, video)
        except EncoderFailed:  # what was planned and what was copied since may be stale
            viewer.forget_picture()
            return
        if viewer.picture is not picture:  # the display changed its size meanwhile
            viewer.video.start_again()
            return
        if viewer.attachments != attachments:  # what this builds on may not have arrived
            picture.give_back((plan.quality_sent > 0) | (video.quality_sent > 0), copies_before)
            viewer.video.start_again()
            return
        times = FrameTimes(
            changed_s=newest.frame.changed_at_s,
            captured_s=newest.frame.captured_at_s,
            damaged_s=max(newest.damaged_s, newest.frame.captured_at_s),
            planned_s=planned_s,
            encoded_s=trio.current_time(),
        )
        why = "; ".join(filter(None, (video.why, plan.why)))
        _LOG.debug("viewer %d frame %d: %s", viewer.info.viewer_id, self._serial + 1, why)
        parts = (*(copy.part for copy in copies), *parts)
        for group in _groups_that_fit(parts):
            await self._send_group(picture, copies_before, group, times)
        if not parts:  # what is pending waits for a stream to go on
            await self._wait_for_change(trio.current_time() + _PATIENCE_S, capture=True)

    def _count_frame(self) -> None:
        """Note when the next may follow; after as many as are set, everything is sent again."""
        viewer, now_s = self.viewer, trio.current_time()
        if viewer.rules.frame_interval_s > self.flow.frame_interval_s:
            viewer.rate_limit.note_sent(now_s, viewer.rules.frame_interval_s)
        every = viewer.rules.full_frame_every
        self._frames_since_whole += 1
        if every is not None and self._frames_since_whole > every:
            self._frames_since_whole = 1
            viewer.forget_picture()

    async def _send_group(
        self,
        picture: ViewerPicture,
        copies_before: int,
        group: tuple[FramePart, ...],
        times: FrameTimes,
    ) -> None:
        self._serial += 1
        frame = EncodedFrame(self._serial, picture.grid.size, group, times)
        sent = SentFrame.of(frame, picture, copies_before, trio.current_time())
        self.viewer.note_sent(sent, times.encoded_s - times.planned_s)
        if self.viewer.is_unordered:
            dropped = drop_replaced(self.viewer, frame, sent.sent_s)
            if dropped:
                self.viewer.outbox.put(FramesDropped(dropped))
        await self.viewer.link.send(frame)

    async def _encode(
        self, newest: NewestFrame, picture: ViewerPicture, request: PlanRequest, video: VideoPlan
    ) -> tuple[FramePlan, tuple[FramePart, ...], float]:
        """Encode by plan, video and images side by side.

        What is planned is taken from pending at once: changes that arrive while it is encoded
        become pending again.

        Raises:
            EncoderFailed: send everything again; one that fails often is not used any more.
        """
        plan = self._plan(request)
        self._begin = plan.next_begin
        planned_s = trio.current_time()
        picture.take(video.quality_sent)
        picture.take(plan.quality_sent, request.brought)
        images: tuple[EncodedRectangle, ...] = ()
        failure: EncoderFailed | None = None
        async with self.viewer.video.encoding(video, newest.frame) as packets:
            try:
                images = await self.pool.encode(newest.frame, plan.jobs)
            except EncoderFailed as failed:
                failure = failed
        if failure is not None:
            raise failure
        self.viewer.video.note_images(sum(len(part.payload) for part in images), planned_s)
        if packets.failed:
            picture.give_back(picture.grid.mask_of(packets.failed), picture.copies_taken)
        return plan, (*packets.parts, *images), planned_s

    def _plan(self, request: PlanRequest) -> FramePlan:
        planner = self._usable_planner()
        if not self._is_in_video_mode(trio.current_time()):
            return self.plans.plan(planner, request, Planner.plan)
        rules, can_scale = self.viewer.rules.video_mode, self.viewer.link.abilities.can_scale

        def small_images(planner: Planner, request: PlanRequest) -> FramePlan:
            plan = plan_in_video_mode(planner, request, rules, can_scale=can_scale)
            return plan or planner.plan(request)

        way = f"video mode, scaled: {can_scale}"
        return self.plans.plan(planner, request, small_images, way)

    def _usable_planner(self) -> Planner:
        planner = self.viewer.planner
        for spec in planner.specs:
            if not self.pool.is_usable(spec.codec):
                planner = planner.without(spec.codec)
        self.viewer.planner = planner
        return planner

    def _request(
        self, newest: NewestFrame, picture: ViewerPicture, video: VideoPlan
    ) -> PlanRequest:
        """What video does not show comes as images; when that is nothing, some of it exactly."""
        viewer, history = self.viewer, self.flow.history
        assert history is not None  # noqa: S101 - told apart by the caller
        now_s = trio.current_time()
        changed = picture.pending & ~(video.tiles | video.waiting)
        refine = newest.grid.empty_mask()
        if not changed.any() and not viewer.pacer.may_only_overtake:
            refine = self._refinable(picture, now_s) & ~video.tiles
        has_input = now_s - viewer.pacer.input_s <= _AWAITED_S
        return PlanRequest(
            frame=newest.frame,
            grid=newest.grid,
            changed=changed,
            exact=video.exposed,
            brought=picture.brought(),
            refine=refine,
            heat=history.heat(now_s),
            budget_bytes=video.budget_left(viewer.pacer.frame_budget_bytes()),
            link=Link(bytes_per_s=viewer.pacer.bytes_per_s),
            quality=viewer.rules.quality,
            portion_bytes=viewer.pacer.portion_bytes(),
            begin=self._begin,
            urgent=self._overtaking(picture, now_s) if has_input else None,
        )


def _groups_that_fit(
    parts: tuple[FramePart, ...],
) -> Iterator[tuple[FramePart, ...]]:
    """One group as a rule; more when a picture is too large for one message (exact 4K noise)."""
    group: list[FramePart] = []
    group_bytes = 0
    for part in parts:
        if group and group_bytes + len(part.payload) > _LARGEST_FRAME_BYTES:
            yield tuple(group)
            group, group_bytes = [], 0
        group.append(part)
        group_bytes += len(part.payload)
    if group:
        yield tuple(group)
