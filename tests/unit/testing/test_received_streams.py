"""A Python viewer shows video streams as a browser does, when it is asked to."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import kasmcore_h264
import numpy as np
import pytest

from kasmcore.config.schema import ServerConfig
from kasmcore.interfaces.stream_encoder import StreamEncoder, StreamSettings
from kasmcore.testing.client import DEFAULT_HELLO
from kasmcore.testing.pictures import moving
from kasmcore.testing.received_picture import DamagedRectangle, ReceivedPicture
from kasmcore.testing.stream_decoders import STREAM_DECODERS
from kasmcore.values.frames import EncodedFrame, FrameTimes, VideoRectangle
from kasmcore.values.geometry import Rectangle, Size
from kasmcore.values.pixels import BgrxPixels

SCREEN = Size(160, 120)
PLACE = Rectangle(20, 30, 97, 65)
NO_TIMES = FrameTimes(0, 0, 0, 0, 0)


@pytest.fixture
def encoder() -> Iterator[StreamEncoder]:
    [spec] = kasmcore_h264.kasmcore_register_encoders(ServerConfig())
    settings = StreamSettings(size=PLACE.size, frame_rate=30, quality=95, most_bits_per_s=20e6)
    encoder = spec.open(settings)
    yield encoder
    encoder.close()


@pytest.fixture
def picture() -> ReceivedPicture:
    picture = ReceivedPicture({}, STREAM_DECODERS)
    picture.clear(SCREEN)
    return picture


@pytest.fixture
def video(encoder: StreamEncoder) -> list[tuple[BgrxPixels, VideoRectangle]]:
    shown: list[tuple[BgrxPixels, VideoRectangle]] = []
    for pixels in moving(PLACE.size, 6):
        packet = encoder.encode(pixels, key_frame=len(shown) == 4)
        part = VideoRectangle(PLACE, "h264", 95, 3, packet.is_key, False, packet.payload)
        shown.append((pixels, part))
    return shown


def frame_of(*parts: VideoRectangle) -> EncodedFrame:
    return EncodedFrame(1, SCREEN, parts, NO_TIMES)


def shows(picture: ReceivedPicture, pixels: BgrxPixels) -> bool:
    shown = picture.pixels[PLACE.rows, PLACE.columns, :3].astype(int)
    return bool(np.abs(shown - pixels[..., :3]).mean() < 4)


def test_each_packet_shows_its_picture_and_nothing_round_it(
    picture: ReceivedPicture, video: list[tuple[BgrxPixels, VideoRectangle]]
) -> None:
    for pixels, part in video:
        picture.show(frame_of(part))
        assert shows(picture, pixels)
    assert not picture.is_exact
    picture.pixels[PLACE.rows, PLACE.columns] = 0
    assert not picture.pixels.any()


def test_a_hidden_packet_is_decoded_and_not_drawn(
    picture: ReceivedPicture, video: list[tuple[BgrxPixels, VideoRectangle]]
) -> None:
    picture.show(frame_of(*(attrs.evolve(part, is_hidden=True) for _, part in video[:3])))
    assert not picture.pixels.any()
    pixels, part = video[3]
    picture.show(frame_of(part))
    assert shows(picture, pixels)


def test_after_a_damaged_packet_only_a_key_frame_helps(
    picture: ReceivedPicture, video: list[tuple[BgrxPixels, VideoRectangle]]
) -> None:
    parts = [part for _, part in video]
    picture.show(frame_of(parts[0]))
    with pytest.raises(DamagedRectangle, match="h264"):
        picture.show(frame_of(attrs.evolve(parts[1], payload=b"\0\0\0\1\x09\xf0")))
    for lost in parts[2:4]:
        with pytest.raises(DamagedRectangle, match="waits for a key frame"):
            picture.show(frame_of(lost))
    picture.show(frame_of(parts[4]))
    picture.show(frame_of(parts[5]))
    assert shows(picture, video[5][0])


def test_a_picture_of_another_size_is_damaged(
    picture: ReceivedPicture, video: list[tuple[BgrxPixels, VideoRectangle]]
) -> None:
    wider = attrs.evolve(video[0][1], rectangle=Rectangle(0, 0, 120, 65))
    with pytest.raises(DamagedRectangle, match="98x66, not 120x65"):
        picture.show(frame_of(wider))


def test_a_client_offers_no_stream_codec_unless_it_is_told_to() -> None:
    assert not set(DEFAULT_HELLO.codecs) & set(STREAM_DECODERS)
