"""What each encoder of video streams costs, and how good its pictures are, on a moving picture."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence

import attrs
import numpy as np

from kasmcore.interfaces.stream_encoder import StreamEncoderSpec, StreamSettings
from kasmcore.testing.bench.contents import FULL_HD, photo_picture
from kasmcore.testing.bench.results import column
from kasmcore.testing.received_picture import StreamDecoder
from kasmcore.testing.stream_decoders import STREAM_DECODERS
from kasmcore.values.geometry import Size
from kasmcore.values.pixels import BgrxPixels

WINDOW = Size(640, 360)
_FRAME_RATE = 30.0
_EFFORTS = (0, 30, 100)
_BITS_PER_PIXEL = (0.13, 0.29)
"""Full HD at 30 pictures a second: 8 and 18 Mbit/s."""
_QUALITY = 90
_PICTURES = 30
_FIRST_COUNTED = 10
"""Until then the key frame weighs on the bit rate."""
_GRAIN = 4


@attrs.frozen(kw_only=True)
class StreamCost:
    """One codec at one effort with one limit of the bit rate."""

    codec: str = column("codec")
    size: str = column("size")
    effort: int = column("effort")
    limit_mbit_per_s: float = column("limit Mbit/s", ".1f")
    ms_per_picture: float = column("CPU ms/picture", ".2f")
    mbit_per_s: float = column("Mbit/s", ".2f")
    psnr_db: float | None = column("PSNR dB", ".1f")
    key_bytes: int = column("key frame bytes")
    key_ms: float = column("CPU ms", ".1f")


def stream_costs(
    specs: Sequence[StreamEncoderSpec], sizes: Sequence[Size] = (FULL_HD, WINDOW)
) -> Iterator[StreamCost]:
    """Encode a video at each effort and bit rate; PSNR where a decoder is known here."""
    for size in sizes:
        pictures = moving_pictures(size, _PICTURES)
        for spec in specs:
            for effort in _EFFORTS:
                for bits_per_pixel in _BITS_PER_PIXEL:
                    settings = StreamSettings(
                        size=size,
                        frame_rate=_FRAME_RATE,
                        quality=_QUALITY,
                        most_bits_per_s=bits_per_pixel * size.area * _FRAME_RATE,
                        effort=effort,
                    )
                    yield _cost_of(spec, settings, pictures)


def moving_pictures(size: Size, count: int) -> list[BgrxPixels]:
    """Make pictures of a landscape that sways, with grain."""
    random = np.random.default_rng(6)
    margin = size.height // 12
    world = photo_picture(Size(size.width + 2 * margin, size.height + 2 * margin))
    pictures = []
    for number in range(count):
        angle = 2 * math.pi * number / count
        top, left = (round(margin * (1 + wave(angle))) for wave in (math.sin, math.cos))
        view = world[top : top + size.height, left : left + size.width].astype(np.int16)
        view[..., :3] += random.integers(-_GRAIN, _GRAIN + 1, (*view.shape[:2], 1), np.int16)
        pictures.append(view.clip(0, 255).astype(np.uint8))
    return pictures


def _cost_of(
    spec: StreamEncoderSpec, settings: StreamSettings, pictures: Sequence[BgrxPixels]
) -> StreamCost:
    decoder = STREAM_DECODERS[spec.codec]() if spec.codec in STREAM_DECODERS else None
    encoder = spec.open(settings)
    costs_s, payload_bytes, errors = [], [], []
    for number, picture in enumerate(pictures):
        # Of the process: an encoder may use threads of its own.
        start_s = time.process_time()
        packet = encoder.encode(picture, key_frame=False)
        costs_s.append(time.process_time() - start_s)
        payload_bytes.append(len(packet.payload))
        if decoder is not None:
            error = _squared_error(decoder, packet.payload, picture)
            errors += [error] if number >= _FIRST_COUNTED else []
    encoder.close()
    counted = payload_bytes[_FIRST_COUNTED:]
    return StreamCost(
        codec=spec.codec,
        size=str(settings.size),
        effort=settings.effort,
        limit_mbit_per_s=settings.most_bits_per_s / 1e6,
        ms_per_picture=float(np.median(costs_s[_FIRST_COUNTED:])) * 1000,
        mbit_per_s=sum(counted) * 8 * settings.frame_rate / len(counted) / 1e6,
        psnr_db=10 * math.log10(255**2 / max(float(np.mean(errors)), 1e-9)) if errors else None,
        key_bytes=payload_bytes[0],
        key_ms=costs_s[0] * 1000,
    )


def _squared_error(decoder: StreamDecoder, payload: bytes, picture: BgrxPixels) -> float:
    height, width = picture.shape[:2]
    decoded = decoder.decode(payload, width, height)[..., :3].astype(np.float32)
    return float(np.mean((decoded - picture[..., :3]) ** 2))
