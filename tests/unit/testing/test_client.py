from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
import numpy as np
import pytest
import trio
from kasmcore_deflate.encoder import DeflateEncoder
from trio.testing import MockClock

from kasmcore.errors import ConnectionEnded, RemoteProtocolError
from kasmcore.interfaces.transport import Lane
from kasmcore.protocol.messages import Hello, Welcome
from kasmcore.session.handshake import open_wire_link
from kasmcore.session.wire_link import WireLink
from kasmcore.testing.client import DEFAULT_HELLO, Client, follow
from kasmcore.testing.memory_transport import Link, MemoryConnection, memory_connections
from kasmcore.testing.reference_decoders import DECODERS
from kasmcore.values.clipboard import AllowedClipboard, ClipboardItem, ClipboardOffer
from kasmcore.values.cursors import CursorImage
from kasmcore.values.frames import EncodedFrame, EncodedRectangle, FrameTimes
from kasmcore.values.geometry import Rectangle, Size
from kasmcore.values.permissions import Permission, User, ViewerInfo
from kasmcore.values.pixels import BgrxPixels
from kasmcore.values.viewer_events import ClipboardReceived, FrameFailed, FrameShown, Ping
from kasmcore.values.viewer_updates import Farewell, Notice, Pong, Severity

SIZE = Size(40, 30)
WELCOME = Welcome("0", 1, "ann", Permission.READ, ":1", tuple(DECODERS), SIZE, 1000)
VIEWER = ViewerInfo(1, User("ann", Permission.READ), "127.0.0.1", "memory")
TIMES = FrameTimes(1.0, 1.0, 1.0, 1.0, 1.0)


@attrs.frozen
class LaneStream:
    """A MessageStream on a transport's connection."""

    connection: MemoryConnection

    async def send(self, message: bytes) -> None:
        await self.connection.send(Lane.CONTROL, message)

    async def receive(self) -> bytes:
        return await self.connection.receive()


def admit(hello: Hello) -> tuple[ViewerInfo, Welcome]:
    return VIEWER, WELCOME


@asynccontextmanager
async def opened(to_client: Link | None = None) -> AsyncIterator[tuple[Client, WireLink]]:
    server_end, client_end = memory_connections(to_client)
    links: list[WireLink] = []

    async def serve() -> None:
        links.append(await open_wire_link(server_end, admit))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve)
        async with follow(LaneStream(client_end), DEFAULT_HELLO, DECODERS) as client:
            yield client, links[0]


def picture(seed: int, size: Size = SIZE) -> BgrxPixels:
    shape = (size.height, size.width, 4)
    pixels = np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
    pixels[..., 3] = 255
    return pixels


def frame_of(
    serial: int, pixels: BgrxPixels, *rectangles: Rectangle, quality: int = 100
) -> EncodedFrame:
    size = Size(width=pixels.shape[1], height=pixels.shape[0])
    parts = tuple(
        EncodedRectangle(
            place,
            "deflate",
            quality,
            DeflateEncoder().encode(pixels[place.rows, place.columns], 100),
        )
        for place in rectangles or (Rectangle.of_size(size),)
    )
    return EncodedFrame(serial, size, parts, TIMES)


async def test_the_picture_follows_the_frames_and_each_is_acknowledged() -> None:
    first, second = picture(1), picture(2)
    changed = Rectangle(5, 6, 7, 8)
    async with opened() as (client, link):
        assert client.framebuffer.shape == (30, 40, 4)
        await link.send(frame_of(1, first))
        await client.wait_for_picture()
        assert (client.framebuffer == first).all()
        await link.send(frame_of(2, second, changed))
        await client.wait_until(lambda: client.counters.frames == 2)
        expected = first.copy()
        expected[changed.rows, changed.columns] = second[changed.rows, changed.columns]
        assert (client.framebuffer == expected).all()
        for serial in (1, 2):
            shown = await link.receive()
            assert isinstance(shown, FrameShown)
            assert shown.serial == serial


async def test_a_frame_of_another_size_starts_from_black() -> None:
    size = Size(64, 20)
    corner = Rectangle(60, 10, 4, 10)
    async with opened() as (client, link):
        await link.send(frame_of(1, picture(1)))
        await link.send(frame_of(2, picture(2, size), corner))
        await client.wait_until(lambda: client.counters.frames == 2)
        assert client.picture.size == size
        assert not client.framebuffer[:, :60].any()
        assert client.framebuffer[corner.rows, corner.columns].all(axis=2).any()
        assert not client.picture.is_exact


async def test_a_frame_that_cannot_be_decoded_changes_nothing_and_is_refused() -> None:
    good = picture(1)
    bad = attrs.evolve(
        frame_of(2, picture(2)),
        rectangles=(
            *frame_of(2, picture(2)).rectangles,
            EncodedRectangle(Rectangle(0, 0, 4, 4), "webp", 80, b"junk"),
        ),
    )
    async with opened() as (client, link):
        await link.send(frame_of(1, good))
        await link.send(bad)
        await link.receive()
        failed = await link.receive()
        assert isinstance(failed, FrameFailed)
        assert (failed.serial, failed.codec) == (2, "webp")
        assert (client.framebuffer == good).all()
        assert client.counters.failed_frames == 1


async def test_a_picture_is_exact_once_every_pixel_is() -> None:
    pixels = picture(1)
    async with opened() as (client, link):
        await link.send(frame_of(1, pixels, quality=60))
        await client.wait_for_picture()
        assert not client.picture.is_exact
        await link.send(frame_of(2, pixels, Rectangle(0, 0, 40, 20)))
        await link.send(frame_of(3, pixels, Rectangle(0, 20, 40, 10)))
        await client.wait_for_exact_picture()
        assert client.counters.frames == 3


async def test_other_updates_can_be_waited_for_and_looked_up() -> None:
    cursor = CursorImage(1, 1, 0, 0, b"rgba")
    async with opened() as (client, link):
        assert client.newest(CursorImage) is None
        await link.send(cursor)
        assert await client.wait_for(CursorImage) == cursor
        await link.send(Notice(Severity.INFO, "one", ""))
        await link.send(Notice(Severity.INFO, "two", ""))
        await client.wait_until(lambda: len(client.notices) == 2)
        assert client.newest(Notice) == Notice(Severity.INFO, "two", "")


async def test_events_and_clipboards_travel_both_ways() -> None:
    items = (ClipboardItem("text/plain", b"hello"),)
    async with opened() as (client, link):
        await client.send(Ping(7))
        assert await link.receive() == Ping(7)
        await client.send_clipboard(items)
        assert await link.receive() == ClipboardReceived(ClipboardOffer(items))
        await link.send(AllowedClipboard(items))
        assert await client.wait_for(AllowedClipboard) == AllowedClipboard(items)


async def test_a_client_may_stop_to_acknowledge() -> None:
    async with opened() as (client, link):
        client.acknowledges = False
        await link.send(frame_of(1, picture(1)))
        await client.wait_for_picture()
        await client.send(Ping(1))
        assert await link.receive() == Ping(1)


async def test_a_client_may_stop_to_read_and_go_on(autojump_clock: MockClock) -> None:
    async with opened(Link(room_bytes=2000)) as (client, link):
        client.stop_reading()
        with trio.move_on_after(60) as waited:
            for serial in range(1, 9):
                await link.send(frame_of(serial, picture(serial)))
        assert waited.cancelled_caught
        assert client.counters.frames <= 1
        client.resume_reading()
        await client.wait_for_picture()


async def test_waiting_ends_with_the_servers_farewell() -> None:
    async with opened() as (client, link):
        await link.send(Farewell("the server stops", may_reconnect=True))
        with pytest.raises(ConnectionEnded, match="the server stops"):
            await client.wait_for_picture()
        assert client.has_ended
        assert client.newest(Farewell) == Farewell("the server stops", may_reconnect=True)


async def test_waiting_ends_when_the_server_breaks_the_protocol() -> None:
    server_end, client_end = memory_connections()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(open_wire_link, server_end, admit)
        async with follow(LaneStream(client_end), DEFAULT_HELLO, DECODERS) as client:
            await server_end.send(Lane.CONTROL, b"\x7f\0\0\0\0")
            with pytest.raises(RemoteProtocolError, match="0x7f"):
                await client.wait_for(Pong)


async def test_a_server_that_says_nothing_is_given_up(autojump_clock: MockClock) -> None:
    _, client_end = memory_connections()
    with pytest.raises(RemoteProtocolError, match="said nothing for 10 s"):
        async with follow(LaneStream(client_end), DEFAULT_HELLO, DECODERS):
            pass
