"""The login page, over TLS with the certificate that the server made."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import OpenContext
from tests.browser.remote_page import RemotePage, sign_in
from tests.live_server import SECURED, Launcher, LiveServer
from tests.waiting import wait_for
from tests.x_desk import XDesk

pytestmark = [pytest.mark.browser, pytest.mark.x11]

NAME, PASSWORD = "olga", "correct horse"


@pytest.fixture(scope="module")
def server(servers: Launcher) -> LiveServer:
    servers.add_user(NAME, PASSWORD, "--write", "--owner")
    return servers.start(base=SECURED)


@pytest.fixture
def page(open_context: OpenContext) -> Page:
    return open_context().new_page()


def wait_for_message(page: Page, text: str) -> None:
    wait_for(lambda: text in page.locator("#login-message").inner_text(), f"the message {text!r}")


def wait_for_login_page(page: Page, server: LiveServer) -> None:
    page.wait_for_url(re.compile(re.escape(f"{server.url}login.html")))
    assert page.locator("#password").is_visible()


def test_the_right_password_leads_to_the_desktop(
    page: Page, server: LiveServer, desk: XDesk
) -> None:
    assert server.url.startswith("https://")
    page.goto(server.url)
    wait_for_login_page(page, server)
    sign_in(page, NAME, PASSWORD)
    page.wait_for_url(server.url)

    remote = RemotePage.on(page)
    remote.wait_until_connected()
    desk.open_window(200, 100, colour=0x552211).write("welcome", 20, 40)
    remote.wait_until_exact(desk)
    remote.open_panel()
    assert NAME in page.locator("#panel-title").inner_text()


def test_a_wrong_password_is_told_and_another_try_succeeds(page: Page, server: LiveServer) -> None:
    page.goto(server.url)
    for name, password in ((NAME, "wrong horse"), ("nobody", PASSWORD)):
        sign_in(page, name, password)
        wait_for_message(page, "User name or password is wrong.")
    sign_in(page, NAME, PASSWORD)
    page.wait_for_url(server.url)


@pytest.mark.parametrize("path", ["", "index.html", "?x=1"])
def test_a_stranger_at_any_address_of_the_desktop_gets_the_login_page(
    page: Page, server: LiveServer, path: str
) -> None:
    page.goto(server.url + path)
    wait_for_login_page(page, server)


def test_signing_out_ends_the_desktop_in_all_tabs(page: Page, server: LiveServer) -> None:
    page.goto(server.url)
    sign_in(page, NAME, PASSWORD)
    page.wait_for_url(server.url)
    other = page.context.new_page()
    other.goto(server.url)
    remote, other_remote = RemotePage.on(page), RemotePage.on(other)
    remote.wait_until_connected()
    other_remote.wait_until_connected()

    remote.open_panel()
    page.locator("#sign-out").click()

    wait_for_login_page(page, server)
    wait_for_login_page(other, server)
    wait_for_message(other, "Your login has expired. Sign in again.")
    page.goto(server.url)
    wait_for_login_page(page, server)


def test_too_many_guesses_have_to_wait_and_then_may_go_on(page: Page, servers: Launcher) -> None:
    server = servers.start(
        "security.brute_force_protection.blacklist_threshold=2",
        "security.brute_force_protection.blacklist_timeout=2",
        base=SECURED,
    )
    page.goto(server.url)
    for _ in range(2):
        sign_in(page, NAME, "wrong horse")
        wait_for_message(page, "User name or password is wrong.")
    sign_in(page, NAME, PASSWORD)
    wait_for_message(page, "Too many attempts. You can try again in")
    assert page.locator("#login-button").is_disabled()

    wait_for_message(page, "You can try again now.")
    sign_in(page, NAME, PASSWORD)
    page.wait_for_url(server.url)
    server.stop()


def test_the_login_printed_at_the_first_start_works(page: Page, servers: Launcher) -> None:
    first = servers.start(base=SECURED, state="fresh")
    login = first.wait_for_output(r"^  Login \(shown this once\): (\S+) / (\S+)$")
    page.goto(first.url)
    sign_in(page, login[1], login[2])
    page.wait_for_url(first.url)
    remote = RemotePage.on(page)
    remote.wait_until_connected()
    assert not page.locator("#view-only").is_visible()
    first.stop()

    second = servers.start(base=SECURED, state="fresh")
    assert "Login" not in second.output
    assert fingerprint_of(first.directory) == fingerprint_of(second.directory)
    second.stop()


def fingerprint_of(directory: Path) -> str:
    found = re.search(r"[0-9A-F]{2}(:[0-9A-F]{2}){31}", (directory / "output.txt").read_text())
    assert found is not None
    return found[0]
