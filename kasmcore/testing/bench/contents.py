"""Full-HD pictures to measure on, made here: windows full of text, and a picture like a photo."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from kasmcore.values.geometry import Size
from kasmcore.values.pixels import BgrxPixels

FULL_HD = Size(1920, 1080)

_WORDS = "import trio async def capture(self): return frame encoder = None # 0x7f for in range(10):"
_LINE_PIXELS = 17
_OCTAVES = 7
_MARGIN = 20
_PAPER_AND_INK = ((255, 45), (26, 200))
"""Dark on white and light on dark."""


def text_picture(size: Size = FULL_HD, seed: int = 1) -> BgrxPixels:
    """Two windows of text side by side on a plain background."""
    random = np.random.default_rng(seed)
    image = Image.new("RGB", (size.width, size.height), (58, 110, 165))
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(14)
    middle = size.width * 58 // 100
    edges = ((_MARGIN, middle - _MARGIN // 2), (middle + _MARGIN // 2, size.width - _MARGIN))
    for (left, right), (paper, ink) in zip(edges, _PAPER_AND_INK, strict=True):
        window = (left, _MARGIN, right, size.height - _MARGIN)
        draw.rectangle(window, fill=(paper,) * 3, outline=(30, 30, 30))
        for top in range(_MARGIN + 10, size.height - _MARGIN - _LINE_PIXELS, _LINE_PIXELS):
            line = " ".join(random.choice(_WORDS.split(), (right - left) // 60))
            shade = np.clip(ink + random.integers(-40, 40, 3), 0, 255)
            colour = (int(shade[0]), int(shade[1]), int(shade[2]))
            draw.text((left + 8, top), line, fill=colour, font=font)
    return _to_bgrx(np.asarray(image))


def photo_picture(size: Size = FULL_HD, seed: int = 2) -> BgrxPixels:
    """Noise at seven scales, the finest one faint: a photograph slightly out of focus."""
    random = np.random.default_rng(seed)
    total = random.normal(0, 0.02, (size.height, size.width, 3))
    for octave in range(_OCTAVES):
        side = 2 ** (octave + 2)
        coarse = random.random((side * 9 // 16 + 2, side, 3)).astype(np.float32)
        for channel in range(3):
            layer = Image.fromarray(coarse[..., channel]).resize((size.width, size.height))
            total[..., channel] += np.asarray(layer) / 1.6**octave
    total -= total.min()
    return _to_bgrx((total * (255 / total.max())).astype(np.uint8))


def _to_bgrx(rgb: NDArray[np.uint8]) -> BgrxPixels:
    pixels = np.full((*rgb.shape[:2], 4), 255, np.uint8)
    pixels[..., :3] = rgb[..., ::-1]
    return pixels
