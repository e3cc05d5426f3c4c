"""What every encoder must hold; and the same for its browser decoder."""

from __future__ import annotations

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import as_file

import numpy as np
import pytest

from kasmcore.errors import EncodeError
from kasmcore.interfaces.encoder import EncoderSpec, Exactness, ImageEncoder
from kasmcore.testing.node_decoder import decode_in_node
from kasmcore.testing.pictures import Picture, awkward_pictures, flat, noise, photo_like, text_like
from kasmcore.values.geometry import Size
from kasmcore.values.pixels import BgrxPixels, RgbaPixels

PICTURES = tuple(awkward_pictures())
QUALITIES = (0, 1, 50, 80, 99, 100)


class EncoderConformance:
    """Subclass it, override ``make_spec`` and ``decode``.

    Attributes:
        side_to_try: longest side that is encoded, if the format holds it.
        worst_mean_difference: how far a lossy picture may be off at quality 99, of 255.
    """

    side_to_try = 4096
    worst_mean_difference = 8.0

    def make_spec(self) -> EncoderSpec:
        """Return the spec under test."""
        raise NotImplementedError("override make_spec")

    def decode(self, payload: bytes, width: int, height: int) -> BgrxPixels:
        """Decode by other means than the encoder's own; the unused byte does not matter."""
        raise NotImplementedError("override decode")

    @pytest.fixture
    def spec(self) -> EncoderSpec:
        """The spec under test."""
        return self.make_spec()

    @pytest.fixture
    def encoder(self, spec: EncoderSpec) -> ImageEncoder:
        """A fresh encoder."""
        return spec.factory()

    def test_the_spec_makes_sense(self, spec: EncoderSpec) -> None:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", spec.codec)
        assert isinstance(spec.exactness, Exactness)
        for rating in (spec.cost_ns_per_pixel, spec.bits_per_pixel):
            assert rating.text > 0
            assert rating.picture > 0
        assert 256 <= spec.maximum_side <= 65535

    def test_a_browser_decoder_names_the_same_codec(self, spec: EncoderSpec) -> None:
        if spec.browser_decoder is not None:
            source = spec.browser_decoder.read_text(encoding="utf-8")
            assert f'export const codec = "{spec.codec}"' in source
            assert re.search(r"export (async )?function decode\(", source)

    @pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
    def test_what_is_exact_by_the_spec_comes_back_unchanged(
        self, spec: EncoderSpec, encoder: ImageEncoder, picture: Picture
    ) -> None:
        for quality in QUALITIES:
            decoded = self._decoded(encoder, picture, quality)
            if spec.is_exact_at(quality):
                assert np.array_equal(decoded, picture.pixels[..., :3]), f"quality {quality}"

    def test_a_picture_is_recognised_at_high_quality(self, encoder: ImageEncoder) -> None:
        for name, make in (("flat", flat), ("photo", photo_like)):
            picture = Picture(name, make(Size(96, 80)))
            difference = self._decoded(encoder, picture, 99).astype(int) - picture.pixels[..., :3]
            assert np.abs(difference).mean() <= self.worst_mean_difference, name

    @pytest.mark.parametrize("quality", QUALITIES)
    def test_the_same_pixels_give_the_same_bytes(
        self, spec: EncoderSpec, encoder: ImageEncoder, quality: int
    ) -> None:
        pixels = text_like(Size(70, 33))
        first = encoder.encode(pixels, quality)
        encoder.encode(noise(Size(31, 17)), quality)
        assert encoder.encode(pixels.copy(), quality) == first
        assert spec.factory().encode(pixels, quality) == first

    @pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
    def test_the_pixels_are_only_read(self, encoder: ImageEncoder, picture: Picture) -> None:
        pixels = picture.pixels.copy()
        pixels.flags.writeable = False
        encoder.encode(pixels, 80)
        before = picture.pixels.copy()
        encoder.encode(picture.pixels, 80)
        assert np.array_equal(picture.pixels, before)

    def test_later_changes_of_the_pixels_leave_the_payload_alone(
        self, encoder: ImageEncoder
    ) -> None:
        pixels = text_like(Size(64, 48))
        payload = encoder.encode(pixels, 100)
        kept = bytes(bytearray(payload))
        pixels[:] = 0
        encoder.encode(pixels, 100)
        assert payload == kept

    def test_long_sides_are_held(self, spec: EncoderSpec, encoder: ImageEncoder) -> None:
        side = min(spec.maximum_side, self.side_to_try)
        for size in (Size(side, 2), Size(2, side)):
            picture = Picture("long", photo_like(size))
            assert self._decoded(encoder, picture, 100).shape[:2] == (size.height, size.width)

    def test_one_encoder_for_each_thread_works_in_parallel(self, spec: EncoderSpec) -> None:
        pixels = photo_like(Size(128, 128))
        expected = spec.factory().encode(pixels, 80)

        def encode_often(encoder: ImageEncoder) -> set[bytes]:
            return {encoder.encode(pixels, 80) for _ in range(10)}

        with ThreadPoolExecutor(4) as threads:
            results = list(threads.map(encode_often, [spec.factory() for _ in range(4)]))
        assert results == [{expected}] * 4

    @pytest.mark.parametrize(
        ("shape", "dtype"),
        [((0, 4, 4), "uint8"), ((4, 0, 4), "uint8"), ((4, 4, 3), "uint8"), ((4, 4, 4), "float32")],
    )
    def test_what_is_no_picture_is_refused_with_encode_error(
        self, encoder: ImageEncoder, shape: tuple[int, ...], dtype: str
    ) -> None:
        with pytest.raises(EncodeError):
            encoder.encode(np.zeros(shape, dtype), 80)
        assert encoder.encode(flat(Size(8, 8)), 80), "it must go on after a refusal"

    def test_a_side_that_the_format_cannot_hold_is_refused(
        self, spec: EncoderSpec, encoder: ImageEncoder
    ) -> None:
        with pytest.raises(EncodeError):
            encoder.encode(flat(Size(spec.maximum_side + 1, 1)), 80)

    def _decoded(self, encoder: ImageEncoder, picture: Picture, quality: int) -> BgrxPixels:
        payload = encoder.encode(picture.pixels, quality)
        assert isinstance(payload, bytes)
        assert payload
        decoded = self.decode(payload, picture.size.width, picture.size.height)
        assert decoded.shape[:2] == picture.pixels.shape[:2]
        return decoded[..., :3]


class BrowserDecoderConformance:
    """Holds the encoder against the module that browsers load; subclass it, override ``make_spec``.

    The module runs in Node.js, which the test needs; override ``decode_in_browser`` for one that
    uses what only browsers have.
    """

    def make_spec(self) -> EncoderSpec:
        """Return the spec under test."""
        raise NotImplementedError("override make_spec")

    def decode_in_browser(
        self, spec: EncoderSpec, payloads: Sequence[tuple[bytes, Size, int]]
    ) -> list[RgbaPixels | str]:
        """Decode (payload, size, quality) each; a text is the message of what was thrown."""
        assert spec.browser_decoder is not None, "the spec names no browser_decoder"
        with as_file(spec.browser_decoder) as module:
            return decode_in_node(module, payloads)

    def test_browser_and_encoder_agree_on_every_picture(self) -> None:
        spec = self.make_spec()
        encoder = spec.factory()
        payloads = [(encoder.encode(each.pixels, 100), each.size, 100) for each in PICTURES]
        decoded = self.decode_in_browser(spec, payloads)
        for picture, rgba in zip(PICTURES, decoded, strict=True):
            assert not isinstance(rgba, str), f"{picture.name}: {rgba}"
            assert rgba.shape[:2] == picture.pixels.shape[:2], picture.name
            assert (rgba[..., 3] == 255).all(), f"{picture.name} is not opaque"
            if spec.is_exact_at(100):
                assert np.array_equal(rgba[..., 2::-1], picture.pixels[..., :3]), picture.name

    def test_the_browser_refuses_what_is_damaged(self) -> None:
        spec = self.make_spec()
        payload = spec.factory().encode(noise(Size(16, 16)), 100)
        damaged = [b"", payload[: len(payload) // 2], payload[:1]]
        decoded = self.decode_in_browser(spec, [(each, Size(16, 16), 100) for each in damaged])
        assert [type(each) for each in decoded] == [str] * len(damaged), "it threw no error"

    def test_the_browser_refuses_a_picture_of_another_size(self) -> None:
        spec = self.make_spec()
        payload = spec.factory().encode(noise(Size(16, 16)), 100)
        [result] = self.decode_in_browser(spec, [(payload, Size(16, 17), 100)])
        assert isinstance(result, str), "it threw no error"
