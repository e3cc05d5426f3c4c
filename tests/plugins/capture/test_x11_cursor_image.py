"""Cursor pixels as XFixes gives them become plain RGBA."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from kasmcore_x11.cursor import LARGEST_CURSOR, cursor_image

from kasmcore.api import HIDDEN_CURSOR


@given(
    st.integers(1, 255),
    st.tuples(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255)),
)
def test_colours_are_divided_by_alpha_again(alpha: int, rgb: tuple[int, int, int]) -> None:
    red, green, blue = (round(value * alpha / 255) for value in rgb)
    image = cursor_image(bytes((blue, green, red, alpha)), (1, 1), (0, 0))
    assert image.rgba[3] == alpha
    again = [round(value * alpha / 255) for value in image.rgba[:3]]
    assert again == [red, green, blue]


def test_an_invisible_image_is_the_hidden_cursor() -> None:
    assert cursor_image(bytes(16 * 16 * 4), (16, 16), (3, 3)) == HIDDEN_CURSOR
    assert cursor_image(b"", (0, 0), (0, 0)) == HIDDEN_CURSOR


def test_a_huge_image_is_cut_around_its_hotspot() -> None:
    pixels = np.zeros((600, 700, 4), np.uint8)
    pixels[..., 3] = 255
    pixels[580, 300] = (10, 20, 30, 255)
    image = cursor_image(pixels.tobytes(), (700, 600), (300, 580))
    assert (image.width, image.height) == (LARGEST_CURSOR, LARGEST_CURSOR)
    start = (image.hotspot_y * image.width + image.hotspot_x) * 4
    assert tuple(image.rgba[start : start + 4]) == (30, 20, 10, 255)


def test_a_hotspot_outside_is_moved_inside() -> None:
    image = cursor_image(b"\xff" * 4 * 4, (2, 2), (9, 5))
    assert (image.hotspot_x, image.hotspot_y) == (1, 1)
