"""Values written as text, and quality levels."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kasmcore.config.units import (
    EdgeDistance,
    HttpHeader,
    KeyRemap,
    PixelOffset,
    Tint,
    jpeg_quality_of_level,
    quality_of_constant,
    webp_quality_of_level,
)


def test_quality_levels_follow_kasmvncs_tables() -> None:
    assert [jpeg_quality_of_level(level) for level in range(10)] == [
        15, 29, 41, 42, 62, 77, 79, 86, 92, 100,
    ]  # fmt: skip
    assert [webp_quality_of_level(level) for level in range(10)] == [
        5, 24, 30, 37, 42, 65, 78, 85, 88, 100,
    ]  # fmt: skip


def test_the_constant_quality_of_video_0_is_the_best() -> None:
    assert [quality_of_constant(constant) for constant in (0, 17, 23, 63)] == [99, 90, 70, 1]


@pytest.mark.parametrize("constant", [-1, 64])
def test_a_constant_quality_outside_0_to_63_is_refused(constant: int) -> None:
    with pytest.raises(ValueError, match="0 to 63"):
        quality_of_constant(constant)


@pytest.mark.parametrize("translate", [jpeg_quality_of_level, webp_quality_of_level])
@pytest.mark.parametrize("level", [-1, 10])
def test_a_level_outside_0_to_9_is_refused(translate: Callable[[int], int], level: int) -> None:
    with pytest.raises(ValueError, match="0 to 9"):
        translate(level)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (EdgeDistance(40), "40"),
        (EdgeDistance(-40), "-40"),
        (EdgeDistance(10, is_percent=True), "10%"),
        (KeyRemap(0x22, 0x40), "0x22->0x40"),
        (HttpHeader("X-Frame-Options", "DENY"), "X-Frame-Options=DENY"),
        (
            HttpHeader("Strict-Transport-Security", "max-age=1"),
            "Strict-Transport-Security=max-age=1",
        ),
        (PixelOffset(-10, 20), "-10,20"),
        (Tint(255, 20, 0, 128), "255,20,0,128"),
    ],
)
def test_values_are_read_and_written_alike(
    value: EdgeDistance | KeyRemap | HttpHeader | PixelOffset | Tint, text: str
) -> None:
    assert type(value).of_text(text) == value
    assert str(value) == text


@pytest.mark.parametrize("text", ["", "10 %", "-10%", "101%", "1e3", "ten", "10px", "999999"])
def test_what_is_no_distance_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^is "):
        EdgeDistance.of_text(text)


@pytest.mark.parametrize("text", ["0x22", "0x22->64", "22->40", "0x22 -> 0x40", "0x->0x"])
def test_what_is_no_remap_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^is not two keysyms"):
        KeyRemap.of_text(text)


@pytest.mark.parametrize("text", ["X", "=x", "a b=c", "X=a\nSet-Cookie: b"])
def test_what_is_no_header_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^(is not a header|holds characters)"):
        HttpHeader.of_text(text)


@pytest.mark.parametrize("text", ["1,2,3", "256,0,0,0", "-1,0,0,0", "red"])
def test_what_is_no_tint_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^is not a colour"):
        Tint.of_text(text)


@pytest.mark.parametrize("read", [EdgeDistance, KeyRemap, HttpHeader, PixelOffset, Tint])
@given(text=st.text())
def test_any_text_is_read_or_refused_with_a_reason(
    read: type[EdgeDistance | KeyRemap | HttpHeader | PixelOffset | Tint], text: str
) -> None:
    try:
        value = read.of_text(text)
    except ValueError as error:
        assert str(error).startswith(("is ", "holds "))  # noqa: PT017 - both ends are right
    else:
        assert isinstance(value, read)
