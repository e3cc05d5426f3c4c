"""Which keys of a viewer pass."""

from __future__ import annotations

from collections import deque

import attrs

from kasmcore.api import DlpFilter, InputEvent, KeyEvent, Refusal, TextTyped, ViewerInfo

WINDOW_S = 1.0


@attrs.define
class _Typist:
    """What is remembered of one viewer."""

    passed_at_s: deque[float] = attrs.field(factory=deque)
    """When the presses of the last second passed, oldest first."""
    was_told: bool = False


class KeyboardPolicy(DlpFilter):
    """Lets at most so many presses of one viewer pass within any second; the rest are dropped.

    Only what passed counts. Releases always pass and never count, so that no key stays down. Each
    character of typed text counts as a press; the characters beyond the limit are cut off.

    Args:
        is_enabled: False drops every press and all text.
        presses_per_s: most presses within any second; None for no limit.
    """

    def __init__(self, *, is_enabled: bool, presses_per_s: int | None) -> None:
        self._is_enabled = is_enabled
        self._presses_per_s = presses_per_s
        self._typists: dict[int, _Typist] = {}

    def filter_input(
        self, event: InputEvent, viewer: ViewerInfo, now_s: float
    ) -> InputEvent | Refusal:
        """Drop presses and text that may not pass; the person is told the first time only."""
        presses = _presses_in(event)
        if presses == 0:
            return event
        typist = self._typists.setdefault(viewer.viewer_id, _Typist())
        if not self._is_enabled:
            return _refuse(typist, "keyboard_disabled", "Typing is switched off in this session.")
        if self._presses_per_s is None:
            return event
        allowed = min(presses, self._room_for(typist, now_s, self._presses_per_s))
        if allowed == 0:
            text = f"Keys are dropped: this session takes {self._presses_per_s} a second."
            return _refuse(typist, "keyboard_rate_limit", text)
        typist.passed_at_s.extend([now_s] * allowed)
        return TextTyped(event.text[:allowed]) if isinstance(event, TextTyped) else event

    def viewer_left(self, viewer: ViewerInfo) -> None:
        """Forget what the viewer typed when."""
        self._typists.pop(viewer.viewer_id, None)

    @staticmethod
    def _room_for(typist: _Typist, now_s: float, presses_per_s: int) -> int:
        passed = typist.passed_at_s
        while passed and passed[0] <= now_s - WINDOW_S:
            passed.popleft()
        return presses_per_s - len(passed)


def _presses_in(event: InputEvent) -> int:
    if isinstance(event, TextTyped):
        return len(event.text)
    return int(isinstance(event, KeyEvent) and event.pressed)


def _refuse(typist: _Typist, topic: str, text: str) -> Refusal:
    refusal = Refusal(topic, "" if typist.was_told else text)
    typist.was_told = True
    return refusal
