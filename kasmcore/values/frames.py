"""A frame on its way: captured, masked, damaged, encoded.

Times are seconds of the server's monotonic clock: ``trio.current_time()``.
"""

from __future__ import annotations

import attrs

from kasmcore.values.geometry import Rectangle, Size
from kasmcore.values.pixels import BgrxPixels


def _size_of(pixels: BgrxPixels) -> Size:
    return Size(width=pixels.shape[1], height=pixels.shape[0])


@attrs.frozen
class WindowMove:
    """A window moved since the frame before: a guess where pixels went, to be checked on them."""

    rectangle: Rectangle
    """Where it is now, cut at the framebuffer's edges."""
    dx: int
    """How far it went to the right."""
    dy: int
    """How far it went down."""


@attrs.frozen(eq=False)
class CapturedFrame:
    """The framebuffer as the capture plugin read it; nobody writes to its pixels any more.

    The pixels stay as they are for as long as the array, or any view of it, is alive.
    """

    serial: int
    """Grows by at least one from frame to frame of one capture source."""
    pixels: BgrxPixels
    """The whole framebuffer."""
    hints: tuple[Rectangle, ...]
    """All changes since the source's previous frame lie inside these; may be larger than them."""
    changed_at_s: float
    """When the source first knew of a change that this frame shows."""
    captured_at_s: float
    """When the pixels had been read."""
    moves: tuple[WindowMove, ...] = ()
    """Windows that moved since the source's previous frame, as far as the source knows."""

    @property
    def size(self) -> Size:
        """Size of the framebuffer."""
        return _size_of(self.pixels)


@attrs.frozen(eq=False)
class VisibleFrame:
    """A captured frame after the DLP masks: the only pixels that may leave the server."""

    serial: int
    pixels: BgrxPixels
    hints: tuple[Rectangle, ...]
    changed_at_s: float
    captured_at_s: float
    moves: tuple[WindowMove, ...] = ()

    @property
    def size(self) -> Size:
        """Size of the framebuffer."""
        return _size_of(self.pixels)


@attrs.frozen
class EncodedRectangle:
    """One rectangle of a frame, ready for the wire."""

    rectangle: Rectangle
    codec: str
    """Name of the codec; the protocol sends its number in the viewer's codec table."""
    quality: int
    """0 to 100; 100 means that the pixels are exact."""
    payload: bytes
    image_size: Size | None = None
    """Size of the encoded image when it is not the rectangle's: the viewer stretches it."""


@attrs.frozen
class CopiedRectangle:
    """Pixels that the viewer already shows elsewhere: a scroll, or a window that moved.

    Copies come before all other rectangles of a frame and are carried out one after another, each
    from what the picture is by then.
    """

    rectangle: Rectangle
    """Where the pixels go."""
    source_x: int
    source_y: int
    """Top left corner of the rectangle of the same size that they come from; both may overlap."""

    @property
    def payload(self) -> bytes:
        """No bytes but those that say where."""
        return b""


@attrs.frozen
class VideoRectangle:
    """The next packet of a video stream; after it the rectangle shows the decoded picture."""

    rectangle: Rectangle
    """The same for all packets of a stream."""
    codec: str
    quality: int
    """0 to 99; statistics alone use it."""
    stream: int
    """Number of the stream, 0 to 65535; a new stream starts with a key frame and may take over the
    number of an old one."""
    is_key: bool
    """It can be decoded without the packets before it."""
    is_hidden: bool
    """Only decoded, because later packets depend on it; nothing is drawn."""
    payload: bytes


FramePart = EncodedRectangle | CopiedRectangle | VideoRectangle


@attrs.frozen
class FrameTimes:
    """When a frame passed each stage on the server, in seconds of the server's clock."""

    changed_s: float
    captured_s: float
    damaged_s: float
    planned_s: float
    encoded_s: float


@attrs.frozen
class FrameOrder:
    """What must be settled at the viewer (shown, failed or dropped) before it applies a frame."""

    serial: int
    """Of the frame that this is about."""
    after_all: bool
    """True: all frames with a smaller serial."""
    after: tuple[int, ...] = ()
    """Otherwise these."""


@attrs.frozen
class EncodedFrame:
    """What one viewer gets of one frame; the browser shows all of it at once or none."""

    serial: int
    """Counts this viewer's frames from 1; FrameShown names it."""
    size: Size
    """Size of the framebuffer; a change of it clears the picture before the rectangles."""
    rectangles: tuple[FramePart, ...]
    """In the order in which they are drawn."""
    times: FrameTimes

    @property
    def payload_bytes(self) -> int:
        """Bytes of all payloads together."""
        return sum(len(part.payload) for part in self.rectangles)
