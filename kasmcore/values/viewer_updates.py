"""What the server tells a viewer, each kind a value."""

from __future__ import annotations

import enum

import attrs

from kasmcore.values.clipboard import AllowedClipboard
from kasmcore.values.cursors import CursorImage
from kasmcore.values.frames import EncodedFrame
from kasmcore.values.permissions import Permission


class Severity(enum.Enum):
    """How much a notice matters."""

    INFO = 0
    WARNING = 1
    ERROR = 2


@attrs.frozen
class Notice:
    """Plain words for the person, e.g. that a policy refused something."""

    severity: Severity
    topic: str
    """Stable word that scripts and translations go by, e.g. ``clipboard_refused``."""
    text: str


@attrs.frozen
class PermissionsChanged:
    """The viewer's rights are now these."""

    permissions: Permission


@attrs.frozen
class Farewell:
    """The server ends the connection; nothing follows."""

    reason: str
    may_reconnect: bool
    """False when coming back at once would not help (refused, signed out)."""


@attrs.frozen
class Pong:
    """Answer to Ping with its token."""

    token: int


@attrs.frozen
class FramesDropped:
    """These frames are not going to arrive: what they showed comes, or came, in another one."""

    serials: tuple[int, ...]


@attrs.frozen
class ViewerStatistics:
    """How this viewer is served, over the last second."""

    frames_per_s: float
    bytes_per_s: float
    round_trip_ms: float
    encode_ms: float
    """Median time from captured to encoded."""
    skipped_frames: int
    """Captured frames that a newer one replaced before they were sent."""
    viewers: int


ViewerUpdate = (
    EncodedFrame
    | CursorImage
    | AllowedClipboard
    | Notice
    | PermissionsChanged
    | Farewell
    | Pong
    | ViewerStatistics
    | FramesDropped
)
