"""Who may open a WebSocket, what it does with Hypercorn's habits, and how it ends."""

from __future__ import annotations

import struct
from ipaddress import ip_network

import attrs
import pytest
import trio
from kasmcore_websocket import kasmcore_register_transports
from wsproto.events import CloseConnection

from kasmcore.api import Connection, ConnectionEnded, Lane
from kasmcore.server.listen import serve
from kasmcore.server.server_setup import ServerLimits, ServerSetup
from kasmcore.values.permissions import Guest
from tests.integration.server.conftest import PASSWORD, StartServer
from tests.integration.server.raw_http import JSON, basic, log_in, request
from tests.integration.server.raw_websocket import (
    HANDSHAKE,
    open_websocket,
    refused_websocket,
)
from tests.integration.server.test_login import with_network, with_security


async def test_a_page_with_a_cookie_gets_its_connection(
    start_server: StartServer, setup: ServerSetup
) -> None:
    port = (await start_server(setup)).port
    cookie = (await log_in(port, "wanda", PASSWORD)).cookie
    socket = await open_websocket(port, {"Cookie": cookie, "Origin": f"http://127.0.0.1:{port}"})
    assert await socket.receive() == b"wanda 3 127.0.0.1"
    await socket.send(b"hello")
    assert await socket.receive() == b"hello"


async def test_our_own_transport_is_served(start_server: StartServer, setup: ServerSetup) -> None:
    config = setup.config
    (spec,) = kasmcore_register_transports()
    setup = attrs.evolve(setup, transports=((spec, spec.factory(config)),), serve_viewer=greet)
    port = (await start_server(setup)).port
    headers = {**basic("alice", PASSWORD), "Sec-WebSocket-Protocol": "kasmcore.v1"}
    socket = await open_websocket(port, headers, "/transports/websocket")
    assert await socket.receive() == b"websocket alice"
    close = await socket.receive()
    assert isinstance(close, CloseConnection)
    assert close.code == 1000


async def greet(connection: Connection, guest: Guest) -> None:
    await connection.send(Lane.CONTROL, f"{connection.transport} {guest.user.name}".encode())


OWN, PORTAL, EVIL = "own", "https://portal.example", "https://evil.example"


@pytest.mark.parametrize(
    ("proof", "origin", "status"),
    [
        ("cookie", OWN, 101),
        ("cookie", PORTAL, 101),
        ("cookie", EVIL, 403),
        ("cookie", "null", 403),
        ("cookie", "", 403),
        ("cookie", None, 403),
        ("basic", OWN, 101),
        ("basic", None, 101),
        ("basic", EVIL, 403),
        ("nothing", OWN, 401),
        ("nothing", EVIL, 401),
        ("nothing", None, 401),
        ("false cookie", OWN, 401),
        ("false password", OWN, 401),
        ("false password", None, 401),
    ],
)
async def test_login_and_origin_decide_together(
    start_server: StartServer, setup: ServerSetup, proof: str, origin: str | None, status: int
) -> None:
    port = (await start_server(with_network(setup, allowed_origins=(PORTAL,)))).port
    headers: dict[str, str] = {}
    if proof == "cookie":
        headers["Cookie"] = (await log_in(port, "alice", PASSWORD)).cookie
    elif proof == "false cookie":
        headers["Cookie"] = f"kasmcore_{port}=guess"
    elif proof != "nothing":
        headers |= basic("alice", PASSWORD if proof == "basic" else "wrong")
    if origin is not None:
        headers["Origin"] = f"http://127.0.0.1:{port}" if origin == OWN else origin
    reply = await refused_websocket(port, headers)
    assert reply.status == status
    if status != 101:
        assert reply.json["error"]


@pytest.mark.parametrize(("origin", "status"), [(None, 101), (OWN, 101), (EVIL, 403)])
async def test_without_login_foreign_pages_stay_outside(
    start_server: StartServer, setup: ServerSetup, origin: str | None, status: int
) -> None:
    port = (await start_server(with_security(setup, login_required=False))).port
    headers = {}
    if origin is not None:
        headers["Origin"] = f"http://127.0.0.1:{port}" if origin == OWN else origin
    assert (await refused_websocket(port, headers)).status == status


async def test_without_login_a_rebound_name_stays_outside(
    start_server: StartServer, setup: ServerSetup
) -> None:
    port = (await start_server(with_security(setup, login_required=False))).port
    headers = {"Host": "evil.example", "Origin": "http://evil.example"}
    assert (await refused_websocket(port, headers)).status == 403


async def test_behind_a_proxy_the_page_and_the_client_are_what_the_proxy_says(
    start_server: StartServer, setup: ServerSetup
) -> None:
    setup = with_network(setup, trusted_proxies=(ip_network("127.0.0.1/32"),))
    port = (await start_server(setup)).port
    headers = {
        **basic("alice", PASSWORD),
        "Origin": "https://desk.example",
        "X-Forwarded-Host": "desk.example",
        "X-Forwarded-For": "192.0.2.9",
    }
    socket = await open_websocket(port, headers)
    assert await socket.receive() == b"alice 7 192.0.2.9"


async def test_an_unknown_path_is_not_found(start_server: StartServer, setup: ServerSetup) -> None:
    port = (await start_server(setup)).port
    reply = await refused_websocket(port, basic("alice", PASSWORD), "/transports/none")
    assert reply.status == 404


async def test_permessage_deflate_is_never_agreed(
    start_server: StartServer, setup: ServerSetup
) -> None:
    port = (await start_server(setup)).port
    offer = {"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"}
    socket = await open_websocket(port, {**basic("alice", PASSWORD), **offer})
    assert "sec-websocket-extensions" not in socket.handshake.headers
    await socket.receive()
    await socket.send(b"a" * 1000)
    assert await socket.receive() == b"a" * 1000


async def test_a_message_over_the_limit_ends_the_connection(
    start_server: StartServer, setup: ServerSetup
) -> None:
    limits = ServerLimits(websocket_message_bytes=1000)
    port = (await start_server(attrs.evolve(setup, limits=limits))).port
    socket = await open_websocket(port, basic("alice", PASSWORD))
    await socket.receive()
    await socket.send(b"a" * 1000)
    assert await socket.receive() == b"a" * 1000
    await socket.send(b"a" * 1001)
    close = await socket.receive()
    assert isinstance(close, CloseConnection)
    assert close.code == 1009
    assert (await request(port, "GET", "/api/health")).status == 200


async def test_a_message_that_never_ends_takes_no_memory(
    start_server: StartServer, setup: ServerSetup
) -> None:
    limits = ServerLimits(websocket_message_bytes=100_000)
    port = (await start_server(attrs.evolve(setup, limits=limits))).port
    socket = await open_websocket(port, basic("alice", PASSWORD))
    await socket.receive()
    before = resident_bytes()
    fragment = struct.pack("!BBQI", 0x00, 0xFF, 1_000_000, 0) + bytes(1_000_000)
    first = struct.pack("!BBQI", 0x02, 0xFF, 1_000_000, 0) + bytes(1_000_000)
    with trio.fail_after(30):
        await socket.stream.send_all(first)
        for _ in range(100):
            await socket.stream.send_all(fragment)
    assert resident_bytes() - before < 30_000_000


def resident_bytes() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


async def test_a_handler_that_fails_ends_its_own_connection_only(
    start_server: StartServer, setup: ServerSetup, caplog: pytest.LogCaptureFixture
) -> None:
    port = (await start_server(setup)).port
    other = await open_websocket(port, basic("victor", PASSWORD))
    await other.receive()
    socket = await open_websocket(port, basic("alice", PASSWORD))
    await socket.receive()
    await socket.send(b"raise")
    close = await socket.receive()
    assert isinstance(close, CloseConnection)
    assert close.code == 1011
    assert "as the test asked" in caplog.text
    await other.send(b"still here")
    assert await other.receive() == b"still here"


async def flood(connection: Connection, guest: Guest) -> None:
    """A viewer that sends as fast as the network takes it and reads nothing."""
    while True:
        await connection.send(Lane.FRAMES, bytes(200_000))


async def test_a_peer_that_reads_nothing_does_not_hold_up_the_end(
    setup: ServerSetup, nursery: trio.Nursery
) -> None:
    stopped = trio.Event()
    scope = trio.CancelScope()

    async def run_server(task_status: trio.TaskStatus[int]) -> None:
        with scope:
            async with trio.open_nursery() as inner:
                listening = await inner.start(serve, attrs.evolve(setup, serve_viewer=flood))
                task_status.started(listening.port)
        stopped.set()

    port = await nursery.start(run_server)
    sockets = [await open_websocket(port, basic("alice", PASSWORD)) for _ in range(3)]
    await trio.sleep(0.2)  # until the floods fill the kernel's buffers
    scope.cancel()
    with trio.fail_after(10):
        await stopped.wait()
    for socket in sockets:
        await socket.stream.aclose()


async def test_a_handler_that_only_sends_ends_after_its_peer(
    start_server: StartServer, setup: ServerSetup
) -> None:
    port = (await start_server(attrs.evolve(setup, serve_viewer=flood))).port
    socket = await open_websocket(port, basic("alice", PASSWORD))
    await socket.stream.aclose()
    with trio.fail_after(15):
        await wait_for_connections(port, 1)


@pytest.mark.parametrize(("code", "is_in_order"), [(1000, True), (1001, True), (4000, False)])
async def test_a_viewer_is_told_whether_its_peer_closed_in_order(
    start_server: StartServer, setup: ServerSetup, code: int, is_in_order: bool
) -> None:
    ends: list[bool] = []
    has_ended = trio.Event()

    async def listen(connection: Connection, guest: Guest) -> None:
        try:
            await connection.receive()
        except ConnectionEnded as end:
            ends.append(end.is_in_order)
            has_ended.set()

    (spec,) = kasmcore_register_transports()
    transports = ((spec, spec.factory(setup.config)),)
    own = attrs.evolve(setup, transports=transports, serve_viewer=listen)
    port = (await start_server(own)).port
    headers = {**basic("alice", PASSWORD), "Sec-WebSocket-Protocol": "kasmcore.v1"}
    socket = await open_websocket(port, headers, "/transports/websocket")
    await socket.close(code)
    with trio.fail_after(5):
        await has_ended.wait()
    assert ends == [is_in_order]


async def test_a_peer_that_floods_us_while_its_handler_ends_is_let_go(
    start_server: StartServer, setup: ServerSetup, nursery: trio.Nursery
) -> None:
    async def leave_at_once(connection: Connection, guest: Guest) -> None:
        await connection.receive()

    port = (await start_server(attrs.evolve(setup, serve_viewer=leave_at_once))).port
    socket = await open_websocket(port, basic("alice", PASSWORD))

    async def send_for_ever() -> None:
        try:
            while True:
                await socket.send(bytes(10_000))
        except trio.BrokenResourceError:
            return

    with trio.fail_after(15):
        await send_for_ever()
        await wait_for_connections(port, 1)


async def wait_for_connections(port: int, count: int) -> None:
    """Wait until only this many are open, the one that asks among them."""
    while True:
        reply = await request(port, "GET", "/metrics", basic("alice", PASSWORD))
        if f"kasmcore_connections {count}\n".encode() in reply.body:
            return
        await trio.sleep(0.05)


async def test_viewers_are_told_when_the_server_stops(
    setup: ServerSetup, nursery: trio.Nursery
) -> None:
    async with trio.open_nursery() as inner:
        port = (await inner.start(serve, setup)).port
        socket = await open_websocket(port, basic("alice", PASSWORD))
        await socket.receive()
        inner.cancel_scope.cancel()
        with trio.CancelScope(shield=True), trio.fail_after(5):
            close = await socket.receive()
            assert isinstance(close, CloseConnection)
            assert close.code == 1001
            await socket.answer_close(close)
            assert await socket.receive() is None
    with pytest.raises(OSError, match="failed"):
        await trio.open_tcp_stream("127.0.0.1", port)


async def test_signing_out_ends_what_the_login_had_opened(
    start_server: StartServer, setup: ServerSetup
) -> None:
    port = (await start_server(setup)).port
    origin = {"Origin": f"http://127.0.0.1:{port}"}
    cookies = [{"Cookie": (await log_in(port, "alice", PASSWORD)).cookie} for _ in range(2)]
    mine, other = [await open_websocket(port, {**cookie, **origin}) for cookie in cookies]
    await mine.receive()
    await other.receive()
    await request(port, "POST", "/api/logout", {**cookies[0], **JSON})
    close = await mine.receive()
    assert isinstance(close, CloseConnection)
    assert close.code == 4001
    await other.send(b"still here")
    assert await other.receive() == b"still here"


async def test_a_peer_that_vanished_is_noticed(
    start_server: StartServer, setup: ServerSetup
) -> None:
    limits = ServerLimits(silence_s=1, ping_interval_s=0.2)
    port = (await start_server(attrs.evolve(setup, limits=limits))).port
    socket = await open_websocket(port, basic("alice", PASSWORD))
    with trio.fail_after(30):
        while await socket.stream.receive_some():
            pass  # no ping is answered


async def test_a_peer_that_answers_pings_stays(
    start_server: StartServer, setup: ServerSetup, nursery: trio.Nursery
) -> None:
    limits = ServerLimits(silence_s=1, ping_interval_s=0.2)
    port = (await start_server(attrs.evolve(setup, limits=limits))).port
    socket = await open_websocket(port, basic("alice", PASSWORD))
    assert await socket.receive() == b"alice 7 127.0.0.1"
    with trio.move_on_after(2.5):
        assert await socket.receive() is None, "the server closed it"
    await socket.send(b"still here")
    assert await socket.receive() == b"still here"


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-WebSocket-Protocol": "\xff"},
        {"Sec-WebSocket-Extensions": "\xff"},
        {"Sec-WebSocket-Version": "12"},
        {"Sec-WebSocket-Key": ""},
    ],
)
async def test_a_broken_handshake_harms_nobody_else(
    start_server: StartServer, setup: ServerSetup, headers: dict[str, str]
) -> None:
    port = (await start_server(setup)).port
    other = await open_websocket(port, basic("victor", PASSWORD))
    await other.receive()
    with trio.fail_after(10):
        stream = await trio.open_tcp_stream("127.0.0.1", port)
        head = {"Host": "x", **HANDSHAKE, **basic("alice", PASSWORD), **headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        await stream.send_all(f"GET /transports/echo HTTP/1.1\r\n{lines}\r\n".encode("latin-1"))
        answer = b""
        while data := await stream.receive_some():
            answer += data
            if b"\r\n\r\n" in answer:
                break
    assert (await request(port, "GET", "/api/health")).status == 200
    await other.send(b"still here")
    assert await other.receive() == b"still here"
