"""What every encoder of video streams must hold."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import attrs
import numpy as np
import pytest

from kasmcore.errors import EncodeError
from kasmcore.interfaces.stream_encoder import (
    StreamEncoder,
    StreamEncoderSpec,
    StreamPacket,
    StreamSettings,
)
from kasmcore.testing.pictures import flat, moving, photo_like
from kasmcore.values.geometry import Size
from kasmcore.values.pixels import BgrxPixels

SIZE = Size(192, 128)
SETTINGS = StreamSettings(size=SIZE, frame_rate=30.0, quality=90, most_bits_per_s=20e6)
PICTURES = 12
COLOURS = {
    "red": (0, 0, 255),
    "green": (0, 255, 0),
    "blue": (255, 0, 0),
    "yellow": (0, 255, 255),
    "white": (255, 255, 255),
    "black": (0, 0, 0),
    "grey": (128, 128, 128),
}
"""Blue, green, red."""


class StreamPictureConformance:
    """Whether the pictures come back; ``StreamEncoderConformance`` includes it.

    Attributes:
        worst_mean_difference: how far the pictures may be off at quality 90, of 255.
        worst_colour_difference: how far a channel of a flat saturated colour may be off.
    """

    worst_mean_difference = 5.0
    worst_colour_difference = 5

    def make_spec(self) -> StreamEncoderSpec:
        """Return the spec under test."""
        raise NotImplementedError("override make_spec")

    def decode(self, payloads: Sequence[bytes], size: Size) -> list[BgrxPixels]:
        """Decode a stream by other means than the encoder's own: a picture for each packet."""
        raise NotImplementedError("override decode")

    @pytest.fixture
    def spec(self) -> StreamEncoderSpec:
        """The spec under test."""
        return self.make_spec()

    @pytest.fixture
    def encoder(self, spec: StreamEncoderSpec) -> Iterator[StreamEncoder]:
        """A stream that is open."""
        encoder = spec.open(SETTINGS)
        yield encoder
        encoder.close()

    def test_each_packet_gives_its_own_picture(self, encoder: StreamEncoder) -> None:
        pictures = list(moving(SIZE, PICTURES))
        packets = self._encoded(encoder, pictures)
        assert [packet.is_key for packet in packets] == [True] + [False] * (PICTURES - 1)
        self._assert_alike(packets, pictures)

    @pytest.mark.parametrize("size", [Size(193, 128), Size(192, 129), Size(131, 97)], ids=str)
    def test_odd_sides_come_back(self, spec: StreamEncoderSpec, size: Size) -> None:
        encoder = spec.open(attrs.evolve(SETTINGS, size=size))
        pictures = list(moving(size, 3))
        self._assert_alike(self._encoded(encoder, pictures), pictures)
        encoder.close()

    def test_the_smallest_side_is_held(self, spec: StreamEncoderSpec) -> None:
        size = Size(spec.smallest_side, spec.smallest_side)
        encoder = spec.open(attrs.evolve(SETTINGS, size=size))
        pictures = [photo_like(size)] * 2
        self._assert_alike(self._encoded(encoder, pictures), pictures)
        encoder.close()

    def test_views_of_any_stride_are_taken(self, encoder: StreamEncoder) -> None:
        whole = photo_like(Size(2 * SIZE.width + 9, 2 * SIZE.height + 7))
        pictures = [
            whole[5 : 5 + SIZE.height, 3 : 3 + SIZE.width],
            whole[: 2 * SIZE.height : 2, : SIZE.width],
            whole[SIZE.height - 1 :: -1, : SIZE.width],
            whole[: SIZE.height, : 2 * SIZE.width : 2],
        ]
        self._assert_alike(self._encoded(encoder, pictures), pictures)

    def test_full_chroma_keeps_thin_coloured_lines(self, spec: StreamEncoderSpec) -> None:
        if not spec.has_full_chroma:
            return
        encoder = spec.open(attrs.evolve(SETTINGS, full_chroma=True, quality=99))
        lines = flat(SIZE, (255, 255, 255))
        lines[:, ::4] = (0, 0, 255, 0)
        packets = self._encoded(encoder, [lines] * 3)
        encoder.close()
        red = self.decode([packet.payload for packet in packets], SIZE)[-1][:, ::4, :3]
        assert np.abs(red.astype(int) - (0, 0, 255)).mean() < 20

    @pytest.mark.parametrize("name", COLOURS)
    def test_saturated_colours_come_back(self, encoder: StreamEncoder, name: str) -> None:
        picture = flat(SIZE, COLOURS[name])
        packets = self._encoded(encoder, [picture] * 3)
        for decoded in self.decode([packet.payload for packet in packets], SIZE):
            difference = np.abs(decoded[..., :3].astype(int) - COLOURS[name])
            assert difference.max() <= self.worst_colour_difference

    def test_key_frames_come_when_asked_for_and_need_nothing_before_them(
        self, encoder: StreamEncoder
    ) -> None:
        pictures = list(moving(SIZE, PICTURES))
        wanted = [number in (0, 5, 6) for number in range(PICTURES)]
        packets = self._encoded(encoder, pictures, wanted)
        assert [packet.is_key for packet in packets] == wanted
        self._assert_alike(packets[5:], pictures[5:])
        self._assert_alike(packets[6:], pictures[6:])

    def _encoded(
        self,
        encoder: StreamEncoder,
        pictures: Sequence[BgrxPixels],
        key_frames: Sequence[bool] | None = None,
    ) -> list[StreamPacket]:
        wanted = key_frames or [False] * len(pictures)
        packets = []
        for picture, key_frame in zip(pictures, wanted, strict=True):
            packet = encoder.encode(picture, key_frame=key_frame)
            assert isinstance(packet.payload, bytes)
            assert packet.payload
            packets.append(packet)
        return packets

    def _assert_alike(
        self, packets: Sequence[StreamPacket], pictures: Sequence[BgrxPixels]
    ) -> None:
        height, width = pictures[0].shape[:2]
        payloads = [packet.payload for packet in packets]
        decoded = self.decode(payloads, Size(width, height))
        assert len(decoded) == len(pictures), "a picture for each packet, none held back"
        for number, (one, other) in enumerate(zip(decoded, pictures, strict=True)):
            assert one.shape[:2] == other.shape[:2]
            difference = np.abs(one[..., :3].astype(int) - other[..., :3]).mean()
            assert difference <= self.worst_mean_difference, f"picture {number}"


class StreamEncoderConformance(StreamPictureConformance):
    """Subclass it, override ``make_spec`` and ``decode``."""

    def test_the_spec_makes_sense(self, spec: StreamEncoderSpec) -> None:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", spec.codec)
        assert spec.cost_ns_per_pixel > 0
        assert 8 <= spec.smallest_side <= 128
        assert spec.maximum_side >= 1920

    def test_a_browser_decoder_names_the_same_codec(self, spec: StreamEncoderSpec) -> None:
        if spec.browser_decoder is not None:
            source = spec.browser_decoder.read_text(encoding="utf-8")
            assert f'export const codec = "{spec.codec}"' in source
            assert re.search(r"export (async )?function openStream\(", source)

    def test_a_still_picture_costs_next_to_nothing(self, encoder: StreamEncoder) -> None:
        packets = self._encoded(encoder, [photo_like(SIZE)] * 30)
        later = [len(packet.payload) for packet in packets[-5:]]
        assert max(later) * 20 < len(packets[0].payload)

    def test_fewer_bits_and_lower_quality_make_smaller_packets_at_once(
        self, encoder: StreamEncoder
    ) -> None:
        pictures = list(moving(SIZE, 40, grain=24))
        rich = self._encoded(encoder, pictures[:20])
        encoder.reconfigure(attrs.evolve(SETTINGS, most_bits_per_s=3e5))
        poor = self._encoded(encoder, pictures[20:])
        assert _bytes_of(poor[10:]) * 3 < _bytes_of(rich[10:])
        assert _bytes_of(poor) * 8 < 2 * 3e5, "20 pictures are 0.67 s"

        encoder.reconfigure(attrs.evolve(SETTINGS, quality=10))
        coarse = self._encoded(encoder, pictures[:20])
        assert _bytes_of(coarse[10:]) * 3 < _bytes_of(rich[10:])

    def test_the_stream_goes_on_after_new_settings(self, encoder: StreamEncoder) -> None:
        pictures = list(moving(SIZE, PICTURES))
        packets = []
        for number, picture in enumerate(pictures):
            rate, quality, effort = (20e6, 5e6)[number % 2], 85 + number % 5, 100 * (number == 7)
            encoder.reconfigure(
                attrs.evolve(SETTINGS, most_bits_per_s=rate, quality=quality, effort=effort)
            )
            packets.append(encoder.encode(picture, key_frame=False))
        self._assert_alike(packets, pictures)

    def test_size_and_chroma_stay(self, encoder: StreamEncoder) -> None:
        for changed in (
            attrs.evolve(SETTINGS, size=Size(64, 64)),
            attrs.evolve(SETTINGS, full_chroma=True),
        ):
            with pytest.raises(EncodeError):
                encoder.reconfigure(changed)
        assert encoder.encode(photo_like(SIZE), key_frame=False).payload, "it must go on"

    def test_the_pixels_are_only_read_and_only_during_the_call(
        self, encoder: StreamEncoder
    ) -> None:
        pictures = list(moving(SIZE, 6))
        packets = []
        for picture in pictures:
            pixels = picture.copy()
            pixels.flags.writeable = False
            packets.append(encoder.encode(pixels, key_frame=False))
            pixels.flags.writeable = True
            assert np.array_equal(pixels, picture)
            pixels[:] = 0
        self._assert_alike(packets, pictures)

    def test_pictures_of_another_size_are_refused(self, encoder: StreamEncoder) -> None:
        for size in (Size(SIZE.width, SIZE.height - 1), Size(SIZE.height, SIZE.width)):
            with pytest.raises(EncodeError):
                encoder.encode(photo_like(size), key_frame=False)
        assert encoder.encode(photo_like(SIZE), key_frame=False).is_key, "it must go on"

    def test_a_closed_stream_encodes_no_more(self, encoder: StreamEncoder) -> None:
        encoder.close()
        encoder.close()
        with pytest.raises(EncodeError):
            encoder.encode(photo_like(SIZE), key_frame=True)

    def test_streams_of_several_threads_do_not_disturb_each_other(
        self, spec: StreamEncoderSpec
    ) -> None:
        pictures = list(moving(SIZE, PICTURES))

        def run_stream(shift: int) -> None:
            encoder = spec.open(SETTINGS)
            shifted = [np.roll(picture, shift, axis=1) for picture in pictures]
            self._assert_alike(self._encoded(encoder, shifted), shifted)
            encoder.close()

        with ThreadPoolExecutor(4) as threads:
            list(threads.map(run_stream, range(0, 80, 20)))

    def test_one_stream_may_change_its_thread(self, encoder: StreamEncoder) -> None:
        pictures = list(moving(SIZE, 6))
        packets = []
        for picture in pictures:
            with ThreadPoolExecutor(1) as thread:
                packets.append(thread.submit(encoder.encode, picture, key_frame=False).result())
        self._assert_alike(packets, pictures)


def _bytes_of(packets: Sequence[StreamPacket]) -> int:
    return sum(len(packet.payload) for packet in packets)
