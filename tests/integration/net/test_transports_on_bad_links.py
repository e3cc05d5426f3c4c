"""Each transport between a real server and a real browser while the link between them fails.

How well they do is measured by ``tests/bench/transports.py``; here everything must come right again
by itself.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import attrs
import numpy as np
import pytest
from playwright.sync_api import Browser

from tests.browser.remote_page import RemotePage
from tests.impaired_browser import ProbedPage, browser_at, scene_on, server_at
from tests.impaired_link import (
    CLIENT_ADDRESS,
    ImpairedLink,
    LinkChange,
    LinkQuality,
    Side,
    impaired_link,
)
from tests.live_server import Launcher, LiveServer
from tests.waiting import wait_for
from tests.x_desk import PaintedWindow, XDesk, x_desk

pytestmark = [pytest.mark.browser, pytest.mark.x11]

MBIT = 1e6 / 8
HOME = LinkQuality(bytes_per_s=20 * MBIT, delay_s=0.01)
OUTSIDE_ADDRESS = "198.18.0.77"
NEXT_ADDRESS = "198.18.0.3"
BACK_S = 15.0
"""Until a picture is there again: what people wait at worst, and the tests' machine is busy."""
_MARK = "window.stillTheSamePage"


def over(*transports: str) -> pytest.MarkDecorator:
    """Each of these alone."""
    return pytest.mark.parametrize("transport", transports)


@pytest.fixture(scope="module")
def shared_link() -> Iterator[ImpairedLink]:
    with impaired_link(HOME) as made:
        yield made


@pytest.fixture(scope="module")
def browser(shared_link: ImpairedLink) -> Iterator[Browser]:
    with browser_at(shared_link) as opened:
        yield opened


@pytest.fixture
def link(shared_link: ImpairedLink) -> Iterator[ImpairedLink]:
    yield shared_link
    shared_link.change(HOME)
    shared_link.rebind()


@attrs.define(eq=False)
class Session:
    """A viewer of a server's display."""

    server: LiveServer
    desk: XDesk
    page: ProbedPage
    window: PaintedWindow = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.window = self.desk.open_window(320, 240)
        self.remote.page.evaluate(f"{_MARK} = true")

    @property
    def remote(self) -> RemotePage:
        """What a person sees."""
        return self.page.remote

    def paint(self, seed: int) -> None:
        """Change a large part of the screen."""
        random = np.random.default_rng(seed)
        self.window.paint(random.integers(0, 256, (240, 320, 3), np.uint8))

    @property
    def joins(self) -> int:
        """How often a viewer has joined."""
        return self.server.log.count(" joined: ")

    def goes_on(self) -> None:
        """Nobody reloaded the page, and it shows exactly what is drawn now."""
        assert self.remote.page.evaluate(_MARK) is True
        self.paint(int(time.monotonic() * 1000))
        self.remote.wait_until_exact(self.desk)
        assert self.remote.page.evaluate(_MARK) is True


@pytest.fixture
def server(runs: Launcher, link: ImpairedLink, transport: str) -> LiveServer:
    return server_at(link, runs, transport)


@pytest.fixture
def session(server: LiveServer, link: ImpairedLink, browser: Browser) -> Iterator[Session]:
    page = ProbedPage.open(browser, server.url)
    with link.entered(Side.SERVER), x_desk(server.display, server.authority_file) as desk:
        yield Session(server, desk, page)
    page.remote.page.context.close()


@over("websocket", "webtransport", "webrtc")
def test_the_picture_is_exact_over_a_link_that_loses_repeats_and_mixes_up_packets(
    session: Session, link: ImpairedLink
) -> None:
    link.change(
        attrs.evolve(
            HOME,
            loss=0.05,
            loss_burst_packets=3,
            jitter_s=0.02,
            reordering=0.05,
            duplication=0.05,
        )
    )
    for seed in range(5):
        session.paint(seed)
        time.sleep(0.2)
    session.goes_on()
    assert link.counts()["to_client"]["lost_packets"] > 0


@over("websocket", "webtransport", "webrtc")
def test_after_an_outage_the_picture_becomes_exact_without_a_reload(
    session: Session, link: ImpairedLink
) -> None:
    session.paint(1)
    session.remote.wait_until_exact(session.desk)
    link.follow(LinkChange(cut_s=2.0))
    for seed in range(4):
        session.paint(seed)
        time.sleep(0.6)
    session.goes_on()


@over("websocket", "webtransport", "webrtc")
def test_a_session_goes_on_behind_a_router_that_has_forgotten_it(
    session: Session, link: ImpairedLink, transport: str
) -> None:
    session.paint(1)
    session.remote.wait_until_exact(session.desk)
    joins = session.joins
    link.rebind(OUTSIDE_ADDRESS, port_shift=777)
    session.goes_on()
    if transport == "webtransport":
        assert session.joins == joins


@over("websocket", "webtransport", "webrtc")
def test_a_session_goes_on_from_another_network(session: Session, link: ImpairedLink) -> None:
    session.paint(1)
    session.remote.wait_until_exact(session.desk)
    try:
        link.cut(0.5)
        link.renumber_client(NEXT_ADDRESS)
        session.goes_on()
    finally:
        link.renumber_client(CLIENT_ADDRESS)


@over("websocket", "webtransport", "webrtc")
def test_every_key_arrives_once_whatever_happens_to_the_link(
    server: LiveServer, link: ImpairedLink, browser: Browser
) -> None:
    with scene_on(server, link) as scene:
        page = ProbedPage.open(browser, server.url)
        scene.play()
        link.change(attrs.evolve(HOME, loss=0.03, duplication=0.03, reordering=0.03))
        link.follow(LinkChange(after_s=1.0, cut_s=1.5))
        pressed = 0
        while pressed < 30:
            page.press_key()
            pressed += 1
            time.sleep(0.1)
        wait_for(
            lambda: page.seen().typed and page.seen().typed[-1][0] >= pressed,
            "the effect of the last key is seen",
            limit_s=BACK_S,
        )
        time.sleep(0.5)
        assert len(scene.end().typed) == pressed
        page.remote.page.context.close()


@over("websocket", "webtransport", "webrtc")
def test_pictures_that_newer_ones_replace_are_not_sent(
    session: Session, link: ImpairedLink
) -> None:
    link.change(LinkQuality(bytes_per_s=4 * MBIT, delay_s=0.02))
    session.remote.wait_until_exact(session.desk)
    one = _bytes_for(session, link, range(100, 101))
    many = _bytes_for(session, link, range(200, 220))
    assert many < 6 * one


def _bytes_for(session: Session, link: ImpairedLink, seeds: range) -> float:
    """Paint one after the other; count what goes to the viewer until the last one is exact."""
    time.sleep(1)
    link.counts(reset=True)
    for seed in seeds:
        session.paint(seed)
        time.sleep(0.03)
    session.remote.wait_until_exact(session.desk)
    return link.counts()["to_client"]["passed_bytes"]
