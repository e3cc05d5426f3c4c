"""The transport webtransport, over UDP on this machine."""

from __future__ import annotations

import pytest
import trio

from kasmcore.api import ConnectionEnded, Lane
from tests.plugins.transports.quic_client import running
from tests.plugins.transports.webtransport_host import FakeHost, config_with, joined, listening

POINTER = b"\x13"
SHOWN = b"\x02"


async def test_control_units_go_both_ways_in_order():
    async with listening() as site, joined(site) as client:
        for number in range(20):
            await client.send_control(bytes((0x20, number)) * 100)
        for number in range(20):
            assert await site.connection.receive() == bytes((0x20, number)) * 100
            await site.connection.send(Lane.CONTROL, bytes((number,)) * 1000)
        await client.until(lambda: len(client.control_received()) == 20)
        assert client.control_received()[7] == bytes((7,)) * 1000
        assert site.host.addresses == ["127.0.0.1"]


async def test_each_frame_comes_on_a_stream_of_its_own():
    async with listening() as site, joined(site) as client:
        frames = [bytes((serial,)) * 50_000 for serial in range(10)]
        for serial, frame in enumerate(frames):
            await site.connection.send_frame(serial, frame)
        await client.until(lambda: len(client.frames_received()) == 10)
        assert client.frames_received() == frames


async def test_a_dropped_frame_is_cut_off():
    async with listening() as site, joined(site) as client:
        client.is_deaf = True
        async with trio.open_nursery() as nursery:
            nursery.start_soon(site.connection.send_frame, 1, bytes(3_000_000))
            await trio.sleep(0.1)
            site.connection.drop_frame(1)
        client.is_deaf = False
        await site.connection.send_frame(2, b"newer")
        await client.until(lambda: b"newer" in client.frames_received())
        assert client.frames_received() == [b"newer"]
        site.connection.drop_frame(2)
        site.connection.drop_frame(77)


async def test_control_overtakes_frames_and_bulk():
    async with listening() as site, joined(site) as client:
        await client.send_control(b"\x20hello")
        await site.connection.receive()
        client.is_deaf = True
        async with trio.open_nursery() as nursery:
            nursery.start_soon(site.connection.send, Lane.BULK, bytes(1_000_000))
            nursery.start_soon(site.connection.send_frame, 1, bytes(3_000_000))
            await trio.sleep(0.05)
            nursery.start_soon(site.connection.send, Lane.CONTROL, b"urgent")
            await trio.sleep(0.05)
            client.is_deaf = False
            await client.until(lambda: client.control_received() == [b"urgent"])
            assert client.frames_received() == []
            await client.until(lambda: len(client.frames_received()) == 1)
            assert client.bulk_received() == []
            await client.until(lambda: len(client.bulk_received()) == 1)


async def test_bulk_of_the_client_waits_for_the_session():
    async with listening() as site, joined(site) as client:
        for number in range(60):
            await client.send_bulk(bytes((number,)) * 100_000)
        await trio.sleep(0.5)
        received = 0
        for number in range(60):
            unit = await site.connection.receive()
            assert unit == bytes((number,)) * 100_000
            received += len(unit)
        assert received == 6_000_000


async def test_motion_waits_for_the_control_that_was_before_it_and_only_the_newest_counts():
    async with listening() as site, joined(site) as client:
        await client.send_control(b"\x20first")
        assert await site.connection.receive() == b"\x20first"
        await client.send_loose(POINTER + b"a")
        assert await site.connection.receive() == POINTER + b"a"
        await client.send_loose(POINTER + b"b", control_units=2)
        await client.send_loose(POINTER + b"c", control_units=2)
        await client.send_loose(SHOWN + b"ack", control_units=2)
        assert await site.connection.receive() == SHOWN + b"ack"
        await client.send_control(b"\x20press")
        assert await site.connection.receive() == b"\x20press"
        assert await site.connection.receive() == POINTER + b"c"


async def test_a_farewell_arrives_before_the_end():
    async with listening() as site, joined(site) as client:
        await client.send_control(b"\x20hello")
        await site.connection.receive()
        await site.connection.send(Lane.CONTROL, b"farewell")
        await site.connection.aclose("the server stops")
        await client.until(lambda: client.closed_by_server)
        assert client.control_received() == [b"farewell"]
        with pytest.raises(ConnectionEnded):
            await site.connection.send(Lane.CONTROL, b"more")
        with pytest.raises(ConnectionEnded):
            await site.connection.receive()


async def test_a_client_that_closes_ends_in_order():
    async with listening() as site, joined(site) as client:
        await client.send_control(b"\x20last")
        client.quic.send_stream_data(client.session_id, b"", end_stream=True)
        await client.settle()
        assert await site.connection.receive() == b"\x20last"
        with pytest.raises(ConnectionEnded) as caught:
            await site.connection.receive()
        assert caught.value.is_in_order


async def test_a_client_that_breaks_off_does_not_end_in_order():
    async with listening() as site, joined(site) as client:
        await client.send_control(b"\x20last")
        await site.connection.receive()
        client.quic.close(error_code=0x107)
        await client.settle()
        with pytest.raises(ConnectionEnded) as caught:
            await site.connection.receive()
        assert not caught.value.is_in_order


async def test_the_session_goes_on_when_the_client_has_another_port():
    async with listening() as site, joined(site) as client:
        await client.send_control(b"\x20before")
        await site.connection.receive()
        client.move()
        await client.send_control(b"\x20after")
        assert await site.connection.receive() == b"\x20after"
        await site.connection.send_frame(1, bytes(200_000))
        await client.until(lambda: client.frames_received() == [bytes(200_000)])
        assert len(site.host.connections) == 1


async def test_the_path_is_measured():
    async with listening() as site, joined(site) as client:
        await site.connection.send_frame(1, bytes(100_000))
        await client.until(lambda: client.frames_received())
        path = site.connection.path
        assert path is not None
        assert 0 < path.shortest_round_trip_s < 1
        assert path.unsent_bytes == 0


@pytest.mark.parametrize(
    ("path", "origin", "status"),
    [
        (b"/elsewhere", b"https://127.0.0.1:8443", 404),
        (b"/transports/webtransport", b"https://evil.example", 403),
        (b"/transports/webtransport", None, 200),
    ],
)
async def test_other_paths_and_pages_are_refused(path, origin, status):
    async with listening() as site, running(await site.port()) as client:
        await client.connect()
        assert await client.open_session(path, origin) == status


async def test_a_second_session_on_the_same_connection_is_refused():
    async with listening() as site, joined(site) as client:
        assert await client.open_session() == 429


async def test_no_ticket_for_an_early_start_is_given():
    tickets = []
    async with listening() as site, running(await site.port()) as client:
        client.quic._session_ticket_handler = tickets.append
        await client.connect()
        assert await client.open_session() == 200
    assert tickets == []


async def test_the_route_tells_host_port_and_hashes():
    host = FakeHost(config=config_with(public_port=4433))
    async with listening(host) as site:
        address = await site.address()
        assert address["url"] == "https://desk.example:4433/transports/webtransport"
        assert len(address["certificate_hashes"]) == 1
        response = await site.ask("[::1]:8443")
        assert b"https://[::1]:4433/" in response.body


async def test_a_port_that_is_taken_leaves_the_transport_out(caplog):
    async with listening() as site:
        port = await site.port()
        async with listening(FakeHost(port=port)) as second:
            response = await second.ask()
            assert response.status == 503
            assert b"cannot be opened" in response.body
            assert "not available here" in caplog.text


async def test_a_frame_waits_for_the_network_to_take_it():
    async with listening() as site, joined(site) as client:
        client.is_deaf = True
        with trio.move_on_after(0.3) as patience:
            await site.connection.send_frame(1, bytes(5_000_000))
        assert patience.cancelled_caught
        assert site.connection.path is not None
        assert site.connection.path.unsent_bytes > 1_000_000


async def test_after_an_interruption_the_newest_frame_comes():
    async with listening() as site, joined(site) as client:
        await site.connection.send_frame(1, bytes(50_000))
        await client.until(lambda: len(client.frames_received()) == 1)
        client.is_deaf = True
        async with trio.open_nursery() as nursery:
            nursery.start_soon(site.connection.send_frame, 2, bytes(400_000))
            await trio.sleep(2)
            client.is_deaf = False
            site.connection.drop_frame(2)
            nursery.start_soon(site.connection.send_frame, 3, b"current" * 1000)
            await client.until(lambda: b"current" * 1000 in client.frames_received())
