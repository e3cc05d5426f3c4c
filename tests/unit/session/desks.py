"""A running session and its viewers in memory, for tests of the session."""

import contextlib
from collections.abc import AsyncIterator

import attrs
import numpy as np
import trio

from kasmcore.config.schema import ServerConfig
from kasmcore.errors import ConnectionEnded
from kasmcore.interfaces.capture import CaptureSource
from kasmcore.interfaces.dlp import DlpFilter
from kasmcore.interfaces.encoder import ContentRating, EncoderSpec, Exactness
from kasmcore.interfaces.stream_encoder import StreamEncoderSpec
from kasmcore.interfaces.viewer_link import ViewerAbilities
from kasmcore.plugin_set import PluginEvents
from kasmcore.session.masking import FrameMasks
from kasmcore.session.session import Session, SessionParts
from kasmcore.testing.received_picture import stretched
from kasmcore.testing.synthetic_desktop import SyntheticDesktop
from kasmcore.values.frames import CopiedRectangle, EncodedFrame, VideoRectangle
from kasmcore.values.geometry import Rectangle, Size
from kasmcore.values.permissions import FULL_PERMISSIONS, Permission, User, ViewerInfo
from kasmcore.values.viewer_events import FrameShown
from tests.unit.session.xorz import XorzDecoder


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


class MemoryLink:
    """A ViewerLink that a test reads and writes; it stalls when told to."""

    def __init__(
        self,
        viewer_id: int,
        permissions: Permission,
        codecs: tuple[str, ...],
        **abilities: bool,
    ) -> None:
        self.viewer = ViewerInfo(
            viewer_id, User(f"user{viewer_id}", permissions), "127.0.0.1", "memory"
        )
        flags = {"wants_resize": False, "can_copy": True, **abilities}
        self.abilities = ViewerAbilities(codecs, None, **flags)
        self.picture: np.ndarray | None = None
        self.frames: list[EncodedFrame] = []
        self.others: list[object] = []
        self.video = XorzDecoder()
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
            if isinstance(part, CopiedRectangle):
                source = Rectangle(part.source_x, part.source_y, where.width, where.height)
                pixels = self.picture[source.rows, source.columns].copy()
                self.picture[where.rows, where.columns] = pixels
                continue
            if isinstance(part, VideoRectangle):
                pixels = self.video.decode(part)
                if not part.is_hidden:
                    self.picture[where.rows, where.columns] = pixels
                continue
            size = part.image_size or where.size
            pixels = np.frombuffer(part.payload, np.uint8).reshape(size.height, size.width, 4)
            self.picture[where.rows, where.columns] = stretched(pixels, where.size)
        if self.acknowledges:
            self.do(FrameShown(frame.serial, 1000, 1000, 0))


@attrs.define
class Desk:
    """A running session with its display."""

    desktop: SyntheticDesktop
    session: Session
    nursery: trio.Nursery
    _next_id: int = 0

    async def join(
        self,
        permissions: Permission = FULL_PERMISSIONS,
        codecs: tuple[str, ...] = ("raw", "coarse"),
        **abilities: bool,
    ) -> MemoryLink:
        """Let a viewer in; ``abilities`` are flags of ViewerAbilities."""
        self._next_id += 1
        link = MemoryLink(self._next_id, permissions, codecs, **abilities)
        self.nursery.start_soon(self.session.serve_viewer, link)
        await trio.testing.wait_all_tasks_blocked()
        return link


@contextlib.asynccontextmanager
async def open_desk(
    *,
    filters: tuple[tuple[str, DlpFilter], ...] = (),
    masks: tuple[DlpFilter, ...] = (),
    encoders: tuple[EncoderSpec, ...] = (RAW, COARSE),
    stream_encoders: tuple[StreamEncoderSpec, ...] = (),
    config: ServerConfig | None = None,
    source: CaptureSource | None = None,
) -> AsyncIterator[Desk]:
    """Run a session of a desktop that the test paints, or of another source."""
    desktop = SyntheticDesktop(Size(320, 200))
    parts = SessionParts(
        config=config or ServerConfig(),
        display=":memory",
        source=source or desktop,
        encoders=encoders,
        stream_encoders=stream_encoders,
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
