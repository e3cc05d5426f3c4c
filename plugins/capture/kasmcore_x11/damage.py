"""What has changed on the display: XDamage tells when, an XFixes region tells where."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Sequence

import attrs
import numpy as np
import trio
from Xlib import X
from Xlib.error import XError
from Xlib.ext import damage
from Xlib.protocol import rq

from kasmcore.api import Rectangle, Size
from kasmcore_x11.async_display import AsyncDisplay
from kasmcore_x11.region import Edges, edges_of, simplify
from kasmcore_x11.requests import DAMAGE, XFIXES, CreateRegion, FetchRegion

LOG = logging.getLogger("kasmcore.x11")

#: Most rectangles to keep apart; more of them cost more than the pixels that they save.
MOST_RECTANGLES = 32


@attrs.define(eq=False)
class DamageTracker:
    """Collects the changes of the root window since the frame before.

    The server sends one event when a change follows a rest, however much is drawn then; where it
    was is asked for when a frame is due. So the cost does not grow with what applications draw.
    """

    _x: AsyncDisplay
    _size: Size
    _on_change: Callable[[Sequence[Rectangle]], None]
    """Called with the rectangles that changed, as soon as they are known."""
    _pending: list[Rectangle] = attrs.field(factory=list, init=False)
    _is_notified: bool = attrs.field(default=False, init=False)
    _unanswered: int = attrs.field(default=0, init=False)
    """Questions on their way; more than none outside `locate` only after it was cancelled."""
    _changed_at_s: float = attrs.field(default=0.0, init=False)
    _damage_id: int = attrs.field(init=False)
    _region_id: int = attrs.field(init=False)

    def start(self) -> None:
        """Ask the server to report changes; all of the display counts as changed."""
        display = self._x.display
        self._damage_id = display.screen().root.damage_create(damage.DamageReportNonEmpty)
        self._region_id = display.display.allocate_resource_id()
        self._x.tell(CreateRegion, XFIXES, region=self._region_id)
        self._x.on_event({damage.DamageNotify: self._notified})
        self.resized(self._size)

    @property
    def has_news(self) -> bool:
        """True when there is a change that no frame has shown."""
        return self.must_locate or bool(self._pending)

    @property
    def must_locate(self) -> bool:
        """True when there may be a change whose place is not yet known."""
        return self._is_notified or self._unanswered > 0

    def resized(self, size: Size) -> None:
        """Count all of the display, now of this size, as changed."""
        self._note_time()
        self._size = size
        self._pending = [Rectangle.of_size(size)]
        self._on_change(self._pending)

    async def locate(self) -> None:
        """Ask where the changes are; they are in `take` then. A cancelled call loses nothing."""
        self._is_notified = False
        self._x.tell(
            damage.DamageSubtract,
            DAMAGE,
            damage=self._damage_id,
            repair=X.NONE,
            parts=self._region_id,
        )
        fetch = self._x.ask(FetchRegion, XFIXES, region=self._region_id)
        self._unanswered += 1
        self._x.when_answered(fetch, lambda: self._located(fetch))
        with contextlib.suppress(XError):  # `_located` counts all as changed then
            await self._x.replies(fetch)

    def take(self) -> tuple[list[Rectangle], float]:
        """Return the changes and when the first became known, and forget them."""
        taken, self._pending = self._pending, []
        return taken, self._changed_at_s

    def give_back(self, taken: list[Rectangle], changed_at_s: float) -> None:
        """Undo `take`: the frame did not come about."""
        self._pending = self._joined(taken, self._pending)
        self._changed_at_s = changed_at_s

    def with_later(self, taken: list[Rectangle]) -> list[Rectangle]:
        """Join what was taken and the changes that were located since; these stay pending."""
        return self._joined(taken, self._pending)

    def _notified(self, _event: rq.Event) -> None:
        self._note_time()
        self._is_notified = True

    def _note_time(self) -> None:
        if not self.has_news:
            self._changed_at_s = trio.current_time()

    def _located(self, fetch: rq.ReplyRequest) -> None:
        self._unanswered -= 1
        try:
            fetch.reply()
        except XError as problem:
            LOG.warning("where the display %s changed is not known: %s", self._x.name, problem)
            found = [Rectangle.of_size(self._size)]
        else:
            found = simplify(_edges(fetch.rectangles), self._size, MOST_RECTANGLES)
        self._pending = self._joined(self._pending, found)
        self._on_change(found)

    def _joined(self, first: list[Rectangle], second: list[Rectangle]) -> list[Rectangle]:
        whole = Rectangle.of_size(self._size)
        if whole in first or whole in second:
            return [whole]
        if not first or not second:
            return first + second
        return simplify(edges_of(first + second), self._size, MOST_RECTANGLES)


def _edges(wire: bytes) -> Edges:
    """The rectangles of a region's reply: x, y int16, width, height uint16."""
    positions = np.frombuffer(wire, "<i2").reshape(-1, 4)[:, :2].astype(np.int64)
    sizes = np.frombuffer(wire, "<u2").reshape(-1, 4)[:, 2:]
    return np.concatenate((positions, positions + sizes), axis=1)
