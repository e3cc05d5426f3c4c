"""A display and viewers in memory, for tests of the session."""

import contextlib
from collections.abc import AsyncIterator

import attrs
import numpy as np
import trio

from kasmcore.config.schema import ServerConfig
from kasmcore.errors import ConnectionEnded
from kasmcore.interfaces.dlp import DlpFilter
from kasmcore.interfaces.encoder import ContentRating, EncoderSpec, Exactness
from kasmcore.interfaces.viewer_link import ViewerAbilities
from kasmcore.plugin_set import PluginEvents
from kasmcore.session.masking import FrameMasks
from kasmcore.session.session import Session, SessionParts
from kasmcore.values.clipboard import ClipboardItem, ClipboardOffer
from kasmcore.values.cursors import HIDDEN_CURSOR
from kasmcore.values.frames import CapturedFrame, EncodedFrame
from kasmcore.values.geometry import Rectangle, Size
from kasmcore.values.permissions import FULL_PERMISSIONS, Permission, User, ViewerInfo
from kasmcore.values.viewer_events import FrameShown


class RawEncoder:
    """Four bytes a pixel."""

    def encode(self, pixels, quality):
        return pixels.tobytes()


class CoarseEncoder:
    """Lossy: every pixel as the first of its rectangle."""

    def encode(self, pixels, quality):
        return np.broadcast_to(pixels[:1, :1], pixels.shape).tobytes()


def encoder(codec, factory, exactness) -> EncoderSpec:
    rating = ContentRating(text=1.0, picture=1.0)
    return EncoderSpec(
        codec=codec,
        factory=factory,
        exactness=exactness,
        cost_ns_per_pixel=rating,
        bits_per_pixel=rating,
        releases_gil=False,
    )


RAW = encoder("raw", RawEncoder, Exactness.ALWAYS)
COARSE = encoder("coarse", CoarseEncoder, Exactness.NEVER)


class MemoryDesktop:
    """A CaptureSource whose pixels a test paints; it records what was done to it."""

    def __init__(self, size: Size | None = None) -> None:
        size = size or Size(320, 200)
        self.pixels = np.zeros((size.height, size.width, 4), np.uint8)
        self.done: list[tuple[int, object]] = []
        self.released: list[int] = []
        self.put_contents: list[object] = []
        self.captures = 0
        self.input = self
        self.clipboard = self
        self._damage = [Rectangle.of_size(size)]
        self._changed = trio.Event()
        self._changed.set()
        self._offers = trio.open_memory_channel[ClipboardOffer](10)
        self._cursor_sent = False

    @property
    def size(self) -> Size:
        return Size(self.pixels.shape[1], self.pixels.shape[0])

    def paint(self, rectangle: Rectangle, value) -> None:
        self.pixels = self.pixels.copy()
        self.pixels[rectangle.rows, rectangle.columns] = value
        self._damage.append(rectangle)
        self._changed.set()

    async def next_frame(self) -> CapturedFrame:
        await self._changed.wait()
        self._changed = trio.Event()
        hints, self._damage = tuple(self._damage), []
        self.captures += 1
        now_s = trio.current_time()
        return CapturedFrame(self.captures, self.pixels, hints, now_s, now_s)

    async def next_cursor(self):
        if self._cursor_sent:
            await trio.sleep_forever()
        self._cursor_sent = True
        return HIDDEN_CURSOR

    async def resize(self, size: Size) -> Size:
        self.pixels = np.zeros((size.height, size.width, 4), np.uint8)
        self._damage = [Rectangle.of_size(size)]
        self._changed.set()
        return size

    async def send(self, event, viewer_id: int) -> None:
        self.done.append((viewer_id, event))

    async def release_all(self, viewer_id: int) -> None:
        self.released.append(viewer_id)

    def copy(self, text: bytes) -> None:
        self._offers[0].send_nowait(ClipboardOffer((ClipboardItem("text/plain", text),)))

    async def next_offer(self) -> ClipboardOffer:
        return await self._offers[1].receive()

    async def put(self, contents) -> None:
        self.put_contents.append(contents)


class MemoryLink:
    """A ViewerLink that a test reads and writes; it stalls when told to."""

    def __init__(self, viewer_id: int, permissions: Permission, codecs: tuple[str, ...]) -> None:
        self.viewer = ViewerInfo(
            viewer_id, User(f"user{viewer_id}", permissions), "127.0.0.1", "memory"
        )
        self.abilities = ViewerAbilities(codecs, None, wants_resize=False)
        self.picture: np.ndarray | None = None
        self.frames: list[EncodedFrame] = []
        self.others: list[object] = []
        self.acknowledges = True
        self.arrived = trio.Event()
        self._flowing = trio.Event()
        self._flowing.set()
        self._events_in, self._events_out = trio.open_memory_channel[object](1000)

    def stall(self) -> None:
        self._flowing = trio.Event()

    def flow(self) -> None:
        self._flowing.set()

    def do(self, event) -> None:
        self._events_in.send_nowait(event)

    def leave(self) -> None:
        self._events_in.close()

    async def send(self, update) -> None:
        await self._flowing.wait()
        await trio.lowlevel.checkpoint()
        if not isinstance(update, EncodedFrame):
            self.others.append(update)
        else:
            self._show(update)
        self.arrived.set()
        self.arrived = trio.Event()

    async def receive(self):
        try:
            return await self._events_out.receive()
        except trio.EndOfChannel:
            raise ConnectionEnded("the viewer left") from None

    def _show(self, frame: EncodedFrame) -> None:
        self.frames.append(frame)
        shape = (frame.size.height, frame.size.width, 4)
        if self.picture is None or self.picture.shape != shape:
            self.picture = np.zeros(shape, np.uint8)
        for part in frame.rectangles:
            where = part.rectangle
            pixels = np.frombuffer(part.payload, np.uint8).reshape(where.height, where.width, 4)
            self.picture[where.rows, where.columns] = pixels
        if self.acknowledges:
            self.do(FrameShown(frame.serial, 1000, 1000, 0))


@attrs.define
class Desk:
    """A running session with its display."""

    desktop: MemoryDesktop
    session: Session
    nursery: trio.Nursery
    _next_id: int = 0

    async def join(
        self,
        permissions: Permission = FULL_PERMISSIONS,
        codecs: tuple[str, ...] = ("raw", "coarse"),
    ) -> MemoryLink:
        self._next_id += 1
        link = MemoryLink(self._next_id, permissions, codecs)
        self.nursery.start_soon(self.session.serve_viewer, link)
        await trio.testing.wait_all_tasks_blocked()
        return link


@contextlib.asynccontextmanager
async def open_desk(
    *,
    filters: tuple[tuple[str, DlpFilter], ...] = (),
    masks: tuple[DlpFilter, ...] = (),
    encoders: tuple[EncoderSpec, ...] = (RAW, COARSE),
    config: ServerConfig | None = None,
) -> AsyncIterator[Desk]:
    desktop = MemoryDesktop()
    parts = SessionParts(
        config=config or ServerConfig(),
        display=":memory",
        source=desktop,
        encoders=encoders,
        filters=filters,
        masks=FrameMasks(masks),
        events=PluginEvents(),
    )
    async with trio.open_nursery() as nursery:
        session = Session(parts)
        session.pool.inline_s = float("inf")  # the mock clock does not wait for threads
        await nursery.start(session.run)
        yield Desk(desktop, session, nursery)
        nursery.cancel_scope.cancel()
