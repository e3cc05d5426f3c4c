"""``h264``: passes the suite of stream encoders, and says what browsers need to know."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

import attrs
import av
import kasmcore_h264
import numpy as np
import pytest
from av.video.plane import VideoPlane
from kasmcore_h264 import conversion, live_options, offer, stream
from kasmcore_h264.engines import NVENC, X264, Engine, vaapi
from kasmcore_h264.hardware import find_hardware
from kasmcore_h264.live_options import live_options_of
from kasmcore_h264.rates import BUFFER_S, rate_target
from kasmcore_h264.settings import H264Settings
from kasmcore_h264.stream import H264Stream
from numpy.typing import NDArray

from kasmcore.api import (
    BgrxPixels,
    EncodeError,
    PluginUnavailable,
    ServerConfig,
    Size,
    StreamEncoderSpec,
    StreamPacket,
    StreamSettings,
)
from kasmcore.testing.conformance import StreamEncoderConformance
from kasmcore.testing.pictures import flat, moving, photo_like
from kasmcore.testing.stream_decoders import H264Decoder

SIZE = Size(320, 192)
SETTINGS = StreamSettings(size=SIZE, frame_rate=30, quality=80, most_bits_per_s=20e6)
PARAMETER_SETS, KEY_SLICE, SLICE = {7, 8}, 5, 1


def make_spec() -> StreamEncoderSpec:
    return kasmcore_h264.kasmcore_register_encoders(ServerConfig())[0]


def decoded(payloads: Sequence[bytes], size: Size) -> list[BgrxPixels]:
    decoder = H264Decoder()
    return [decoder.decode(payload, size.width, size.height) for payload in payloads]


class TestSuite(StreamEncoderConformance):
    def make_spec(self) -> StreamEncoderSpec:
        return make_spec()

    def decode(self, payloads: Sequence[bytes], size: Size) -> list[BgrxPixels]:
        return decoded(payloads, size)


class TestSuiteWithoutLibturbojpeg(TestSuite):
    def make_spec(self) -> StreamEncoderSpec:
        def open_stream(settings: StreamSettings) -> H264Stream:
            return H264Stream(settings, X264, conversion.SwscaleConverter, None)

        return attrs.evolve(make_spec(), open=open_stream)


class TestSuiteWithSlices(TestSuite):
    def make_spec(self) -> StreamEncoderSpec:
        return offer.stream_encoder_spec(H264Settings(slices=4))


def units_of(payload: bytes) -> list[int]:
    """Types of the NAL units of an Annex B packet."""
    starts = payload.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1")
    return [start[0] & 31 for start in starts[1:]]


def encode_all(
    one: H264Stream, pictures: Sequence[BgrxPixels], *, key_frame: bool = False
) -> list[StreamPacket]:
    return [one.encode(picture, key_frame=key_frame) for picture in pictures]


@pytest.fixture
def x264() -> Iterator[H264Stream]:
    _, make_converter = conversion.converter_factory()
    opened = H264Stream(SETTINGS, X264, make_converter, None)
    yield opened
    opened.close()


def test_a_key_frame_brings_its_parameter_sets_and_no_other_packet_does(x264: H264Stream) -> None:
    pictures = list(moving(SIZE, 4))
    first, second, asked = (
        units_of(x264.encode(picture, key_frame=number == 2).payload)
        for number, picture in enumerate(pictures[:3])
    )
    assert set(first) > PARAMETER_SETS
    assert first[-1] == KEY_SLICE
    assert second == [SLICE]
    assert set(asked) > PARAMETER_SETS


def test_no_key_frame_comes_unasked_in_a_long_stream_with_cuts(x264: H264Stream) -> None:
    scenes = [photo_like(SIZE), flat(SIZE), 255 - photo_like(SIZE)]
    packets = encode_all(x264, [scenes[number // 40 % 3] for number in range(300)])
    assert [number for number, packet in enumerate(packets) if packet.is_key] == [0]


@pytest.mark.parametrize("full_chroma", [False, True])
def test_the_stream_says_how_its_colours_are_meant(full_chroma: bool) -> None:
    settings = attrs.evolve(SETTINGS, full_chroma=full_chroma)
    payload = make_spec().open(settings).encode(photo_like(SIZE), key_frame=True).payload
    decoder = av.CodecContext.create("h264", "r")
    [frame] = [*decoder.decode(av.Packet(payload)), *decoder.decode(None)]
    assert frame.color_range == conversion.FULL_RANGE
    assert frame.colorspace == conversion.BT601_MATRIX
    assert frame.color_primaries == conversion.BT709_PRIMARIES
    assert frame.color_trc == conversion.SRGB_TRANSFER


def test_both_converters_make_the_same_picture() -> None:
    picture = photo_like(Size(131, 97))
    size = Size(131, 97)
    for full_chroma in (False, True):
        name, make_converter = conversion.converter_factory()
        assert name == "libturbojpeg", "the test needs libturbojpeg0"
        one = make_converter(size, full_chroma)
        other = conversion.SwscaleConverter(size, full_chroma)
        planes = zip(one.convert(picture).planes, other.convert(picture).planes, strict=True)
        for first, second in planes:
            assert np.abs(_samples(first) - _samples(second)).mean() < 1.5
        one.close()


def _samples(plane: VideoPlane) -> NDArray[np.int64]:
    rows = np.frombuffer(bytes(plane), np.uint8).reshape(plane.height, plane.line_size)
    return rows[:, : plane.width].astype(np.int64)


def test_without_libturbojpeg_swscale_converts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversion, "_LIBRARY", "libturbojpeg-that-is-not-there.so.0")
    assert conversion.converter_factory() == ("swscale", conversion.SwscaleConverter)


def test_bit_rate_and_quality_change_without_a_key_frame(x264: H264Stream) -> None:
    pictures = list(moving(SIZE, 60, grain=24))
    rich = encode_all(x264, pictures[:20])
    x264.reconfigure(attrs.evolve(SETTINGS, most_bits_per_s=8e5))
    poor = encode_all(x264, pictures[20:40])
    x264.reconfigure(attrs.evolve(SETTINGS, quality=20))
    coarse = encode_all(x264, pictures[40:])
    assert [packet.is_key for packet in rich + poor + coarse] == [True] + [False] * 59
    assert _bits_per_s(poor[5:]) <= 1.2 * 8e5
    assert _bits_per_s(rich[5:]) > 4 * _bits_per_s(poor[5:])
    assert _bits_per_s(rich[5:]) > 4 * _bits_per_s(coarse[5:])


def test_a_stream_that_gets_fewer_pictures_may_use_more_for_each(x264: H264Stream) -> None:
    pictures = list(moving(SIZE, 60, grain=24))
    x264.reconfigure(attrs.evolve(SETTINGS, most_bits_per_s=1e6))
    often = encode_all(x264, pictures[:30])
    x264.reconfigure(attrs.evolve(SETTINGS, most_bits_per_s=1e6, frame_rate=10))
    seldom = encode_all(x264, pictures[30:])
    ratio = _bits_per_s(seldom[10:]) / _bits_per_s(often[10:])
    assert 2.0 < ratio < 4.0


def test_another_effort_opens_a_new_encoder_and_says_so(x264: H264Stream) -> None:
    pictures = list(moving(SIZE, 4))
    encode_all(x264, pictures[:2])
    x264.reconfigure(attrs.evolve(SETTINGS, effort=100))
    assert [packet.is_key for packet in encode_all(x264, pictures[2:])] == [True, False]


def test_where_no_option_can_be_changed_only_great_changes_open_a_new_encoder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stream, "live_options_of", lambda context: None)
    _, make_converter = conversion.converter_factory()
    stuck = H264Stream(SETTINGS, X264, make_converter, None)
    picture = photo_like(SIZE)
    keys = []
    for share in (1.0, 0.9, 1.2, 1.4, 0.5, 0.55, 1.0):
        stuck.reconfigure(attrs.evolve(SETTINGS, most_bits_per_s=20e6 * share))
        keys.append(stuck.encode(picture, key_frame=False).is_key)
    stuck.close()
    assert keys == [True, False, False, False, True, False, True]


def test_more_effort_makes_a_smaller_stream() -> None:
    pictures = list(moving(SIZE, 30, grain=8))
    sizes = []
    for effort in (0, 30, 100):
        opened = make_spec().open(attrs.evolve(SETTINGS, effort=effort))
        sizes.append(sum(len(opened.encode(p, key_frame=False).payload) for p in pictures))
        opened.close()
    assert sizes[0] > sizes[1] > sizes[2]


def test_the_buffer_is_a_quarter_second_but_holds_a_picture() -> None:
    often = rate_target(SETTINGS, 30)
    assert often.buffer_bits == SETTINGS.most_bits_per_s * BUFFER_S
    seldom = rate_target(attrs.evolve(SETTINGS, frame_rate=1), 1)
    assert seldom.buffer_bits == 1.5 * SETTINGS.most_bits_per_s


def test_a_graphics_card_that_is_not_there_is_told_at_debug_level_only(
    caplog: pytest.LogCaptureFixture,
) -> None:
    _, make_converter = conversion.converter_factory()
    caplog.set_level(logging.DEBUG, "kasmcore.h264")
    engine = find_hardware(H264Settings(device="/dev/dri/none"), make_converter)
    if engine is None:
        assert "NVENC is not used" in caplog.text
        assert "VA-API is not used" in caplog.text
    assert {record.levelno for record in caplog.records} <= {logging.DEBUG}

    caplog.clear()
    assert find_hardware(H264Settings(hardware="never"), make_converter) is None
    assert not caplog.records


class NotH264(H264Stream):
    """What a driver might do that loses colours."""

    def encode(self, pixels: BgrxPixels, *, key_frame: bool) -> StreamPacket:
        return super().encode(pixels[..., ::-1].copy(), key_frame=key_frame)


class NeverKey(H264Stream):
    """What a driver might do that does not listen."""

    def encode(self, pixels: BgrxPixels, *, key_frame: bool) -> StreamPacket:
        return super().encode(pixels, key_frame=False)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [(H264Stream, ""), (NotH264, "pictures are off"), (NeverKey, "key frames do not come")],
)
def test_the_test_of_a_graphics_card_finds_wrong_pictures(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    kind: type[H264Stream],
    reason: str,
) -> None:
    card = attrs.evolve(X264, title="the card")
    monkeypatch.setattr("kasmcore_h264.hardware.NVENC", card)
    monkeypatch.setattr("kasmcore_h264.hardware.H264Stream", kind)
    caplog.set_level(logging.DEBUG, "kasmcore.h264")
    found = find_hardware(H264Settings(), conversion.converter_factory()[1])
    assert (found is card) == (reason == "")
    assert reason in caplog.text


def test_streams_that_a_card_does_not_take_go_to_x264(monkeypatch: pytest.MonkeyPatch) -> None:
    card = attrs.evolve(X264, title="the card", has_full_chroma=False, smallest_side=160)
    monkeypatch.setattr(offer, "find_hardware", lambda settings, make_converter: card)
    spec = make_spec()
    assert spec.needs == ("PyAV", "the card", "x264", "libturbojpeg")

    def title_for(settings: StreamSettings = SETTINGS) -> str:
        opened = spec.open(settings)
        assert isinstance(opened, H264Stream)
        opened.close()
        return opened.engine.title

    assert title_for() == "the card"
    assert title_for(attrs.evolve(SETTINGS, size=Size(640, 100))) == "x264"
    assert title_for(attrs.evolve(SETTINGS, full_chroma=True)) == "x264"
    monkeypatch.setattr(offer, "find_hardware", lambda *_: attrs.evolve(card, name="no_such"))
    spec = make_spec()
    assert title_for() == "x264"


@pytest.mark.parametrize("engine", [NVENC, vaapi("/dev/dri/renderD128")], ids=lambda e: e.title)
def test_the_options_of_hardware_are_told_as_words(engine: Engine) -> None:
    target = rate_target(SETTINGS, 30)
    options = {**engine.fixed_options(SETTINGS, target), **engine.live_options(target)}
    assert options["maxrate"] == "20000000"
    assert options["bufsize"] == "5000000"
    assert all(isinstance(value, str) for value in options.values())


def test_an_ffmpeg_without_x264_makes_the_plugin_unavailable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(av, "codecs_available", {"h264"})
    with pytest.raises(PluginUnavailable, match="no libx264"):
        make_spec()


def test_a_stream_that_cannot_be_opened_is_an_encode_error() -> None:
    broken = attrs.evolve(X264, live_options=lambda target: {"crf": "much"})
    with pytest.raises(EncodeError, match="x264 cannot be opened"):
        H264Stream(SETTINGS, broken, conversion.SwscaleConverter, None)


def _bits_per_s(packets: Sequence[StreamPacket]) -> float:
    return sum(len(packet.payload) for packet in packets) * 8 * SETTINGS.frame_rate / len(packets)


def test_options_of_an_open_encoder_are_found_and_unknown_ones_refused() -> None:
    context = X264.new_context()
    options = live_options_of(context)
    assert options is not None, "the way to FFmpeg's options in this PyAV is not known"
    assert options.set({"crf": "30", "maxrate": "1000000"})
    assert not options.set({"no-such-option": "1"})


def test_an_address_that_is_none_has_no_word() -> None:
    assert live_options._word_at(0) is None
    assert live_options._word_at(2**64 - 1) is None
