"""The suites hold for our own parts in memory, and find the faults that they are there to find."""

import zlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import attrs
import numpy as np
import pytest

from kasmcore.api import (
    BgrxPixels,
    CaptureSource,
    Connection,
    ContentRating,
    DlpFilter,
    DlpFilterSpec,
    EncodeError,
    EncoderSpec,
    Exactness,
    InputEvent,
    PointerMoved,
    Rectangle,
    Refusal,
    StreamEncoder,
    StreamEncoderSpec,
    StreamPacket,
    StreamSettings,
    TextTyped,
    ViewerInfo,
    encodable_pixels,
)
from kasmcore.testing import SyntheticDesktop, memory_connections
from kasmcore.testing.conformance import (
    CaptureConformance,
    DlpConformance,
    EncoderConformance,
    StreamEncoderConformance,
    TransportConformance,
)
from kasmcore.testing.conformance.stream_encoder import SETTINGS as STREAM_SETTINGS
from kasmcore.testing.pictures import Picture, photo_like
from kasmcore.values.geometry import Size


class RawEncoder:
    def encode(self, pixels: BgrxPixels, quality: int) -> bytes:
        return encodable_pixels("raw", pixels, quality, 4000).tobytes()


def raw_spec(encoder: type[RawEncoder] = RawEncoder) -> EncoderSpec:
    rating = ContentRating(text=1, picture=1)
    return EncoderSpec(
        codec="raw",
        factory=encoder,
        exactness=Exactness.ALWAYS,
        cost_ns_per_pixel=rating,
        bits_per_pixel=rating,
        releases_gil=False,
        maximum_side=4000,
    )


class TestRawEncoder(EncoderConformance):
    def make_spec(self) -> EncoderSpec:
        return raw_spec()

    def decode(self, payload: bytes, width: int, height: int) -> BgrxPixels:
        return np.frombuffer(payload, np.uint8).reshape(height, width, 4)


class TestSyntheticDesktop(CaptureConformance):
    @asynccontextmanager
    async def open(self) -> AsyncIterator[CaptureSource]:
        yield SyntheticDesktop()

    async def change(self, source: CaptureSource, number: int) -> None:
        assert isinstance(source, SyntheticDesktop)
        source.paint(Rectangle(number * 3, number * 5, 40, 20), (number * 30, 255, 0))


class TestMemoryConnections(TransportConformance):
    @asynccontextmanager
    async def connect(self) -> AsyncIterator[tuple[Connection, Connection]]:
        yield memory_connections()


class WithoutText(DlpFilter):
    def filter_input(
        self, event: InputEvent, viewer: ViewerInfo, now_s: float
    ) -> InputEvent | Refusal:
        return Refusal("text_refused", "No.") if isinstance(event, TextTyped) else event

    def filter_frame(self, pixels: BgrxPixels, changed: object) -> None:
        pixels[:8] = 0


class TestWithoutText(DlpConformance):
    must_refuse = (TextTyped("a"),)

    def make_spec(self) -> DlpFilterSpec:
        return DlpFilterSpec(
            name="without_text", factory=lambda config: WithoutText(), masks_frames=True
        )


class LossyEncoder(RawEncoder):
    def encode(self, pixels: BgrxPixels, quality: int) -> bytes:
        return (pixels & 0xFE).tobytes()


class RememberingEncoder(RawEncoder):
    calls = 0

    def encode(self, pixels: BgrxPixels, quality: int) -> bytes:
        self.calls += 1
        return super().encode(pixels, quality) + bytes([self.calls % 256])


def test_an_encoder_that_is_not_exact_is_found() -> None:
    suite = TestRawEncoder()
    picture = Picture("photo", photo_like(Size(9, 9)))
    with pytest.raises(AssertionError):
        suite.test_what_is_exact_by_the_spec_comes_back_unchanged(
            raw_spec(), LossyEncoder(), picture
        )


def test_an_encoder_that_remembers_is_found() -> None:
    suite = TestRawEncoder()
    with pytest.raises(AssertionError):
        suite.test_the_same_pixels_give_the_same_bytes(raw_spec(), RememberingEncoder(), 50)


class RawStream:
    """Key frames are whole pictures, others only what differs; nothing is lost."""

    def __init__(self, settings: StreamSettings) -> None:
        self.settings = settings
        self.before: BgrxPixels | None = None

    def encode(self, pixels: BgrxPixels, *, key_frame: bool) -> StreamPacket:
        size = self.settings.size
        if self.settings.most_bits_per_s == 0 or pixels.shape != (size.height, size.width, 4):
            raise EncodeError("closed, or of another size")
        key_frame = key_frame or self.before is None
        change = pixels ^ (0 if self.before is None or key_frame else self.before)
        self.before = pixels.copy()
        return StreamPacket(bytes([key_frame]) + zlib.compress(change.tobytes(), 1), key_frame)

    def reconfigure(self, settings: StreamSettings) -> None:
        known = self.settings.size, self.settings.full_chroma
        if (settings.size, settings.full_chroma) != known:
            raise EncodeError("another size")

    def close(self) -> None:
        self.settings = attrs.evolve(self.settings, most_bits_per_s=0)


class StreamSuite(StreamEncoderConformance):
    encoder_class: type[RawStream] = RawStream

    def make_spec(self) -> StreamEncoderSpec:
        return StreamEncoderSpec(
            codec="raw",
            open=self.encoder_class,
            cost_ns_per_pixel=1.0,
            releases_gil=False,
            has_full_chroma=True,
        )

    def decode(self, payloads: Sequence[bytes], size: Size) -> list[BgrxPixels]:
        pictures = [np.zeros((size.height, size.width, 4), np.uint8)]
        for payload in payloads:
            change = np.frombuffer(zlib.decompress(payload[1:]), np.uint8)
            pictures.append(
                change.reshape(pictures[0].shape) ^ pictures[-1 if not payload[0] else 0]
            )
        return pictures[1:]


class TestRawStream(StreamSuite):
    def test_fewer_bits_and_lower_quality_make_smaller_packets_at_once(
        self, encoder: StreamEncoder
    ) -> None:
        """It loses nothing, so it cannot save bits."""


class DelayingStream(RawStream):
    held: BgrxPixels | None = None

    def encode(self, pixels: BgrxPixels, *, key_frame: bool) -> StreamPacket:
        shown, self.held = self.held, pixels.copy()
        return super().encode(pixels if shown is None else shown, key_frame=key_frame)


class KeyStream(RawStream):
    def encode(self, pixels: BgrxPixels, *, key_frame: bool) -> StreamPacket:
        return super().encode(pixels, key_frame=True)


@pytest.mark.parametrize("kind", [DelayingStream, KeyStream])
def test_a_stream_that_holds_back_or_sends_key_frames_unasked_is_found(
    kind: type[RawStream],
) -> None:
    suite = StreamSuite()
    with pytest.raises(AssertionError):
        suite.test_each_packet_gives_its_own_picture(kind(STREAM_SETTINGS))


def test_a_stream_that_ignores_the_bit_rate_is_found() -> None:
    with pytest.raises(AssertionError):
        StreamSuite().test_fewer_bits_and_lower_quality_make_smaller_packets_at_once(
            RawStream(STREAM_SETTINGS)
        )


class CarelessDesktop(SyntheticDesktop):
    """Says that less changed than did."""

    def paint(self, rectangle: Rectangle, rgb: tuple[int, int, int]) -> None:
        super().paint(rectangle, rgb)
        self._hints[-1] = Rectangle(rectangle.x, rectangle.y, 1, 1)


async def test_hints_that_leave_out_a_change_are_found() -> None:
    class Suite(TestSyntheticDesktop):
        @asynccontextmanager
        async def open(self) -> AsyncIterator[CaptureSource]:
            yield CarelessDesktop()

    with pytest.raises(AssertionError):
        await Suite().test_hints_cover_all_that_changed()


def body_of(name: str) -> Callable[..., None]:
    """Return a hypothesis test's own function, to call it with one example."""
    body: Callable[..., None] = getattr(DlpConformance, name).hypothesis.inner_test
    return body


def test_a_filter_that_never_forgets_is_found() -> None:
    class Counting(DlpFilter):
        seen = 0

        def filter_input(
            self, event: InputEvent, viewer: ViewerInfo, now_s: float
        ) -> InputEvent | Refusal:
            self.seen += 1
            return Refusal("enough", "") if self.seen > 3 else event

    class Suite(TestWithoutText):
        def make_filter(self) -> DlpFilter:
            return Counting()

    [before, after] = [[(0.0, PointerMoved(1, 1))] * count for count in (3, 2)]
    with pytest.raises(AssertionError):
        body_of("test_a_viewer_that_left_is_forgotten")(Suite(), before=before, after=after)


def test_a_filter_with_a_bad_topic_is_found() -> None:
    class Rude(DlpFilter):
        def filter_input(
            self, event: InputEvent, viewer: ViewerInfo, now_s: float
        ) -> InputEvent | Refusal:
            return event if isinstance(event, PointerMoved) else Refusal("Not Here!", "")

    class Suite(TestWithoutText):
        def make_filter(self) -> DlpFilter:
            return Rude()

    body = body_of("test_any_input_gets_an_event_or_a_refusal_with_a_topic")
    with pytest.raises(AssertionError):
        body(Suite(), events=[(0.0, TextTyped("a"))])
