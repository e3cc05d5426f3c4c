"""Video streams in a real browser: start, colours, hidden packets, faults, end."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import kasmcore_qoi
import numpy as np
import pytest

from kasmcore.values.frames import CopiedRectangle, EncodedRectangle, FramePart, VideoRectangle
from kasmcore.values.geometry import Rectangle, Size
from kasmcore.values.viewer_events import FrameFailed, FrameShown
from kasmcore.values.viewer_updates import Notice, Severity
from tests.browser.conftest import OpenContext
from tests.browser.pictures import photograph
from tests.browser.remote_page import RemotePage
from tests.browser.scripted_server import ScriptedServer, ScriptedViewer, scripted_server
from tests.browser.slow_drawing import SLOW_DRAWING
from tests.browser.video_packets import PacketMaker
from tests.x_desk import RgbPixels

pytestmark = pytest.mark.browser

SIZE = Size(400, 300)
AREA = Rectangle(40, 30, 240, 180)
COLOURS = [
    (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (0, 255, 255), (255, 0, 255),
    (255, 255, 255), (0, 0, 0), (128, 128, 128), (200, 30, 90), (30, 90, 200), (240, 120, 10),
]  # fmt: skip
(QOI,) = (spec.factory() for spec in kasmcore_qoi.kasmcore_register_encoders())


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedServer]:
    with scripted_server(("qoi", "h264"), SIZE) as opened:
        yield opened


@attrs.frozen
class Script:
    page: RemotePage
    viewer: ScriptedViewer

    def show(self, *parts: FramePart) -> None:
        self.viewer.show(SIZE, *parts)

    def fail(self, *parts: FramePart) -> FrameFailed:
        """Send a frame that cannot be shown."""
        self.viewer.send(SIZE, parts)
        answer = self.viewer.next_answer()
        assert isinstance(answer, FrameFailed), answer
        return answer

    def shown(self, area: Rectangle = AREA) -> RgbPixels:
        return self.page.pixels()[area.rows, area.columns]


@pytest.fixture
def script(server: ScriptedServer, open_context: OpenContext) -> Script:
    page = open_context().new_page()
    page.goto(server.url)
    made = Script(RemotePage.on(page), server.next_viewer())
    made.show(fill(Rectangle(0, 0, SIZE.width, SIZE.height), (10, 20, 30)))
    return made


def fill(rectangle: Rectangle, colour: tuple[int, int, int]) -> EncodedRectangle:
    pixels = np.zeros((rectangle.height, rectangle.width, 4), np.uint8)
    pixels[..., :3] = colour[::-1]
    return EncodedRectangle(rectangle, "qoi", 100, QOI.encode(pixels, 100))


def video(
    payload: bytes,
    *,
    key: bool = False,
    hidden: bool = False,
    stream: int = 1,
    area: Rectangle = AREA,
) -> VideoRectangle:
    return VideoRectangle(area, "h264", 80, stream, key, hidden, payload)


def pictures(count: int, area: Rectangle = AREA) -> list[RgbPixels]:
    return [photograph(area.width, area.height, phase=turn / 5) for turn in range(count)]


def psnr(shown: RgbPixels, real: RgbPixels) -> float:
    error = float(np.mean((shown.astype(float) - real) ** 2))
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


def test_a_browser_on_a_trustworthy_page_offers_video(script: Script) -> None:
    assert "h264" in script.viewer.hello.codecs


def test_every_picture_of_a_stream_is_shown(script: Script) -> None:
    moving = pictures(12)

    for turn, packet in enumerate(PacketMaker(AREA.size).packets(moving)):
        script.show(video(packet, key=turn == 0))
        assert psnr(script.shown(), moving[turn]) > 33

    outside = script.page.pixels().copy()
    outside[AREA.rows, AREA.columns] = (10, 20, 30)
    assert (outside == (10, 20, 30)).all()


def test_saturated_colours_are_right(script: Script) -> None:
    picture = np.repeat(np.array(COLOURS, np.uint8)[None], AREA.height, axis=0)
    picture = np.repeat(picture, AREA.width // len(COLOURS), axis=1)

    script.show(video(PacketMaker(AREA.size, crf=4).encode(picture), key=True))

    centres = script.shown()[AREA.height // 2, 10 :: AREA.width // len(COLOURS)]
    assert np.abs(centres.astype(int) - COLOURS).max() <= 4


def test_a_stream_of_odd_size_ends_at_its_rectangle(script: Script) -> None:
    area = Rectangle(33, 21, 161, 99)
    (picture,) = pictures(1, area)

    script.show(video(PacketMaker(area.size).encode(picture), key=True, area=area))

    assert psnr(script.shown(area), picture) > 33
    around = script.page.pixels()[20:121, 32:195].copy()
    around[1:-1, 1:-1] = (10, 20, 30)
    assert (around == (10, 20, 30)).all()


def test_a_hidden_packet_is_decoded_and_not_drawn(script: Script) -> None:
    moving = pictures(3)
    first, second, third = PacketMaker(AREA.size).packets(moving)

    script.show(video(first, key=True))
    before = script.shown()
    script.show(video(second, hidden=True))
    np.testing.assert_array_equal(script.shown(), before)
    script.show(video(third))

    assert psnr(script.shown(), moving[2]) > 33


def test_packets_of_frames_that_come_at_once_are_decoded_in_their_order(script: Script) -> None:
    moving = pictures(20)
    frames: list[tuple[FramePart, ...]] = [
        (video(packet, key=turn == 0), fill(Rectangle(turn, 290, 1, 5), (turn, turn, turn)))
        for turn, packet in enumerate(PacketMaker(AREA.size).packets(moving))
    ]

    script.viewer.send(SIZE, *frames)
    answers = [script.viewer.next_answer() for _ in frames]

    assert all(isinstance(answer, FrameShown) for answer in answers)
    assert psnr(script.shown(), moving[-1]) > 33
    np.testing.assert_array_equal(
        script.page.pixels()[292, :20], np.repeat(np.arange(20, dtype=np.uint8)[:, None], 3, 1)
    )


@pytest.mark.parametrize("keeps_parameters", [False, True])
def test_a_damaged_packet_fails_its_frame_and_a_key_frame_mends_the_stream(
    script: Script, keeps_parameters: bool
) -> None:
    moving = pictures(4)
    maker = PacketMaker(AREA.size)
    whole = maker.encode(moving[0])
    script.show(video(whole, key=True))
    before = script.page.pixels()
    kept = whole[: whole.index(b"\0\0\1\x65") if keeps_parameters else 0]
    damaged = kept + b"\0\0\1\x65" + bytes(range(200))

    beside = fill(Rectangle(0, 0, 5, 5), (200, 0, 0))
    assert script.fail(beside, video(damaged, key=True)).codec == "h264"
    np.testing.assert_array_equal(script.page.pixels(), before)
    assert "key frame" in script.fail(video(maker.encode(moving[1]))).reason

    script.show(video(maker.encode(moving[2], key_frame=True), key=True))
    script.show(video(maker.encode(moving[3])))
    assert psnr(script.shown(), moving[3]) > 33


def test_a_stream_survives_a_failed_image_beside_it(script: Script) -> None:
    moving = pictures(3)
    packets = PacketMaker(AREA.size).packets(moving)
    broken = attrs.evolve(fill(Rectangle(0, 0, 9, 9), (1, 2, 3)), payload=b"nothing")
    script.show(video(packets[0], key=True))

    assert script.fail(broken, video(packets[1])).codec == "qoi"

    script.show(video(packets[2]))
    assert psnr(script.shown(), moving[2]) > 33


@pytest.mark.parametrize("area", [Rectangle(0, 0, 400, 300), Rectangle(3, 5, 389, 293)])
def test_pictures_that_a_page_draws_slowly_come_as_pixels_and_look_the_same(
    server: ScriptedServer, open_context: OpenContext, area: Rectangle
) -> None:
    context = open_context()
    context.add_init_script(SLOW_DRAWING)
    page = context.new_page()
    page.goto(server.url)
    large = Size(800, 600)
    viewer = server.next_viewer()
    whole = Rectangle(area.x * 2, area.y * 2, area.width * 2 - 1, area.height * 2 - 1)
    moving = pictures(12, whole)
    seen = []

    for turn, packet in enumerate(PacketMaker(whole.size).packets(moving)):
        viewer.show(large, video(packet, key=turn == 0, area=whole))
        seen.append(RemotePage.on(page).pixels()[whole.rows, whole.columns])

    assert page.evaluate("drawn") == {"frames": 5, "pixels": 7}
    assert min(psnr(*pair) for pair in zip(seen, moving, strict=True)) > 33


def test_a_packet_of_a_stream_that_never_began_fails(script: Script) -> None:
    first, second = PacketMaker(AREA.size).packets(pictures(2))

    assert "has not begun" in script.fail(video(second, stream=7)).reason

    script.show(video(first, key=True, stream=7))


def test_a_stream_may_change_its_size_with_a_key_frame(script: Script) -> None:
    larger = Rectangle(8, 4, 320, 240)
    script.show(video(PacketMaker(AREA.size).encode(pictures(1)[0]), key=True))
    moving = pictures(2, larger)
    first, second = PacketMaker(larger.size).packets(moving)

    script.viewer.send(SIZE, (video(first, key=True, area=larger),), (video(second, area=larger),))

    assert isinstance(script.viewer.next_answer(), FrameShown)
    assert isinstance(script.viewer.next_answer(), FrameShown)
    assert psnr(script.shown(larger), moving[1]) > 33


def test_a_stream_may_move_and_be_copied_from(script: Script) -> None:
    moving = pictures(2)
    first, second = PacketMaker(AREA.size).packets(moving)
    elsewhere = Rectangle(0, 100, AREA.width, AREA.height)
    script.show(video(first, key=True))
    before = script.shown()

    script.show(CopiedRectangle(elsewhere, AREA.x, AREA.y), video(second, area=AREA))

    visible = Rectangle(0, 210, AREA.width, 70)  # of the copy, below the stream
    np.testing.assert_array_equal(script.shown(visible), before[110:180])
    assert psnr(script.shown(), moving[1]) > 33


def test_an_image_over_a_stream_is_exact_at_once(script: Script) -> None:
    first, second = PacketMaker(AREA.size).packets(pictures(2))
    script.show(video(first, key=True))

    script.show(video(second), fill(AREA, (9, 99, 199)))

    assert (script.shown() == (9, 99, 199)).all()


def test_more_streams_than_are_kept_end_the_oldest(script: Script) -> None:
    makers = [PacketMaker(Size(64, 64)) for _ in range(18)]
    picture = photograph(64, 64)
    areas = [Rectangle(20 * (number % 15), 0, 64, 64) for number in range(18)]
    for number, maker in enumerate(makers):
        script.show(video(maker.encode(picture), key=True, stream=number, area=areas[number]))

    late = [video(makers[number].encode(picture), stream=number, area=areas[number])
            for number in (0, 17)]  # fmt: skip

    assert "has not begun" in script.fail(late[0]).reason
    script.show(late[1])


NO_VIDEO = Notice(Severity.INFO, "video_as_images", "Moving pictures come as single images.")


def test_a_page_without_https_is_told_why_it_gets_no_video(open_context: OpenContext) -> None:
    with scripted_server(("qoi", "h264"), SIZE) as server:
        page = open_context().new_page()
        page.goto(server.url.replace("127.0.0.1", "0.0.0.0"))
        viewer = server.next_viewer()

        assert viewer.hello.codecs == ("qoi",)
        viewer.tell(NO_VIDEO)
        RemotePage.on(page).wait_for_toast("HTTPS")


def test_video_that_fails_again_and_again_is_left_out_also_after_a_reload(
    server: ScriptedServer, open_context: OpenContext
) -> None:
    page = open_context().new_page()
    page.goto(server.url)
    script = Script(RemotePage.on(page), server.next_viewer())
    for _ in range(3):
        script.fail(video(b"\0\0\1\x65 no picture", key=True))
    script.page.wait_for_toast("again and again")

    page.reload()

    viewer = server.next_viewer()
    assert viewer.hello.codecs == ("qoi",)
    viewer.tell(NO_VIDEO)
    script.page.wait_for_toast("failed to show video")
