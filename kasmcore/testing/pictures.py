"""Small pictures that find the faults of encoders: sizes, strides and contents that matter."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import numpy as np

from kasmcore.values.geometry import Size
from kasmcore.values.pixels import BgrxPixels


@attrs.frozen(eq=False)
class Picture:
    """A picture with a name for the test's report."""

    name: str
    pixels: BgrxPixels

    @property
    def size(self) -> Size:
        """Its width and height."""
        return Size(self.pixels.shape[1], self.pixels.shape[0])


def flat(size: Size, bgr: tuple[int, int, int] = (200, 120, 40)) -> BgrxPixels:
    """One colour."""
    pixels = np.zeros((size.height, size.width, 4), np.uint8)
    pixels[..., :3] = bgr
    return pixels


def text_like(size: Size) -> BgrxPixels:
    """Dark strokes on white, in lines; the unused byte differs from pixel to pixel."""
    rows, columns = np.mgrid[0 : size.height, 0 : size.width]
    pixels = np.full((size.height, size.width, 4), 255, np.uint8)
    pixels[((rows % 12) < 8) & ((columns * 7 + rows * rows) % 5 < 2)] = (60, 20, 20, 0)
    return pixels


def photo_like(size: Size) -> BgrxPixels:
    """Smooth colours with a little grain; the same at every call."""
    rows, columns = np.mgrid[0 : size.height, 0 : size.width]
    grain = np.random.default_rng(1).integers(-4, 5, (size.height, size.width, 3))
    pixels = np.zeros((size.height, size.width, 4), np.uint8)
    waves = np.stack((np.sin(columns / 17), np.cos(rows / 11), np.sin((rows + columns) / 23)), -1)
    pixels[..., :3] = 128 + 110 * waves + grain
    return pixels


def noise(size: Size) -> BgrxPixels:
    """Random bytes, the unused one as well; the same at every call."""
    return np.random.default_rng(2).integers(0, 256, (size.height, size.width, 4), np.uint8)


def moving(size: Size, count: int, grain: int = 2) -> Iterator[BgrxPixels]:
    """Yield pictures of a video: smooth colours that move, a mark that tells them apart, grain."""
    whole = photo_like(Size(size.width + 3 * count, size.height + count))
    random = np.random.default_rng(3)
    for number in range(count):
        rows, columns = slice(number, number + size.height), slice(3 * number, None)
        picture = whole[rows, columns][:, : size.width].astype(np.int16)
        picture += random.integers(-grain, grain + 1, (*picture.shape[:2], 1))
        left = number * size.width // count
        picture[: size.height // 8, left : left + size.width // count + 1] = 255
        yield picture.clip(0, 255).astype(np.uint8)


def awkward_pictures() -> Iterator[Picture]:
    """Yield contents and shapes that an encoder meets: one pixel, odd sides, lines, views."""
    for name, make in (
        ("flat", flat),
        ("text", text_like),
        ("photo", photo_like),
        ("noise", noise),
    ):
        for size in (Size(1, 1), Size(1, 37), Size(41, 1), Size(13, 7), Size(64, 64), Size(97, 50)):
            yield Picture(f"{name} {size}", make(size))
    whole = photo_like(Size(120, 90))
    yield Picture("strided view", whole[11:60, 20:75])
    yield Picture("every other row", whole[::2])
    yield Picture("upside down", whole[::-1])
    yield Picture("every other column", whole[:, ::2])
