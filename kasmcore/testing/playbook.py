"""A viewer that a test scripts, in values: no wire, no browser."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import TypeVar

import trio

from kasmcore.errors import ConnectionEnded
from kasmcore.interfaces.viewer_link import ViewerAbilities
from kasmcore.testing.wake_up import WakeUp
from kasmcore.values.frames import EncodedFrame
from kasmcore.values.permissions import FULL_PERMISSIONS, Permission, User, ViewerInfo
from kasmcore.values.viewer_events import FrameShown, ViewerEvent
from kasmcore.values.viewer_updates import ViewerUpdate

UpdateT = TypeVar("UpdateT", bound=ViewerUpdate)

PATIENCE_S = 30


def scripted_viewer_info(
    viewer_id: int = 1, permissions: Permission = FULL_PERMISSIONS
) -> ViewerInfo:
    """Return a viewer on this machine whose user is called ``viewer<id>``."""
    return ViewerInfo(viewer_id, User(f"viewer{viewer_id}", permissions), "127.0.0.1", "script")


class ScriptedViewer:
    """A ``ViewerLink`` whose other side is the test.

    ``do`` acts as the viewer, ``expect`` waits for what the session sends. Unless told otherwise
    it says of each frame at once that it was shown, as a quick browser does.
    """

    def __init__(
        self,
        viewer: ViewerInfo | None = None,
        *,
        codecs: Sequence[str] = ("deflate", "webp", "jpeg", "qoi"),
        shows_frames: bool = True,
    ) -> None:
        self.viewer = viewer or scripted_viewer_info()
        self.abilities = ViewerAbilities(tuple(codecs), viewport=None, wants_resize=False)
        self.shows_frames = shows_frames
        self.updates: list[ViewerUpdate] = []
        self._unread: list[ViewerUpdate] = []
        self._events: deque[ViewerEvent] = deque()
        self._is_stalled = False
        self._wake_up = WakeUp()

    async def send(self, update: ViewerUpdate) -> None:
        """Take an update from the session; waits while stalled. As in ``ViewerLink``."""
        await self._wake_up.wait_until(lambda: not self._is_stalled)
        self.updates.append(update)
        self._unread.append(update)
        if isinstance(update, EncodedFrame) and self.shows_frames:
            self._events.append(FrameShown(update.serial, decode_us=0, present_us=0, queued=0))
        self._wake_up.wake()

    async def receive(self) -> ViewerEvent:
        """Give the session what the viewer does next. As in ``ViewerLink``."""
        await self._wake_up.wait_until(lambda: bool(self._events))
        return self._events.popleft()

    def do(self, *events: ViewerEvent) -> None:
        """Act: the session receives these, in order."""
        self._events.extend(events)
        self._wake_up.wake()

    def stall(self) -> None:
        """Take no more updates, as a viewer whose network stands still."""
        self._is_stalled = True

    def resume(self) -> None:
        """Take updates again."""
        self._is_stalled = False
        self._wake_up.wake()

    def leave(self, reason: str = "the viewer left") -> None:
        """Be gone: the session's calls raise ConnectionEnded."""
        self._wake_up.end(lambda: ConnectionEnded(reason))

    async def expect(
        self, kind: type[UpdateT], matching: Callable[[UpdateT], bool] | None = None
    ) -> UpdateT:
        """Wait for an update of this kind that matches and was not expected before; return it.

        Updates of other kinds stay for later calls; ``updates`` tells the order of all.

        Raises:
            AssertionError: none came within 30 s; it lists what came instead.
        """
        found: list[UpdateT] = []

        def arrived() -> bool:
            found[:] = [
                update
                for update in self._unread
                if isinstance(update, kind) and (matching is None or matching(update))
            ]
            return bool(found)

        with trio.move_on_after(PATIENCE_S):
            await self._wake_up.wait_until(arrived)
            self._unread.remove(found[0])
            return found[0]
        came = [type(update).__name__ for update in self._unread]
        raise AssertionError(f"no such {kind.__name__} within {PATIENCE_S} s; instead: {came}")
