"""Several people at one desktop, each with rights of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from tests.browser.conftest import OpenContext
from tests.browser.remote_page import SHIFT, RemotePage, sign_in
from tests.live_server import SECURED, Launcher, LiveServer
from tests.waiting import wait_for, wait_until_equal
from tests.x_desk import PointerEvent, XDesk

pytestmark = [pytest.mark.browser, pytest.mark.x11]

PASSWORD = "correct horse"


@pytest.fixture(scope="module")
def server(servers: Launcher) -> LiveServer:
    """A server with TLS and accounts: wanda writes, victor only reads."""
    servers.add_user("wanda", PASSWORD, "--write")
    servers.add_user("victor", PASSWORD, "--read")
    return servers.start(base=SECURED)


@attrs.frozen
class Doors:
    """Lets people in."""

    open_context: OpenContext
    server: LiveServer

    def enter(self, name: str) -> RemotePage:
        page = self.open_context().new_page()
        page.goto(self.server.url)
        sign_in(page, name, PASSWORD)
        page.wait_for_url(self.server.url)
        remote = RemotePage.on(page)
        remote.wait_until_connected()
        return remote


@pytest.fixture
def doors(open_context: OpenContext, server: LiveServer) -> Doors:
    return Doors(open_context, server)


def test_what_one_viewer_types_both_see(doors: Doors, desk: XDesk, tmp_path: Path) -> None:
    first, second = doors.enter("wanda"), doors.enter("wanda")
    received = tmp_path / "received.txt"
    desk.open_terminal(f"cat > {received}", ready=received)
    first.click(100, 100)
    first.page.keyboard.type("seen by both")
    first.keys.enter()
    wait_until_equal(received.read_text, "seen by both\n")

    first.wait_until_exact(desk)
    second.wait_until_exact(desk)
    assert (first.pixels() == second.pixels()).all()


def test_a_viewer_that_leaves_lets_go_of_its_keys_but_not_of_others(
    doors: Doors, desk: XDesk
) -> None:
    desk.open_window(800, 600)
    leaving, staying = doors.enter("wanda"), doors.enter("wanda")
    for viewer, code, key in ((leaving, "KeyA", "a"), (staying, "KeyB", "b")):
        viewer.click(100, 100)
        viewer.keys.press(code, key)
    wait_until_equal(lambda: len(desk.held_keycodes()), 2)

    leaving.page.close()

    wait_until_equal(lambda: len(desk.held_keycodes()), 1)
    staying.keys.release("KeyB", "b")
    wait_until_equal(desk.held_keycodes, [])


def test_a_viewer_that_leaves_lets_go_of_the_button_that_it_holds(
    doors: Doors, desk: XDesk
) -> None:
    window = desk.open_window(800, 600)
    leaving, staying = doors.enter("wanda"), doors.enter("wanda")
    leaving.page.mouse.move(200, 150)
    leaving.page.mouse.down()
    wait_for(lambda: PointerEvent("press", 200, 150, 1) in window.pointer_events(), "the press")

    leaving.page.close()

    wait_for(lambda: PointerEvent("release", 200, 150, 1) in window.pointer_events(), "the release")
    staying.click(300, 300)
    wait_for(lambda: PointerEvent("press", 300, 300, 1) in window.pointer_events(), "its own press")


def test_who_only_views_sees_the_desktop_and_is_told_so(doors: Doors, desk: XDesk) -> None:
    viewer = doors.enter("victor")
    desk.open_window(300, 200, colour=0x225588).write("look, but do not touch", 20, 40)

    viewer.wait_until_exact(desk)

    assert viewer.page.locator("#view-only").is_visible()
    viewer.open_panel()
    assert not viewer.page.locator("#clipboard-send").is_visible()
    assert viewer.page.locator("#sign-out").is_visible()


def test_who_only_views_cannot_type_click_or_resize(doors: Doors, desk: XDesk) -> None:
    viewer, worker = doors.enter("victor"), doors.enter("wanda")
    window = desk.open_window(800, 600)
    worker.page.mouse.move(400, 300)
    wait_until_equal(desk.pointer, (400, 300))
    window.pointer_events()

    viewer.click(100, 100)
    viewer.page.mouse.wheel(0, 300)
    viewer.keys.hold(SHIFT)
    viewer.keys.press("KeyA", "A")
    viewer.page.set_viewport_size({"width": 640, "height": 480})
    window.fill(0x123456)
    viewer.wait_until_exact(desk)  # whatever it could do, it has done by now

    worker.click(410, 310)
    seen: list[PointerEvent] = []
    last = PointerEvent("release", 410, 310, 1)

    def has_clicked() -> bool:
        seen.extend(window.pointer_events())
        return last in seen

    wait_for(has_clicked, "the worker's click")
    assert [event.kind for event in seen if event.kind != "move"] == ["press", "release"]
    assert {(event.x, event.y) for event in seen} == {(410, 310)}
    assert desk.held_keycodes() == []
    assert desk.size == (800, 600)


@pytest.fixture
def lowered(servers: Launcher) -> Iterator[str]:
    """An account that may write, for a test that takes this right away."""
    servers.add_user("lena", PASSWORD, "--write")
    yield "lena"
    servers.user_command("remove", "lena")


def test_a_right_taken_away_counts_at_once(
    doors: Doors, desk: XDesk, servers: Launcher, lowered: str
) -> None:
    desk.open_window(800, 600)
    viewer = doors.enter(lowered)
    viewer.click(100, 100)
    viewer.keys.press("KeyA", "a")
    wait_until_equal(lambda: len(desk.held_keycodes()), 1)

    servers.user_command("set", lowered, "--read")

    wait_until_equal(desk.held_keycodes, [])
    wait_for(viewer.page.locator("#view-only").is_visible, "the mark of a viewer that only views")
    viewer.click(300, 300)
    desk.open_window(10, 10, colour=0xFF0000)
    viewer.wait_until_exact(desk)
    assert desk.pointer() == (100, 100)
