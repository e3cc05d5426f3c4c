import trio
import trio.testing

from kasmcore.interfaces.dlp import DlpFilter
from kasmcore.values.frames import VideoRectangle
from kasmcore.values.geometry import Rectangle, Size
from kasmcore.values.viewer_events import (
    VideoPreference,
)
from tests.unit.session.desks import open_desk
from tests.unit.session.moving_window import (
    CODECS,
    TITLE,
    WINDOW,
    assert_right,
    expected,
    images_inside,
    parts_of,
    play,
    settle,
)
from tests.unit.session.xorz import Xorz


async def test_a_rectangle_that_keeps_moving_comes_by_video_and_nothing_else_does(autojump_clock):
    xorz = Xorz()
    async with open_desk(stream_encoders=(xorz.spec,)) as desk:
        viewer = await desk.join(codecs=CODECS)
        await play(desk, 1)
        sent = len(viewer.frames)
        await play(desk, 1, first=30)
        await settle()
        assert {part.rectangle for part in parts_of(viewer, sent)} == {WINDOW}
        assert images_inside(viewer, sent) == []
        assert len(parts_of(viewer, sent)) >= 29
        assert xorz.opened[0].keys.count(True) == 1
        assert_right(desk, viewer)


async def test_what_changes_beside_a_video_is_exact_in_the_same_frame(autojump_clock):
    xorz = Xorz()
    async with open_desk(stream_encoders=(xorz.spec,)) as desk:
        viewer = await desk.join(codecs=CODECS)
        await play(desk, 1)
        for step in range(20):
            desk.desktop.paint(TITLE, (step, 77, 77))
            await play(desk, 1 / 30, first=step)
            await settle()
            assert (viewer.picture == expected(desk)).all()
        both = [f for f in viewer.frames if len({type(part) for part in f.rectangles}) > 1]
        assert both
        assert all(isinstance(frame.rectangles[0], VideoRectangle) for frame in both)


async def test_what_is_round_a_video_that_begins_within_a_tile_is_exact(autojump_clock):
    window = Rectangle(70, 37, 149, 121)
    xorz = Xorz()
    async with open_desk(stream_encoders=(xorz.spec,)) as desk:
        desk.desktop.paint(Rectangle(0, 0, 320, 200), (201, 99, 33))
        viewer = await desk.join(codecs=CODECS)
        await play(desk, 1, window=window)
        sent = len(viewer.frames)
        for step in range(30):
            await play(desk, 1 / 30, first=step, window=window)
            await settle()
            assert (viewer.picture == expected(desk, window)).all()
        assert {part.rectangle for part in parts_of(viewer, sent)} == {window}
        assert images_inside(viewer, sent) == []


async def test_a_change_just_beside_a_video_is_exact_too(autojump_clock):
    window = Rectangle(70, 37, 149, 121)
    beside = Rectangle(window.right, window.y + 20, 2, 40)
    xorz = Xorz()
    async with open_desk(stream_encoders=(xorz.spec,)) as desk:
        viewer = await desk.join(codecs=CODECS)
        await play(desk, 1, window=window)
        for step in range(3):
            desk.desktop.paint(beside, (step, 77, 255))
            for _ in range(20):
                await play(desk, 1 / 30, first=step, window=window)
            await settle()
            assert (viewer.picture[beside.rows, beside.columns, 0] == 255).all()
            assert (viewer.picture[beside.rows, beside.columns, 2] == step).all()
        assert len(xorz.opened) == 1


async def test_a_video_at_rest_becomes_exact_and_its_stream_ends(autojump_clock):
    xorz = Xorz()
    async with open_desk(stream_encoders=(xorz.spec,)) as desk:
        viewer = await desk.join(codecs=CODECS)
        await play(desk, 1)
        await trio.sleep(0.2)
        assert (viewer.picture == expected(desk)).all()
        await trio.sleep(0.4)
        assert (viewer.picture == desk.desktop.pixels).all()
        sent = len(viewer.frames)
        for step in range(30):
            desk.desktop.paint(TITLE, (step, 0, 0))
            await trio.sleep(0.1)
        assert parts_of(viewer, sent) == []
        assert desk.session.streams.running == 0
        assert xorz.running == []


async def test_a_video_that_goes_on_after_a_short_rest_needs_no_key_frame(autojump_clock):
    xorz = Xorz()
    async with open_desk(stream_encoders=(xorz.spec,)) as desk:
        viewer = await desk.join(codecs=CODECS)
        await play(desk, 1)
        await trio.sleep(1)
        assert (viewer.picture == desk.desktop.pixels).all()
        sent = len(viewer.frames)
        await play(desk, 0.5, first=30)
        await settle()
        assert len(parts_of(viewer, sent)) >= 14
        assert [part.is_key for part in parts_of(viewer)].count(True) == 1
        assert (viewer.picture == expected(desk)).all()


async def test_small_changes_in_a_video_at_rest_are_exact(autojump_clock):
    xorz = Xorz()
    async with open_desk(stream_encoders=(xorz.spec,)) as desk:
        viewer = await desk.join(codecs=CODECS)
        await play(desk, 1)
        await trio.sleep(1)
        sent = len(viewer.frames)
        desk.desktop.paint(Rectangle(100, 60, 20, 10), (255, 255, 255))
        await settle()
        assert len(viewer.frames) == sent + 1
        assert (viewer.picture == desk.desktop.pixels).all()


async def test_nobody_watching_means_no_stream(autojump_clock):
    xorz = Xorz()
    async with open_desk(stream_encoders=(xorz.spec,)) as desk:
        viewer = await desk.join(codecs=CODECS)
        await play(desk, 1)
        assert len(xorz.running) == 1
        viewer.leave()
        await settle()
        assert xorz.running == []


async def test_a_resize_ends_streams_and_new_ones_follow(autojump_clock):
    xorz = Xorz()
    async with open_desk(stream_encoders=(xorz.spec,)) as desk:
        viewer = await desk.join(codecs=CODECS)
        await play(desk, 1)
        await desk.desktop.resize(Size(500, 333))
        await play(desk, 1)
        await settle()
        assert [e.is_closed for e in xorz.opened] == [True, False]
        assert_right(desk, viewer)


async def test_video_shows_what_filters_leave(autojump_clock):
    class Cover(DlpFilter):
        def filter_frame(self, pixels, changed):
            pixels[60:100, 100:160] = 0

    xorz = Xorz()
    async with open_desk(stream_encoders=(xorz.spec,), masks=(Cover(),)) as desk:
        viewer = await desk.join(codecs=CODECS)
        await play(desk, 1)
        await settle()
        assert parts_of(viewer)
        assert not viewer.picture[60:100, 100:160].any()


async def test_a_viewer_may_have_its_whole_screen_as_video(autojump_clock):
    xorz = Xorz()
    async with open_desk(stream_encoders=(xorz.spec,)) as desk:
        viewer = await desk.join(codecs=CODECS)
        for member in desk.session.viewers:
            member.video.preference = VideoPreference.WHOLE_SCREEN
        await play(desk, 0.3)
        await settle()
        parts = parts_of(viewer)
        assert {part.rectangle for part in parts} == {Rectangle(0, 0, 320, 200)}
        assert [part.is_key for part in parts].count(True) == 1
        await trio.sleep(1)
        assert (viewer.picture == desk.desktop.pixels).all()
        await trio.sleep(10)
        sent = len(viewer.frames)
        await play(desk, 0.3)
        assert not parts_of(viewer, sent)[0].is_key


async def test_a_viewer_may_do_without_video(autojump_clock):
    xorz = Xorz()
    async with open_desk(stream_encoders=(xorz.spec,)) as desk:
        viewer = await desk.join(codecs=CODECS)
        await play(desk, 1)
        for member in desk.session.viewers:
            member.video.preference = VideoPreference.OFF
        sent = len(viewer.frames)
        await play(desk, 1)
        assert parts_of(viewer, sent) == []
        assert xorz.running == []
