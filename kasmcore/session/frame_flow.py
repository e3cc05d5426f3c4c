"""From the capture source to the newest visible frame, on demand of the viewers."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import attrs
import trio

from kasmcore.interfaces.capture import CaptureSource
from kasmcore.pipeline.copies import FrameChange
from kasmcore.pipeline.copy_search import CopyFinder
from kasmcore.pipeline.damage import find_damage
from kasmcore.pipeline.history import ChangeHistory
from kasmcore.pipeline.tiles import TileGrid, TileMask
from kasmcore.session.masking import FrameMasks
from kasmcore.values.frames import VisibleFrame

_HEAT_OF_VIDEO = 5.0
_HURRIED_SHARE = 0.25
"""After input the next frame may follow after this share of the frame interval."""


@attrs.frozen(eq=False)
class NewestFrame:
    """The newest visible frame and what is known of it."""

    frame: VisibleFrame
    grid: TileGrid
    damaged_s: float


@attrs.define(eq=False)
class FrameFlow:
    """Captures while somebody waits for a change, masks, compares, and tells the viewers.

    Args:
        source: where frames come from.
        masks: what makes them visible.
        frame_interval_s: shortest mean time between two frames.
        on_changed: told of each new frame and what it changed.
        copies: finds what moved.
        compares: False: all that the source calls damaged counts as changed.
    """

    source: CaptureSource
    masks: FrameMasks
    frame_interval_s: float
    on_changed: Callable[[NewestFrame, FrameChange], None]
    copies: CopyFinder
    compares: bool = True
    newest: NewestFrame | None = attrs.field(default=None, init=False)
    history: ChangeHistory | None = attrs.field(default=None, init=False)
    captured_frames: int = attrs.field(default=0, init=False)
    _waiting: int = attrs.field(default=0, init=False)
    _wanted: trio.Event = attrs.field(factory=trio.Event, init=False)
    _hurry: trio.Event = attrs.field(factory=trio.Event, init=False)
    _next_due_s: float = attrs.field(default=-1e9, init=False)

    async def run(self) -> None:
        """Capture until cancelled.

        Raises:
            CaptureEnded: the display is gone.
        """
        while True:
            await self._wanted.wait()
            await self._wait_until_due()
            captured = await self.source.next_frame()
            self._set_next_due()
            frame = self.masks.apply(captured)
            before = self.newest.frame if self.newest else None
            changed = find_damage(before, frame, compares=self.compares)
            if changed.any() or self.newest is None:
                self._publish(frame, self.copies.find(before, frame, changed, self._restless))

    @contextlib.contextmanager
    def demand(self) -> Iterator[None]:
        """While a viewer is inside, frames are captured as they come."""
        self._waiting += 1
        self._wanted.set()
        try:
            yield
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._wanted = trio.Event()

    def hurry(self) -> None:
        """Input happened: its effect should be seen without waiting for the frame's turn."""
        self._hurry.set()

    async def _wait_until_due(self) -> None:
        """Keep the frame rate; input since the last capture shortens the wait."""
        with trio.move_on_at(self._next_due_s):
            await self._hurry.wait()
            await trio.sleep_until(self._next_due_s - (1 - _HURRIED_SHARE) * self.frame_interval_s)

    def _set_next_due(self) -> None:
        """A frame that came late may be followed by one that comes early: the mean rate counts."""
        now_s = trio.current_time()
        earliest_s = now_s - self.frame_interval_s / 2
        self._next_due_s = max(self._next_due_s, earliest_s) + self.frame_interval_s
        if self._hurry.is_set():
            self._hurry = trio.Event()

    def _restless(self) -> TileMask | None:
        """Tiles that change as those of a video do."""
        if self.history is None or self.newest is None:
            return None
        return self.history.heat(trio.current_time()) >= _HEAT_OF_VIDEO

    def _publish(self, frame: VisibleFrame, change: FrameChange) -> None:
        now_s = trio.current_time()
        grid = TileGrid(frame.size)
        if self.history is None or self.history.grid != grid:
            self.history = ChangeHistory(grid)
        self.history.record(change.residual, now_s, moved=change.changed)
        self.captured_frames += 1
        self.newest = NewestFrame(frame, grid, now_s)
        self.on_changed(self.newest, change)
