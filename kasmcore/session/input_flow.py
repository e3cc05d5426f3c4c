"""From a viewer's input to the display: permission, policies, one hand at a time on the pointer."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs
import trio

from kasmcore.interfaces.capture import InputSink
from kasmcore.interfaces.dlp import DlpFilter, Refusal
from kasmcore.session.viewer import Viewer
from kasmcore.values.permissions import Permission, ViewerInfo
from kasmcore.values.viewer_events import (
    InputEvent,
    KeysReleased,
    PointerButton,
    PointerMoved,
    WheelTurned,
)
from kasmcore.values.viewer_updates import Notice, Severity

NamedFilter = tuple[str, DlpFilter]
RefusalListener = Callable[[ViewerInfo, str, str], None]
"""Told the viewer, the filter's name and the topic."""


@attrs.define(eq=False)
class InputFlow:
    """Passes on what viewers do. While one holds a button, the others' pointers rest."""

    sink: InputSink
    filters: Sequence[NamedFilter]
    on_refused: RefusalListener
    on_input: Callable[[], None]
    """Told of every event that reached the display."""
    pointer_enabled: bool = True
    _pointer_holder: int | None = attrs.field(default=None, init=False)
    _held_buttons: set[int] = attrs.field(factory=set, init=False)

    async def handle(self, viewer: Viewer, event: InputEvent) -> None:
        """Check one event and act on it. Events of a viewer must come one after the other."""
        if not viewer.may(Permission.WRITE):
            self._tell(viewer, "", Refusal("view_only", "You may watch, but not control."))
            return
        passed = self._filter(viewer, event)
        if passed is None or not self._may_point(viewer.info.viewer_id, passed):
            return
        await self.sink.send(passed, viewer.info.viewer_id)
        self.on_input()

    async def release(self, viewer: Viewer) -> None:
        """Release all that this viewer holds: it left, or lost its rights."""
        if self._pointer_holder == viewer.info.viewer_id:
            self._pointer_holder = None
            self._held_buttons.clear()
        await self.sink.release_all(viewer.info.viewer_id)

    def _filter(self, viewer: Viewer, event: InputEvent) -> InputEvent | None:
        now_s = trio.current_time()
        for name, dlp_filter in self.filters:
            verdict = dlp_filter.filter_input(event, viewer.info, now_s)
            if isinstance(verdict, Refusal):
                self._tell(viewer, name, verdict)
                return None
            event = verdict
        return event

    def _tell(self, viewer: Viewer, filter_name: str, refusal: Refusal) -> None:
        if filter_name:
            self.on_refused(viewer.info, filter_name, refusal.topic)
        if refusal.text:
            viewer.outbox.put(Notice(Severity.WARNING, refusal.topic, refusal.text))

    def _may_point(self, viewer_id: int, event: InputEvent) -> bool:
        """Keep two viewers from dragging one pointer in two directions."""
        if isinstance(event, KeysReleased):
            if self._pointer_holder == viewer_id:
                self._pointer_holder = None
                self._held_buttons.clear()
            return True
        if not isinstance(event, PointerMoved | PointerButton | WheelTurned):
            return True
        if not self.pointer_enabled or self._pointer_holder not in (None, viewer_id):
            return False
        if isinstance(event, PointerButton):
            change = self._held_buttons.add if event.pressed else self._held_buttons.discard
            change(event.button)
            self._pointer_holder = viewer_id if self._held_buttons else None
        return True
