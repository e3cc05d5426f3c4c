"""Whether the server, the link or the browser limits a viewer, in a running session."""

import trio

from kasmcore.session.session_report import report_of
from kasmcore.values.geometry import Rectangle
from kasmcore.values.viewer_events import FrameShown
from tests.unit.session.desks import open_desk

SPOT = Rectangle(40, 50, 100, 60)


async def receive(viewer, received_s: list[float]) -> None:
    """Note when each frame comes."""
    while True:
        await viewer.arrived.wait()
        received_s += [trio.current_time()] * (len(viewer.frames) - len(received_s))


async def answer(viewer, received_s: list[float], busy_s: float, *, in_browser: bool) -> None:
    """Take one frame after the other, each for so long."""
    for serial in range(1, 10_000):
        while len(received_s) < serial:
            await trio.sleep(0.001)
        await trio.sleep(busy_s)
        decode_s = trio.current_time() - received_s[serial - 1] if in_browser else 0.0
        viewer.do(FrameShown(viewer.frames[serial - 1].serial, round(decode_s * 1e6), 0, 0))


async def report_on(busy_s: float, *, in_browser: bool):
    """Paint sixty times a second, for three; report on the viewer then."""
    async with open_desk() as desk, trio.open_nursery() as nursery:
        viewer = await desk.join()
        await trio.sleep(0.5)
        viewer.acknowledges = False
        viewer.frames.clear()
        received_s: list[float] = []
        nursery.start_soon(receive, viewer, received_s)
        nursery.start_soon(lambda: answer(viewer, received_s, busy_s, in_browser=in_browser))
        for step in range(180):
            desk.desktop.paint(SPOT, (step, 90, 0))
            await trio.sleep(1 / 60)
        (report,) = report_of(desk.session).viewers
        nursery.cancel_scope.cancel()
    return report


async def test_nothing_limits_a_viewer_that_answers_in_time(autojump_clock):
    report = await report_on(0.002, in_browser=False)
    assert report.recent.worst is None


async def test_a_browser_that_shows_few_frames_limits(autojump_clock):
    report = await report_on(0.1, in_browser=True)
    assert report.recent.worst == "browser"
    assert report.recent.browser > 0.5
    assert report.recent.link < 0.1


async def test_a_link_that_is_slow_limits(autojump_clock):
    report = await report_on(0.1, in_browser=False)
    assert report.recent.worst == "link"
    assert report.recent.link > 0.5
    assert report.recent.browser < 0.1


async def test_a_display_that_rests_tells_of_no_limit(autojump_clock):
    async with open_desk() as desk:
        await desk.join()
        for step in range(5):
            await trio.sleep(20)
            desk.desktop.paint(SPOT, (step, 90, 0))
        await trio.sleep(1)
        (report,) = report_of(desk.session).viewers
    assert report.frames > 5
    assert report.newest.size == desk.desktop.size
    assert report.recent.worst is report.total.worst is None
