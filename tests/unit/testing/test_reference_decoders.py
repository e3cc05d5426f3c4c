from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from kasmcore_deflate.encoder import DeflateEncoder
from kasmcore_jpeg.encoder import JpegEncoder
from kasmcore_jpeg.engines import simplejpeg_engine
from kasmcore_qoi.encoder import QoiEncoder
from kasmcore_webp.encoder import WebpEncoder

from kasmcore.interfaces.encoder import ImageEncoder
from kasmcore.testing.reference_decoders import DECODERS
from kasmcore.values.pixels import BgrxPixels

ENCODERS: dict[str, Callable[[], ImageEncoder]] = {
    "deflate": DeflateEncoder,
    "jpeg": lambda: JpegEncoder(simplejpeg_engine()),
    "qoi": QoiEncoder,
    "webp": WebpEncoder,
}
EXACT_CODECS = ["deflate", "qoi", "webp"]


def coloured(height: int, width: int) -> BgrxPixels:
    """A picture whose colours are far apart, so that swapped channels show."""
    pixels = np.full((height, width, 4), 255, np.uint8)
    pixels[..., 0] = np.linspace(200, 250, width, dtype=np.uint8)
    pixels[..., 1] = 100
    pixels[..., 2] = np.linspace(0, 50, height, dtype=np.uint8)[:, None]
    return pixels


def test_every_built_in_codec_has_a_decoder() -> None:
    assert set(DECODERS) == set(ENCODERS)


@pytest.mark.parametrize("codec", EXACT_CODECS)
@pytest.mark.parametrize("shape", [(1, 1), (7, 9), (64, 200)])
def test_exact_codecs_give_back_the_very_pixels(codec: str, shape: tuple[int, int]) -> None:
    pixels = coloured(*shape)
    payload = ENCODERS[codec]().encode(pixels, 100)
    decoded = DECODERS[codec](payload, shape[1], shape[0])
    assert (decoded[..., :3] == pixels[..., :3]).all()


@pytest.mark.parametrize("codec", ["jpeg", "webp"])
def test_lossy_codecs_come_close_with_the_channels_in_their_places(codec: str) -> None:
    pixels = coloured(48, 64)
    decoded = DECODERS[codec](ENCODERS[codec]().encode(pixels, 90), 64, 48)
    assert np.abs(decoded[..., :3].astype(int) - pixels[..., :3]).max() < 12


@pytest.mark.parametrize("codec", DECODERS)
@pytest.mark.parametrize("damage", [b"", b"junk that is no image", b"\x01\xff\xff"])
def test_damaged_payloads_are_refused(codec: str, damage: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        DECODERS[codec](damage, 16, 16)


@pytest.mark.parametrize("codec", DECODERS)
def test_a_truncated_payload_is_refused(codec: str) -> None:
    payload = ENCODERS[codec]().encode(coloured(64, 64), 100)
    with pytest.raises(ValueError, match=r"."):
        DECODERS[codec](payload[: len(payload) // 2], 64, 64)


@pytest.mark.parametrize("codec", DECODERS)
def test_a_payload_of_another_size_is_refused(codec: str) -> None:
    payload = ENCODERS[codec]().encode(coloured(16, 32), 100)
    with pytest.raises(ValueError, match=r"."):
        DECODERS[codec](payload, 16, 16)
