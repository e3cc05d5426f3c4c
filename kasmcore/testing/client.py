"""A viewer in Python: for tests, screenshots, benchmarks and scripts.

async with connect("https://127.0.0.1:8443/", "owner", password) as client:
    await client.wait_for_picture()
    await client.send(KeyEvent(pressed=True, keysym=0x61, code="KeyA"))
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

import attrs
import trio

from kasmcore.errors import ConnectionEnded, KasmcoreError, RemoteProtocolError
from kasmcore.protocol.connection import ClientConnection, ClientReceived
from kasmcore.protocol.counted import COUNTED, SentCounted
from kasmcore.protocol.messages import Attached, ClientMessage, Hello, ResumeOffer, Welcome
from kasmcore.protocol.version import FEATURES, HANDSHAKE_LIMIT_S
from kasmcore.testing.client_stream import MessageStream, Trust, open_websocket
from kasmcore.testing.frame_sequence import FrameSequence
from kasmcore.testing.received_picture import (
    DamagedRectangle,
    ReceivedPicture,
    StreamDecoders,
)
from kasmcore.testing.reference_decoders import DECODERS, Decoder
from kasmcore.values.clipboard import ClipboardItem
from kasmcore.values.frames import EncodedFrame, FrameOrder
from kasmcore.values.pixels import BgrxPixels
from kasmcore.values.viewer_events import LOST_IN_NETWORK, FrameFailed, FrameShown
from kasmcore.values.viewer_updates import Farewell, FramesDropped, Notice

T = TypeVar("T")

MAXIMUM_CLIPBOARD_BYTES = 2**26
SYSTEM_TRUST = Trust()
DEFAULT_HELLO = Hello(client_name="kasmcore python", codecs=tuple(DECODERS), features=FEATURES)


@attrs.define
class ClientCounters:
    """What has arrived since the connection opened."""

    messages: int = 0
    message_bytes: int = 0
    frames: int = 0
    failed_frames: int = 0
    rectangles: int = 0
    payload_bytes: int = 0
    decode_s: float = 0.0


class Client:
    """One open connection; ``connect`` makes it. Its picture follows the server's on its own."""

    def __init__(
        self,
        stream: MessageStream,
        decoders: Mapping[str, Decoder],
        stream_decoders: StreamDecoders | None = None,
    ) -> None:
        self.welcome: Welcome
        self.picture = ReceivedPicture(decoders, stream_decoders)
        self.counters = ClientCounters()
        self.notices: list[Notice] = []
        self.acknowledges = True
        """False: frames are shown but never answered, like a viewer whose page hangs."""
        self._stream = stream
        self._protocol = ClientConnection(MAXIMUM_CLIPBOARD_BYTES)
        self._newest: dict[type, object] = {}
        self._changed = trio.Event()
        self._may_read = trio.Event()
        self._may_read.set()
        self._end: KasmcoreError | None = None
        self.may_come_back = False
        """True: a broken connection does not end it; ``attach`` goes on with another one."""
        self._counted = SentCounted()
        self._sequence: FrameSequence | None = None
        self._order: FrameOrder | None = None
        self._changed_stream = trio.Event()
        self._receiving = trio.CancelScope()

    @property
    def framebuffer(self) -> BgrxPixels:
        """(height, width, 4) BGRX; changed in place by frames, replaced when the size changes."""
        return self.picture.pixels

    @property
    def has_ended(self) -> bool:
        """True when the connection is over."""
        return self._end is not None

    def newest(self, kind: type[T]) -> T | None:
        """The newest update of a kind (CursorImage, AllowedClipboard, Farewell …), if any came."""
        value = self._newest.get(kind)
        return value if isinstance(value, kind) else None

    async def send(self, event: ClientMessage) -> None:
        """Send one event.

        Raises:
            ConnectionEnded: the server is gone.
        """
        message = self._protocol.send(event)
        if isinstance(event, COUNTED):
            self._counted.add(message)
        try:
            await self._stream.send(message)
        except ConnectionEnded:
            if not self.may_come_back:
                raise

    async def attach(self, stream: MessageStream) -> None:
        """Go on with another connection, by the newest ``ResumeOffer``.

        Raises:
            ConnectionEnded: the server refused, or is gone.
            RemoteProtocolError: it lacks what is not kept any more.
        """
        offer = self.newest(ResumeOffer)
        protocol, message = self._protocol.attach("" if offer is None else offer.token)
        await stream.send(message)
        received = protocol.receive_data(await stream.receive())
        first = received[0]
        if not isinstance(first, Attached):
            raise ConnectionEnded(f"the server refused: {first}")
        missing = self._counted.after(first.received)
        if missing is None:
            raise RemoteProtocolError("the server lacks more than is kept")
        self._protocol, self._stream = protocol, stream
        self._sequence, self._order = FrameSequence(first.next_serial), None
        self._receiving.cancel()
        self._changed_stream.set()
        self._changed_stream = trio.Event()
        for message in missing:
            await stream.send(message)
        for update in received[1:]:
            await self._take(update)
        self._wake()

    async def report_lost(self) -> None:
        """Tell the server of all frames that newer ones have overtaken: they count as lost."""
        sequence = self._sequence
        for serial in () if sequence is None else sequence.missing():
            await self._fail(serial, "", LOST_IN_NETWORK)
        await self._show_held()

    async def send_clipboard(self, items: Sequence[ClipboardItem]) -> None:
        """Offer clipboard contents.

        Raises:
            ConnectionEnded: the server is gone.
        """
        for message in self._protocol.clipboard_messages(items):
            await self._stream.send(message)

    async def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition holds; it is looked at after everything that arrives.

        Raises:
            ConnectionEnded: the connection ended before that.
        """
        while not condition():
            if self._end is not None:
                raise self._end
            await self._changed.wait()

    async def wait_for_picture(self) -> None:
        """Wait until the first frame is shown."""
        await self.wait_until(lambda: self.counters.frames > 0)

    async def wait_for_exact_picture(self) -> None:
        """Wait until a picture is shown in which every pixel came without loss."""
        await self.wait_until(lambda: self.counters.frames > 0 and self.picture.is_exact)

    async def wait_for(self, kind: type[T]) -> T:
        """Wait for the next update of a kind."""
        before = self._newest.get(kind)
        await self.wait_until(lambda: self._newest.get(kind) is not before)
        value = self.newest(kind)
        assert value is not None
        return value

    def stop_reading(self) -> None:
        """Take no more bytes from the socket, like a viewer whose network hangs."""
        self._may_read = trio.Event()

    def resume_reading(self) -> None:
        """Read on."""
        self._may_read.set()

    async def shake_hands(self, hello: Hello, ticket: str = "") -> None:
        """Say Hello and wait for Welcome; ``connect`` and ``follow`` do this.

        Args:
            hello: what to say.
            ticket: goes before it where the connection carries no login.

        Raises:
            ConnectionEnded: the server said farewell or is gone.
            RemoteProtocolError: no Welcome in 10 s, or something else.
        """
        if ticket:
            await self._stream.send(self._protocol.ticket(ticket))
        await self._stream.send(self._protocol.hello(hello))
        with trio.move_on_after(HANDSHAKE_LIMIT_S) as limit:
            await self._receive()
        if limit.cancelled_caught:
            raise RemoteProtocolError(f"the server said nothing for {HANDSHAKE_LIMIT_S:.0f} s")
        if self._end is not None:
            raise self._end

    async def run(self) -> None:
        """Take what the server sends until it ends; ``connect`` does this."""
        try:
            while self._end is None:
                await self._may_read.wait()
                with trio.CancelScope() as self._receiving:
                    await self._receive_or_wait()
                self._wake()
        except (ConnectionEnded, RemoteProtocolError) as error:
            self._end = self._end or error
        finally:
            self._wake()

    async def _receive_or_wait(self) -> None:
        """Take what comes; when the connection broke, wait for another one."""
        changed = self._changed_stream
        try:
            await self._receive()
        except ConnectionEnded:
            if not self.may_come_back or self._end is not None:
                raise
            await changed.wait()

    async def _receive(self) -> None:
        data = await self._stream.receive()
        self.counters.messages += 1
        self.counters.message_bytes += len(data)
        for update in self._protocol.receive_data(data):
            await self._take(update)

    async def _take(self, update: ClientReceived) -> None:
        self._newest[type(update)] = update
        if isinstance(update, FrameOrder):
            self._order = update
        elif isinstance(update, FramesDropped):
            self._sequence = self._sequence or FrameSequence(1)
            for serial in update.serials:
                self._sequence.settle(serial, was_shown=False)
            await self._show_held()
        elif isinstance(update, EncodedFrame):
            await self._take_frame(update)
        elif isinstance(update, Welcome):
            self.welcome = update
            self.picture.clear(update.size)
        elif isinstance(update, Notice):
            self.notices.append(update)
        elif isinstance(update, Farewell):
            self._end = ConnectionEnded(f"the server said farewell: {update.reason}")

    async def _take_frame(self, frame: EncodedFrame) -> None:
        order, self._order = self._order, None
        if order is None:
            await self._show(frame)
            return
        self._sequence = self._sequence or FrameSequence(1)
        self._sequence.hold(order, frame)
        await self._show_held()

    async def _show_held(self) -> None:
        """Show the frames whose turn it is."""
        while self._sequence is not None:
            held = self._sequence.next()
            if held is None:
                return
            frame, is_whole = held
            if is_whole:
                await self._show(frame)
            else:
                await self._fail(frame.serial, "", LOST_IN_NETWORK)

    async def _fail(self, serial: int, codec: str, reason: str) -> None:
        self.counters.failed_frames += 1
        if self._sequence is not None:
            self._sequence.settle(serial, was_shown=False)
        await self._answer(FrameFailed(serial, codec, reason))

    async def _show(self, frame: EncodedFrame) -> None:
        started_s = time.perf_counter()
        try:
            self.picture.show(frame)
        except DamagedRectangle as damaged:
            await self._fail(frame.serial, damaged.codec, damaged.reason)
            return
        if self._sequence is not None:
            self._sequence.settle(frame.serial, was_shown=True)
        decode_s = time.perf_counter() - started_s
        self.counters.frames += 1
        self.counters.rectangles += len(frame.rectangles)
        self.counters.payload_bytes += frame.payload_bytes
        self.counters.decode_s += decode_s
        await self._answer(FrameShown(frame.serial, round(decode_s * 1e6), 0, 0))

    async def _answer(self, event: FrameShown | FrameFailed) -> None:
        if self.acknowledges:
            await self.send(event)

    def _wake(self) -> None:
        self._changed.set()
        self._changed = trio.Event()


@asynccontextmanager
async def connect(
    url: str,
    username: str = "",
    password: str = "",
    *,
    trust: Trust = SYSTEM_TRUST,
    hello: Hello = DEFAULT_HELLO,
    decoders: Mapping[str, Decoder] = DECODERS,
    stream_decoders: StreamDecoders | None = None,
) -> AsyncIterator[Client]:
    """Open a viewer's connection, shake hands and follow the picture until the block ends.

    Args:
        url: the page's address, e.g. ``https://127.0.0.1:8443/``.
        username: for HTTP Basic; empty for none.
        password: goes with it.
        trust: which certificate is good.
        hello: what to say first.
        decoders: by codec; those that ``hello`` names.
        stream_decoders: those of video streams that ``hello`` names as well;
            ``kasmcore.testing.stream_decoders`` has them.

    Raises:
        KasmcoreError: no server there, not trusted, refused, or no Welcome in 10 s.
    """
    try:
        async with (
            open_websocket(url, username, password, trust) as stream,
            follow(stream, hello, decoders, stream_decoders) as client,
        ):
            yield client
    except BaseExceptionGroup as group:
        error = _only_error(group)
        raise error from error.__cause__


@asynccontextmanager
async def follow(
    stream: MessageStream,
    hello: Hello,
    decoders: Mapping[str, Decoder],
    stream_decoders: StreamDecoders | None = None,
    *,
    ticket: str = "",
) -> AsyncIterator[Client]:
    """Shake hands on a stream that is open and follow the picture until the block ends.

    A stream that carries no login needs a ticket, from ``POST /api/ticket``.

    Raises: as ``connect``, perhaps inside an ExceptionGroup.
    """
    client = Client(stream, decoders, stream_decoders)
    await client.shake_hands(hello, ticket)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(client.run)
        yield client
        nursery.cancel_scope.cancel()


def _only_error(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The only error in nested groups; the outermost group if there are several."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        if len(error.exceptions) > 1:
            return group
        error = error.exceptions[0]
    return error
