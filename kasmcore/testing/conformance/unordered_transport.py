"""What connections must hold that carry each frame on its own, beside ``TransportConformance``."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

import pytest
import trio

from kasmcore.errors import ConnectionEnded
from kasmcore.interfaces.transport import Connection, Lane, UnorderedConnection

PATIENCE_S = 20.0


@pytest.mark.trio
class UnorderedTransportConformance:
    """Subclass it, override ``connect``; it needs pytest-trio and a link that loses nothing."""

    def connect(self) -> AbstractAsyncContextManager[tuple[Connection, Connection]]:
        """Open a connection; give the server's end and an adapter for the client's end."""
        raise NotImplementedError("override connect")

    @pytest.mark.parametrize("size", [1, 1100, 1101, 65_536, 1_000_000])
    async def test_a_frame_arrives_whole(self, size: int) -> None:
        unit = bytes(range(256)) * (size // 256) + bytes(size % 256)
        with trio.fail_after(PATIENCE_S):
            async with self.connect() as (server, client), trio.open_nursery() as nursery:
                assert isinstance(server, UnorderedConnection)
                nursery.start_soon(server.send_frame, 1, unit)
                assert await client.receive() == unit

    async def test_frames_and_control_run_beside_each_other(self) -> None:
        with trio.fail_after(PATIENCE_S):
            async with self.connect() as (server, client), trio.open_nursery() as nursery:
                assert isinstance(server, UnorderedConnection)
                for serial in range(1, 6):
                    nursery.start_soon(server.send_frame, serial, b"frame %d" % serial)
                    nursery.start_soon(server.send, Lane.CONTROL, b"control %d" % serial)
                arrived = {await client.receive() for _ in range(10)}
        expected = {b"%s %d" % (kind, n) for kind in (b"frame", b"control") for n in range(1, 6)}
        assert arrived == expected

    async def test_dropping_is_safe_for_what_arrived_and_what_is_unknown(self) -> None:
        with trio.fail_after(PATIENCE_S):
            async with self.connect() as (server, client), trio.open_nursery() as nursery:
                assert isinstance(server, UnorderedConnection)
                nursery.start_soon(server.send_frame, 1, b"one")
                assert await client.receive() == b"one"
                server.drop_frame(1)
                server.drop_frame(99)
                nursery.start_soon(server.send_frame, 2, b"two")
                assert await client.receive() == b"two"

    async def test_a_peer_that_closed_ends_send_frame(self) -> None:
        with trio.fail_after(PATIENCE_S):
            async with self.connect() as (server, client):
                assert isinstance(server, UnorderedConnection)
                await client.aclose("done")
                with pytest.raises(ConnectionEnded):
                    await _send_frames_for_ever(server)


async def _send_frames_for_ever(connection: UnorderedConnection) -> None:
    serial = 0
    while True:
        serial += 1
        await connection.send_frame(serial, bytes(1000))
        await trio.sleep(0)
