from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
import pytest
import trio
from trio.testing import MockClock

from kasmcore.errors import ConnectionEnded, KasmcoreError, RemoteProtocolError
from kasmcore.interfaces.transport import Lane
from kasmcore.protocol.codec import MessageEncoder
from kasmcore.protocol.connection import ClientConnection, ClientReceived
from kasmcore.protocol.messages import Hello, Welcome
from kasmcore.protocol.table import Sender
from kasmcore.session.handshake import open_wire_link
from kasmcore.session.wire_link import WireLink
from kasmcore.testing.memory_transport import Link, MemoryConnection, memory_connections
from kasmcore.values.clipboard import AllowedClipboard, ClipboardItem, ClipboardOffer
from kasmcore.values.frames import EncodedFrame, EncodedRectangle, FrameTimes
from kasmcore.values.geometry import Rectangle, Size
from kasmcore.values.permissions import Permission, User, ViewerInfo
from kasmcore.values.viewer_events import ClipboardReceived, KeysReleased, Ping
from kasmcore.values.viewer_updates import Farewell, Notice, Pong, Severity

HELLO = Hello("test", ("jpeg", "qoi", "avif"), ("clipboard", "unknown"), 800, 600, 100, True)
WELCOME = Welcome(
    server_version="0",
    viewer_id=9,
    user_name="ann",
    permissions=Permission.READ,
    desktop_name=":1",
    codecs=("deflate", "qoi", "jpeg"),
    size=Size(640, 480),
    maximum_clipboard_bytes=1000,
    features=("resize", "clipboard"),
)
VIEWER = ViewerInfo(9, User("ann", Permission.READ), "127.0.0.1", "memory")
TIMES = FrameTimes(1.0, 1.0, 1.0, 1.0, 1.0)


class TestedClient:
    """The client's end of a link, by hand."""

    __test__ = False

    def __init__(self, connection: MemoryConnection) -> None:
        self.connection = connection
        self.protocol = ClientConnection(maximum_clipboard_bytes=10**6)

    async def say(self, message: bytes) -> None:
        await self.connection.send(Lane.CONTROL, message)

    async def hear(self) -> list[ClientReceived]:
        return self.protocol.receive_data(await self.connection.receive())


def admit(hello: Hello) -> tuple[ViewerInfo, Welcome]:
    assert hello == HELLO
    return VIEWER, WELCOME


@asynccontextmanager
async def opened(to_client: Link | None = None) -> AsyncIterator[tuple[WireLink, TestedClient]]:
    server_end, client_end = memory_connections(to_client)
    client = TestedClient(client_end)
    await client.say(client.protocol.hello(HELLO))
    link = await open_wire_link(server_end, admit)
    await client.hear()
    yield link, client


async def test_the_welcome_names_what_both_sides_have_in_the_servers_order() -> None:
    server_end, client_end = memory_connections()
    client = TestedClient(client_end)
    await client.say(client.protocol.hello(HELLO))
    link = await open_wire_link(server_end, admit)
    expected = attrs.evolve(WELCOME, codecs=("qoi", "jpeg"), features=("clipboard",))
    assert await client.hear() == [expected]
    assert link.viewer == VIEWER
    assert link.abilities.codecs == ("qoi", "jpeg")
    assert link.abilities.viewport == Size(800, 600)
    assert link.abilities.wants_resize


async def test_a_frame_names_its_codecs_by_the_agreed_numbers() -> None:
    frame = EncodedFrame(
        1, Size(2, 2), (EncodedRectangle(Rectangle(0, 0, 2, 2), "jpeg", 80, b"\1"),), TIMES
    )
    async with opened() as (link, client):
        await link.send(frame)
        assert await client.hear() == [frame]


async def test_events_come_in_order_also_when_several_arrive_at_once() -> None:
    async with opened() as (link, client):
        await client.say(client.protocol.send(Ping(1)) + client.protocol.send(Ping(2)))
        await client.say(client.protocol.send(KeysReleased()))
        assert [await link.receive() for _ in range(3)] == [Ping(1), Ping(2), KeysReleased()]


async def test_a_client_that_says_nothing_is_told_and_given_up(autojump_clock: MockClock) -> None:
    server_end, client_end = memory_connections()
    began_s = trio.current_time()
    with pytest.raises(RemoteProtocolError, match="took over 10 s"):
        await open_wire_link(server_end, admit)
    assert trio.current_time() - began_s == pytest.approx(10)
    client = TestedClient(client_end)
    client.protocol.hello(HELLO)
    (farewell,) = await client.hear()
    assert isinstance(farewell, Farewell)


async def test_a_client_that_does_not_even_read_the_farewell_is_given_up(
    autojump_clock: MockClock,
) -> None:
    to_client = Link()
    to_client.stall()
    server_end, _ = memory_connections(to_client)
    with pytest.raises(RemoteProtocolError):
        await open_wire_link(server_end, admit)


async def test_without_a_common_codec_the_client_is_told_why() -> None:
    server_end, client_end = memory_connections()
    client = TestedClient(client_end)
    await client.say(client.protocol.hello(attrs.evolve(HELLO, codecs=("avif",))))
    with pytest.raises(RemoteProtocolError, match="none of the server's codecs"):
        await open_wire_link(server_end, lambda hello: (VIEWER, WELCOME))
    (farewell,) = await client.hear()
    assert isinstance(farewell, Farewell)
    assert "Use a newer browser" in farewell.reason
    assert not farewell.may_reconnect


async def test_another_protocol_version_is_told_why() -> None:
    server_end, client_end = memory_connections()
    client = TestedClient(client_end)
    await client.say(client.protocol.hello(attrs.evolve(HELLO, protocol_version=2)))
    with pytest.raises(RemoteProtocolError, match="version 2"):
        await open_wire_link(server_end, admit)
    (farewell,) = await client.hear()
    assert isinstance(farewell, Farewell)
    assert "Reload the page" in farewell.reason


async def test_why_a_viewer_is_not_admitted_reaches_the_client() -> None:
    def refuse(hello: Hello) -> tuple[ViewerInfo, Welcome]:
        raise KasmcoreError("the session is full", remedy="Try later.")

    server_end, client_end = memory_connections()
    client = TestedClient(client_end)
    await client.say(client.protocol.hello(HELLO))
    with pytest.raises(KasmcoreError, match="full"):
        await open_wire_link(server_end, refuse)
    assert await client.hear() == [Farewell("the session is full. Try later.", False)]


async def test_a_client_that_vanishes_in_the_handshake_ends_it() -> None:
    server_end, client_end = memory_connections()
    client_end.vanish()
    with pytest.raises(ConnectionEnded):
        await open_wire_link(server_end, admit)


async def test_clipboards_travel_both_ways() -> None:
    items = (ClipboardItem("text/plain", b"x" * 500),)
    async with opened() as (link, client):
        for message in client.protocol.clipboard_messages(items):
            await client.say(message)
        assert await link.receive() == ClipboardReceived(ClipboardOffer(items))
        await link.send(AllowedClipboard(items))
        assert await client.hear() == []
        assert await client.hear() == [AllowedClipboard(items)]


async def test_a_clipboard_that_is_too_large_is_noticed_and_the_rest_goes_on() -> None:
    async with opened() as (link, client):
        items = (ClipboardItem("text/plain", b"x" * 1001),)
        for message in client.protocol.clipboard_messages(items):
            await client.say(message)
        await client.say(client.protocol.send(Ping(4)))
        assert await link.receive() == Ping(4)
        (notice,) = await client.hear()
        assert isinstance(notice, Notice)
        assert notice.topic == "clipboard_too_large"
        assert "1001" in notice.text


async def test_other_updates_pass_between_the_chunks_of_a_clipboard(
    autojump_clock: MockClock,
) -> None:
    slow = Link(bytes_per_s=2**16, room_bytes=2**16)
    heard: list[ClientReceived] = []
    async with opened(slow) as (link, client), trio.open_nursery() as nursery:
        contents = AllowedClipboard((ClipboardItem("text/plain", b"x" * 2**18),))
        nursery.start_soon(link.send, contents)
        await trio.sleep(0.1)
        nursery.start_soon(link.send, Pong(1))
        while len(heard) < 2:
            heard += await client.hear()
    assert heard == [Pong(1), contents]


async def test_newer_clipboard_contents_end_the_transfer_of_older_ones(
    autojump_clock: MockClock,
) -> None:
    slow = Link(bytes_per_s=2**16, room_bytes=2**16)
    old = AllowedClipboard((ClipboardItem("text/plain", b"old" * 2**17),))
    new = AllowedClipboard((ClipboardItem("text/plain", b"new"),))
    async with opened(slow) as (link, client), trio.open_nursery() as nursery:
        nursery.start_soon(link.send, old)
        await trio.sleep(1.5)
        nursery.start_soon(link.send, new)
        heard: list[ClientReceived] = []
        while not heard:
            heard += await client.hear()
    assert heard == [new]


async def test_malformed_bytes_break_the_protocol() -> None:
    async with opened() as (link, client):
        await client.say(b"\x7f\0\0\0\0")
        with pytest.raises(RemoteProtocolError, match="0x7f"):
            await link.receive()


async def test_nothing_is_sent_after_a_farewell() -> None:
    async with opened() as (link, client):
        await link.send(Farewell("bye", may_reconnect=True))
        with pytest.raises(ConnectionEnded):
            await link.send(Notice(Severity.INFO, "late", ""))
        with pytest.raises(ConnectionEnded):
            await link.send(AllowedClipboard((ClipboardItem("text/plain", b"late"),)))
        assert await client.hear() == [Farewell("bye", may_reconnect=True)]


async def test_messages_before_the_welcome_end_the_handshake() -> None:
    server_end, client_end = memory_connections()
    client = TestedClient(client_end)
    early = MessageEncoder(Sender.CLIENT).encode(Ping(1))
    await client.say(early)
    with pytest.raises(RemoteProtocolError, match="Ping came before Hello"):
        await open_wire_link(server_end, admit)
