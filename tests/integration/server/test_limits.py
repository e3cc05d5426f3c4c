"""What harms nobody: too much, too long, too slow, too many, too odd."""

from __future__ import annotations

import socket as sockets

import attrs
import pytest
import trio

from kasmcore.api import HttpRequest, HttpResponse, Permission, RouteSpec
from kasmcore.config.schema_network import SslConfig
from kasmcore.errors import ConfigError, ListenError, PluginError
from kasmcore.server.listen import serve
from kasmcore.server.server_setup import ServerLimits, ServerSetup
from kasmcore.stats.metrics import SessionMetrics
from tests.integration.server.conftest import ECHO, PASSWORD, StartServer
from tests.integration.server.raw_http import (
    JSON,
    basic,
    exchange,
    log_in,
    login_body,
    read_reply,
    request,
)
from tests.integration.server.test_login import with_network, with_security


async def raw_answer(port: int, data: bytes) -> bytes:
    """Send bytes as they are and return all that comes back until the server closes."""
    with trio.fail_after(20):
        async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
            await stream.send_all(data)
            answer = b""
            while chunk := await stream.receive_some():
                answer += chunk
            return answer


async def test_two_servers_on_one_port_tell_so(
    start_server: StartServer, setup: ServerSetup
) -> None:
    port = (await start_server(setup)).port
    with pytest.raises(ListenError, match=f"port {port} is in use"):
        await serve(attrs.evolve(setup, port=port))


async def test_servers_side_by_side_do_not_share_logins(
    start_server: StartServer, setup: ServerSetup
) -> None:
    first, second = (await start_server(setup)).port, (await start_server(setup)).port
    cookie = (await log_in(first, "alice", PASSWORD)).cookie
    assert (await request(second, "GET", "/api/client", {"Cookie": cookie})).status == 401
    both = f"{cookie}; {(await log_in(second, 'wanda', PASSWORD)).cookie}"
    for port, name in ((first, "alice"), (second, "wanda")):
        client = await request(port, "GET", "/api/client", {"Cookie": both})
        assert client.json["user"]["name"] == name  # type: ignore[index]


async def test_an_open_server_without_tls_does_not_start(setup: ServerSetup) -> None:
    with pytest.raises(ConfigError, match="allow_insecure_exposure"):
        await serve(with_network(setup, interface="0.0.0.0"))


async def test_an_open_server_without_tls_warns_when_it_is_allowed(
    setup: ServerSetup, nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    # The exposure rule speaks before anything is bound: a port in use ends this start.
    with sockets.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        setup = with_security(
            with_network(setup, interface="0.0.0.0"), allow_insecure_exposure=True
        )
        with pytest.raises(ListenError):
            await serve(attrs.evolve(setup, port=taken.getsockname()[1]))
    assert "network.ssl.enabled is false: anyone on the way can read and type" in caplog.text


async def test_a_broken_users_file_stops_the_start(setup: ServerSetup) -> None:
    setup.users.path.write_text("nonsense")
    fresh = attrs.evolve(setup, users=type(setup.users)(setup.users.path))
    with pytest.raises(ConfigError, match="line 1"):
        await serve(fresh)


async def test_a_missing_certificate_stops_the_start(setup: ServerSetup) -> None:
    missing = setup.users.path.parent / "none.pem"
    with pytest.raises(ConfigError, match=r"none\.pem"):
        await serve(with_network(setup, ssl=SslConfig(pem_certificate=missing)))


def route(path: str, handler: object = None, **changes: object) -> RouteSpec:
    async def hello(request: HttpRequest) -> HttpResponse:
        body = f"{request.method} {request.path} {dict(request.query)} {request.user.name} "
        return HttpResponse(body=body.encode() + request.body, headers=(("X-Own", "1"),))

    settings = {
        "method": "POST",
        "path": path,
        "permission": Permission.WRITE,
        "handler": handler or hello,
        "summary": "test",
    }
    return RouteSpec(**(settings | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "routes",
    [
        (route("/api/plugins/a"), route("/api/plugins/a")),
        (route("/api/login"),),
        (route("/api/plugins/"),),
        (route("/metrics", method="GET"),),
    ],
)
async def test_routes_that_clash_stop_the_start(
    setup: ServerSetup, routes: tuple[RouteSpec, ...]
) -> None:
    with pytest.raises(PluginError, match=r"plugins\.block"):
        await serve(attrs.evolve(setup, routes=routes))


async def test_transports_that_clash_stop_the_start(setup: ServerSetup) -> None:
    with pytest.raises(PluginError, match="/transports/echo"):
        await serve(attrs.evolve(setup, transports=(ECHO, ECHO)))


async def test_a_plugins_route_answers_those_who_may(
    start_server: StartServer, setup: ServerSetup
) -> None:
    path = "/api/plugins/hello"
    port = (await start_server(attrs.evolve(setup, routes=(route(path),)))).port
    target = f"{path}?a=1"
    assert (await request(port, "POST", target)).status == 401
    assert (await request(port, "POST", target, basic("victor", PASSWORD))).status == 403
    reply = await request(port, "POST", target, basic("wanda", PASSWORD), b"body")
    assert reply.body == b"POST /api/plugins/hello {'a': '1'} wanda body"
    assert reply.headers["x-own"] == "1"
    assert (await request(port, "GET", path, basic("wanda", PASSWORD))).status == 405


async def test_a_foreign_page_cannot_use_a_cookie_for_a_change(
    start_server: StartServer, setup: ServerSetup
) -> None:
    path = "/api/plugins/hello"
    port = (await start_server(attrs.evolve(setup, routes=(route(path),)))).port
    cookie = {"Cookie": (await log_in(port, "alice", PASSWORD)).cookie}
    own = {"Origin": f"http://127.0.0.1:{port}"}
    for extra, status in (
        ({}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        (own, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
    ):
        assert (await request(port, "POST", path, {**cookie, **extra})).status == status


async def fail(request: HttpRequest) -> HttpResponse:
    raise LookupError("inside the plugin")


async def answer_badly(request: HttpRequest) -> HttpResponse:
    return HttpResponse(headers=(("X-Split", "a\r\nSet-Cookie: b"),))


async def fail_in_two_tasks(request: HttpRequest) -> HttpResponse:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(fail, request)
        nursery.start_soon(fail, request)
    return HttpResponse()


@pytest.mark.parametrize("handler", [fail, answer_badly, fail_in_two_tasks])
async def test_a_route_that_fails_costs_its_request_only(
    start_server: StartServer,
    setup: ServerSetup,
    handler: object,
    caplog: pytest.LogCaptureFixture,
) -> None:
    path = "/api/plugins/fail"
    port = (await start_server(attrs.evolve(setup, routes=(route(path, handler),)))).port
    reply = await request(port, "POST", path, basic("alice", PASSWORD))
    assert (reply.status, reply.json) == (500, {"error": "the server failed at this request"})
    assert "POST /api/plugins/fail failed" in caplog.text
    assert (await request(port, "GET", "/api/health")).json == {"status": "ok"}


@pytest.mark.parametrize("declares_length", [True, False])
async def test_a_body_over_the_limit_is_refused_and_the_connection_let_go(
    start_server: StartServer, setup: ServerSetup, declares_length: bool
) -> None:
    path = "/api/plugins/hello"
    port = (await start_server(attrs.evolve(setup, routes=(route(path),)))).port
    size = 4 * 1024 * 1024
    headers = {**basic("wanda", PASSWORD), "Host": "x"}
    if declares_length:
        headers["Content-Length"] = str(size)
        body = bytes(size)
    else:
        headers["Transfer-Encoding"] = "chunked"
        body = (b"10000\r\n" + bytes(0x10000) + b"\r\n") * (size // 0x10000) + b"0\r\n\r\n"
    head = f"POST {path} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items())
    with trio.fail_after(20):
        stream = await trio.open_tcp_stream("127.0.0.1", port)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(send_what_is_taken, stream, head.encode() + b"\r\n" + body)
            reply = await read_reply(stream)
            assert reply.status == 413
            assert await ended(stream)
        await stream.aclose()
    exactly = bytes(1024 * 1024)
    assert (await request(port, "POST", path, basic("wanda", PASSWORD), exactly)).status == 200


async def send_what_is_taken(stream: trio.SocketStream, data: bytes) -> None:
    try:
        await stream.send_all(data)
    except trio.BrokenResourceError:
        return


async def test_a_body_that_never_comes_is_given_up(
    start_server: StartServer, setup: ServerSetup
) -> None:
    limits = ServerLimits(body_s=0.2)
    port = (await start_server(attrs.evolve(setup, limits=limits))).port
    head = b"POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    answer = await raw_answer(port, head + b"Content-Length: 100\r\n\r\n{")
    assert answer.startswith(b"HTTP/1.1 408 ")


async def test_a_head_that_never_ends_is_given_up(
    start_server: StartServer, setup: ServerSetup, nursery: trio.Nursery
) -> None:
    limits = ServerLimits(keep_alive_s=0.5)
    port = (await start_server(attrs.evolve(setup, limits=limits))).port
    stream = await trio.open_tcp_stream("127.0.0.1", port)

    async def drip() -> None:
        try:
            await stream.send_all(b"GET / HTTP/1.1\r\n")
            while True:
                await trio.sleep(0.05)
                await stream.send_all(b"X-Slow: 1\r\n")
        except trio.BrokenResourceError:
            return

    nursery.start_soon(drip)
    with trio.fail_after(10):
        assert await ended(stream)


async def ended(stream: trio.SocketStream) -> bool:
    try:
        return not await stream.receive_some()
    except trio.BrokenResourceError:
        return True


async def test_an_idle_connection_is_closed_after_its_request(
    start_server: StartServer, setup: ServerSetup
) -> None:
    limits = ServerLimits(keep_alive_s=0.5)
    port = (await start_server(attrs.evolve(setup, limits=limits))).port
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    for _ in range(3):
        assert (await exchange(stream, port, "GET", "/api/health")).status == 200
    with trio.fail_after(10):
        assert await ended(stream)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 200_000 + b"\r\n\r\n", b"431"),
        (b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"431"),
        (b"GET / HTTP/1.1\r\n\r\n", b"400"),
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nBad Header: 1\r\n\r\n", b"400"),
        (b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n", b"400"),
    ],
)
async def test_a_malformed_or_oversized_head_is_refused(
    start_server: StartServer, setup: ServerSetup, data: bytes, status: bytes
) -> None:
    port = (await start_server(setup)).port
    assert (await raw_answer(port, data)).startswith(b"HTTP/1.1 " + status)


@pytest.mark.parametrize(
    "data",
    [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /login.html HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\n"
        b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
    ],
)
async def test_http_2_in_clear_text_is_not_spoken(
    start_server: StartServer, setup: ServerSetup, data: bytes
) -> None:
    limits = ServerLimits(keep_alive_s=0.3)
    port = (await start_server(attrs.evolve(setup, limits=limits))).port
    answer = await raw_answer(port, data)
    assert answer.startswith(b"HTTP/1.1 ")
    assert not answer.startswith(b"HTTP/1.1 101")


async def test_hundreds_of_idle_connections_do_not_keep_anybody_out(
    start_server: StartServer, setup: ServerSetup
) -> None:
    limits = ServerLimits(handshake_s=1)
    port = (await start_server(attrs.evolve(setup, limits=limits))).port
    idle = [await trio.open_tcp_stream("127.0.0.1", port) for _ in range(300)]
    assert (await request(port, "GET", "/api/health")).status == 200
    with trio.fail_after(20):
        for stream in idle:
            assert await ended(stream)
            await stream.aclose()


async def test_beyond_the_most_connections_new_ones_are_closed(
    start_server: StartServer, setup: ServerSetup, caplog: pytest.LogCaptureFixture
) -> None:
    limits = ServerLimits(connections=5)
    port = (await start_server(attrs.evolve(setup, limits=limits))).port
    streams = [await trio.open_tcp_stream("127.0.0.1", port) for _ in range(5)]
    sixth = await trio.open_tcp_stream("127.0.0.1", port)
    with trio.fail_after(10):
        assert await ended(sixth)
    assert "too many are open" in caplog.text
    assert (await exchange(streams[0], port, "GET", "/api/health")).status == 200
    for stream in (*streams, sixth):
        await stream.aclose()
    with trio.fail_after(10):
        while (await try_request(port)) != 200:
            await trio.sleep(0.05)


async def test_connections_that_say_nothing_do_not_hold_up_the_end(setup: ServerSetup) -> None:
    limits = ServerLimits(stop_s=1000)
    streams = []
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            port = (await nursery.start(serve, attrs.evolve(setup, limits=limits))).port
            streams = [await trio.open_tcp_stream("127.0.0.1", port) for _ in range(3)]
            assert (await exchange(streams[0], port, "GET", "/api/health")).status == 200
            nursery.cancel_scope.cancel()
    for stream in streams:
        assert await ended(stream)
        await stream.aclose()


async def try_request(port: int) -> int:
    try:
        return (await request(port, "GET", "/api/health")).status
    except (trio.BrokenResourceError, AssertionError):
        return 0


async def test_metrics_are_for_owners(start_server: StartServer, setup: ServerSetup) -> None:
    metrics = SessionMetrics(viewers=2, sent_bytes_total=1234)
    port = (await start_server(attrs.evolve(setup, metrics=lambda: metrics))).port
    assert (await request(port, "GET", "/metrics")).status == 401
    assert (await request(port, "GET", "/metrics", basic("wanda", PASSWORD))).status == 403
    await log_in(port, "alice", "wrong")
    reply = await request(port, "GET", "/metrics", basic("alice", PASSWORD))
    assert reply.headers["content-type"] == "text/plain; version=0.0.4"
    lines = reply.body.decode().splitlines()
    assert "# TYPE kasmcore_viewers gauge" in lines
    assert "kasmcore_viewers 2" in lines
    assert "kasmcore_sent_bytes_total 1234" in lines
    assert "kasmcore_refused_logins_total 1" in lines


async def test_many_logins_at_once_leave_the_server_responsive(
    start_server: StartServer, setup: ServerSetup
) -> None:
    port = (await start_server(setup)).port
    statuses: list[int] = []

    async def guess() -> None:
        body = login_body("alice", "wrong")
        statuses.append((await request(port, "POST", "/api/login", JSON, body)).status)

    async with trio.open_nursery() as nursery:
        for _ in range(40):
            nursery.start_soon(guess)
        assert (await request(port, "GET", "/api/health")).status == 200
    assert statuses.count(401) == 5
    assert statuses.count(429) == 35
