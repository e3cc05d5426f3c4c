"""A session over each transport, from the real server: it moves there, and comes back from it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.conftest import CHROMIUM_FLAGS, OpenContext, find_chromium
from tests.browser.cut_relay import cut_relay
from tests.browser.remote_page import RemotePage, sign_in, view
from tests.live_server import PLAIN, SECURED, Launcher, LiveServer
from tests.waiting import wait_for, wait_until_equal
from tests.x_desk import XDesk, x_desk

pytestmark = [pytest.mark.browser, pytest.mark.x11]

FLAGS = [
    *(flag for flag in CHROMIUM_FLAGS if flag != "--disable-quic"),
    "--allow-loopback-in-peer-connection",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
]
NAME, PASSWORD = "olga", "correct horse"
ALWAYS = "network.upgrade=always"
LINE = "the quick brown fox jumps over the lazy dog 0123456789"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium that may use UDP, on loopback too."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def account(servers: Launcher) -> None:
    servers.add_user(NAME, PASSWORD, "--write")


def transport_of(remote: RemotePage) -> str:
    """What the page says that it uses."""
    return figures(remote).get("Connection", "")


def figures(remote: RemotePage) -> dict[str, str]:
    """The statistics as the page shows them."""
    return dict(
        remote.page.evaluate(
            """() => [...document.querySelectorAll("#statistics-list dt")].map(
                 (term) => [term.innerText, term.nextElementSibling.innerText])"""
        )
    )


def show_statistics(remote: RemotePage) -> None:
    """Show them; the desktop has the keyboard again."""
    remote.open_panel()
    remote.page.click("#statistics-toggle")
    remote.close_panel()


def open_terminal(desk: XDesk, remote: RemotePage, received: Path) -> None:
    """A terminal whose ``cat`` writes down every line."""
    desk.open_terminal(f"cat > {received}", ready=received)
    remote.click(100, 100)


def sign_in_and_view(open_context: OpenContext, server: LiveServer) -> RemotePage:
    """Open the desktop of a server that wants a login."""
    page = open_context().new_page()
    page.goto(server.url)
    sign_in(page, NAME, PASSWORD)
    page.wait_for_url(server.url)
    remote = RemotePage.on(page)
    remote.wait_until_connected()
    return remote


@pytest.mark.parametrize("name", ["webtransport", "webrtc"])
def test_the_session_moves_to_a_better_transport_while_somebody_types(
    servers: Launcher, open_context: OpenContext, account: None, tmp_path: Path, name: str
) -> None:
    server = servers.start(f"plugins.transports=[{name},websocket]", ALWAYS, base=SECURED)
    remote = sign_in_and_view(open_context, server)
    with x_desk(server.display, server.authority_file) as desk:
        received = tmp_path / "received.txt"
        open_terminal(desk, remote, received)
        show_statistics(remote)
        typed = ""
        for _ in range(3):
            remote.keys.type_us(LINE)
            remote.keys.enter()
            typed += LINE + "\n"
        wait_until_equal(lambda: transport_of(remote), name)
        wait_until_equal(received.read_text, typed)

        remote.page.mouse.move(432, 210)
        wait_until_equal(desk.pointer, (432, 210))
        desk.open_window(200, 200, 500, 300, colour=0xAA3311).write("over UDP", 20, 40)
        remote.wait_until_exact(desk)
    server.stop()


@pytest.mark.parametrize("name", ["webtransport", "webrtc"])
def test_a_server_without_websockets_is_joined_by_ticket(
    servers: Launcher, open_context: OpenContext, account: None, name: str
) -> None:
    server = servers.start(f"plugins.transports=[{name}]", base=SECURED)
    remote = sign_in_and_view(open_context, server)
    show_statistics(remote)
    wait_until_equal(lambda: transport_of(remote), name)
    with x_desk(server.display, server.authority_file) as desk:
        desk.open_window(200, 200, 50, 50, colour=0x11AA33).write("joined", 20, 40)
        remote.wait_until_exact(desk)
    server.stop()


@pytest.mark.parametrize("name", ["websocket", "webtransport", "webrtc"])
def test_a_page_that_is_closed_leaves_without_the_grace_of_one_that_was_cut_off(
    servers: Launcher, open_context: OpenContext, name: str
) -> None:
    ways = f"plugins.transports=[{name}]"
    server = servers.start(ways, "session.resume_grace=3600", base=PLAIN)
    remote = view(open_context().new_page(), server.url)
    show_statistics(remote)
    wait_until_equal(lambda: transport_of(remote), name)
    remote.page.close()
    server.wait_for_log("viewer 1 left: ")
    server.stop()


def test_near_the_server_the_session_stays_with_the_websocket_and_the_page_says_why(
    servers: Launcher, open_context: OpenContext
) -> None:
    server = servers.start(base=PLAIN)
    remote = view(open_context().new_page(), server.url)
    show_statistics(remote)
    wait_until_equal(lambda: transport_of(remote), "websocket: the server is near")
    server.stop()


def test_where_a_transport_does_not_work_the_page_says_why_and_takes_the_next(
    servers: Launcher, open_context: OpenContext
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        server = servers.start(
            "plugins.transports=[webtransport,webrtc,websocket]", ALWAYS, base=PLAIN, port=port
        )
        remote = view(open_context().new_page(), server.url)
        show_statistics(remote)
        wait_until_equal(lambda: transport_of(remote), "webrtc")
        reason = f"UDP port {port} cannot be opened"
        assert reason in figures(remote)["– not webtransport"]

        remote.page.reload()
        remote.wait_until_connected()
        wait_until_equal(lambda: transport_of(remote), "webrtc")
        assert "(some time ago)" in figures(remote)["– not webtransport"]
    server.stop()


def test_a_session_survives_a_cut_connection_without_login_or_lost_keys(
    servers: Launcher, open_context: OpenContext, tmp_path: Path
) -> None:
    server = servers.start(base=PLAIN)
    with (
        cut_relay(server.port) as relay,
        x_desk(server.display, server.authority_file) as desk,
    ):
        remote = view(open_context().new_page(), f"http://127.0.0.1:{relay.port}/")
        received = tmp_path / "received.txt"
        open_terminal(desk, remote, received)
        joins = server.log.count(" joined: ")
        for _ in range(4):
            remote.keys.type_us(LINE[:20])
            wait_for(relay.cut, "a connection to cut")
            remote.keys.type_us(LINE[20:])
        remote.keys.enter()
        wait_until_equal(received.read_text, LINE * 4 + "\n")
        remote.wait_until_exact(desk)
        assert server.log.count(" joined: ") == joins
    server.stop()
