"""A real headless Chromium, and real servers with an X display of their own."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Generator, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from tests.browser.remote_page import RemotePage, view
from tests.live_server import Launcher, LiveServer, launcher, open_logs
from tests.x_desk import XDesk, x_desk

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
VIEWPORT = (800, 600)

OpenContext = Callable[..., BrowserContext]
OpenPage = Callable[..., RemotePage]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the servers' logs beside a failed test."""
    report = yield
    if report.failed:
        report.sections += list(open_logs())
    return report


def find_chromium() -> str | None:
    """Path of the system's Chromium; None: the one that playwright brings."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests of a module."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=find_chromium(), args=CHROMIUM_FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launcher]:
    """Starts servers that end with the module."""
    with launcher(tmp_path_factory.mktemp("servers")) as made:
        yield made


@pytest.fixture(scope="module")
def server(servers: Launcher) -> LiveServer:
    """A server without TLS and login that all tests of a module share."""
    return servers.start()


@pytest.fixture
def desk(server: LiveServer) -> Iterator[XDesk]:
    """The display of ``server``; programs that a test starts there end with it."""
    with x_desk(server.display, server.authority_file) as opened:
        yield opened


@pytest.fixture
def open_context(browser: Browser) -> Iterator[OpenContext]:
    """Open browser profiles, each with its own cookies and settings; they end with the test."""
    contexts: list[BrowserContext] = []

    def open_one(size: tuple[int, int] = VIEWPORT, **options: Any) -> BrowserContext:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]}, ignore_https_errors=True, **options
        )
        contexts.append(context)
        return context

    yield open_one
    for context in contexts:
        context.close()


@pytest.fixture
def open_page(open_context: OpenContext, server: LiveServer) -> OpenPage:
    """Open the desktop's page in a profile of its own and wait for the picture."""

    def open_one(url: str = "", size: tuple[int, int] = VIEWPORT, **options: Any) -> RemotePage:
        return view(open_context(size, **options).new_page(), url or server.url)

    return open_one


@pytest.fixture(scope="module")
def shared_page(browser: Browser, server: LiveServer) -> Iterator[RemotePage]:
    """One viewer of ``server`` for all tests of a module."""
    context = browser.new_context(ignore_https_errors=True)
    yield view(context.new_page(), server.url)
    context.close()


@pytest.fixture
def remote(shared_page: RemotePage) -> RemotePage:
    """A viewer of ``server`` as it is after joining; other tests use it, too."""
    width, height = VIEWPORT
    for other_height in (height - 1, height):  # it asks for a size when its own has changed
        shared_page.page.set_viewport_size({"width": width, "height": other_height})
        shared_page.wait_for_size(width, other_height)
    shared_page.keys.forget_held()
    return shared_page
