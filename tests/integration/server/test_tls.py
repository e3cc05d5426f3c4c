"""TLS on the port, with real handshakes."""

from __future__ import annotations

import datetime as dt
import hashlib
import ssl
from pathlib import Path

import attrs
import pytest
import trio

from kasmcore.config.schema_network import SslConfig
from kasmcore.server.certificates import make_certificate
from kasmcore.server.server_setup import ServerSetup
from tests.integration.server.conftest import PASSWORD, StartServer
from tests.integration.server.raw_http import basic, log_in, open_stream, request
from tests.integration.server.raw_websocket import open_websocket
from tests.integration.server.test_login import with_network

NOW = dt.datetime.now(dt.UTC)


@pytest.fixture
def tls_setup(setup: ServerSetup) -> ServerSetup:
    return with_network(setup, ssl=SslConfig())


async def shown_certificate(port: int) -> bytes:
    stream = await open_stream(port, tls=True)
    assert isinstance(stream, trio.SSLStream)
    certificate = stream.getpeercert(binary_form=True)
    await stream.aclose()
    assert isinstance(certificate, bytes)
    return certificate


async def test_page_login_and_websocket_work_over_tls(
    start_server: StartServer, tls_setup: ServerSetup
) -> None:
    listening = await start_server(tls_setup)
    port = listening.port
    assert listening.url == f"https://127.0.0.1:{port}/"
    assert (await request(port, "GET", "/login.html", tls=True)).status == 200
    reply = await log_in(port, "alice", PASSWORD, tls=True)
    assert reply.headers["set-cookie"].endswith("; Secure")
    headers = {"Cookie": reply.cookie, "Origin": f"https://127.0.0.1:{port}"}
    socket = await open_websocket(port, headers, tls=True)
    assert await socket.receive() == b"alice 7 127.0.0.1"
    message = bytes(range(256)) * 4000
    await socket.send(message)
    assert await socket.receive() == message


async def test_the_printed_fingerprint_is_that_of_the_certificate(
    start_server: StartServer, tls_setup: ServerSetup
) -> None:
    listening = await start_server(tls_setup)
    digest = hashlib.sha256(await shown_certificate(listening.port)).hexdigest().upper()
    assert listening.certificate_fingerprint is not None
    assert listening.certificate_fingerprint.replace(":", "") == digest


async def test_only_http_1_1_is_agreed(start_server: StartServer, tls_setup: ServerSetup) -> None:
    port = (await start_server(tls_setup)).port
    stream = await open_stream(port, tls=True)
    assert isinstance(stream, trio.SSLStream)
    assert stream.selected_alpn_protocol() == "http/1.1"
    await stream.aclose()


async def test_an_old_version_of_tls_is_refused(
    start_server: StartServer, setup: ServerSetup
) -> None:
    port = (await start_server(with_network(setup, ssl=SslConfig(minimum_version="1.3")))).port
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    stream = trio.SSLStream(await trio.open_tcp_stream("127.0.0.1", port), context)
    with pytest.raises(trio.BrokenResourceError):
        await stream.do_handshake()
    assert (await request(port, "GET", "/api/health", tls=True)).status == 200


async def test_plain_http_is_sent_to_https(
    start_server: StartServer, tls_setup: ServerSetup
) -> None:
    port = (await start_server(tls_setup)).port
    reply = await request(port, "GET", "/a?b=1")
    assert reply.status == 308
    assert reply.headers["location"] == f"https://127.0.0.1:{port}/a?b=1"
    assert b"https" in reply.body


@pytest.mark.parametrize("host", ["evil\t.example", "a b", "<script>", ""])
async def test_plain_http_with_an_odd_host_gets_words_only(
    start_server: StartServer, tls_setup: ServerSetup, host: str
) -> None:
    port = (await start_server(tls_setup)).port
    reply = await request(port, "GET", "/", {"Host": host})
    assert reply.status == 400
    assert "location" not in reply.headers


async def test_both_are_served_when_tls_is_not_required(
    start_server: StartServer, setup: ServerSetup
) -> None:
    port = (await start_server(with_network(setup, ssl=SslConfig(require_ssl=False)))).port
    for tls in (True, False):
        reply = await request(port, "GET", "/api/client", basic("alice", PASSWORD), tls=tls)
        assert reply.status == 200
    assert "Secure" not in (await log_in(port, "alice", PASSWORD)).headers["set-cookie"]


async def test_a_renewed_certificate_is_shown_to_new_connections(
    start_server: StartServer, tls_setup: ServerSetup, tmp_path: Path
) -> None:
    file = tmp_path / "pair.pem"
    file.write_bytes(make_certificate(["one"], NOW))
    limits = attrs.evolve(tls_setup.limits, certificate_check_s=0.02)
    setup = with_network(tls_setup, ssl=SslConfig(pem_certificate=file))
    port = (await start_server(attrs.evolve(setup, limits=limits))).port
    open_before = await open_websocket(port, basic("alice", PASSWORD), tls=True)
    await open_before.receive()
    first = await shown_certificate(port)
    fresh = tmp_path / "fresh.pem"
    fresh.write_bytes(make_certificate(["two"], NOW))
    fresh.replace(file)
    with trio.fail_after(10):
        while await shown_certificate(port) == first:
            await trio.sleep(0.02)
    await open_before.send(b"still here")
    assert await open_before.receive() == b"still here"


@pytest.mark.parametrize("opening", [b"\x16\x03\x01\x00\x05hello", b"\x16" * 300, b"\x00" * 50])
async def test_a_broken_handshake_harms_nobody_else(
    start_server: StartServer, tls_setup: ServerSetup, opening: bytes
) -> None:
    port = (await start_server(tls_setup)).port
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    await stream.send_all(opening)
    assert (await request(port, "GET", "/api/health", tls=True)).status == 200
    await stream.aclose()


async def test_a_peer_that_never_shakes_hands_is_let_go(
    start_server: StartServer, tls_setup: ServerSetup
) -> None:
    limits = attrs.evolve(tls_setup.limits, handshake_s=0.2)
    port = (await start_server(attrs.evolve(tls_setup, limits=limits))).port
    for opening in (b"", b"\x16", b"GET / HTTP/1.1\r\n"):
        stream = await trio.open_tcp_stream("127.0.0.1", port)
        if opening:
            await stream.send_all(opening)
        with trio.fail_after(10):
            assert await stream.receive_some() == b""
        await stream.aclose()
