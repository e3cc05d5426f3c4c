"""The desktop under a path of another server, behind a reverse proxy."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import OpenContext
from tests.browser.remote_page import RemotePage, sign_in
from tests.live_server import Launcher
from tests.path_proxy import PREFIX, path_proxy
from tests.waiting import wait_for
from tests.x_desk import x_desk

pytestmark = [pytest.mark.browser, pytest.mark.x11]

BEHIND_PROXY = (
    "network.interface=127.0.0.1",
    "network.ssl.enabled=false",
    "network.trusted_proxies=[127.0.0.1]",
)
NAME, PASSWORD = "olga", "correct horse"


@pytest.fixture(scope="module", autouse=True)
def account(servers: Launcher) -> None:
    servers.add_user(NAME, PASSWORD, "--write")


@pytest.fixture
def page(open_context: OpenContext) -> Page:
    return open_context().new_page()


@pytest.mark.parametrize("strips_prefix", [False, True])
def test_login_and_desktop_work_under_a_sub_path(
    page: Page, servers: Launcher, strips_prefix: bool
) -> None:
    server = servers.start(f"network.base_path={PREFIX}", base=BEHIND_PROXY)
    assert server.url.endswith(PREFIX)
    with path_proxy(server.port, strips_prefix=strips_prefix) as port:
        url = f"http://127.0.0.1:{port}{PREFIX}"
        page.goto(url)
        page.wait_for_url(f"{url}login.html")
        sign_in(page, NAME, PASSWORD)
        page.wait_for_url(url)
        remote = RemotePage.on(page)
        remote.wait_until_connected()

        with x_desk(server.display, server.authority_file) as desk:
            desk.open_window(400, 300, colour=0x118833).write("behind a proxy", 20, 40)
            remote.wait_until_exact(desk)
            remote.page.mouse.move(321, 123)
            wait_for(lambda: desk.pointer() == (321, 123), "the pointer moves")
        assert "from 203.0.113.7" in server.log

        remote.open_panel()
        page.locator("#sign-out").click()
        page.wait_for_url(f"{url}login.html")
    server.stop()
