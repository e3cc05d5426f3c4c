from __future__ import annotations

import io

import numpy as np
import pytest
from kasmcore_webp.encoder import WebpEncoder
from PIL import Image

from kasmcore.api import EncodeError

SMOOTH = np.repeat(np.arange(0, 256, dtype=np.uint8), 64 * 4).reshape(128, 128, 4)


@pytest.mark.parametrize("quality", [0, 50, 99, 100])
def test_no_picture_has_transparency_whatever_the_unused_byte_holds(quality: int) -> None:
    pixels = SMOOTH.copy()
    pixels[::3, :, 3] = 0

    payload = WebpEncoder().encode(pixels, quality)

    with Image.open(io.BytesIO(payload)) as image:
        assert image.mode == "RGB"


def test_only_quality_100_is_without_loss() -> None:
    encoder = WebpEncoder()
    lossless, lossy = encoder.encode(SMOOTH, 100), encoder.encode(SMOOTH, 99)

    assert lossless[12:16] == b"VP8L"
    assert lossy[12:16] == b"VP8 "


def test_a_failure_inside_libwebp_is_an_encode_error() -> None:
    encoder = WebpEncoder()
    encoder._lossy.method = 99  # a value that libwebp refuses

    with pytest.raises(EncodeError, match="libwebp"):
        encoder.encode(SMOOTH, 50)
