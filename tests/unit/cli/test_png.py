from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from kasmcore.cli.png import encode_png


@pytest.mark.parametrize("shape", [(1, 1), (3, 500), (480, 640)])
def test_another_reader_sees_the_same_colours(shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (*shape, 4), np.uint8)
    with Image.open(io.BytesIO(encode_png(pixels))) as image:
        assert image.format == "PNG"
        assert image.mode == "RGB"
        assert (np.asarray(image) == pixels[:, :, 2::-1]).all()


def test_a_strided_view_is_saved_as_it_looks() -> None:
    pixels = np.random.default_rng(2).integers(0, 256, (40, 40, 4), np.uint8)[10:30:2, 5:25]
    with Image.open(io.BytesIO(encode_png(pixels))) as image:
        assert (np.asarray(image) == pixels[:, :, 2::-1]).all()
