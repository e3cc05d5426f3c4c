"""A session goes on over another connection: nothing that was typed is lost or comes twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page

from kasmcore.values.geometry import Rectangle, Size
from tests.browser.conftest import OpenContext
from tests.browser.remote_page import RemotePage
from tests.browser.scripted_server import ScriptedServer, ScriptedViewer, scripted_server
from tests.browser.test_frame_parts import image
from tests.waiting import wait_for, wait_until_equal

pytestmark = pytest.mark.browser

SIZE = Size(400, 300)
PART = Rectangle(0, 0, 60, 40)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server(("qoi",), SIZE) as opened:
        opened.offers_resuming = True
        yield opened


@pytest.fixture
def page(open_context: OpenContext, server: ScriptedServer) -> Page:
    opened = open_context().new_page()
    opened.goto(server.url)
    return opened


def join(page: Page, server: ScriptedServer) -> tuple[RemotePage, ScriptedViewer]:
    """Wait for the page's session and show it something; what it says first has been heard."""
    viewer = server.next_viewer()
    viewer.show(SIZE, image(PART))
    remote = RemotePage.on(page)
    remote.wait_until_connected()
    remote.keys.type_us("a")
    wait_until_equal(lambda: viewer.pressed, ["KeyA"])
    return remote, viewer


def break_off(viewer: ScriptedViewer) -> None:
    """Cut the connection and wait for the next."""
    moves = viewer.moves
    viewer.close()
    wait_until_equal(lambda: viewer.moves, moves + 1)


def test_keys_that_a_broken_connection_swallowed_arrive_once_over_the_next(
    page: Page, server: ScriptedServer
) -> None:
    remote, viewer = join(page, server)

    viewer.is_deaf = True
    remote.keys.type_us("bc")
    viewer.close()

    wait_until_equal(lambda: viewer.moves, 1)
    remote.keys.type_us("d")
    wait_until_equal(lambda: viewer.pressed, ["KeyA", "KeyB", "KeyC", "KeyD"])
    viewer.show(SIZE, image(PART))
    assert remote.status_text == ""


def test_a_connection_that_says_nothing_is_left_for_another(
    page: Page, server: ScriptedServer
) -> None:
    remote, viewer = join(page, server)

    viewer.is_deaf = True
    remote.keys.type_us("bcd")

    wait_until_equal(lambda: viewer.moves, 1)
    wait_until_equal(lambda: viewer.pressed, ["KeyA", "KeyB", "KeyC", "KeyD"])
    assert remote.status_text == ""


def test_a_session_goes_on_after_the_page_has_said_that_it_is_cut_off(
    page: Page, server: ScriptedServer
) -> None:
    remote, viewer = join(page, server)

    server.is_closed = True
    viewer.close()
    remote.wait_for_status("Connection lost")
    server.is_closed = False

    wait_until_equal(lambda: viewer.moves, 1)
    wait_until_equal(lambda: remote.status_text, "")
    viewer.show(SIZE, image(PART))


def test_a_session_goes_on_as_often_as_it_is_cut_off(page: Page, server: ScriptedServer) -> None:
    remote, viewer = join(page, server)

    for _ in range(3):
        break_off(viewer)
        viewer.show(SIZE, image(PART))

    remote.keys.type_us("b")
    wait_until_equal(lambda: viewer.pressed, ["KeyA", "KeyB"])


def test_a_page_whose_session_is_over_joins_anew(page: Page, server: ScriptedServer) -> None:
    remote, viewer = join(page, server)

    server.forget_sessions()
    viewer.close()

    again = server.next_viewer()
    again.show(SIZE, image(PART))
    wait_for(lambda: remote.is_connected, "the page is connected")
    remote.keys.type_us("e")
    wait_until_equal(lambda: again.pressed, ["KeyE"])
    assert viewer.moves == 0


@pytest.mark.parametrize("leave", [Page.close, Page.reload], ids=["closed", "loaded again"])
def test_a_page_that_is_left_says_that_its_session_is_over(
    page: Page, server: ScriptedServer, leave: Callable[[Page], object]
) -> None:
    join(page, server)

    leave(page)

    wait_until_equal(lambda: server.close_codes, [1000])
