"""Frames as a test says them, compared with what the reference picture makes of them."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import kasmcore_qoi
import kasmcore_webp
import numpy as np
import pytest

from kasmcore.api import BgrxPixels
from kasmcore.testing.received_picture import ReceivedPicture
from kasmcore.testing.reference_decoders import DECODERS
from kasmcore.values.frames import CopiedRectangle, EncodedRectangle, FramePart
from kasmcore.values.geometry import Rectangle, Size
from tests.browser.conftest import OpenContext
from tests.browser.remote_page import RemotePage
from tests.browser.scripted_server import ScriptedServer, ScriptedViewer, scripted_server
from tests.browser.slow_drawing import SLOW_DRAWING

pytestmark = pytest.mark.browser

SIZE = Size(400, 300)
(WEBP,) = (spec.factory() for spec in kasmcore_webp.kasmcore_register_encoders())
(QOI,) = (spec.factory() for spec in kasmcore_qoi.kasmcore_register_encoders())


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedServer]:
    with scripted_server(("qoi", "jpeg", "webp", "deflate"), SIZE) as opened:
        yield opened


@attrs.frozen
class Script:
    """One page, and the picture that it should show."""

    page: RemotePage
    viewer: ScriptedViewer
    expected: ReceivedPicture

    def show(self, *parts: FramePart, size: Size = SIZE) -> None:
        self.expected.show(self.viewer.show(size, *parts))

    def check(self) -> None:
        np.testing.assert_array_equal(self.page.pixels(), self.expected.pixels[..., 2::-1])


@pytest.fixture
def script(server: ScriptedServer, open_context: OpenContext) -> Script:
    page = open_context().new_page()
    page.goto(server.url)
    made = Script(RemotePage.on(page), server.next_viewer(), ReceivedPicture(DECODERS))
    made.show(image(Rectangle(0, 0, SIZE.width, SIZE.height)))
    return made


def image(rectangle: Rectangle, seed: int = 0) -> EncodedRectangle:
    pixels: BgrxPixels = np.random.default_rng(seed).integers(
        0, 256, (rectangle.height, rectangle.width, 4), np.uint8
    )
    pixels[..., 3] = 255
    return EncodedRectangle(rectangle, "qoi", 100, QOI.encode(pixels, 100))


def copy(x: int, y: int, width: int, height: int, *, by: tuple[int, int]) -> CopiedRectangle:
    """Copy what lies ``by`` away to this place."""
    return CopiedRectangle(Rectangle(x, y, width, height), x + by[0], y + by[1])


def test_the_page_says_that_it_copies_and_stretches(script: Script) -> None:
    assert {"copy", "scaled"} <= set(script.viewer.hello.features)


@pytest.mark.parametrize("by", [(0, 17), (0, -17), (23, 0), (-23, 0), (5, 9), (-1, 1), (0, 150)])
def test_a_copy_onto_itself_moves_every_pixel(script: Script, by: tuple[int, int]) -> None:
    script.show(copy(60, 80, 200, 100, by=by) if by[1] < 150 else copy(60, 0, 200, 150, by=by))
    script.check()


def test_copies_are_carried_out_one_after_another(script: Script) -> None:
    random = np.random.default_rng(5)
    for turn in range(20):
        copies = []
        for _ in range(int(random.integers(1, 6))):
            width, height = (int(side) for side in random.integers(1, 200, 2))
            x, source_x = (int(at) for at in random.integers(0, SIZE.width - width + 1, 2))
            y, source_y = (int(at) for at in random.integers(0, SIZE.height - height + 1, 2))
            copies.append(CopiedRectangle(Rectangle(x, y, width, height), source_x, source_y))
        script.show(*copies, image(Rectangle(turn, 20, 30, 9), seed=turn + 1))
    script.check()


def test_a_copy_and_the_strip_that_it_uncovers_come_together(script: Script) -> None:
    for turn in range(30):
        script.show(
            copy(20, 30, 300, 233, by=(0, 17)),
            image(Rectangle(20, 263, 300, 17), seed=turn + 1),
        )
    script.check()


def test_frames_that_come_at_once_are_drawn_in_their_order(script: Script) -> None:
    frames: list[tuple[FramePart, ...]] = [
        (copy(0, 0, 400, 283, by=(0, 17)), image(Rectangle(0, 283, 400, 17), seed=turn + 1))
        for turn in range(40)
    ]

    for frame in script.viewer.send(SIZE, *frames):
        script.expected.show(frame)
    for _ in frames:
        script.viewer.next_answer()

    script.check()


def test_copies_after_a_change_of_size_begin_from_black(script: Script) -> None:
    smaller = Size(200, 150)
    script.show(
        image(Rectangle(0, 0, 100, 150), seed=1), copy(100, 0, 100, 150, by=(-100, 0)), size=smaller
    )
    script.check()


def test_exact_images_stay_exact_where_the_page_draws_slowly(
    server: ScriptedServer, open_context: OpenContext
) -> None:
    context = open_context()
    context.add_init_script(SLOW_DRAWING)
    page = context.new_page()
    page.goto(server.url)
    viewer = server.next_viewer()
    size = Size(500, 400)

    for turn in range(8):
        pixels = np.random.default_rng(turn).integers(0, 256, (400, 500, 4), np.uint8)
        payload = WEBP.encode(pixels, 100)
        viewer.show(size, EncodedRectangle(Rectangle(0, 0, 500, 400), "webp", 100, payload))
        np.testing.assert_array_equal(RemotePage.on(page).pixels(), pixels[..., 2::-1])

    assert page.evaluate("drawn") == {"frames": 5, "pixels": 3}


def test_an_image_of_another_size_fills_its_rectangle(script: Script) -> None:
    red = np.zeros((30, 40, 4), np.uint8)
    red[..., 2] = 255
    payload = QOI.encode(red, 100)
    area = Rectangle(20, 10, 160, 120)

    script.viewer.show(SIZE, EncodedRectangle(area, "qoi", 50, payload, Size(40, 30)))

    shown = script.page.pixels()
    assert (shown[10:130, 20:180] == (255, 0, 0)).all()
    expected = script.expected.pixels[..., 2::-1]
    for outside in (np.s_[:10], np.s_[130:], np.s_[:, :20], np.s_[:, 180:]):
        np.testing.assert_array_equal(shown[outside], expected[outside])
