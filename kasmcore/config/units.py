"""Values that settings write as text: edges, colours, key remaps, headers; and quality levels.

Every ``of_text`` takes what stands in the YAML and raises ``ValueError`` whose text completes the
sentence "<key> is '<text>', which ...".
"""

from __future__ import annotations

import re
from typing import Self

import attrs

_JPEG_QUALITY_OF_LEVEL = (15, 29, 41, 42, 62, 77, 79, 86, 92, 100)
_WEBP_QUALITY_OF_LEVEL = (5, 24, 30, 37, 42, 65, 78, 85, 88, 100)
LOWEST_JPEG_QUALITY = 10
LOWEST_WEBP_QUALITY = 3
"""What KasmVNC sends in video mode when its quality is set to -1."""
_LARGEST_CONSTANT_QUALITY = 63
_COARSEST_RATE_FACTOR = 44
_RATE_FACTOR_STEP = 0.3


def jpeg_quality_of_level(level: int) -> int:
    """Translate KasmVNC's quality level 0-9 to JPEG quality 0-100, by KasmVNC's own table."""
    return _JPEG_QUALITY_OF_LEVEL[_checked_level(level)]


def webp_quality_of_level(level: int) -> int:
    """Translate KasmVNC's quality level 0-9 to WebP quality 0-100, by KasmVNC's own table."""
    return _WEBP_QUALITY_OF_LEVEL[_checked_level(level)]


def quality_of_constant(constant: int) -> int:
    """Translate the rate factor of a video codec, 0 (best) to 63, to quality 1-99.

    Encoders of video streams take quality 0 as rate factor 44 and quality 100 as 14, beyond which
    nothing can be seen.
    """
    if not 0 <= constant <= _LARGEST_CONSTANT_QUALITY:
        raise ValueError(f"a constant quality is 0 to {_LARGEST_CONSTANT_QUALITY}, not {constant}")
    return min(99, max(1, round((_COARSEST_RATE_FACTOR - constant) / _RATE_FACTOR_STEP)))


def _checked_level(level: int) -> int:
    if not 0 <= level <= 9:
        raise ValueError(f"a quality level is 0 to 9, not {level}")
    return level


@attrs.frozen
class EdgeDistance:
    """One side of the visible region: pixels (may be negative) or percent of the screen."""

    amount: int
    is_percent: bool = False

    @classmethod
    def of_text(cls, text: str) -> Self:
        """Read ``40``, ``-40`` or ``10%``."""
        match = re.fullmatch(r"(-?[0-9]{1,5})|([0-9]{1,3})%", text)
        if match is None:
            raise ValueError("is neither pixels such as 40 or -40 nor a share such as 10%")
        if match[2] is None:
            return cls(amount=int(match[1]))
        if int(match[2]) > 100:
            raise ValueError("is more than 100%")
        return cls(amount=int(match[2]), is_percent=True)

    def __str__(self) -> str:
        return f"{self.amount}%" if self.is_percent else str(self.amount)


@attrs.frozen
class KeyRemap:
    """Replace one keysym by another before a key is handled."""

    from_keysym: int
    to_keysym: int

    @classmethod
    def of_text(cls, text: str) -> Self:
        """Read ``0x22->0x40``."""
        match = re.fullmatch(r"(0x[0-9a-fA-F]{1,8})->(0x[0-9a-fA-F]{1,8})", text)
        if match is None:
            raise ValueError("is not two keysyms such as 0x22->0x40")
        return cls(from_keysym=int(match[1], 16), to_keysym=int(match[2], 16))

    def __str__(self) -> str:
        return f"0x{self.from_keysym:x}->0x{self.to_keysym:x}"


@attrs.frozen
class HttpHeader:
    """One header that is added to every HTTP response."""

    name: str
    value: str

    @classmethod
    def of_text(cls, text: str) -> Self:
        """Read ``Name=value``; the first ``=`` parts them, the value may hold more of them."""
        name, separator, value = text.partition("=")
        if not separator or not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name):
            raise ValueError("is not a header such as X-Frame-Options=DENY")
        if not re.fullmatch(r"[\t\x20-\x7e]*", value):
            raise ValueError("holds characters that a header cannot carry")
        return cls(name=name, value=value.strip())

    def __str__(self) -> str:
        return f"{self.name}={self.value}"


@attrs.frozen
class PixelOffset:
    """A place on the screen; negative numbers count from the right and the bottom."""

    x: int
    y: int

    @classmethod
    def of_text(cls, text: str) -> Self:
        """Read ``10,20``."""
        match = re.fullmatch(r"(-?[0-9]{1,5}),(-?[0-9]{1,5})", text)
        if match is None:
            raise ValueError("is not a place such as 10,20")
        return cls(x=int(match[1]), y=int(match[2]))

    def __str__(self) -> str:
        return f"{self.x},{self.y}"


@attrs.frozen
class Tint:
    """A colour with opacity, each part 0-255."""

    red: int
    green: int
    blue: int
    alpha: int

    @classmethod
    def of_text(cls, text: str) -> Self:
        """Read ``255,20,0,128``."""
        match = re.fullmatch(r"([0-9]{1,3}),([0-9]{1,3}),([0-9]{1,3}),([0-9]{1,3})", text)
        if match is None or any(int(part) > 255 for part in match.groups()):
            raise ValueError("is not a colour of four numbers 0 to 255 such as 255,20,0,128")
        red, green, blue, alpha = (int(part) for part in match.groups())
        return cls(red=red, green=green, blue=blue, alpha=alpha)

    def __str__(self) -> str:
        return f"{self.red},{self.green},{self.blue},{self.alpha}"
