"""The clipboard, both ways, through the policies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import attrs
import trio

from kasmcore.interfaces.capture import ClipboardPort
from kasmcore.interfaces.dlp import Refusal
from kasmcore.session.input_flow import NamedFilter, RefusalListener
from kasmcore.session.viewer import Viewer
from kasmcore.values.clipboard import AllowedClipboard, ClipboardDirection, ClipboardOffer
from kasmcore.values.permissions import Permission
from kasmcore.values.viewer_updates import Notice, Severity


@attrs.define(eq=False)
class ClipboardFlow:
    """Carries what one side offers to the other, as far as the policies allow."""

    port: ClipboardPort | None
    filters: Sequence[NamedFilter]
    maximum_bytes: int
    viewers: Callable[[], Iterable[Viewer]]
    on_refused: RefusalListener

    async def run(self) -> None:
        """Offer the display's clipboard to the viewers, until cancelled.

        Raises:
            CaptureEnded: the display is gone.
        """
        if self.port is None:
            return
        while True:
            offer = await self.port.next_offer()
            for viewer in list(self.viewers()):
                if viewer.may(Permission.READ):
                    allowed = self._allow(viewer, offer, ClipboardDirection.TO_VIEWER)
                    if allowed is not None:
                        viewer.outbox.put(allowed)

    async def receive(self, viewer: Viewer, offer: ClipboardOffer) -> None:
        """Put a viewer's clipboard into the display's."""
        if self.port is None or not viewer.may(Permission.WRITE):
            return
        allowed = self._allow(viewer, offer, ClipboardDirection.FROM_VIEWER)
        if allowed is not None:
            await self.port.put(allowed)

    def _allow(
        self, viewer: Viewer, offer: ClipboardOffer, direction: ClipboardDirection
    ) -> AllowedClipboard | None:
        now_s = trio.current_time()
        for name, dlp_filter in self.filters:
            verdict = dlp_filter.filter_clipboard(offer, direction, viewer.info, now_s)
            if isinstance(verdict, Refusal):
                self.on_refused(viewer.info, name, verdict.topic)
                if verdict.text:
                    viewer.outbox.put(Notice(Severity.WARNING, verdict.topic, verdict.text))
                return None
            offer = verdict
        items = tuple(item for item in offer.items if len(item.data) <= self.maximum_bytes)
        if len(items) < len(offer.items):
            viewer.outbox.put(
                Notice(
                    Severity.WARNING,
                    "clipboard_too_large",
                    f"The clipboard is larger than {self.maximum_bytes} bytes: it was not passed.",
                )
            )
        return AllowedClipboard(items) if items else None
