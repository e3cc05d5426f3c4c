"""What a viewer tells the server, each kind a value. Coordinates are framebuffer pixels."""

from __future__ import annotations

import enum

import attrs

from kasmcore.values.clipboard import ClipboardOffer
from kasmcore.values.geometry import Size


class Locks(enum.IntFlag):
    """Lock keys that are on at the viewer's keyboard."""

    NONE = 0
    CAPS = 1
    NUM = 2
    SCROLL = 4


@attrs.frozen
class KeyEvent:
    """One key pressed or released."""

    pressed: bool
    keysym: int
    """X11 keysym of what the key means in the viewer's layout; 0 if unknown."""
    code: str
    """``KeyboardEvent.code``: the physical key, e.g. ``KeyA``; empty if unknown."""
    locks: Locks = Locks.NONE


@attrs.frozen
class TextTyped:
    """Text without keys: composed by an input method, a dead key or an on-screen keyboard."""

    text: str


@attrs.frozen
class KeysReleased:
    """The viewer lost the keyboard (focus, visibility): release every key and button it holds."""


@attrs.frozen
class PointerMoved:
    """The pointer is now at x, y."""

    x: int
    y: int


@attrs.frozen
class PointerButton:
    """A button went down or up at x, y: 1 left, 2 middle, 3 right, 8 back, 9 forward."""

    button: int
    pressed: bool
    x: int
    y: int


@attrs.frozen
class WheelTurned:
    """The wheel turned at x, y; 120 units are one notch, positive is right and down."""

    dx: int
    dy: int
    x: int
    y: int


@attrs.frozen
class ResizeRequested:
    """The viewer would like the framebuffer to have this size."""

    size: Size


@attrs.frozen
class ClipboardReceived:
    """The viewer offers its clipboard."""

    offer: ClipboardOffer


@attrs.frozen
class FrameShown:
    """The viewer shows the frame with this serial; durations on its side in microseconds."""

    serial: int
    decode_us: int
    """From the frame's last byte received until decoded."""
    present_us: int
    """From decoded until on screen."""
    queued: int
    """Frames received but not yet shown."""


LOST_IN_NETWORK = "lost"
"""Reason of a ``FrameFailed`` without codec: the frame, or one that it needs, did not arrive."""


@attrs.frozen
class FrameFailed:
    """The viewer could not decode the frame; it keeps the picture that it had."""

    serial: int
    codec: str
    """The codec that failed; empty when none is to blame."""
    reason: str


@attrs.frozen
class RefreshRequested:
    """The viewer wants the whole picture again."""


@attrs.frozen
class Ping:
    """The viewer measures the round trip; the server answers at once with the same token."""

    token: int


class VideoPreference(enum.Enum):
    """Which part of the screen a viewer wants as a video stream."""

    AUTO = 0
    """What the server is set to."""
    OFF = 1
    """None: images alone."""
    WHOLE_SCREEN = 2
    """All of it, all the time."""


@attrs.frozen(kw_only=True)
class PictureSettings:
    """How the viewer wants its own picture; each one replaces what it asked for before."""

    max_frame_rate: int | None = None
    """Most frames a second; None: the server's."""
    min_quality: int | None = None
    """0 to 100, of what moves; None: the server's."""
    max_quality: int | None = None
    """0 to 100, of what appears; None: the server's."""
    video: VideoPreference = VideoPreference.AUTO
    exact_at_rest: bool = True
    """False: what was sent with loss stays so, which saves bits."""


InputEvent = KeyEvent | TextTyped | KeysReleased | PointerMoved | PointerButton | WheelTurned
ViewerEvent = (
    InputEvent
    | ResizeRequested
    | ClipboardReceived
    | FrameShown
    | FrameFailed
    | RefreshRequested
    | Ping
    | PictureSettings
)
