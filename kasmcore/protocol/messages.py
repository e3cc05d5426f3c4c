"""Messages that are not already values; all others are those of ``kasmcore.values``."""

from __future__ import annotations

import attrs

from kasmcore.protocol.version import PROTOCOL_VERSION
from kasmcore.values.cursors import CursorImage
from kasmcore.values.frames import EncodedFrame
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
