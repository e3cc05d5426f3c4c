"""The policy: a pure object, called for every input event."""

from __future__ import annotations

from kasmcore.api import DlpFilter, InputEvent, KeyEvent, Refusal, TextTyped, ViewerInfo

UNICODE_KEYSYM = 0x01000000


class BlockedKeys(DlpFilter):
    """Refuses presses of some keys, and text that would come from them; releases always pass."""

    def __init__(self, keysyms: frozenset[int], tells_viewer: bool) -> None:
        self._keysyms = keysyms
        self._refusal = Refusal(
            topic="key_blocked", text="This key is blocked here." if tells_viewer else ""
        )

    def filter_input(
        self, event: InputEvent, viewer: ViewerInfo, now_s: float
    ) -> InputEvent | Refusal:
        """Refuse what the settings name; let everything else pass."""
        match event:
            case KeyEvent(pressed=True, keysym=keysym) if keysym in self._keysyms:
                return self._refusal
            case TextTyped(text=text) if not self._keysyms.isdisjoint(_keysyms_of(text)):
                return self._refusal
        return event


def _keysyms_of(text: str) -> list[int]:
    """Return the keysym of each character: Latin-1 ones equal it, others lie above 0x01000000."""
    return [code if code < 0x100 else UNICODE_KEYSYM + code for code in map(ord, text)]
