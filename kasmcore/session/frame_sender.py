"""One viewer's frames: wait for credit and for something to send, plan, encode, send."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

import attrs
import trio

from kasmcore.pipeline.choice import Link
from kasmcore.pipeline.copies import FrameChange
from kasmcore.pipeline.pending import ViewerPicture
from kasmcore.pipeline.plan import FramePlan, Planner, PlanRequest
from kasmcore.protocol.version import MAXIMUM_FRAME_BYTES
from kasmcore.session.encode_pool import EncodePool, EncoderFailed
from kasmcore.session.frame_flow import FrameFlow, NewestFrame
from kasmcore.session.send_rules import SendRules
from kasmcore.session.viewer import SentFrame, Viewer
from kasmcore.values.frames import EncodedFrame, EncodedRectangle, FramePart, FrameTimes
from kasmcore.values.permissions import Permission

_LOG = logging.getLogger(__name__)

_LARGEST_FRAME_BYTES = MAXIMUM_FRAME_BYTES // 2
_GRACE_S = 0.010
"""How long a viewer with old pending changes waits for a newer frame."""


@attrs.define(eq=False)
class FrameSender:
    """Sends one viewer's frames; run by one task."""

    viewer: Viewer
    flow: FrameFlow
    pool: EncodePool
    rules: SendRules
    _serial: int = attrs.field(default=0, init=False)

    async def run(self) -> None:
        """Send frames until cancelled.

        Raises:
            ConnectionEnded: the viewer is gone.
        """
        while True:
            await self._wait_for_credit()
            newest = await self._wait_for_work()
            await self._send_one(newest)

    async def _wait_for_credit(self) -> None:
        while not self.viewer.pacer.has_credit() or not self.viewer.may(Permission.READ):
            if self.viewer.may(Permission.READ):
                await self.viewer.acknowledged.wait()
            else:
                await self._wait_for_change(float("inf"))

    async def _wait_for_work(self) -> NewestFrame:
        """Wait until tiles are pending, or at rest long enough to be sent exactly."""
        viewer = self.viewer
        waited_for_newer = False
        while True:
            now_s, newest = trio.current_time(), self.flow.newest
            if newest is None:
                await self._wait_for_change(float("inf"), capture=True)
                continue
            if viewer.picture is None:
                viewer.note_changed(newest.grid, FrameChange.of_everything(newest.grid))
            elif not viewer.picture.is_current():
                age_s = now_s - newest.frame.captured_at_s
                if age_s <= self.rules.frame_interval_s or waited_for_newer:
                    return newest
                waited_for_newer = True
                await self._wait_for_change(now_s + _GRACE_S, capture=True)
            elif self._refinable(now_s):
                return newest
            else:
                await self._wait_for_change(self._next_refinement_s(), capture=True)

    async def _wait_for_change(self, deadline_s: float, *, capture: bool = False) -> None:
        """Wait for a new frame, for something else that wakes this viewer, or the deadline."""
        self.viewer.changed = trio.Event()
        demand = self.flow.demand() if capture else contextlib.nullcontext()
        with demand, trio.move_on_at(deadline_s):
            await self.viewer.changed.wait()

    def _refinable(self, now_s: float) -> bool:
        picture, history = self.viewer.picture, self.flow.history
        if picture is None or history is None or not self.viewer.planner.can_be_exact:
            return False
        return bool(picture.refinable(history, now_s, self.rules.rest_before_exact_s).any())

    def _next_refinement_s(self) -> float:
        picture, history = self.viewer.picture, self.flow.history
        if picture is None or history is None or not self.viewer.planner.can_be_exact:
            return float("inf")
        next_s = picture.next_refinement_s(history, self.rules.rest_before_exact_s)
        return float("inf") if next_s is None else next_s

    async def _send_one(self, newest: NewestFrame) -> None:
        """Plan, encode and send one frame of what is pending now."""
        viewer = self.viewer
        picture = viewer.picture
        if picture is None or self.flow.history is None:
            return
        request = self._request(newest)
        copies_before, copies = picture.copies_taken, picture.take_copies()
        try:
            plan, parts, planned_s = await self._encode(newest, picture, request)
        except EncoderFailed:  # what was planned and what was copied since may be stale
            viewer.forget_picture()
            return
        if viewer.picture is not picture:  # the display changed its size meanwhile
            return
        times = FrameTimes(
            changed_s=newest.frame.changed_at_s,
            captured_s=newest.frame.captured_at_s,
            damaged_s=max(newest.damaged_s, newest.frame.captured_at_s),
            planned_s=planned_s,
            encoded_s=trio.current_time(),
        )
        _LOG.debug("viewer %d frame %d: %s", viewer.info.viewer_id, self._serial + 1, plan.why)
        for group in _groups_that_fit((*(copy.part for copy in copies), *parts)):
            await self._send_group(picture, copies_before, group, times)

    async def _send_group(
        self,
        picture: ViewerPicture,
        copies_before: int,
        group: tuple[FramePart, ...],
        times: FrameTimes,
    ) -> None:
        self._serial += 1
        grid = picture.grid
        frame = EncodedFrame(self._serial, grid.size, group, times)
        sent = SentFrame(
            serial=frame.serial,
            picture=picture,
            copies_before=copies_before,
            tiles=grid.mask_of(part.rectangle for part in group),
            times=times,
            sent_s=trio.current_time(),
            payload_bytes=frame.payload_bytes,
        )
        self.viewer.note_sent(sent, times.encoded_s - times.planned_s)
        await self.viewer.link.send(frame)

    async def _encode(
        self, newest: NewestFrame, picture: ViewerPicture, request: PlanRequest
    ) -> tuple[FramePlan, tuple[EncodedRectangle, ...], float]:
        """Encode by plan.

        What is planned is taken from pending at once: changes that arrive while it is encoded
        become pending again.

        Raises:
            EncoderFailed: send everything again; one that fails often is not used any more.
        """
        plan = self._usable_planner().plan(request)
        planned_s = trio.current_time()
        picture.take(plan.quality_sent)
        return plan, await self.pool.encode(newest.frame, plan.jobs), planned_s

    def _usable_planner(self) -> Planner:
        planner = self.viewer.planner
        for spec in planner.specs:
            if not self.pool.is_usable(spec.codec):
                planner = planner.without(spec.codec)
        self.viewer.planner = planner
        return planner

    def _request(self, newest: NewestFrame) -> PlanRequest:
        viewer, history = self.viewer, self.flow.history
        assert viewer.picture is not None  # noqa: S101 - told apart by the caller
        assert history is not None  # noqa: S101
        now_s, picture = trio.current_time(), viewer.picture
        if not picture.pending.any():
            refine = picture.refinable(history, now_s, self.rules.rest_before_exact_s)
        else:
            refine = newest.grid.empty_mask()
        return PlanRequest(
            frame=newest.frame,
            grid=newest.grid,
            changed=picture.pending.copy(),
            refine=refine,
            heat=history.heat(now_s),
            budget_bytes=viewer.pacer.frame_budget_bytes(),
            link=Link(bytes_per_s=viewer.pacer.bytes_per_s),
            quality=self.rules.quality,
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
