from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from collections.abc import Iterator

import pytest
import trio
from kasmcore_webrtc import kasmcore_register_transports, usable_back_end
from kasmcore_webrtc import transport as transport_module
from kasmcore_webrtc.connection import WebRtcConnection
from kasmcore_webrtc.settings import WebRtcSettings

from kasmcore.api import (
    Connection,
    ConnectionEnded,
    Lane,
    PluginUnavailable,
    RemoteProtocolError,
    ServerConfig,
)
from tests.plugins.transports.webrtc_client import WebRtcClient, in_loop, loop_in_thread
from tests.plugins.transports.webrtc_host import Site, config_with, listening

PATIENCE_S = 30.0
Loop = asyncio.AbstractEventLoop


@pytest.fixture
def loop() -> Iterator[Loop]:
    with loop_in_thread() as loop:
        yield loop


async def echo(connection: Connection) -> None:
    try:
        while True:
            await connection.send(Lane.CONTROL, await connection.receive())
    except ConnectionEnded:
        return


class Ends:
    """Keeps a connection for the test, and says how its ``receive`` ended."""

    def __init__(self) -> None:
        self.sender, self.connections = trio.open_memory_channel[WebRtcConnection](9)
        self.ends: list[str] = []
        self.ended = trio.Event()

    async def serve(self, connection: Connection) -> None:
        assert isinstance(connection, WebRtcConnection)
        self.sender.send_nowait(connection)
        try:
            while True:
                await connection.receive()
        except (ConnectionEnded, RemoteProtocolError) as error:
            self.ends.append(error.what)
        self.ended.set()


def test_the_plugin_offers_one_transport() -> None:
    (spec,) = kasmcore_register_transports(ServerConfig())
    assert spec.name == "webrtc"


def test_a_missing_library_is_named_with_the_way_to_get_it() -> None:
    with pytest.raises(PluginUnavailable, match="webrtc") as missing:
        usable_back_end("no_such_library")
    assert "pip install 'kasmcore[webrtc]'" in str(missing.value)


async def test_units_of_any_size_come_through_unchanged(loop: Loop) -> None:
    units = [b"\0", bytes(range(256)) * 500]
    with trio.fail_after(PATIENCE_S):
        async with listening(echo) as site:
            client = WebRtcClient(loop)
            await client.connect(site.answer)
            for unit in units:
                await client.send(Lane.CONTROL, unit)
                assert await client.receive() == unit
            await client.aclose("done")


async def test_frames_arrive_with_their_serials_and_dropped_ones_end_early(loop: Loop) -> None:
    ends = Ends()
    with trio.fail_after(PATIENCE_S):
        async with listening(ends.serve) as site:
            client = WebRtcClient(loop)
            await client.connect(site.answer)
            server = await ends.connections.receive()
            assert server.frames_may_be_lost
            await server.send_frame(7, b"frame")
            assert await client.receive() == b"frame"
            async with trio.open_nursery() as nursery:
                nursery.start_soon(server.send_frame, 8, bytes(16 * 2**20))
                nursery.start_soon(server.send_frame, 9, bytes(16 * 2**20))
                await trio.sleep(0.1)
                for serial in (9, 8, 8, 1):
                    server.drop_frame(serial)
            await server.send_frame(10, b"next")
            while client.frames[-1] != 10:
                await client.receive()
            assert client.frames == [7, 10]
            assert server.path is not None
            await client.aclose("done")


async def test_servers_are_told_to_the_browser_and_nothing_is_kept_by_it() -> None:
    async with listening(echo, config_with(stun_server="stun.example")) as site:
        response = await site.ask("GET", "")
    assert json.loads(response.body) == {"ice_servers": [{"urls": "stun:stun.example:3478"}]}
    assert ("cache-control", "no-store") in response.headers


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"sdp": 1}',
        b'{"sdp": "v=0"}',
        b"[" * 100_000,
        b'{"sdp": "%s"}' % (b"x" * 20_000),
    ],
)
async def test_garbage_is_refused_before_any_process_starts(body: bytes) -> None:
    async with listening(echo) as site:
        response = await site.ask("POST", "/offer", body)
        assert response.status == 400
        assert json.loads(response.body)["error"]
        assert site.transport._process is None


async def test_an_offer_that_the_library_cannot_take_is_refused(loop: Loop) -> None:
    async with listening(echo) as site:
        offer = await in_loop(loop, WebRtcClient(loop).offer())
        broken = (
            offer.replace("a=fingerprint:sha-256 ", "a=fingerprint:sha-256 zz")
            .replace("a=ice-ufrag:", "a=ice-ufrag: ")
            .replace("a=sctp-port:5000", "a=sctp-port:none")
        )
        response = await site.ask("POST", "/offer", json.dumps({"sdp": broken}).encode())
        assert response.status == 400
        assert site.transport._limits._peers.total() == 0


async def test_offers_without_end_are_refused(loop: Loop) -> None:
    own = WebRtcSettings(offers_per_minute=5, most_peers=3, most_peers_of_user=2)
    clients = [WebRtcClient(loop) for _ in range(6)]
    offers = [json.dumps({"sdp": await in_loop(loop, c.offer())}).encode() for c in clients]
    users = ["ann", "ann", "ann", "bob", "bob", "cy"]
    with trio.fail_after(PATIENCE_S):
        async with listening(echo, config_with(own)) as site:
            statuses = [
                (await site.ask("POST", "/offer", offer, user)).status
                for offer, user in zip(offers, users, strict=True)
            ]
            assert statuses == [200, 200, 429, 200, 429, 429]
            for _ in range(2):
                await site.ask("POST", "/offer", offers[0])
            late = await site.ask("POST", "/offer", offers[0])
            assert late.status == 429
            assert 0 < int(dict(late.headers)["retry-after"]) <= 60
    for client in clients:
        await client.aclose("done")


async def test_a_peer_whose_channels_never_open_is_ended(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport_module, "OPEN_LIMIT_S", 0.5)
    ends = Ends()
    with trio.fail_after(PATIENCE_S):
        async with listening(ends.serve) as site:
            client = WebRtcClient(loop)
            await client.connect(site.answer, ("control", "bulk"))
            with pytest.raises(ConnectionEnded):
                await client.receive()
            await no_peers(site)
            await client.aclose("done")
    assert ends.ends == []


async def connected_with_answer(loop: Loop, site: Site) -> tuple[WebRtcClient, str]:
    """A client that has connected, and the answer that it got."""
    client = WebRtcClient(loop)
    answers: list[str] = []

    async def answer(offer: str) -> str:
        answers.append(await site.answer(offer))
        return answers[0]

    await client.connect(answer)
    return client, answers[0]


async def no_peers(site: Site) -> None:
    while site.transport._limits._peers.total():
        await trio.sleep(0.01)


@pytest.mark.parametrize(
    ("label", "messages", "reason"),
    [
        ("control", ["text"], "the viewer sent a text message"),
        ("control", [b"\2"], "the viewer sent a message that is no piece of a unit"),
        ("bulk", [b"\1" + bytes(16384)] * 9, "the viewer sent a unit of more than 131088 bytes"),
        ("frames", [b"x"], "the viewer sent a message on the channel 'frames'"),
        ("loose", [b"x"], "the viewer sent a datagram of 1 bytes"),
        ("loose", [bytes(8) + b"\x10key"], "the viewer sent a datagram that may not be one"),
    ],
)
async def test_what_breaks_the_wire_ends_this_peer_alone(
    loop: Loop, label: str, messages: list[bytes | str], reason: str
) -> None:
    ends, calm = Ends(), WebRtcClient(loop)
    with trio.fail_after(PATIENCE_S):
        async with listening(ends.serve) as site:
            await calm.connect(site.answer)
            other = await ends.connections.receive()
            hostile = WebRtcClient(loop)
            await hostile.connect(site.answer)
            hostile.send_now(label, *messages)
            await ends.ended.wait()
            assert ends.ends == [reason]
            await other.send(Lane.CONTROL, b"still here")
            assert await calm.receive() == b"still here"
            for client in (hostile, calm):
                await client.aclose("done")


@pytest.mark.parametrize(("last_words", "in_order"), [(["goodbye"], True), ([], False)])
async def test_a_goodbye_is_told_from_a_connection_that_broke_off(
    loop: Loop, last_words: list[str], in_order: bool
) -> None:
    ended: list[ConnectionEnded] = []

    async def read(connection: Connection) -> None:
        with pytest.raises(ConnectionEnded) as caught:
            await connection.receive()
        ended.append(caught.value)

    with trio.fail_after(PATIENCE_S):
        async with listening(read) as site:
            client = WebRtcClient(loop)
            await client.connect(site.answer)
            client.send_now("control", *last_words)
            await client.aclose("done")
            while not ended:
                await trio.sleep(0.01)
    assert ended[0].is_in_order is in_order


async def test_a_flood_that_nobody_reads_ends_the_peer(loop: Loop) -> None:
    flooded = trio.Event()
    faults: list[str] = []

    async def read_late(connection: Connection) -> None:
        await flooded.wait()
        try:
            while True:
                await connection.receive()
        except RemoteProtocolError as error:
            faults.append(error.what)

    with trio.fail_after(PATIENCE_S):
        async with listening(read_late) as site:
            client = WebRtcClient(loop)
            await client.connect(site.answer)
            client.send_now("control", *[b"\0" + bytes(16000)] * 600)
            with pytest.raises(ConnectionEnded):
                await client.receive()
            flooded.set()
            await no_peers(site)
            await client.aclose("done")
    assert faults == ["the viewer sent more than the session could take"]


async def test_garbage_on_the_udp_port_harms_nobody(loop: Loop) -> None:
    random = os.urandom(100_000)
    with trio.fail_after(PATIENCE_S):
        async with listening(echo) as site:
            client, answer = await connected_with_answer(loop, site)
            line = next(line for line in answer.splitlines() if "a=candidate" in line)
            port = int(line.split()[5])
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as attacker:
                for n in range(3000):
                    size = n % 1400
                    first = bytes(((0, 20, 22, 63, 128)[n % 5],))
                    attacker.sendto(first + random[n : n + size], ("127.0.0.1", port))
            await client.send(Lane.CONTROL, b"alive")
            assert await client.receive() == b"alive"
            await client.aclose("done")


async def test_viewers_end_with_the_process_and_the_next_offer_starts_another(loop: Loop) -> None:
    ends = Ends()
    with trio.fail_after(PATIENCE_S):
        async with listening(ends.serve) as site:
            first, second = WebRtcClient(loop), WebRtcClient(loop)
            await first.connect(site.answer)
            await ends.connections.receive()
            process = site.transport._process
            assert process is not None
            os.kill(process.pid, signal.SIGKILL)
            await ends.ended.wait()
            assert ends.ends == ["the WebRTC process has ended"]
            await second.connect(site.answer)
            for client in (first, second):
                await client.aclose("done")


async def test_an_idle_process_is_stopped(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport_module, "IDLE_S", 0.2)
    with trio.fail_after(PATIENCE_S):
        async with listening(echo) as site:
            client = WebRtcClient(loop)
            await client.connect(site.answer)
            await client.aclose("done")
            while site.transport._process is not None:
                await trio.sleep(0.05)


async def test_ports_come_from_the_range(loop: Loop) -> None:
    own = WebRtcSettings(port_range="9671-9672")
    with trio.fail_after(PATIENCE_S):
        async with listening(echo, config_with(own, public_ip=None)) as site:
            client, answer = await connected_with_answer(loop, site)
            ports = {line.split()[5] for line in answer.splitlines() if line.startswith("a=cand")}
            assert ports <= {"9671", "9672"}
            await client.aclose("done")
