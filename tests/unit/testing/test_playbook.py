"""A scripted viewer acts and waits as a test tells it."""

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from kasmcore.api import ConnectionEnded, CursorImage, PointerMoved, Size
from kasmcore.testing import ScriptedViewer
from kasmcore.values.frames import EncodedFrame, FrameTimes
from kasmcore.values.viewer_events import FrameShown
from kasmcore.values.viewer_updates import Notice, Pong, Severity


def frame(serial: int) -> EncodedFrame:
    return EncodedFrame(serial, Size(1, 1), (), FrameTimes(0, 0, 0, 0, 0))


async def test_frames_are_said_to_be_shown() -> None:
    viewer = ScriptedViewer()
    await viewer.send(frame(4))
    assert await viewer.receive() == FrameShown(4, decode_us=0, present_us=0, queued=0)


async def test_the_session_receives_what_the_viewer_does() -> None:
    viewer = ScriptedViewer(shows_frames=False)
    await viewer.send(frame(4))
    viewer.do(PointerMoved(1, 2), PointerMoved(3, 4))
    assert [await viewer.receive() for _ in range(2)] == [PointerMoved(1, 2), PointerMoved(3, 4)]


async def test_expect_finds_an_update_among_others_and_each_only_once() -> None:
    viewer = ScriptedViewer()
    await viewer.send(Pong(1))
    await viewer.send(CursorImage(0, 0, 0, 0, b""))
    await viewer.send(Pong(2))
    assert await viewer.expect(Pong, lambda pong: pong.token == 2) == Pong(2)
    assert await viewer.expect(CursorImage)
    assert await viewer.expect(Pong) == Pong(1)
    assert len(viewer.updates) == 3


async def test_expect_gives_up_and_tells_what_came_instead(autojump_clock: MockClock) -> None:
    viewer = ScriptedViewer()
    await viewer.send(Notice(Severity.INFO, "hello", "Hello."))
    with pytest.raises(AssertionError, match=r"no such Pong within 30 s; instead: \['Notice'\]"):
        await viewer.expect(Pong)


async def test_a_stalled_viewer_makes_the_session_wait(autojump_clock: MockClock) -> None:
    viewer = ScriptedViewer()
    viewer.stall()
    with trio.move_on_after(60) as waiting:
        await viewer.send(Pong(1))
    assert waiting.cancelled_caught
    viewer.resume()
    await viewer.send(Pong(2))
    assert viewer.updates == [Pong(2)]


async def test_a_viewer_that_left_ends_both_directions() -> None:
    viewer = ScriptedViewer()
    viewer.leave("window closed")
    with pytest.raises(ConnectionEnded, match="window closed"):
        await viewer.receive()
    with pytest.raises(ConnectionEnded):
        await viewer.send(Pong(1))
