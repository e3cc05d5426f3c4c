"""The page and its files, over real sockets."""

from __future__ import annotations

from kasmcore.server.server_setup import ServerSetup
from tests.integration.server.conftest import PASSWORD, StartServer
from tests.integration.server.raw_http import basic, log_in, request


async def test_a_stranger_is_sent_to_the_login_page(
    start_server: StartServer, setup: ServerSetup
) -> None:
    port = (await start_server(setup)).port
    reply = await request(port, "GET", "/")
    assert (reply.status, reply.headers["location"]) == (303, "login.html")
    assert (await request(port, "GET", "/login.html")).body == b"<title>login</title>"


async def test_whoever_logged_in_gets_the_desktop(
    start_server: StartServer, setup: ServerSetup
) -> None:
    port = (await start_server(setup)).port
    cookie = (await log_in(port, "alice", PASSWORD)).cookie
    assert (await request(port, "GET", "/", {"Cookie": cookie})).body == b"<title>desktop</title>"
    assert (await request(port, "GET", "/", basic("alice", PASSWORD))).status == 200
