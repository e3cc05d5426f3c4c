"""The page and its files, over real sockets."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from kasmcore.config.units import HttpHeader
from kasmcore.interfaces.encoder import ContentRating, EncoderSpec, Exactness, ImageEncoder
from kasmcore.interfaces.stream_encoder import StreamEncoder, StreamEncoderSpec, StreamSettings
from kasmcore.server.server_setup import ServerSetup
from tests.integration.server.conftest import PASSWORD, StartServer
from tests.integration.server.raw_http import basic, log_in, request


async def test_a_stranger_is_sent_to_the_login_page(
    start_server: StartServer, setup: ServerSetup
) -> None:
    port = (await start_server(setup)).port
    reply = await request(port, "GET", "/")
    assert (reply.status, reply.headers["location"]) == (303, "login.html")
    assert "www-authenticate" not in reply.headers
    assert (await request(port, "GET", "/login.html")).body == b"<title>login</title>"


async def test_whoever_logged_in_gets_the_desktop(
    start_server: StartServer, setup: ServerSetup
) -> None:
    port = (await start_server(setup)).port
    cookie = (await log_in(port, "alice", PASSWORD)).cookie
    assert (await request(port, "GET", "/", {"Cookie": cookie})).body == b"<title>desktop</title>"


async def test_who_follows_a_link_on_another_site_is_not_asked_to_log_in_again(
    start_server: StartServer, setup: ServerSetup
) -> None:
    port = (await start_server(setup)).port
    reply = await request(port, "GET", "/", {"Sec-Fetch-Site": "cross-site"})
    assert reply.body == b"<title>desktop</title>"


async def test_a_false_cookie_leads_to_the_login_page(
    start_server: StartServer, setup: ServerSetup
) -> None:
    listening = await start_server(setup)
    cookie = {"Cookie": f"kasmcore_{listening.port}=guess"}
    assert (await request(listening.port, "GET", "/", cookie)).status == 303


async def test_files_bear_their_type_and_are_not_sent_twice(
    start_server: StartServer, setup: ServerSetup
) -> None:
    port = (await start_server(setup)).port
    first = await request(port, "GET", "/src/app.js")
    assert first.headers["content-type"] == "text/javascript; charset=utf-8"
    assert first.headers["cache-control"] == "no-cache"
    again = await request(port, "GET", "/src/app.js", {"If-None-Match": first.headers["etag"]})
    assert (again.status, again.body) == (304, b"")


async def test_head_tells_the_length_without_the_body(
    start_server: StartServer, setup: ServerSetup
) -> None:
    port = (await start_server(setup)).port
    reply = await request(port, "HEAD", "/src/app.js")
    assert (reply.status, reply.headers["content-length"], reply.body) == (200, "10", b"")


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/src/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/%2e%2e%2fsecret.txt",
        "/..%5csecret.txt",
        "//secret.txt",
        "/src",
        "/src/",
        "/none",
        "/plugins/decoders/none.js",
        "/api/none",
        "/transports/echo",
        "/index.html%00.js",
    ],
)
async def test_what_is_no_file_of_the_client_is_not_found(
    start_server: StartServer, setup: ServerSetup, path: str
) -> None:
    port = (await start_server(setup)).port
    reply = await request(port, "GET", path)
    assert reply.status == 404
    assert b"outside" not in reply.body


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/"), ("DELETE", "/src/app.js"), ("GET", "/api/login")]
)
async def test_a_method_that_a_path_does_not_know_is_refused(
    start_server: StartServer, setup: ServerSetup, method: str, path: str
) -> None:
    port = (await start_server(setup)).port
    reply = await request(port, method, path)
    assert reply.status == 405
    assert "allow" in reply.headers


@pytest.mark.parametrize("path", ["/", "/login.html", "/api/health", "/api/client", "/none"])
async def test_every_answer_bears_the_security_headers(
    start_server: StartServer, setup: ServerSetup, path: str
) -> None:
    port = (await start_server(setup)).port
    headers = (await request(port, "GET", path)).headers
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'self'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-embedder-policy"] == "require-corp"
    assert "strict-transport-security" not in headers
    assert "server" not in headers


async def test_headers_in_the_settings_take_the_place_of_ours(
    start_server: StartServer, setup: ServerSetup
) -> None:
    header = HttpHeader.of_text("Content-Security-Policy=frame-ancestors https://portal.example")
    http = attrs.evolve(setup.config.server.http, headers=(header,))
    server = attrs.evolve(setup.config.server, http=http)
    setup = attrs.evolve(setup, config=attrs.evolve(setup.config, server=server))
    port = (await start_server(setup)).port
    headers = (await request(port, "GET", "/login.html")).headers
    assert headers["content-security-policy"] == "frame-ancestors https://portal.example"
    assert headers["x-content-type-options"] == "nosniff"
    assert "cross-origin-opener-policy" not in headers


async def test_a_sub_path_works_whether_a_proxy_takes_it_off_or_not(
    start_server: StartServer, setup: ServerSetup
) -> None:
    network = attrs.evolve(setup.config.network, base_path="/desk1/")
    setup = attrs.evolve(setup, config=attrs.evolve(setup.config, network=network))
    listening = await start_server(setup)
    port = listening.port
    assert listening.url.endswith(f":{port}/desk1/")
    assert (await request(port, "GET", "/desk1/login.html")).status == 200
    assert (await request(port, "GET", "/login.html")).status == 200
    assert (await request(port, "GET", "/desk1/")).headers["location"] == "login.html"
    assert (await request(port, "GET", "/desk1/api/health")).status == 200
    assert (await request(port, "GET", "/desk10/login.html")).status == 404
    assert "; Path=/desk1/;" in (await log_in(port, "alice", PASSWORD)).headers["set-cookie"]
    slashless = await request(port, "GET", "/desk1")
    assert (slashless.status, slashless.headers["location"]) == (308, "desk1/")


def make_encoder() -> ImageEncoder:
    raise AssertionError("nobody encodes here")


def encoder_spec(codec: str, decoder: Path | None) -> EncoderSpec:
    rating = ContentRating(text=1, picture=1)
    return EncoderSpec(
        codec=codec,
        factory=make_encoder,
        exactness=Exactness.ALWAYS,
        cost_ns_per_pixel=rating,
        bits_per_pixel=rating,
        releases_gil=True,
        browser_decoder=decoder,
    )


def open_stream(settings: StreamSettings) -> StreamEncoder:
    raise AssertionError("nobody encodes here")


def stream_spec(codec: str, decoder: Path | None) -> StreamEncoderSpec:
    return StreamEncoderSpec(
        codec=codec,
        open=open_stream,
        cost_ns_per_pixel=1,
        releases_gil=True,
        browser_decoder=decoder,
    )


async def test_a_plugins_decoder_is_served_and_named_to_the_page(
    start_server: StartServer, setup: ServerSetup, tmp_path: Path
) -> None:
    decoder = tmp_path / "decoder.js"
    decoder.write_text("export const codec = 'odd';")
    encoders = (encoder_spec("odd", decoder), encoder_spec("qoi", None))
    streams = (stream_spec("clip", decoder), stream_spec("h264", None))
    setup = attrs.evolve(setup, encoders=(*encoders, *streams))
    port = (await start_server(setup)).port
    client = (await request(port, "GET", "/api/client", basic("victor", PASSWORD))).json
    assert client["decoders"] == {
        "odd": "plugins/decoders/odd.js",
        "qoi": None,
        "clip": "plugins/decoders/clip.js",
        "h264": None,
    }
    stream_reply = await request(port, "GET", "/plugins/decoders/clip.js")
    assert stream_reply.body == b"export const codec = 'odd';"
    reply = await request(port, "GET", "/plugins/decoders/odd.js")
    assert reply.body == b"export const codec = 'odd';"
    assert reply.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "'wasm-unsafe-eval'" in reply.headers["content-security-policy"]
    etag = {"If-None-Match": reply.headers["etag"]}
    assert (await request(port, "GET", "/plugins/decoders/odd.js", etag)).status == 304
