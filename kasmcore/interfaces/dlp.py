"""DLP filters: what may be seen and what may pass, in both directions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import attrs

from kasmcore.config.schema import ServerConfig
from kasmcore.values.clipboard import ClipboardDirection, ClipboardOffer
from kasmcore.values.geometry import Rectangle
from kasmcore.values.permissions import ViewerInfo
from kasmcore.values.pixels import BgrxPixels
from kasmcore.values.viewer_events import InputEvent

T = TypeVar("T")


@attrs.frozen
class Refusal:
    """A filter stopped something.

    Attributes:
        topic: stable word for metrics and translations, e.g. ``clipboard_too_large``.
        text: plain words for the person; empty to drop silently (e.g. key repeats over a limit).
    """

    topic: str
    text: str


class DlpFilter:
    """Base class of every filter: lets everything pass; override what the policy is about.

    Filters run in the order of the YAML list, each on what the one before let pass. They are
    called in the server's main task: no blocking. ``now_s`` is a monotonic clock in seconds.
    """

    def filter_frame(self, pixels: BgrxPixels, changed: Sequence[Rectangle]) -> None:
        """Paint over what must not be seen, in place. Only called if the spec says masks_frames.

        Args:
            pixels: the whole framebuffer, writable; outside ``changed`` it is as this filter
                left it at the frame before.
            changed: all of the frame that is new and unmasked.
        """

    def filter_input(
        self, event: InputEvent, viewer: ViewerInfo, now_s: float
    ) -> InputEvent | Refusal:
        """Return the event (or another in its place) to let it pass."""
        return event

    def filter_clipboard(
        self,
        offer: ClipboardOffer,
        direction: ClipboardDirection,
        viewer: ViewerInfo,
        now_s: float,
    ) -> ClipboardOffer | Refusal:
        """Return the offer (or a reduced one) to let it pass."""
        return offer

    def viewer_left(self, viewer: ViewerInfo) -> None:
        """Forget what was kept for this viewer."""


@attrs.frozen(kw_only=True)
class DlpFilterSpec:
    """A filter that can be used.

    Attributes:
        name: word that the YAML uses.
        factory: makes the session's filter; raises ConfigError when its settings make no sense.
        masks_frames: True when it overrides ``filter_frame``; frames are then copied for it.
            May depend on the settings (a mask that hides nothing says False).
    """

    name: str
    factory: Callable[[ServerConfig], DlpFilter]
    masks_frames: bool = False
