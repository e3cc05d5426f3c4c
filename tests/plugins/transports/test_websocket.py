from __future__ import annotations

import socket
from contextlib import suppress
from functools import partial

import pytest
import trio
import trio_websocket
from kasmcore_websocket import kasmcore_register_transports
from kasmcore_websocket.connection import MAXIMUM_INCOMING_BYTES
from kasmcore_websocket.lanes import LaneWriter
from kasmcore_websocket.transport import PATH, SUBPROTOCOL, WebSocketTransport

from kasmcore.api import AsgiMessage, Connection, ConnectionEnded, Lane, RemoteProtocolError
from tests.plugins.transports.websocket_host import connect, hypercorn_host


async def echo(connection: Connection) -> None:
    try:
        while True:
            await connection.send(Lane.CONTROL, await connection.receive())
    except ConnectionEnded:
        return


def test_the_plugin_offers_one_transport_at_its_path() -> None:
    (spec,) = kasmcore_register_transports()
    assert spec.name == "websocket"
    assert list(WebSocketTransport().websocket_routes()) == ["transports/websocket"]


async def test_listening_is_left_to_the_shared_port() -> None:
    async with trio.open_nursery() as nursery:
        await nursery.start(partial(WebSocketTransport().listen, None))  # type: ignore[arg-type]


async def test_messages_of_any_size_come_through_unchanged() -> None:
    messages = [b"", b"\0", bytes(range(256)) * 500]
    async with hypercorn_host(echo) as port, connect(port) as client:
        for message in messages:
            await client.send_message(message)
            assert await client.get_message() == message


async def test_a_frame_of_16_mib_comes_through_unchanged() -> None:
    frame = bytes(range(256)) * 2**16

    async def send_frame(connection: Connection) -> None:
        await connection.send(Lane.FRAMES, frame)

    async with hypercorn_host(send_frame) as port, connect(port) as client:
        assert await client.get_message() == frame


async def test_a_peer_of_another_protocol_is_refused() -> None:
    async with hypercorn_host(echo) as port:
        with pytest.raises(trio_websocket.ConnectionRejected) as refused:
            async with connect(port, "kasmcore.v0"):
                pass
    assert refused.value.status_code == 400
    assert b"kasmcore.v1" in (refused.value.body or b"")


async def test_text_breaks_the_protocol() -> None:
    seen: list[Exception] = []

    async def note_error(connection: Connection) -> None:
        try:
            await connection.receive()
        except RemoteProtocolError as error:
            seen.append(error)

    async with hypercorn_host(note_error) as port, connect(port) as client:
        await client.send_message("text")
        with pytest.raises(trio_websocket.ConnectionClosed):
            await client.get_message()
    assert str(seen[0]) == "the viewer sent a text message"


async def test_a_message_that_is_too_long_ends_the_connection() -> None:
    ended = trio.Event()

    async def wait_for_end(connection: Connection) -> None:
        with pytest.raises(ConnectionEnded):
            await connection.receive()
        ended.set()

    async with hypercorn_host(wait_for_end) as port, connect(port) as client:
        await client.send_message(bytes(MAXIMUM_INCOMING_BYTES + 1))
        with pytest.raises(trio_websocket.ConnectionClosed):
            await client.get_message()
        await ended.wait()


async def test_a_client_that_vanishes_ends_the_connection_for_good() -> None:
    finished = trio.Event()

    async def receive_until_end(connection: Connection) -> None:
        for _ in range(2):
            with pytest.raises(ConnectionEnded):
                await connection.receive()
        with pytest.raises(ConnectionEnded):
            await connection.send(Lane.CONTROL, b"late")
        finished.set()

    async with hypercorn_host(receive_until_end) as port:
        async with connect(port) as client:
            client._stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0" * 2)
            await trio.aclose_forcefully(client._stream)
        await finished.wait()


async def test_the_reason_of_a_close_reaches_the_peer() -> None:
    async def close(connection: Connection) -> None:
        await connection.aclose("signed out " + "ä" * 100)
        await connection.aclose("again")
        with pytest.raises(ConnectionEnded):
            await connection.send(Lane.CONTROL, b"late")
        with pytest.raises(ConnectionEnded):
            await connection.receive()

    async with hypercorn_host(close) as port, connect(port) as client:
        with pytest.raises(trio_websocket.ConnectionClosed) as closed:
            await client.get_message()
    assert closed.value.reason is not None
    assert closed.value.reason.code == 1000
    assert closed.value.reason.reason == "signed out " + "ä" * 56


async def test_closing_wakes_a_task_that_receives() -> None:
    async def close_under_receiver(connection: Connection) -> None:
        async def receive() -> None:
            with pytest.raises(ConnectionEnded):
                await connection.receive()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(receive)
            await trio.testing.wait_all_tasks_blocked()
            await connection.aclose("enough")

    async with hypercorn_host(close_under_receiver) as port, connect(port) as client:
        with pytest.raises(trio_websocket.ConnectionClosed):
            await client.get_message()


async def raw_client(port: int) -> trio.SocketStream:
    """A client that has shaken hands and reads nothing from then on."""
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    await stream.send_all(
        f"GET /{PATH} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        f"Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n".encode()
    )
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += await stream.receive_some(1)
    return stream


async def test_a_peer_that_stops_reading_makes_send_wait_and_is_cut_when_given_up() -> None:
    sent, given_up = 0, trio.Event()

    async def flood(connection: Connection) -> None:
        nonlocal sent
        with trio.move_on_after(0.3):
            while sent < 64:
                await connection.send(Lane.FRAMES, bytes(2**20))
                sent += 1

    async with hypercorn_host(flood, handler_ended=given_up) as port:
        stream = await raw_client(port)
        await given_up.wait()
        received = 0
        with suppress(trio.BrokenResourceError):
            while chunk := await stream.receive_some(2**20):
                received += len(chunk)
        await stream.aclose()
    assert sent < 64
    assert received < (sent + 1) * 2**20


async def test_a_sender_can_be_cancelled_while_the_peer_reads_nothing() -> None:
    cancelled = trio.Event()

    async def flood(connection: Connection) -> None:
        with trio.move_on_after(0.2) as scope:
            await connection.send(Lane.FRAMES, bytes(2**24))
            await connection.send(Lane.FRAMES, bytes(2**24))
        assert scope.cancelled_caught
        cancelled.set()

    async with hypercorn_host(flood) as port:
        stream = await raw_client(port)
        await cancelled.wait()
        await stream.aclose()


class SlowWire:
    """Takes a message only when told to."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.may_write = trio.Semaphore(0)

    async def write(self, event: AsgiMessage) -> None:
        await self.may_write.acquire()
        self.written.append(event.get("bytes", b"close"))


async def test_the_most_urgent_lane_goes_first() -> None:
    wire = SlowWire()
    writer = LaneWriter(wire.write)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(writer.run)
        nursery.start_soon(writer.send, Lane.BULK, b"first, as it came alone")
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(writer.send, Lane.BULK, b"bulk")
        nursery.start_soon(writer.send, Lane.FRAMES, b"frame")
        nursery.start_soon(writer.send, Lane.CONTROL, b"control")
        await trio.testing.wait_all_tasks_blocked()
        for _ in range(4):
            wire.may_write.release()
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert wire.written == [b"first, as it came alone", b"control", b"frame", b"bulk"]


async def test_a_message_cancelled_before_its_turn_is_never_sent() -> None:
    wire = SlowWire()
    writer = LaneWriter(wire.write)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(writer.run)
        nursery.start_soon(writer.send, Lane.CONTROL, b"control")
        await trio.testing.wait_all_tasks_blocked()
        with trio.move_on_after(0):
            await writer.send(Lane.FRAMES, b"stale frame")
        wire.may_write.release()
        wire.may_write.release()
        await writer.send(Lane.FRAMES, b"new frame")
        nursery.cancel_scope.cancel()
    assert wire.written == [b"control", b"new frame"]


async def test_messages_of_one_lane_keep_their_order() -> None:
    wire = SlowWire()
    writer = LaneWriter(wire.write)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(writer.run)
        for number in range(20):
            nursery.start_soon(writer.send, Lane.BULK, bytes([number]))
            await trio.testing.wait_all_tasks_blocked()
        for _ in range(20):
            wire.may_write.release()
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert wire.written == [bytes([number]) for number in range(20)]


async def test_closing_refuses_what_waits_and_is_written_last() -> None:
    wire = SlowWire()
    writer = LaneWriter(wire.write)

    async def refused() -> None:
        with pytest.raises(ConnectionEnded):
            await writer.send(Lane.FRAMES, b"frame")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(writer.run)
        nursery.start_soon(writer.send, Lane.BULK, b"bulk")
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(refused)
        await trio.testing.wait_all_tasks_blocked()
        wire.may_write.release()
        wire.may_write.release()
        await writer.close({"type": "websocket.close"})
        nursery.cancel_scope.cancel()
    assert wire.written == [b"bulk", b"close"]
