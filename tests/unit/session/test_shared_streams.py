import trio
import trio.testing

from kasmcore.pipeline.pacing import Pacer
from kasmcore.values.geometry import Rectangle
from kasmcore.values.viewer_events import (
    FrameFailed,
    FrameShown,
    RefreshRequested,
)
from kasmcore.values.viewer_updates import Notice
from tests.unit.session.desks import open_desk
from tests.unit.session.moving_window import (
    CODECS,
    TITLE,
    assert_right,
    expected,
    images_inside,
    parts_of,
    play,
    settle,
)
from tests.unit.session.xorz import Xorz


async def test_a_change_beside_a_video_reaches_a_viewer_that_skipped_it(autojump_clock):
    window = Rectangle(70, 37, 149, 121)
    beside = Rectangle(window.right, window.y + 20, 2, 40)
    xorz = Xorz()
    async with open_desk(stream_encoders=(xorz.spec,)) as desk:
        quick, slow = await desk.join(codecs=CODECS), await desk.join(codecs=CODECS)
        await play(desk, 1, window=window)
        slow.stall()
        desk.desktop.paint(beside, (7, 77, 255))
        await play(desk, 0.2, window=window)
        slow.flow()
        await play(desk, 0.2, first=6, window=window)
        await settle()
        for viewer in (quick, slow):
            assert (viewer.picture[beside.rows, beside.columns, 2] == 7).all()
            assert viewer.video.faults == []


async def test_viewers_of_the_same_video_share_one_encoder(autojump_clock):
    xorz = Xorz()
    async with open_desk(stream_encoders=(xorz.spec,)) as desk:
        viewers = [await desk.join(codecs=CODECS) for _ in range(4)]
        await play(desk, 2)
        await settle()
        assert len(xorz.opened) == 1
        assert len(xorz.opened[0].keys) < 65
        assert_right(desk, *viewers)


async def test_a_viewer_that_joins_later_shares_the_stream_from_a_key_frame(autojump_clock):
    xorz = Xorz()
    async with open_desk(stream_encoders=(xorz.spec,)) as desk:
        first = await desk.join(codecs=CODECS)
        await play(desk, 2)
        late = await desk.join(codecs=CODECS)
        await play(desk, 1, first=60)
        await settle()
        assert len(xorz.opened) == 1
        assert xorz.opened[0].keys.count(True) == 2
        assert_right(desk, first, late)


async def test_many_viewers_that_join_at_once_do_not_cost_a_key_frame_each(autojump_clock):
    xorz = Xorz()
    async with open_desk(stream_encoders=(xorz.spec,)) as desk:
        await desk.join(codecs=CODECS)
        await play(desk, 2)
        late = []
        for step in range(5):
            late.append(await desk.join(codecs=CODECS))
            await play(desk, 0.1, first=60 + 3 * step)
        await play(desk, 2, first=80)
        await settle()
        assert xorz.opened[0].keys.count(True) <= 3
        assert all((viewer.picture == expected(desk)).all() for viewer in late)
        assert [fault for viewer in late for fault in viewer.video.faults] == []


async def test_a_viewer_that_skips_a_few_packets_gets_them_hidden(autojump_clock):
    xorz = Xorz()
    async with open_desk(stream_encoders=(xorz.spec,)) as desk:
        quick, slow = await desk.join(codecs=CODECS), await desk.join(codecs=CODECS)
        await play(desk, 1)
        slow.stall()
        await play(desk, 0.15, first=30)
        slow.flow()
        await play(desk, 0.5, first=35)
        await settle()
        assert any(part.is_hidden for part in parts_of(slow))
        assert not any(part.is_hidden for part in parts_of(quick))
        assert xorz.opened[0].keys.count(True) == 1
        assert slow.video.faults == quick.video.faults == []
        assert (slow.picture == expected(desk)).all()


async def test_a_viewer_that_missed_much_goes_on_from_a_key_frame(autojump_clock):
    xorz = Xorz()
    async with open_desk(stream_encoders=(xorz.spec,)) as desk:
        quick, slow = await desk.join(codecs=CODECS), await desk.join(codecs=CODECS)
        await play(desk, 2)
        slow.stall()
        await play(desk, 2, first=60)
        slow.flow()
        sent = len(slow.frames)
        await play(desk, 1, first=120)
        await settle()
        assert len(xorz.opened) == 1
        assert sum(part.is_hidden for part in parts_of(slow, sent)) <= 8
        assert images_inside(slow, sent + 2) == []
        assert_right(desk, quick, slow)


async def test_a_viewer_that_keeps_missing_much_gets_a_stream_of_its_own(autojump_clock):
    xorz = Xorz()
    async with open_desk(stream_encoders=(xorz.spec,)) as desk:
        quick, slow = await desk.join(codecs=CODECS), await desk.join(codecs=CODECS)
        await play(desk, 2)
        for step in range(5):
            slow.stall()
            await play(desk, 1, first=30 * step)
            slow.flow()
            await play(desk, 1, first=7 * step)
        keys = xorz.opened[0].keys.count(True)
        slow.stall()
        await play(desk, 1)
        slow.flow()
        await play(desk, 1, first=3)
        await settle()
        assert len(xorz.running) == 2
        assert xorz.opened[0].keys.count(True) == keys
        assert_right(desk, quick, slow)


async def test_a_viewer_that_cannot_decode_video_gets_images_and_is_told_once(autojump_clock):
    xorz = Xorz()
    async with open_desk(stream_encoders=(xorz.spec,)) as desk:
        viewer = await desk.join(codecs=("raw", "coarse"))
        await trio.sleep(0.5)
        assert not any(isinstance(update, Notice) for update in viewer.others)
        await play(desk, 1)
        await trio.sleep(3)
        await play(desk, 1)
        await trio.sleep(1)
        assert parts_of(viewer) == []
        assert topics(viewer) == ["video_as_images"]
        assert (viewer.picture == desk.desktop.pixels).all()


async def unshown_packet(desk, viewer, first) -> None:
    """One more frame, which the viewer does not acknowledge."""
    viewer.acknowledges = False
    await play(desk, 1 / 30, first=first)
    await settle()
    viewer.acknowledges = True


async def fail(viewer, *serials) -> None:
    for serial in serials:
        viewer.do(FrameFailed(serial, "xorz", "no such packet"))
    await settle()


def topics(viewer) -> list[str]:
    return [update.topic for update in viewer.others if isinstance(update, Notice)]


async def test_a_packet_that_could_not_be_shown_is_followed_by_a_key_frame(autojump_clock):
    xorz = Xorz()
    async with open_desk(stream_encoders=(xorz.spec,)) as desk:
        viewer = await desk.join(codecs=CODECS)
        await play(desk, 1)
        await settle()
        await unshown_packet(desk, viewer, first=3)
        sent = len(viewer.frames)
        await fail(viewer, viewer.frames[-1].serial)
        assert [part.is_key for part in parts_of(viewer, sent)] == [True]
        await play(desk, 0.5, first=9)
        await settle()
        assert (viewer.picture == expected(desk)).all()


async def test_packets_that_fail_because_one_before_them_did_are_no_faults_of_their_own(
    autojump_clock,
):
    xorz = Xorz()
    async with open_desk(stream_encoders=(xorz.spec,)) as desk:
        viewer = await desk.join(codecs=CODECS)
        await play(desk, 1)
        await settle()
        viewer.acknowledges = False
        sent = len(viewer.frames)
        await play(desk, 0.5, first=3)
        viewer.acknowledges = True
        on_the_way = viewer.frames[sent:]
        assert len(on_the_way) > 1
        await fail(viewer, *(frame.serial for frame in on_the_way))
        await play(desk, 1, first=9)
        await settle()
        assert topics(viewer) == []
        assert_right(desk, viewer)


async def test_a_viewer_whose_decoder_fails_twice_gets_images_and_is_told(autojump_clock):
    xorz = Xorz()
    async with open_desk(stream_encoders=(xorz.spec,)) as desk:
        other, viewer = await desk.join(codecs=CODECS), await desk.join(codecs=CODECS)
        await play(desk, 1)
        for step in range(2):
            await settle()
            await unshown_packet(desk, viewer, first=3 + step)
            await fail(viewer, viewer.frames[-1].serial)
        await settle()
        sent = len(viewer.frames)
        await play(desk, 0.5, first=9)
        await settle()
        assert parts_of(viewer, sent) == []
        assert images_inside(viewer, sent)
        assert "codec_failed" in topics(viewer)
        assert len(xorz.running) == 1
        assert other.video.faults == []


async def test_a_decoder_that_takes_no_key_frame_either_fails_for_good(autojump_clock):
    xorz = Xorz()
    async with open_desk(stream_encoders=(xorz.spec,)) as desk:
        viewer = await desk.join(codecs=CODECS)
        await play(desk, 1)
        await settle()
        await unshown_packet(desk, viewer, first=3)
        viewer.acknowledges = False
        await fail(viewer, viewer.frames[-1].serial)
        assert [part.is_key for part in viewer.frames[-1].rectangles] == [True]
        viewer.acknowledges = True
        await fail(viewer, viewer.frames[-1].serial)
        assert topics(viewer) == ["codec_failed"]


async def test_a_viewer_that_asks_for_all_again_gets_a_key_frame(autojump_clock):
    xorz = Xorz()
    async with open_desk(stream_encoders=(xorz.spec,)) as desk:
        viewer = await desk.join(codecs=CODECS)
        await play(desk, 1)
        await settle()
        sent = len(viewer.frames)
        viewer.picture[:] = 0
        viewer.do(RefreshRequested())
        await settle()
        assert parts_of(viewer, sent)[0].is_key
        assert (viewer.picture == expected(desk)).all()


async def test_an_encoder_that_fails_is_replaced_by_images(autojump_clock):
    xorz = Xorz(breaks=True)
    async with open_desk(stream_encoders=(xorz.spec,)) as desk:
        viewer = await desk.join(codecs=CODECS)
        await play(desk, 1)
        await settle()
        assert len(xorz.opened) == 1
        await trio.sleep(1)
        assert (viewer.picture == desk.desktop.pixels).all()
        for step in range(4):
            await play(desk, 1, first=step)
            await trio.sleep(0.5)
            desk.desktop.paint(TITLE, (step, 0, 0))
            await trio.sleep(2.5)
            desk.desktop.paint(TITLE, (step, 1, 1))
        await settle()
        assert len(xorz.opened) == 3
        assert (viewer.picture == desk.desktop.pixels).all()
        assert parts_of(viewer) == []


async def test_the_next_codec_takes_the_place_of_one_that_fails(autojump_clock):
    broken, xorz = Xorz("broken", breaks=True), Xorz()
    async with open_desk(stream_encoders=(broken.spec, xorz.spec)) as desk:
        viewer = await desk.join(codecs=(*CODECS, "broken"))
        await play(desk, 2)
        await settle()
        assert {part.codec for part in parts_of(viewer)} == {"xorz"}
        assert (viewer.picture == expected(desk)).all()


async def test_a_link_that_carries_less_gets_a_stream_of_its_own(autojump_clock):
    xorz = Xorz()
    async with open_desk(stream_encoders=(xorz.spec,)) as desk:
        quick, slow = await desk.join(codecs=CODECS), await desk.join(codecs=CODECS)
        await play(desk, 3)
        assert len(xorz.running) == 1
        before = xorz.running[0].settings[-1].most_bits_per_s
        for member in desk.session.viewers:
            if member.link is slow:
                member.pacer = member.video.pacer = SlowLink(
                    frames_in_flight=3, target_queue_s=0.05, frame_interval_s=1 / 60
                )
        await play(desk, 3)
        await settle()
        bits = sorted(e.settings[-1].most_bits_per_s for e in xorz.running)
        assert len(bits) == 2
        assert bits[0] < 400_000
        assert bits[1] == before
        assert_right(desk, quick, slow)


class SlowLink(Pacer):
    """A pacer that knows its link: 400 kbit/s that never queue."""

    bytes_per_s = 50_000.0
    may_only_overtake = False

    def has_credit(self) -> bool:
        return True

    def frame_budget_bytes(self) -> float:
        return 1e6


async def test_frames_that_are_acknowledged_late_never_break_a_stream(autojump_clock):
    xorz = Xorz()
    async with open_desk(stream_encoders=(xorz.spec,)) as desk:
        quick, slow = await desk.join(codecs=CODECS), await desk.join(codecs=CODECS)
        slow.acknowledges = False

        async def acknowledge_late():
            shown = 0
            while True:
                await trio.sleep(0.09)
                shown, before = len(slow.frames), shown
                for frame in slow.frames[before:shown]:
                    slow.do(FrameShown(frame.serial, 1000, 1000, 0))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(acknowledge_late)
            await play(desk, 5)
            await trio.sleep(0.2)
            nursery.cancel_scope.cancel()
        assert slow.video.faults == quick.video.faults == []
        assert (slow.picture == expected(desk)).all()


async def test_a_viewer_with_full_chroma_gets_a_small_video_in_it(autojump_clock):
    xorz = Xorz(has_full_chroma=True)
    async with open_desk(stream_encoders=(xorz.spec,)) as desk:
        await desk.join(codecs=CODECS, has_full_chroma=True)
        await desk.join(codecs=CODECS)
        await play(desk, 2)
        assert {encoder.settings[0].full_chroma for encoder in xorz.opened} == {True, False}
