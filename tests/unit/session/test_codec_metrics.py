"""The counts of each codec, for the operator."""

import trio

from kasmcore.errors import EncodeError
from kasmcore.interfaces.encoder import Exactness
from kasmcore.session.session_metrics import metrics_of
from kasmcore.values.geometry import Rectangle
from kasmcore.values.viewer_events import FrameFailed
from tests.unit.session.desks import COARSE, RAW, encoder, open_desk
from tests.unit.session.moving_window import CODECS, play
from tests.unit.session.xorz import Xorz

SPOT = Rectangle(40, 50, 20, 10)


def codecs(desk):
    return {codec.codec: codec for codec in metrics_of(desk.session).codecs}


async def test_what_several_viewers_share_counts_once(autojump_clock):
    async with open_desk(encoders=(RAW,)) as desk:
        viewers = [await desk.join(codecs=("raw",)) for _ in range(2)]
        await trio.sleep(1)
        sent = [part for viewer in viewers for frame in viewer.frames for part in frame.rectangles]
        count = codecs(desk)["raw"]
        assert count.codec_rectangles_total == len(sent) / 2
        assert count.codec_bytes_total == sum(len(part.payload) for part in sent) / 2
        assert count.codec_pixels_total == sum(part.rectangle.area for part in sent) / 2
        assert count.codec_usable == 1


async def test_packets_of_streams_count_beside_images(autojump_clock):
    async with open_desk(stream_encoders=(Xorz().spec,)) as desk:
        await desk.join(codecs=CODECS)
        await play(desk, 1)
        metrics = metrics_of(desk.session)
        assert codecs(desk)["xorz"].codec_rectangles_total == metrics.video_packets_total > 0
        assert set(codecs(desk)) == {"raw", "coarse", "xorz"}


async def test_an_encoder_that_fails_is_counted_until_it_is_dropped(autojump_clock):
    class Broken:
        def encode(self, pixels, quality):
            raise EncodeError("no")

    broken = encoder("broken", Broken, Exactness.ALWAYS)
    async with open_desk(encoders=(broken, RAW, COARSE)) as desk:
        await desk.join(codecs=("broken", "raw", "coarse"))
        for value in range(1, 8):
            desk.desktop.paint(SPOT, (value, value, value))
            await trio.sleep(0.1)
        count = codecs(desk)["broken"]
        assert count.codec_encoder_faults_total == 3
        assert count.codec_usable == count.codec_rectangles_total == 0
        assert codecs(desk)["raw"].codec_usable == 1


async def test_viewers_make_no_names_of_codecs(autojump_clock):
    async with open_desk(encoders=(RAW, encoder("raw2", RAW.factory, Exactness.ALWAYS))) as desk:
        viewer = await desk.join(codecs=("raw", "raw2"))
        await trio.sleep(1)
        viewer.acknowledges = False
        for value, codec in enumerate(["raw", "raw", "made up", "made up"]):
            desk.desktop.paint(SPOT, (value + 1, value, value))
            await trio.sleep(0.5)
            viewer.do(FrameFailed(viewer.frames[-1].serial, codec, "garbled"))
        await trio.sleep(0.1)
        without = {name: codec.codec_viewers_without_total for name, codec in codecs(desk).items()}
        assert without == {"raw": 1, "raw2": 0}
