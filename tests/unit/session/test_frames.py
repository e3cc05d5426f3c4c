import time

import numpy as np
import trio
import trio.testing

from kasmcore.errors import EncodeError
from kasmcore.interfaces.dlp import DlpFilter
from kasmcore.interfaces.encoder import Exactness
from kasmcore.values.geometry import Rectangle, Size
from kasmcore.values.permissions import Permission
from kasmcore.values.viewer_events import (
    FrameFailed,
    FrameShown,
    KeyEvent,
    RefreshRequested,
    ResizeRequested,
)
from kasmcore.values.viewer_updates import Notice
from tests.unit.session.desks import COARSE, RAW, encoder, open_desk

SPOT = Rectangle(40, 50, 20, 10)
NOISE = np.random.default_rng(1).integers(0, 255, (200, 320, 4), np.uint8)


async def settle() -> None:
    """Let everything happen that does not wait for time to pass."""
    await trio.sleep(0.1)
    await trio.testing.wait_all_tasks_blocked()


async def test_a_viewer_sees_what_is_on_the_display(autojump_clock):
    async with open_desk() as desk:
        desk.desktop.paint(SPOT, (200, 200, 200))
        viewer = await desk.join()
        await settle()
        assert (viewer.picture == desk.desktop.pixels).all()


async def test_a_change_is_sent_and_only_the_change(autojump_clock):
    async with open_desk() as desk:
        viewer = await desk.join()
        await settle()
        sent = len(viewer.frames)
        desk.desktop.paint(SPOT, (99, 99, 99))
        await settle()
        assert (viewer.picture == desk.desktop.pixels).all()
        assert len(viewer.frames) == sent + 1
        assert sum(part.rectangle.area for part in viewer.frames[-1].rectangles) <= 48 * 32


async def test_damage_without_a_changed_pixel_sends_nothing(autojump_clock):
    async with open_desk() as desk:
        viewer = await desk.join()
        await settle()
        sent = len(viewer.frames)
        desk.desktop.paint(SPOT, (0, 0, 0))
        await settle()
        assert len(viewer.frames) == sent


async def test_nobody_watching_costs_no_capture(autojump_clock):
    async with open_desk() as desk:
        for value in range(5):
            desk.desktop.paint(SPOT, (value, value, value))
            await settle()
        assert desk.session.frames.captured_frames == 0


async def test_a_slow_viewer_skips_frames_and_ends_with_the_newest(autojump_clock):
    async with open_desk() as desk:
        quick, slow = await desk.join(), await desk.join()
        await settle()
        slow.stall()
        for value in range(1, 40):
            desk.desktop.paint(SPOT, (value, value, value))
            await trio.sleep(1 / 60)
        await settle()
        assert (quick.picture == desk.desktop.pixels).all()
        assert len(quick.frames) > 20
        assert len(slow.frames) < 5
        slow.flow()
        await settle()
        assert (slow.picture == desk.desktop.pixels).all()
        assert len(slow.frames) < 10


async def test_a_viewer_that_acknowledges_nothing_gets_few_frames(autojump_clock):
    async with open_desk() as desk:
        viewer = await desk.join()
        viewer.acknowledges = False
        await settle()
        for value in range(1, 40):
            desk.desktop.paint(SPOT, (value, value, value))
            await trio.sleep(1 / 60)
        assert len(viewer.frames) <= 3


async def test_the_frame_rate_has_a_limit(autojump_clock):
    async with open_desk() as desk:
        viewer = await desk.join()
        await settle()
        started, first = trio.current_time(), len(viewer.frames)
        for step in range(500):
            desk.desktop.paint(SPOT, (step % 251, 9, 9))
            await trio.sleep(0.002)
        rate_hz = (len(viewer.frames) - first) / (trio.current_time() - started)
        assert 50 < rate_hz < 63


async def test_moving_pictures_blur_and_become_exact_at_rest(autojump_clock):
    async with open_desk() as desk:
        viewer = await desk.join()
        for step in range(1, 20):
            desk.desktop.paint_pixels(0, 0, NOISE ^ np.uint8(step))
            await trio.sleep(1 / 60)
        await trio.sleep(0.02)
        assert {part.codec for part in viewer.frames[-1].rectangles} == {"coarse"}
        await trio.sleep(1)
        assert (viewer.picture == desk.desktop.pixels).all()
        sent = len(viewer.frames)
        await trio.sleep(60)
        assert len(viewer.frames) == sent


async def test_a_resize_gives_every_viewer_the_new_picture(autojump_clock):
    async with open_desk() as desk:
        viewers = [await desk.join(), await desk.join()]
        await settle()
        viewers[0].do(ResizeRequested(Size(500, 333)))
        await settle()
        desk.desktop.paint(SPOT, (7, 7, 7))
        await settle()
        for viewer in viewers:
            assert viewer.picture.shape == (333, 500, 4)
            assert (viewer.picture == desk.desktop.pixels).all()


async def test_a_viewer_without_the_right_cannot_resize(autojump_clock):
    async with open_desk() as desk:
        viewer = await desk.join(Permission.READ)
        viewer.do(ResizeRequested(Size(500, 333)))
        await settle()
        assert desk.desktop.size == Size(320, 200)


async def test_a_viewer_without_the_right_to_see_gets_no_frame_until_it_has_it(autojump_clock):
    async with open_desk() as desk:
        viewer = await desk.join(Permission.WRITE)
        desk.desktop.paint(SPOT, (7, 7, 7))
        await settle()
        assert viewer.frames == []
        user = viewer.viewer.user
        desk.session.user_changed(user.name, type(user)(user.name, Permission.READ))
        await settle()
        assert (viewer.picture == desk.desktop.pixels).all()


async def test_a_frame_that_could_not_be_shown_is_sent_again(autojump_clock):
    async with open_desk() as desk:
        viewer = await desk.join()
        await settle()
        viewer.acknowledges = False
        desk.desktop.paint(SPOT, (50, 50, 50))
        await settle()
        viewer.acknowledges = True
        before = len(viewer.frames)
        viewer.do(FrameFailed(viewer.frames[-1].serial, "raw", "garbled"))
        await settle()
        again = viewer.frames[before]
        assert any(part.rectangle.overlaps(SPOT) for part in again.rectangles)


async def test_a_codec_that_fails_twice_at_a_viewer_is_avoided_and_the_viewer_told(autojump_clock):
    async with open_desk(encoders=(RAW, encoder("raw2", RAW.factory, Exactness.ALWAYS))) as desk:
        viewer = await desk.join(codecs=("raw", "raw2"))
        await settle()
        viewer.acknowledges = False
        for value in (50, 51):
            desk.desktop.paint(SPOT, (value, value, value))
            await settle()
            viewer.do(FrameFailed(viewer.frames[-1].serial, "raw", "garbled"))
            await settle()
        assert viewer.frames[-1].rectangles[0].codec == "raw2"
        assert [n.topic for n in viewer.others if isinstance(n, Notice)] == ["codec_failed"]


async def test_a_viewer_that_can_show_nothing_is_not_sent_frames_for_ever(autojump_clock):
    async with open_desk() as desk:
        viewer = await desk.join()
        await settle()
        viewer.acknowledges = False
        desk.desktop.paint(SPOT, (5, 5, 5))
        for _ in range(10):
            await settle()
            viewer.do(FrameFailed(viewer.frames[-1].serial, "", "no idea"))
        await settle()
        assert len(desk.session.viewers) == 0
        assert len(viewer.frames) < 20


async def test_a_refresh_sends_everything_again(autojump_clock):
    async with open_desk() as desk:
        viewer = await desk.join()
        await settle()
        viewer.picture[:] = 77
        viewer.do(RefreshRequested())
        await settle()
        assert (viewer.picture == desk.desktop.pixels).all()


async def test_an_encoder_that_raises_is_replaced_by_the_next(autojump_clock):
    class Broken:
        def encode(self, pixels, quality):
            raise EncodeError("no")

    broken = encoder("broken", Broken, Exactness.ALWAYS)
    async with open_desk(encoders=(broken, RAW, COARSE)) as desk:
        viewer = await desk.join(codecs=("broken", "raw", "coarse"))
        for value in range(1, 8):
            desk.desktop.paint(SPOT, (value, value, value))
            await settle()
        assert (viewer.picture == desk.desktop.pixels).all()
        assert not desk.session.pool.is_usable("broken")


async def test_no_viewer_ever_gets_a_pixel_that_a_filter_covers(autojump_clock):
    class Cover(DlpFilter):
        def filter_frame(self, pixels, changed):
            pixels[60:120, 100:200] = 0

    cover = Cover()
    async with open_desk(masks=(cover,), encoders=(RAW,)) as desk:
        viewer = await desk.join()
        for step in range(30):
            desk.desktop.paint_pixels(0, 0, np.roll(NOISE, step, 0) | 1)
            await trio.sleep(1 / 60)
            if viewer.picture is not None:
                assert not viewer.picture[60:120, 100:200].any()
        await trio.sleep(1)
        expected = desk.desktop.pixels
        expected[60:120, 100:200] = 0
        assert (viewer.picture == expected).all()


async def test_viewers_that_need_the_same_share_one_encoding(autojump_clock):
    encoded = []

    class Counting:
        def encode(self, pixels, quality):
            encoded.append(pixels.shape)
            return pixels.tobytes()

    async with open_desk(encoders=(encoder("raw", Counting, Exactness.ALWAYS),)) as desk:
        viewers = [await desk.join(codecs=("raw",)) for _ in range(5)]
        await settle()
        encoded.clear()
        desk.desktop.paint(SPOT, (11, 11, 11))
        await settle()
        assert all((v.picture == desk.desktop.pixels).all() for v in viewers)
        assert len(encoded) == len(viewers[0].frames[-1].rectangles)


async def test_a_picture_too_large_for_one_message_goes_in_several(autojump_clock):
    async with open_desk(encoders=(RAW,)) as desk:
        await desk.desktop.resize(Size(2600, 1600))
        desk.desktop.paint_pixels(0, 0, np.tile(NOISE, (8, 8, 1)))
        viewer = await desk.join(codecs=("raw",))
        await settle()
        assert len(viewer.frames) > 1
        assert all(frame.payload_bytes <= 8 * 2**20 for frame in viewer.frames)
        assert (viewer.picture == desk.desktop.pixels).all()


async def test_statistics_come_while_frames_flow_and_stop_at_rest(autojump_clock):
    async with open_desk() as desk:
        viewer = await desk.join()
        for step in range(60):
            desk.desktop.paint(SPOT, (step, step, step))
            await trio.sleep(1 / 30)
        await trio.sleep(3)
        told = len(viewer.others)
        assert any(type(update).__name__ == "ViewerStatistics" for update in viewer.others)
        await trio.sleep(60)
        assert len(viewer.others) == told


async def test_the_stages_of_a_frame_add_up_to_its_latency(autojump_clock):
    async with open_desk() as desk:
        await desk.join()
        desk.desktop.paint(SPOT, (3, 3, 3))
        await settle()
        assert len(desk.session.timeline) >= 1
        percentiles = desk.session.timeline.percentiles_ms(50)
        stages = sum(value for stage, value in percentiles.items() if stage != "total")
        assert abs(stages - percentiles["total"]) < 1e-6


async def test_the_effect_of_input_overtakes_motion_that_waits_for_acknowledgements(autojump_clock):
    async with open_desk() as desk:
        viewer = await desk.join()
        await trio.sleep(1)
        for step in range(60):  # motion, until nothing more may be in flight
            viewer.acknowledges = step < 50
            desk.desktop.paint(Rectangle(160, 0, 160, 200), (step, 0, 255 - step))
            await trio.sleep(1 / 60)
        stuck = len(viewer.frames)
        viewer.do(KeyEvent(pressed=True, keysym=0x61, code="KeyA"))
        await trio.sleep(0.01)
        desk.desktop.paint(Rectangle(16, 16, 8, 8), (1, 2, 3))
        desk.desktop.paint(Rectangle(160, 0, 160, 200), (77, 0, 0))
        await trio.sleep(0.1)
        (effect,) = viewer.frames[stuck:]
        assert all(part.rectangle.right <= 160 for part in effect.rectangles)
        assert viewer.picture[20, 20, 2] == 1
        viewer.acknowledges = True
        viewer.do(FrameShown(effect.serial, 1000, 1000, 0))
        await trio.sleep(1)
        assert (viewer.picture == desk.desktop.pixels).all()


async def test_what_holds_up_the_event_loop_is_measured_while_frames_flow(autojump_clock):
    class Slow(RAW.factory):
        def encode(self, pixels, quality):
            time.sleep(0.02)
            return super().encode(pixels, quality)

    async with open_desk(encoders=(encoder("slow", Slow, Exactness.ALWAYS),)) as desk:
        await desk.join(codecs=("slow",))
        for step in range(5):
            desk.desktop.paint(Rectangle(0, 0, 16, 16), (step, step, step))
            await trio.sleep(0.1)
        assert desk.session.loop_lag.percentile_s(99) > 0.01
    before = desk.session.loop_lag.percentile_s(100)
    time.sleep(1.5 * before)
    await trio.sleep(1)
    assert desk.session.loop_lag.percentile_s(100) == before  # it ends with the session
