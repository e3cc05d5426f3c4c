"""Which clipboard contents pass."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from kasmcore.api import (
    TEXT_MIME,
    ClipboardDirection,
    ClipboardItem,
    ClipboardOffer,
    DlpFilter,
    Refusal,
    ViewerInfo,
)

_WAY = {
    ClipboardDirection.TO_VIEWER: "out of the session",
    ClipboardDirection.FROM_VIEWER: "into the session",
}


@attrs.frozen
class DirectionLimits:
    """What holds for one direction."""

    is_enabled: bool
    maximum_bytes: int | None
    """Of one item; None for no limit."""


class ClipboardPolicy(DlpFilter):
    """Leaves out items that are too large or of another type, and refuses what has none left.

    Args:
        to_viewer: limits of what leaves the session.
        from_viewer: limits of what enters it.
        allowed_mimes: types that pass besides plain text, which always may.
        delay_s: shortest time between two clipboards that leave to one viewer. One that comes
            sooner is refused, not kept for later; only what passed starts the clock.
    """

    def __init__(
        self,
        *,
        to_viewer: DirectionLimits,
        from_viewer: DirectionLimits,
        allowed_mimes: Sequence[str],
        delay_s: float,
    ) -> None:
        self._limits = {
            ClipboardDirection.TO_VIEWER: to_viewer,
            ClipboardDirection.FROM_VIEWER: from_viewer,
        }
        self._allowed_mimes = {TEXT_MIME, *map(_type_of, allowed_mimes)}
        self._delay_s = delay_s
        self._left_at_s: dict[int, float] = {}

    def filter_clipboard(
        self,
        offer: ClipboardOffer,
        direction: ClipboardDirection,
        viewer: ViewerInfo,
        now_s: float,
    ) -> ClipboardOffer | Refusal:
        """Return the offer with the items that may pass, or say why none may."""
        limits = self._limits[direction]
        if not limits.is_enabled:
            return Refusal("clipboard_disabled", f"Nothing may be copied {_WAY[direction]}.")
        allowed = self._reduced(offer, limits, direction)
        if isinstance(allowed, Refusal) or direction is ClipboardDirection.FROM_VIEWER:
            return allowed
        if now_s - self._left_at_s.get(viewer.viewer_id, -self._delay_s) < self._delay_s:
            text = f"Copied too soon after the last time; wait {self._delay_s:g} s and copy again."
            return Refusal("clipboard_too_soon", text)
        self._left_at_s[viewer.viewer_id] = now_s
        return allowed

    def viewer_left(self, viewer: ViewerInfo) -> None:
        """Forget when the viewer last got a clipboard."""
        self._left_at_s.pop(viewer.viewer_id, None)

    def _reduced(
        self, offer: ClipboardOffer, limits: DirectionLimits, direction: ClipboardDirection
    ) -> ClipboardOffer | Refusal:
        typed = [item for item in offer.items if _type_of(item.mime) in self._allowed_mimes]
        if not typed:
            kinds = ", ".join(item.mime for item in offer.items) or "nothing"
            return Refusal("clipboard_type", f"{kinds} may not be copied {_WAY[direction]}.")
        fitting = tuple(item for item in typed if _fits(item, limits))
        if not fitting:
            text = (
                f"Too large to be copied {_WAY[direction]}: at most {limits.maximum_bytes} bytes."
            )
            return Refusal("clipboard_too_large", text)
        return offer if len(fitting) == len(offer.items) else ClipboardOffer(fitting)


def _type_of(mime: str) -> str:
    """The type without parameters such as ``;charset=utf-8``."""
    return mime.partition(";")[0].strip().lower()


def _fits(item: ClipboardItem, limits: DirectionLimits) -> bool:
    return limits.maximum_bytes is None or len(item.data) <= limits.maximum_bytes
