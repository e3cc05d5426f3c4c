"""What all four encoders promise, checked with decoders that are not ours."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import kasmcore_deflate
import kasmcore_jpeg
import kasmcore_qoi
import kasmcore_webp
import numpy as np
import pytest
import qoi
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from kasmcore.api import BgrxPixels, EncodeError, EncoderSpec, Exactness

Bgr = NDArray[np.uint8]


def decode_image(payload: bytes, pixels: BgrxPixels) -> Bgr:
    with Image.open(io.BytesIO(payload)) as image:
        assert image.size == (pixels.shape[1], pixels.shape[0])
        return np.asarray(image.convert("RGB"))[..., ::-1]


def decode_qoi(payload: bytes, pixels: BgrxPixels) -> Bgr:
    decoded = qoi.decode(payload)
    assert (decoded[..., 3] == 255).all()
    return decoded[..., :3]  # our QOI images hold blue, green, red


def decode_deflate(payload: bytes, pixels: BgrxPixels) -> Bgr:
    data = zlib.decompress(payload[1:], wbits=-15) if payload[0] else payload[1:]
    decoded = np.frombuffer(data, np.uint8).reshape(pixels.shape)
    assert (decoded[..., 3] == 255).all()
    return decoded[..., :3]


DECODERS: dict[str, Callable[[bytes, BgrxPixels], Bgr]] = {
    "jpeg": decode_image,
    "webp": decode_image,
    "qoi": decode_qoi,
    "deflate": decode_deflate,
}
SPECS = [
    spec
    for plugin in (kasmcore_jpeg, kasmcore_webp, kasmcore_qoi, kasmcore_deflate)
    for spec in plugin.kasmcore_register_encoders()
]
every_encoder = pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.codec)
exact_encoders = pytest.mark.parametrize(
    "spec", [spec for spec in SPECS if spec.is_exact_at(100)], ids=lambda spec: spec.codec
)
lossy_encoders = pytest.mark.parametrize(
    "spec", [spec for spec in SPECS if not spec.is_exact_at(80)], ids=lambda spec: spec.codec
)


def text_like(width: int, height: int, seed: int = 0) -> BgrxPixels:
    random = np.random.default_rng(seed)
    pixels = np.full((height, width, 4), 255, np.uint8)
    pixels[random.random((height, width)) < 0.2] = (90, 40, 30, 0)
    pixels[::12] = 255
    return pixels


def smooth(width: int, height: int) -> BgrxPixels:
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float64)
    pixels = np.zeros((height, width, 4), np.uint8)
    for channel, phase in enumerate((0.0, 1.1, 2.3)):
        pixels[..., channel] = 128 + 100 * np.sin(rows / 23 + columns / 41 + phase)
    return pixels


def noise(width: int, height: int) -> BgrxPixels:
    return np.random.default_rng(2).integers(0, 256, (height, width, 4), np.uint8)


def psnr(decoded: Bgr, pixels: BgrxPixels) -> float:
    error = decoded.astype(np.float64) - pixels[..., :3]
    return float(10 * np.log10(255**2 / max(float(np.mean(error**2)), 1e-9)))


def test_the_promises_are_the_ones_that_the_planner_counts_on() -> None:
    assert {spec.codec: spec.exactness for spec in SPECS} == {
        "jpeg": Exactness.NEVER,
        "webp": Exactness.AT_QUALITY_100,
        "qoi": Exactness.ALWAYS,
        "deflate": Exactness.ALWAYS,
    }
    costs = {spec.codec: spec.cost_ns_per_pixel for spec in SPECS}
    assert min(costs, key=lambda codec: costs[codec].text) == "deflate"
    assert min(costs, key=lambda codec: costs[codec].picture) == "jpeg"


@exact_encoders
@pytest.mark.parametrize("paint", [text_like, smooth, noise])
@pytest.mark.parametrize("size", [(1, 1), (1, 70), (70, 1), (8, 9), (37, 15), (250, 130)])
def test_exact_pixels_come_back(
    spec: EncoderSpec, paint: Callable[[int, int], BgrxPixels], size: tuple[int, int]
) -> None:
    pixels = paint(*size)

    payload = spec.factory().encode(pixels, 100)

    np.testing.assert_array_equal(DECODERS[spec.codec](payload, pixels), pixels[..., :3])


@lossy_encoders
@pytest.mark.parametrize("size", [(1, 1), (1, 70), (70, 1), (8, 9), (37, 15), (250, 130)])
def test_lossy_pixels_come_close(spec: EncoderSpec, size: tuple[int, int]) -> None:
    pixels = smooth(*size)

    payload = spec.factory().encode(pixels, 80)

    assert psnr(DECODERS[spec.codec](payload, pixels), pixels) > 34


@lossy_encoders
def test_every_quality_is_taken_and_a_lower_one_makes_less(spec: EncoderSpec) -> None:
    encoder, pixels = spec.factory(), smooth(250, 130)

    sizes = [len(encoder.encode(pixels, quality)) for quality in range(101)]

    assert sizes[0] < sizes[50] < sizes[95]


@every_encoder
def test_a_view_encodes_like_its_copy(spec: EncoderSpec) -> None:
    encoder, frame = spec.factory(), text_like(200, 120)
    planar = np.ascontiguousarray(frame.transpose(2, 0, 1)).transpose(1, 2, 0)
    views = [
        frame[10:60, 20:90],
        frame[::2],
        frame[::-1],
        frame[:, ::3],
        frame[::-1, ::-1],
        planar[10:60, 20:90],
        np.broadcast_to(frame[:1, :1], (5, 7, 4)),
    ]

    for view in views:
        assert encoder.encode(view, 100) == encoder.encode(np.ascontiguousarray(view), 100)


@every_encoder
def test_the_unused_byte_does_not_matter(spec: EncoderSpec) -> None:
    clean = text_like(90, 60)
    dirty = clean.copy()
    dirty[..., 3] = noise(90, 60)[..., 3]
    encoder = spec.factory()

    assert encoder.encode(clean, 100) == encoder.encode(dirty, 100)
    assert encoder.encode(clean, 70) == encoder.encode(dirty, 70)


@every_encoder
def test_a_frame_that_nobody_may_write_to_can_be_encoded(spec: EncoderSpec) -> None:
    pixels = text_like(90, 60)
    before = pixels.copy()
    pixels.flags.writeable = False

    spec.factory().encode(pixels[5:40, 3:77], 100)

    np.testing.assert_array_equal(pixels, before)


@every_encoder
def test_an_encoder_keeps_nothing_from_one_rectangle_to_the_next(spec: EncoderSpec) -> None:
    used = spec.factory()
    for paint, quality in ((noise, 3), (smooth, 100), (text_like, 60)):
        used.encode(paint(70, 50), quality)

    for quality in (40, 80, 100):
        pixels = text_like(33, 44)
        assert used.encode(pixels, quality) == spec.factory().encode(pixels, quality)


@every_encoder
def test_encoders_in_several_threads_do_not_disturb_each_other(spec: EncoderSpec) -> None:
    pictures = [text_like(300, 200, seed) for seed in range(8)]
    alone = [spec.factory().encode(pixels, 90) for pixels in pictures]

    def encode_all(turn: int) -> list[bytes]:
        encoder = spec.factory()
        rolled = pictures[turn:] + pictures[:turn]
        return [encoder.encode(pixels, 90) for pixels in rolled]

    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(encode_all, range(8)))

    for turn, payloads in enumerate(together):
        assert payloads == alone[turn:] + alone[:turn]


@every_encoder
@pytest.mark.parametrize(
    "array",
    [
        np.zeros((0, 5, 4), np.uint8),
        np.zeros((5, 0, 4), np.uint8),
        np.zeros((5, 5, 3), np.uint8),
        np.zeros((5, 5), np.uint8),
        np.zeros((2, 5, 5, 4), np.uint8),
        np.zeros((5, 5, 4), np.uint16),
        np.zeros((5, 5, 4), np.float32),
    ],
    ids=lambda array: f"{array.shape}-{array.dtype}",
)
def test_what_is_no_picture_is_refused(spec: EncoderSpec, array: BgrxPixels) -> None:
    with pytest.raises(EncodeError, match=spec.codec):
        spec.factory().encode(array, 80)


@every_encoder
@pytest.mark.parametrize("quality", [-1, 101, 1000])
def test_a_quality_off_the_scale_is_refused(spec: EncoderSpec, quality: int) -> None:
    with pytest.raises(EncodeError, match="quality"):
        spec.factory().encode(text_like(8, 8), quality)


@every_encoder
def test_the_largest_side_can_be_encoded_and_one_more_is_refused(spec: EncoderSpec) -> None:
    encoder = spec.factory()
    row = np.zeros((1, spec.maximum_side + 1, 4), np.uint8)

    for pixels in (row[:, 1:], row[:, 1:].transpose(1, 0, 2)):
        quality = 100 if spec.is_exact_at(100) else 80
        decoded = DECODERS[spec.codec](encoder.encode(pixels, quality), pixels)
        assert not decoded.any()
    for pixels in (row, row.transpose(1, 0, 2)):
        with pytest.raises(EncodeError, match=str(spec.maximum_side)):
            encoder.encode(pixels, 80)


@exact_encoders
@given(
    shape=st.tuples(st.integers(1, 24), st.integers(1, 24)),
    colours=st.integers(1, 300),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_small_picture_comes_back(
    spec: EncoderSpec, shape: tuple[int, int], colours: int, seed: int
) -> None:
    random = np.random.default_rng(seed)
    palette = random.integers(0, 256, (colours, 4), np.uint8)
    pixels = palette[random.integers(0, colours, shape)]

    payload = spec.factory().encode(pixels, 100)

    np.testing.assert_array_equal(DECODERS[spec.codec](payload, pixels), pixels[..., :3])
