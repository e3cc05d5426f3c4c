"""A viewer is anything that takes frames and may give input."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import attrs

from kasmcore.values.clipboard import AllowedClipboard
from kasmcore.values.geometry import Size
from kasmcore.values.permissions import ViewerInfo
from kasmcore.values.viewer_events import ViewerEvent
from kasmcore.values.viewer_updates import ViewerUpdate


@attrs.frozen
class ViewerAbilities:
    """What a viewer said about itself when it joined."""

    codecs: tuple[str, ...]
    """Codecs it can decode, of those the server offered."""
    viewport: Size | None
    """Framebuffer size that would fill its window; None when it does not care."""
    wants_resize: bool
    """True when the display should take the viewport's size."""
    can_copy: bool = False
    """True when it carries out copies inside its picture."""
    can_scale: bool = False
    """True when it stretches images that are smaller than their rectangle."""
    has_full_chroma: bool = False
    """True when it decodes video streams in 4:4:4 too."""
    path_round_trip_s: float | None = None
    """Shortest round trip that its transport has measured; None when it measures none."""


@attrs.frozen
class LinkBroken:
    """The viewer's connection broke; it may come back, and nothing is sent meanwhile."""


@attrs.frozen
class LinkAttached:
    """The viewer goes on with another connection."""

    next_serial: int
    """No frame before this one arrives any more."""
    path_round_trip_s: float | None
    """As ``ViewerAbilities.path_round_trip_s``, of the new connection."""
    clipboard: AllowedClipboard | None = None
    """The newest contents that were sent, if they have perhaps not arrived."""


LinkChange = LinkBroken | LinkAttached


class ViewerLink(Protocol):
    """The session's side of one viewer: values out, values in.

    Frames arrive in the order in which they were sent unless it is an ``UnorderedLink`` and says
    otherwise.
    """

    @property
    def viewer(self) -> ViewerInfo:
        """Who it is."""

    @property
    def abilities(self) -> ViewerAbilities:
        """What it can do."""

    async def send(self, update: ViewerUpdate) -> None:
        """Send one update; waits while the link is busy. Frames and the rest may be sent by
        different tasks at once.

        Raises:
            ConnectionEnded: the viewer is gone.
        """

    async def receive(self) -> ViewerEvent | LinkChange:
        """Wait for what the viewer does next, or what happens to its connection.

        Raises:
            ConnectionEnded: the viewer is gone.
            RemoteProtocolError: it broke the protocol.
        """


@runtime_checkable
class UnorderedLink(Protocol):
    """A ViewerLink over connections of which some carry each frame on its own may also have this.

    There a frame can be dropped by sending ``FramesDropped``.
    """

    @property
    def is_unordered(self) -> bool:
        """True while frames may arrive in any order: each is acknowledged by itself."""

    @property
    def may_lose_frames(self) -> bool:
        """True while frames may vanish; the viewer sees that only when a newer one arrives."""
