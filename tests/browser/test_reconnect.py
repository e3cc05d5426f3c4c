"""A connection that breaks off comes back by itself, or says why it does not."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from tests.browser.conftest import OpenContext
from tests.browser.remote_page import RemotePage, sign_in, view
from tests.live_server import SECURED, Launcher, LiveServer
from tests.waiting import wait_for
from tests.x_desk import x_desk

pytestmark = [pytest.mark.browser, pytest.mark.x11]

PASSWORD = "correct horse"


@pytest.fixture
def running(servers: Launcher) -> Iterator[list[LiveServer]]:
    """Servers of one test, the newest last; they end with it."""
    started: list[LiveServer] = []
    yield started
    for server in started:
        server.kill_all()


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
def test_the_page_comes_back_by_itself_when_the_server_does(
    servers: Launcher, open_context: OpenContext, running: list[LiveServer], ending: signal.Signals
) -> None:
    running.append(servers.start())
    first = running[-1]
    remote = view(open_context().new_page(), first.url)

    os.kill(first.process.pid, ending)
    first.wait_for_end()
    remote.wait_for_status("Connection lost")
    running.append(servers.start(port=first.port))
    second = running[-1]

    remote.wait_until_connected()
    with x_desk(second.display, second.authority_file) as desk:
        desk.open_window(400, 300, 50, 50, colour=0x2266AA).write("a new display", 20, 40)
        remote.wait_until_exact(desk)
        assert desk.size == (800, 600)
        remote.page.mouse.move(123, 45)
        wait_for(lambda: desk.pointer() == (123, 45), "the pointer moves again")


def test_after_a_restart_with_accounts_the_page_asks_for_the_login_again(
    servers: Launcher, open_context: OpenContext, running: list[LiveServer]
) -> None:
    servers.add_user("olga", PASSWORD, "--write")
    running.append(servers.start(base=SECURED))
    first = running[-1]
    page = open_context().new_page()
    page.goto(first.url)
    sign_in(page, "olga", PASSWORD)
    page.wait_for_url(first.url)
    RemotePage.on(page).wait_until_connected()

    first.stop()
    running.append(servers.start(base=SECURED, port=first.port))

    page.wait_for_url(f"{first.url}login.html#expired")
    assert page.locator("#login-message").inner_text() == "Your login has expired. Sign in again."
    sign_in(page, "olga", PASSWORD)
    page.wait_for_url(first.url)
    RemotePage.on(page).wait_until_connected()


def test_who_lost_the_account_is_told_so_and_does_not_come_back(
    servers: Launcher, open_context: OpenContext, running: list[LiveServer]
) -> None:
    servers.add_user("tom", PASSWORD, "--write")
    running.append(servers.start(base=SECURED))
    page = open_context().new_page()
    page.goto(running[-1].url)
    sign_in(page, "tom", PASSWORD)
    page.wait_for_url(running[-1].url)
    remote = RemotePage.on(page)
    remote.wait_until_connected()

    servers.user_command("remove", "tom")

    remote.wait_for_status("This account was removed.")
    assert "The connection has ended" in remote.status_text
    page.locator("#status-retry").click()
    page.wait_for_url(f"{running[-1].url}login.html*")
    sign_in(page, "tom", PASSWORD)
    wait_for(
        lambda: "User name or password is wrong." in page.locator("#login-message").inner_text(),
        "the refusal",
    )


def test_a_page_that_was_offline_is_current_again_once_it_is_back(
    server: LiveServer, open_context: OpenContext
) -> None:
    context = open_context()
    remote = view(context.new_page(), server.url)
    with x_desk(server.display, server.authority_file) as desk:
        window = desk.open_window(300, 200, colour=0x00AA00)
        remote.wait_until_exact(desk)
        server.process.send_signal(signal.SIGSTOP)
        window.write("while you were away", 20, 40)
        remote.wait_for_status("Connection lost")
        server.process.send_signal(signal.SIGCONT)
        remote.wait_until_connected()
        remote.wait_until_exact(desk)
