"""Messages that are not already values; all others are those of ``kasmcore.values``."""

from __future__ import annotations

import attrs

from kasmcore.protocol.version import PROTOCOL_VERSION
from kasmcore.values.cursors import CursorImage
from kasmcore.values.frames import EncodedFrame, FrameOrder
from kasmcore.values.geometry import Size
from kasmcore.values.permissions import Permission
from kasmcore.values.viewer_events import (
    FrameFailed,
    FrameShown,
    InputEvent,
    PictureSettings,
    Ping,
    RefreshRequested,
    ResizeRequested,
)
from kasmcore.values.viewer_updates import (
    Farewell,
    FramesDropped,
    Notice,
    PermissionsChanged,
    Pong,
    ViewerStatistics,
)


@attrs.frozen
class Hello:
    """The client's first message: what it is and can do."""

    client_name: str
    codecs: tuple[str, ...]
    """Names of the codecs that it can decode."""
    features: tuple[str, ...] = ()
    viewport_width: int = 0
    """Framebuffer pixels that would fill its window; 0 when it does not care."""
    viewport_height: int = 0
    pixel_ratio_percent: int = 100
    """Device pixels per CSS pixel, times 100."""
    wants_resize: bool = False
    """True when the display should take the viewport's size."""
    protocol_version: int = PROTOCOL_VERSION

    @property
    def viewport(self) -> Size | None:
        """Framebuffer size that would fill its window; None when it does not care."""
        if self.viewport_width and self.viewport_height:
            return Size(self.viewport_width, self.viewport_height)
        return None


@attrs.frozen
class Welcome:
    """The server's answer to ``Hello``."""

    server_version: str
    viewer_id: int
    user_name: str
    permissions: Permission
    desktop_name: str
    codecs: tuple[str, ...]
    """Codecs in the server's order; ``Frame`` names them by their place here."""
    size: Size
    """Size of the framebuffer."""
    maximum_clipboard_bytes: int
    """Most bytes of one clipboard transfer from the client; 0 refuses all."""
    features: tuple[str, ...] = ()
    protocol_version: int = PROTOCOL_VERSION


@attrs.frozen
class ResumeOffer:
    """With this token the client may go on with its session on another connection."""

    token: str = attrs.field(repr=False)
    """Good for one ``Attach``; the next offer replaces it."""
    grace_s: int
    """How long it is good after a connection broke."""


@attrs.frozen
class Attach:
    """The client's first message on a connection that was not let in otherwise, or that is to take
    over a running session.
    """

    token: str = attrs.field(repr=False)
    """Of a ``ResumeOffer``, or a ticket to join with."""


@attrs.frozen
class Attached:
    """The session goes on here; the server's first message on this connection."""

    received: int
    """How many of the client's counted messages the server has taken; those after it are to be
    sent again."""
    next_serial: int
    """Of the first frame that comes on this connection; no older one comes any more."""


@attrs.frozen
class AnnouncedItem:
    """One representation in a clipboard transfer that is about to come."""

    mime: str
    size: int
    """Bytes."""


@attrs.frozen
class ClipboardStart:
    """A clipboard transfer begins; the chunks follow in the order of the items."""

    transfer: int
    items: tuple[AnnouncedItem, ...]


@attrs.frozen
class ClipboardChunk:
    """The next bytes of one item of a clipboard transfer."""

    transfer: int
    item: int
    """Index into ``ClipboardStart.items``."""
    data: bytes = attrs.field(repr=lambda data: f"<{len(data)} bytes>")


ClientMessage = (
    Hello
    | Attach
    | FrameShown
    | FrameFailed
    | RefreshRequested
    | Ping
    | PictureSettings
    | InputEvent
    | ResizeRequested
    | ClipboardStart
    | ClipboardChunk
)
ServerMessage = (
    Welcome
    | ResumeOffer
    | Attached
    | FrameOrder
    | FramesDropped
    | EncodedFrame
    | CursorImage
    | Notice
    | PermissionsChanged
    | Farewell
    | Pong
    | ViewerStatistics
    | ClipboardStart
    | ClipboardChunk
)
Message = ClientMessage | ServerMessage
