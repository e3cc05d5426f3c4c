from __future__ import annotations

import numpy as np
import pytest
from kasmcore_deflate.encoder import DeflateEncoder

STORED, DEFLATED = 0, 1


@pytest.mark.parametrize(("width", "height"), [(1, 1), (8, 8), (64, 1), (1, 64)])
def test_a_few_pixels_are_stored_so_that_the_browser_need_not_inflate(
    width: int, height: int
) -> None:
    pixels = np.zeros((height, width, 4), np.uint8)

    assert (
        DeflateEncoder().encode(pixels, 100)
        == bytes([STORED]) + b"\0\0\0\xff" * pixels[..., 0].size
    )


def test_more_pixels_are_deflated() -> None:
    payload = DeflateEncoder().encode(np.zeros((5, 13, 4), np.uint8), 100)

    assert payload[0] == DEFLATED
    assert len(payload) < 60


def test_what_deflate_makes_larger_is_stored() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (9, 8, 4), np.uint8)

    payload = DeflateEncoder().encode(noise, 100)

    assert len(payload) <= 1 + 9 * 8 * 4
    assert payload[0] == STORED or len(payload) < 9 * 8 * 4
