"""A viewer's own picture settings, and the operator's."""

import logging

import attrs
import numpy as np
import trio

from kasmcore.config.schema import EncodingConfig, RuntimeConfigurationConfig, ServerConfig
from kasmcore.config.schema_encoding import (
    EnterVideoEncodingModeConfig,
    VideoEncodingModeConfig,
    VideoMaxResolutionConfig,
    VideoModeLoggingConfig,
)
from kasmcore.interfaces.encoder import Exactness
from kasmcore.values.frames import VideoRectangle
from kasmcore.values.geometry import Rectangle, Size
from kasmcore.values.permissions import Permission
from kasmcore.values.viewer_events import PictureSettings, VideoPreference
from kasmcore.values.viewer_updates import Notice
from tests.unit.session.desks import RAW, CoarseEncoder, encoder, open_desk
from tests.unit.session.xorz import Xorz

SPOT = Rectangle(40, 50, 20, 10)
NOISE = np.random.default_rng(1).integers(0, 255, (200, 320, 4), np.uint8)


JPEG = encoder("jpeg", CoarseEncoder, Exactness.NEVER)


async def play(desk, seconds, rate_hz=60):
    """Full-screen motion in which nothing can be copied."""
    for step in range(round(seconds * rate_hz)):
        desk.desktop.paint_pixels(0, 0, NOISE ^ np.uint8(step % 250 + 1))
        await trio.sleep(1 / rate_hz)


async def frames_a_second(viewer, desk, seconds=4.0):
    before = len(viewer.frames)
    await play(desk, seconds)
    return (len(viewer.frames) - before) / seconds


def qualities(viewer, since):
    return {part.quality for frame in viewer.frames[since:] for part in frame.rectangles}


def topics(viewer):
    return [notice.topic for notice in viewer.others if isinstance(notice, Notice)]


def config_of(**encoding) -> ServerConfig:
    return ServerConfig(encoding=EncodingConfig(**encoding))


async def test_a_viewer_that_asks_for_few_frames_gets_few_and_the_others_as_many_as_before(
    autojump_clock,
):
    async with open_desk() as desk:
        modest, other = await desk.join(), await desk.join()
        modest.do(PictureSettings(max_frame_rate=10))
        await trio.sleep(0.1)
        before = len(other.frames)
        assert 9 <= await frames_a_second(modest, desk) <= 10.5
        assert (len(other.frames) - before) / 4 > 50
        assert topics(modest) == topics(other) == []


async def test_settings_change_while_the_picture_moves(autojump_clock):
    async with open_desk() as desk:
        viewer = await desk.join()
        viewer.do(PictureSettings(max_frame_rate=1))
        await play(desk, 2)
        viewer.do(PictureSettings())
        await trio.sleep(0.1)
        assert await frames_a_second(viewer, desk) > 50


async def test_a_modest_viewer_sees_the_end_of_a_motion_and_a_first_change_at_once(autojump_clock):
    async with open_desk() as desk:
        viewer = await desk.join()
        viewer.do(PictureSettings(max_frame_rate=2))
        await play(desk, 3)
        await trio.sleep(1.5)
        assert (viewer.picture == desk.desktop.pixels).all()
        desk.desktop.paint(SPOT, (1, 2, 3))
        await trio.sleep(0.05)
        assert (viewer.picture == desk.desktop.pixels).all()


async def test_the_quality_that_a_viewer_asks_for_is_its_own(autojump_clock):
    async with open_desk() as desk:
        coarse, other = await desk.join(), await desk.join()
        coarse.do(PictureSettings(min_quality=30, max_quality=31))
        await trio.sleep(0.5)
        starts = len(coarse.frames), len(other.frames)
        await play(desk, 0.5)
        assert qualities(coarse, starts[0]) <= {30, 31}
        assert max(qualities(other, starts[1]) - {100}) >= 86


async def test_a_viewer_may_leave_what_rests_as_it_is(autojump_clock):
    async with open_desk() as desk:
        frugal, other = await desk.join(), await desk.join()
        frugal.do(PictureSettings(exact_at_rest=False))
        await play(desk, 1)
        await trio.sleep(2)
        assert (other.picture == desk.desktop.pixels).all()
        assert not (frugal.picture == desk.desktop.pixels).all()
        frugal.do(PictureSettings())
        await trio.sleep(1)
        assert (frugal.picture == desk.desktop.pixels).all()


async def test_a_viewer_that_may_only_watch_is_told_that_it_may_not(autojump_clock):
    async with open_desk() as desk:
        viewer = await desk.join(Permission.READ)
        viewer.do(PictureSettings(max_frame_rate=5))
        await trio.sleep(0.1)
        assert topics(viewer) == ["picture_settings_refused"]
        assert await frames_a_second(viewer, desk) > 50


async def test_the_operator_can_keep_the_settings_to_itself(autojump_clock):
    fixed = RuntimeConfigurationConfig(allow_client_to_override_kasm_server_settings=False)
    async with open_desk(config=ServerConfig(runtime_configuration=fixed)) as desk:
        viewer = await desk.join()
        viewer.do(PictureSettings(max_frame_rate=5))
        await trio.sleep(0.1)
        assert topics(viewer) == ["picture_settings_refused"]
        assert await frames_a_second(viewer, desk) > 50


async def test_who_asks_for_video_where_there_is_none_is_told(autojump_clock):
    off = attrs.evolve(ServerConfig().session, video_streams="off")
    async with open_desk(config=ServerConfig(session=off)) as desk:
        viewer = await desk.join()
        viewer.do(PictureSettings(video=VideoPreference.WHOLE_SCREEN))
        await trio.sleep(0.1)
        assert topics(viewer) == ["video_refused"]


async def test_240_frames_a_second_can_be_had(autojump_clock):
    async with open_desk(config=config_of(max_frame_rate=240)) as desk:
        viewer = await desk.join()
        before = len(viewer.frames)
        await play(desk, 2, rate_hz=400)
        assert 200 < (len(viewer.frames) - before) / 2 <= 245


async def test_the_whole_picture_is_sent_again_after_so_many_frames(autojump_clock):
    async with open_desk(config=config_of(full_frame_updates=10)) as desk:
        viewer = await desk.join()
        await trio.sleep(1)
        whole = 0
        for value in range(1, 31):
            before = len(viewer.frames)
            desk.desktop.paint(SPOT, (value, value, value))
            await trio.sleep(0.5)
            covered = {
                part.rectangle for frame in viewer.frames[before:] for part in frame.rectangles
            }
            whole += sum(rectangle.area for rectangle in covered) >= 320 * 200
        assert 2 <= whole <= 4


async def test_without_comparing_what_is_called_damaged_is_sent(autojump_clock):
    async with open_desk(config=config_of(compare_framebuffer="off")) as desk:
        viewer = await desk.join()
        await trio.sleep(1)
        before = len(viewer.frames)
        desk.desktop.paint(SPOT, (0, 0, 0))
        await trio.sleep(0.1)
        assert len(viewer.frames) == before + 1


def video_of(viewer, since):
    """Where the streams are that a viewer got since its frame of this number."""
    frames = viewer.frames[since:]
    parts = [part for frame in frames for part in frame.rectangles]
    return {part.rectangle for part in parts if isinstance(part, VideoRectangle)}


async def play_window(desk, seconds):
    """Motion in a part of the screen."""
    for step in range(round(seconds * 30)):
        noise = NOISE[32:160, 64:224] ^ np.uint8(step % 250 + 1)
        desk.desktop.paint_pixels(64, 32, noise)
        await trio.sleep(1 / 30)


async def test_a_viewer_chooses_its_video_while_it_watches_and_the_others_keep_theirs(
    autojump_clock,
):
    async with open_desk(stream_encoders=(Xorz().spec,)) as desk:
        codecs = ("raw", "coarse", "xorz")
        choosing, other = await desk.join(codecs=codecs), await desk.join(codecs=codecs)
        window, screen = Rectangle(64, 32, 160, 128), Rectangle(0, 0, 320, 200)
        for wanted, video in (
            (VideoPreference.AUTO, {window}),
            (VideoPreference.WHOLE_SCREEN, {screen}),
            (VideoPreference.OFF, set()),
            (VideoPreference.AUTO, {window}),
        ):
            choosing.do(PictureSettings(video=wanted))
            await play_window(desk, 1.5)
            since = len(choosing.frames), len(other.frames)
            await play_window(desk, 0.5)
            assert video_of(choosing, since[0]) == video
            assert video_of(other, since[1]) == {window}
        await trio.sleep(3)
        assert (choosing.picture == desk.desktop.pixels).all()
        assert choosing.video.faults == []


async def test_image_video_mode_is_not_for_viewers_with_a_video_stream(autojump_clock):
    config = video_mode_config(
        jpeg_quality=1, enter_video_encoding_mode=EnterVideoEncodingModeConfig(time_threshold=0)
    )
    xorz = Xorz()
    async with open_desk(config=config, encoders=(RAW, JPEG), stream_encoders=(xorz.spec,)) as desk:
        streaming = await desk.join(codecs=("raw", "jpeg", "xorz"))
        other = await desk.join(codecs=("raw", "jpeg"))
        await play(desk, 1)
        await trio.sleep(3)
        assert (streaming.picture == desk.desktop.pixels).all()
        assert qualities(other, 0) == {29}


def video_mode_config(**settings) -> ServerConfig:
    return config_of(video_encoding_mode=VideoEncodingModeConfig(**settings))


async def test_full_screen_motion_gets_the_quality_of_video_mode_and_becomes_exact_after_it(
    autojump_clock,
):
    config = video_mode_config(jpeg_quality=1)
    async with open_desk(config=config, encoders=(RAW, JPEG)) as desk:
        viewer = await desk.join(codecs=("raw", "jpeg"))
        await play(desk, 2)
        assert 29 not in qualities(viewer, 0)
        await play(desk, 3)
        start = len(viewer.frames)
        await play(desk, 2)
        assert qualities(viewer, start) == {29}
        start = len(viewer.frames)
        await trio.sleep(2.8)
        assert qualities(viewer, start) <= {29}
        await trio.sleep(1)
        assert qualities(viewer, start) == {29, 100} or qualities(viewer, start) == {100}


async def test_a_large_screen_is_sent_smaller_in_video_mode_to_viewers_that_can_stretch_it(
    autojump_clock,
):
    config = video_mode_config(
        enter_video_encoding_mode=EnterVideoEncodingModeConfig(time_threshold=0),
        max_resolution=VideoMaxResolutionConfig(width=160, height=160),
    )
    async with open_desk(config=config, encoders=(RAW, JPEG)) as desk:
        stretching = await desk.join(codecs=("raw", "jpeg"), can_scale=True)
        other = await desk.join(codecs=("raw", "jpeg"))
        await play(desk, 0.5)
        for viewer, share in ((stretching, 2), (other, None)):
            parts = viewer.frames[-1].rectangles
            for part in parts:
                size = part.rectangle.size
                smaller = Size(size.width // 2, size.height // 2)
                assert part.image_size == (smaller if share else None)


async def test_the_operator_can_follow_video_mode_in_the_log(autojump_clock, caplog):
    caplog.set_level(logging.INFO)
    config = video_mode_config(logging=VideoModeLoggingConfig(level="info"))
    async with open_desk(config=config, encoders=(RAW, JPEG)) as desk:
        await desk.join(codecs=("raw", "jpeg"))
        await play(desk, 4)
        await trio.sleep(4)
        desk.desktop.paint(SPOT, (1, 2, 3))
        await trio.sleep(0.1)
    lines = [record.getMessage() for record in caplog.records if "moves" in record.getMessage()]
    assert any(line.startswith("video mode is on") for line in lines)
    assert any(line.startswith("video mode is off") for line in lines)
    assert len(lines) < 12


async def test_video_mode_is_quiet_in_the_log_unless_it_is_wanted(autojump_clock, caplog):
    caplog.set_level(logging.INFO)
    async with open_desk(encoders=(RAW, JPEG)) as desk:
        await desk.join(codecs=("raw", "jpeg"))
        await play(desk, 5)
    assert not [record for record in caplog.records if "moves" in record.getMessage()]
