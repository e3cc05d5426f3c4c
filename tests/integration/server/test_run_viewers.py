"""A viewer that misbehaves or vanishes ends alone; the server and the other viewers go on."""

from __future__ import annotations

import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from functools import partial

import attrs
import numpy as np
import pytest
import trio
import trio_websocket

from kasmcore.errors import KasmcoreError
from kasmcore.protocol.version import SUBPROTOCOL
from kasmcore.testing.client import Client, connect
from kasmcore.testing.client_stream import WEBSOCKET_PATH, Trust, WebSocketMessages
from kasmcore.values.clipboard import ClipboardItem
from kasmcore.values.geometry import Size
from kasmcore.values.viewer_events import (
    KeyEvent,
    Ping,
    PointerButton,
    PointerMoved,
    ResizeRequested,
    TextTyped,
)
from kasmcore.values.viewer_updates import Pong
from tests.live_server import SECURED, Launcher, LiveServer
from tests.x_desk import PaintedWindow, RgbPixels, XDesk, x_desk

pytestmark = pytest.mark.x11

HEADER = struct.Struct(">BI")


@pytest.fixture
def server(runs: Launcher) -> LiveServer:
    return runs.start()


@pytest.fixture
def desk(server: LiveServer) -> Iterator[XDesk]:
    with x_desk(server.display, server.authority_file) as opened:
        yield opened


@attrs.frozen(eq=False)
class Witness:
    """A viewer that behaves, and what it watches."""

    client: Client
    desk: XDesk
    window: PaintedWindow

    async def check(self, colour: int) -> None:
        """See a change, and cause one by the pointer: both directions work."""
        self.window.fill(colour)
        expected = np.array([colour & 255, colour >> 8 & 255, colour >> 16])
        await self.client.wait_until(
            lambda: bool((self.client.framebuffer[10, 10, :3] == expected).all())
        )
        place = (colour % 200, colour % 150)
        await self.client.send(PointerMoved(*place))
        with trio.fail_after(30):
            while self.desk.pointer() != place:
                await trio.sleep(0.01)


@asynccontextmanager
async def witness(server: LiveServer, desk: XDesk) -> AsyncIterator[Witness]:
    window = desk.open_window(200, 150)
    async with connect(server.url) as client:
        await client.wait_for_picture()
        watching = Witness(client, desk, window)
        await watching.check(0x204060)
        yield watching
        await watching.check(0x80A0C0)
    assert "Traceback" not in server.log


@asynccontextmanager
async def raw_websocket(
    server: LiveServer,
) -> AsyncIterator[trio_websocket.WebSocketConnection]:
    """A WebSocket that was let in and has said nothing yet."""
    async with trio_websocket.open_websocket(
        "127.0.0.1", server.port, f"/{WEBSOCKET_PATH}", use_ssl=False, subprotocols=[SUBPROTOCOL]
    ) as websocket:
        yield websocket


async def wait_until_closed(websocket: trio_websocket.WebSocketConnection) -> None:
    with trio.fail_after(30):
        while True:
            try:
                await websocket.get_message()
            except trio_websocket.ConnectionClosed:
                return


MALFORMED: dict[str, bytes | str] = {
    "garbage": bytes(range(256)),
    "a kind that is none": HEADER.pack(0x7F, 3) + b"abc",
    "a message of the server": HEADER.pack(0x01, 0),
    "a length beyond the data": HEADER.pack(0x01, 2**31),
    "text": "Hello",
    "larger than any message": HEADER.pack(0x01, 20_000_000) + bytes(20_000_000),
}


@pytest.mark.parametrize("message", MALFORMED.values(), ids=MALFORMED.keys())
async def test_who_starts_with_what_is_no_hello_is_let_go_alone(
    server: LiveServer, desk: XDesk, message: bytes | str
) -> None:
    async with witness(server, desk), raw_websocket(server) as websocket:
        try:
            await websocket.send_message(message)
            await websocket.send_message(message)
        except trio_websocket.ConnectionClosed:
            return
        await wait_until_closed(websocket)


@pytest.mark.parametrize("message", MALFORMED.values(), ids=MALFORMED.keys())
async def test_who_sends_nonsense_later_is_let_go_alone(
    server: LiveServer, desk: XDesk, message: bytes | str
) -> None:
    async with witness(server, desk), connect(server.url) as client:
        await client.wait_for_picture()
        websocket = websocket_of(client)
        with suppress(trio_websocket.ConnectionClosed):
            await websocket.send_message(message)
            await websocket.send_message(message)
        with trio.fail_after(30), pytest.raises(KasmcoreError):
            await client.wait_until(lambda: False)


async def vanish(client: Client, desk: XDesk) -> None:
    """Cut the connection as when the network or the machine is gone."""
    stream = tcp_stream_of(client)
    stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    await trio.aclose_forcefully(stream)


async def vanish_inside_a_frame(client: Client, desk: XDesk) -> None:
    """Vanish while the server sends a frame that is too large for the network's buffers."""
    client.stop_reading()
    random = np.random.default_rng(7)
    for _ in range(20):
        desk.open_window(1000, 700).paint(random.integers(0, 256, (700, 1000, 3), np.uint8))
    await vanish(client, desk)


async def vanish_inside_a_message(client: Client, desk: XDesk) -> None:
    """Vanish after half a WebSocket message: a masked binary one of 100 bytes."""
    await tcp_stream_of(client).send_all(b"\x82\xe4" + b"mask" + bytes(40))
    await vanish(client, desk)


async def close_only_the_sending_side(client: Client, desk: XDesk) -> None:
    """Send no more, but keep reading, as a half-closed connection does."""
    await tcp_stream_of(client).send_eof()


@pytest.mark.parametrize(
    "leave",
    [vanish, vanish_inside_a_frame, vanish_inside_a_message, close_only_the_sending_side],
)
async def test_a_viewer_that_vanishes_disturbs_nobody(
    server: LiveServer, desk: XDesk, leave: Callable[[Client, XDesk], Awaitable[None]]
) -> None:
    with suppress(ExceptionGroup, KasmcoreError, trio.ClosedResourceError):
        async with connect(server.url) as client:
            await client.wait_for_picture()
            await client.send(KeyEvent(pressed=True, keysym=ord("a"), code="KeyA"))
            with trio.fail_after(30):
                while not desk.held_keycodes():
                    await trio.sleep(0.01)
            await leave(client, desk)
    await trio.to_thread.run_sync(server.wait_for_log, "viewer 1 left")
    with trio.fail_after(30):
        while desk.held_keycodes():
            await trio.sleep(0.01)
    async with witness(server, desk):
        pass


async def test_the_server_itself_keeps_a_viewer_from_what_it_has_no_right_to(
    runs: Launcher,
) -> None:
    runs.add_user("victor", "correct horse", "--read")
    server = await trio.to_thread.run_sync(partial(runs.start, base=SECURED))
    trust = Trust(insecure=True)
    with x_desk(server.display, server.authority_file) as desk:
        before = (desk.size, desk.pointer())
        async with connect(server.url, "victor", "correct horse", trust=trust) as client:
            await client.wait_for_picture()
            await client.send(PointerMoved(123, 45))
            await client.send(PointerButton(1, pressed=True, x=123, y=45))
            await client.send(KeyEvent(pressed=True, keysym=ord("a"), code="KeyA"))
            await client.send(TextTyped("typed in vain"))
            await client.send(ResizeRequested(Size(640, 480)))
            await client.send_clipboard([ClipboardItem("text/plain", b"copied in vain")])
            await client.send(Ping(7))
            await client.wait_until(lambda: client.newest(Pong) == Pong(7))
        assert (desk.size, desk.pointer()) == before
        assert desk.held_keycodes() == []
        assert desk.pasted() == ""
    assert "Traceback" not in server.log


async def test_a_viewer_that_reads_nothing_slows_nobody(server: LiveServer, desk: XDesk) -> None:
    random = np.random.default_rng(8)
    async with connect(server.url) as stalled:
        await stalled.wait_for_picture()
        stalled.stop_reading()
        async with witness(server, desk) as watching:
            window = desk.open_window(600, 400, 250, 200)
            for turn in range(20):
                window.paint(random.integers(0, 256, (400, 600, 3), np.uint8))
                await watching.check(0x010203 * turn)
        stalled.resume_reading()
        expected = desk.pixels()
        await stalled.wait_until(lambda: same_picture(stalled, expected))


def same_picture(client: Client, expected: RgbPixels) -> bool:
    shown = client.framebuffer[..., 2::-1]
    return shown.shape == expected.shape and bool((shown == expected).all())


def websocket_of(client: Client) -> trio_websocket.WebSocketConnection:
    """The WebSocket below a client, for what no client would send."""
    stream = client._stream
    assert isinstance(stream, WebSocketMessages)
    return stream.websocket


def tcp_stream_of(client: Client) -> trio.SocketStream:
    stream = websocket_of(client)._stream
    assert isinstance(stream, trio.SocketStream)
    return stream
