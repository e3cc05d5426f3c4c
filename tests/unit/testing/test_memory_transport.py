"""The link in memory takes as long as its rate says, stalls when told and lets the urgent pass."""

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from kasmcore.api import ConnectionEnded, Lane, RemoteProtocolError
from kasmcore.testing import Link, memory_connections


async def test_a_message_takes_its_time_on_a_slow_link(autojump_clock: MockClock) -> None:
    server, client = memory_connections(to_client=Link(bytes_per_s=1000, delay_s=0.5))
    start_s = trio.current_time()
    await server.send(Lane.FRAMES, bytes(2000))
    assert trio.current_time() - start_s == pytest.approx(2.0)
    await client.receive()
    assert trio.current_time() - start_s == pytest.approx(2.5)


async def test_a_stalled_link_takes_nothing_until_it_resumes(autojump_clock: MockClock) -> None:
    link = Link()
    server, client = memory_connections(to_client=link)
    link.stall()
    with trio.move_on_after(3600) as waiting:
        await server.send(Lane.CONTROL, b"lost by cancelling")
    assert waiting.cancelled_caught
    async with trio.open_nursery() as nursery:
        nursery.start_soon(server.send, Lane.CONTROL, b"later")
        await trio.testing.wait_all_tasks_blocked()
        link.resume()
        assert await client.receive() == b"later"


async def test_a_full_link_makes_send_wait_and_holds_no_more(autojump_clock: MockClock) -> None:
    link = Link(room_bytes=1000)
    server, client = memory_connections(to_client=link)
    await server.send(Lane.FRAMES, bytes(600))
    with trio.move_on_after(10) as waiting:
        await server.send(Lane.FRAMES, bytes(600))
    assert waiting.cancelled_caught
    assert link.under_way_bytes == 600
    await client.receive()
    await server.send(Lane.FRAMES, bytes(5000))
    assert len(await client.receive()) == 5000


async def test_the_urgent_lane_goes_first_among_those_that_wait(autojump_clock: MockClock) -> None:
    link = Link(bytes_per_s=100)
    server, client = memory_connections(to_client=link)
    link.stall()
    async with trio.open_nursery() as nursery:
        for lane in (Lane.BULK, Lane.FRAMES, Lane.CONTROL):
            nursery.start_soon(server.send, lane, lane.name.encode())
            await trio.testing.wait_all_tasks_blocked()
        link.resume()
        arrived = [await client.receive() for _ in range(3)]
    assert arrived == [b"CONTROL", b"FRAMES", b"BULK"]


async def test_a_client_that_vanishes_ends_both_directions() -> None:
    server, client = memory_connections()
    client.vanish()
    with pytest.raises(ConnectionEnded, match="vanished"):
        await server.receive()
    with pytest.raises(ConnectionEnded):
        await server.send(Lane.CONTROL, b"hello?")


async def test_what_was_sent_before_the_end_still_arrives() -> None:
    server, client = memory_connections()
    await server.send(Lane.CONTROL, b"last words")
    await server.aclose("done")
    assert await client.receive() == b"last words"
    with pytest.raises(ConnectionEnded, match="done"):
        await client.receive()
    with pytest.raises(ConnectionEnded):
        await server.send(Lane.CONTROL, b"more")


async def test_a_message_that_is_too_long_breaks_the_protocol() -> None:
    server, client = memory_connections()
    await client.send(Lane.CONTROL, bytes(16 * 1024 * 1024 + 1))
    with pytest.raises(RemoteProtocolError):
        await server.receive()
