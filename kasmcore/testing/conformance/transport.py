"""What every transport's connections must hold. These tests run in real time, on real sockets."""

from __future__ import annotations

import itertools
from contextlib import AbstractAsyncContextManager

import pytest
import trio

from kasmcore.errors import ConnectionEnded
from kasmcore.interfaces.transport import Connection, Lane, UnorderedConnection

PATIENCE_S = 20.0
MANY_BYTES = 64 * 1024 * 1024
_SERIALS = itertools.count(1)


def message_of(number: int, size: int = 16) -> bytes:
    """Return a message of this size that starts with its number."""
    return number.to_bytes(8, "big") + bytes(max(0, size - 8))


def number_of(message: bytes) -> int:
    """Return the number of such a message."""
    return int.from_bytes(message[:8], "big")


async def send(connection: Connection, lane: Lane, message: bytes) -> None:
    """Send as the session does: where frames may overtake each other, each by its serial."""
    if lane is Lane.FRAMES and isinstance(connection, UnorderedConnection):
        await connection.send_frame(next(_SERIALS), message)
    else:
        await connection.send(lane, message)


@pytest.mark.trio
class TransportConformance:
    """Subclass it, override ``connect``; it needs pytest-trio.

    Attributes:
        holds_at_most_bytes: how much a connection may hold for a peer that does not read, before
            ``send`` waits; buffers of sockets count.
        longest_client_message: bytes that a client may send at once; the protocol needs this much.
    """

    holds_at_most_bytes = 16 * 1024 * 1024
    longest_client_message = 64 * 1024 + 14

    def connect(self) -> AbstractAsyncContextManager[tuple[Connection, Connection]]:
        """Open a connection; give the server's end and an adapter for the client's end."""
        raise NotImplementedError("override connect")

    async def test_a_connection_names_its_transport(self) -> None:
        async with self.connect() as (server, _client):
            assert server.transport

    @pytest.mark.parametrize("size", [1, 125, 126, 65535, 65536, 1_000_000, 16 * 1024 * 1024])
    async def test_a_message_arrives_whole(self, size: int) -> None:
        message = bytes(range(256)) * (size // 256) + bytes(size % 256)
        with trio.fail_after(PATIENCE_S):
            async with self.connect() as (server, client), trio.open_nursery() as nursery:
                for lane in Lane:
                    nursery.start_soon(send, server, lane, message)
                    assert await client.receive() == message
                from_client = message[: self.longest_client_message]
                nursery.start_soon(client.send, Lane.CONTROL, from_client)
                assert await server.receive() == from_client

    async def test_each_lane_keeps_its_order_and_loses_nothing(self) -> None:
        count = 200

        async def send_all(server: Connection, lane: Lane) -> None:
            for number in range(count):
                await send(server, lane, message_of(lane * count + number, 100 + number * 7))

        with trio.fail_after(PATIENCE_S):
            async with self.connect() as (server, client), trio.open_nursery() as nursery:
                for lane in Lane:
                    nursery.start_soon(send_all, server, lane)
                numbers = [number_of(await client.receive()) for _ in range(count * len(Lane))]
                is_unordered = isinstance(server, UnorderedConnection)
        for lane in Lane:
            mine = [number for number in numbers if number // count == lane]
            if lane is Lane.FRAMES and is_unordered:
                mine.sort()
            assert mine == list(range(lane * count, (lane + 1) * count))

    async def test_both_directions_run_at_once(self) -> None:
        async def exchange(mine: Connection, answers: list[int]) -> None:
            for number in range(100):
                await mine.send(Lane.CONTROL, message_of(number, 2000))
                answers.append(number_of(await mine.receive()))

        at_server: list[int] = []
        at_client: list[int] = []
        with trio.fail_after(PATIENCE_S):
            async with self.connect() as (server, client), trio.open_nursery() as nursery:
                nursery.start_soon(exchange, server, at_server)
                nursery.start_soon(exchange, client, at_client)
        assert at_server == at_client == list(range(100))

    async def test_a_peer_that_does_not_read_makes_send_wait(self) -> None:
        sent_bytes = 0
        chunk = bytes(64 * 1024)
        async with self.connect() as (server, _client):
            while sent_bytes < MANY_BYTES:
                with trio.move_on_after(0.5) as patience:
                    await send(server, Lane.FRAMES, chunk)
                if patience.cancelled_caught:
                    break
                sent_bytes += len(chunk)
        assert sent_bytes <= self.holds_at_most_bytes

    async def test_an_urgent_message_overtakes_those_that_wait(self) -> None:
        count = self.holds_at_most_bytes // (256 * 1024) + 40

        async def send_bulk(server: Connection) -> None:
            for number in range(1, count + 1):
                await server.send(Lane.BULK, message_of(number, 256 * 1024))

        with trio.fail_after(PATIENCE_S):
            async with self.connect() as (server, client), trio.open_nursery() as nursery:
                nursery.start_soon(send_bulk, server)
                await trio.sleep(0.5)  # until the network takes no more
                nursery.start_soon(server.send, Lane.CONTROL, message_of(0))
                numbers = [number_of(await client.receive()) for _ in range(count + 1)]
        assert numbers.index(0) < count
        assert [number for number in numbers if number] == list(range(1, count + 1))

    async def test_cancelling_receive_loses_nothing(self) -> None:
        with trio.fail_after(PATIENCE_S):
            async with self.connect() as (server, client):
                for _ in range(5):
                    with trio.move_on_after(0.01):
                        await server.receive()
                await client.send(Lane.CONTROL, message_of(7))
                assert number_of(await server.receive()) == 7

    async def test_a_peer_that_closed_ends_receive_and_send(self) -> None:
        with trio.fail_after(PATIENCE_S):
            async with self.connect() as (server, client):
                await client.aclose("done")
                with pytest.raises(ConnectionEnded):
                    await server.receive()
                with pytest.raises(ConnectionEnded):
                    await _send_for_ever(server)

    async def test_closing_twice_is_fine_and_what_was_sent_arrives(self) -> None:
        with trio.fail_after(PATIENCE_S):
            async with self.connect() as (server, client), trio.open_nursery() as nursery:
                await server.send(Lane.CONTROL, message_of(1))
                nursery.start_soon(server.aclose, "bye")
                assert number_of(await client.receive()) == 1
                with pytest.raises(ConnectionEnded):
                    await client.receive()
                await server.aclose("bye again")

    async def test_one_connection_says_nothing_to_another(self) -> None:
        with trio.fail_after(PATIENCE_S):
            async with self.connect() as first, self.connect() as second:
                await first[0].send(Lane.CONTROL, message_of(1))
                await second[0].send(Lane.CONTROL, message_of(2))
                assert number_of(await second[1].receive()) == 2
                assert number_of(await first[1].receive()) == 1


async def _send_for_ever(connection: Connection) -> None:
    while True:
        await connection.send(Lane.CONTROL, message_of(1))
