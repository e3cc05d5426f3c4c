"""The cursor's image, from the display to every viewer."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import attrs

from kasmcore.interfaces.capture import CaptureSource
from kasmcore.session.viewer import Viewer
from kasmcore.values.cursors import CursorImage
from kasmcore.values.permissions import Permission


@attrs.define(eq=False)
class CursorFlow:
    """Keeps the newest image and leaves it in the viewers' outboxes."""

    source: CaptureSource
    viewers: Callable[[], Iterable[Viewer]]
    _newest: CursorImage | None = attrs.field(default=None, init=False)

    async def run(self) -> None:
        """Follow the cursor until cancelled.

        Raises:
            CaptureEnded: the display is gone.
        """
        while True:
            self._newest = await self.source.next_cursor()
            for viewer in self.viewers():
                self.welcome(viewer)

    def welcome(self, viewer: Viewer) -> None:
        """Give one viewer the image of now."""
        if self._newest is not None and viewer.may(Permission.READ):
            viewer.outbox.put(self._newest)
