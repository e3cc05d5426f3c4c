"""A clipboard that answers: text comes back in capitals, as if an application had copied it."""

from __future__ import annotations

import trio

from kasmcore.api import TEXT_MIME, AllowedClipboard, ClipboardItem, ClipboardOffer


class EchoClipboard:
    """Holds what viewers put there; text that has small letters is offered back in capitals.

    Capitals stay capitals, so an answer that a viewer sends back is not answered again.
    """

    def __init__(self) -> None:
        self.contents = AllowedClipboard(())
        self._offer: ClipboardOffer | None = None
        self._offered = trio.Event()

    async def next_offer(self) -> ClipboardOffer:
        """Wait until text with small letters was put there; only the newest answer waits."""
        await trio.lowlevel.checkpoint()
        while (offer := self._offer) is None:
            await self._offered.wait()
        self._offer = None
        return offer

    async def put(self, contents: AllowedClipboard) -> None:
        """Hold the contents and offer its text in capitals."""
        await trio.lowlevel.checkpoint()
        self.contents = contents
        for item in contents.items:
            text = item.data.decode(errors="replace")
            if item.mime == TEXT_MIME and text != text.upper():
                answer = ClipboardItem(TEXT_MIME, text.upper().encode())
                self._offer = ClipboardOffer((answer,))
                self._offered.set()
                self._offered = trio.Event()
