"""What one viewer gets beside frames: the newest of each kind, never a growing queue."""

from __future__ import annotations

import attrs
import trio

from kasmcore.interfaces.viewer_link import ViewerLink
from kasmcore.values.clipboard import AllowedClipboard
from kasmcore.values.cursors import CursorImage
from kasmcore.values.viewer_updates import (
    Farewell,
    FramesDropped,
    Notice,
    PermissionsChanged,
    Pong,
    ViewerStatistics,
    ViewerUpdate,
)

OutboxUpdate = (
    CursorImage
    | AllowedClipboard
    | Notice
    | PermissionsChanged
    | Farewell
    | FramesDropped
    | Pong
    | ViewerStatistics
)

_MOST_NOTICES = 8
_MOST_DROPPED = 4096
_BULK = (AllowedClipboard,)


@attrs.define(eq=False)
class Outbox:
    """One slot for each kind of update; a new value replaces one that was not sent yet.

    Notices have a slot for each topic, at most eight. Frames that were dropped come together.
    """

    _slots: dict[object, OutboxUpdate] = attrs.field(factory=dict, init=False)
    _filled: dict[bool, trio.Event] = attrs.field(
        factory=lambda: {False: trio.Event(), True: trio.Event()}, init=False
    )

    def put(self, update: OutboxUpdate) -> None:
        """Leave an update to be sent; never waits."""
        slot: object = (Notice, update.topic) if isinstance(update, Notice) else type(update)
        if isinstance(update, Notice) and slot not in self._slots:
            notices = [key for key in self._slots if isinstance(key, tuple)]
            if len(notices) >= _MOST_NOTICES:
                return
        waiting = self._slots.get(slot)
        if isinstance(update, FramesDropped) and isinstance(waiting, FramesDropped):
            update = FramesDropped((*waiting.serials, *update.serials)[-_MOST_DROPPED:])
        self._slots[slot] = update
        self._filled[isinstance(update, _BULK)].set()

    def put_again(self, update: OutboxUpdate) -> None:
        """Leave an update that was sent before, unless a newer one of its kind waits."""
        if type(update) not in self._slots:
            self.put(update)

    async def send_all(self, link: ViewerLink) -> None:
        """Send what comes until cancelled or the farewell is sent.

        Clipboard contents travel in a task of their own, so that they delay nothing else.

        Raises:
            ConnectionEnded: the viewer is gone.
        """
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._send_kinds, link, True)
            await self._send_kinds(link, False)
            nursery.cancel_scope.cancel()

    async def _send_kinds(self, link: ViewerLink, bulk: bool) -> None:
        while True:
            update = self._take(bulk)
            if update is None:
                await self._filled[bulk].wait()
                continue
            await link.send(update)
            if isinstance(update, Farewell):
                return

    def _take(self, bulk: bool) -> ViewerUpdate | None:
        """Take the oldest update that is bulk, or that is not; None when there is none."""
        for slot, update in self._slots.items():
            if isinstance(update, _BULK) == bulk:
                del self._slots[slot]
                return update
        self._filled[bulk] = trio.Event()
        return None
