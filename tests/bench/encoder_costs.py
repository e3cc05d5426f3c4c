"""Print what each encoder costs: the figures in the encoders' specs and on the operators' page.

    PYTHONPATH=.:plugins/encoders python tests/bench/encoder_costs.py

CPU time of the calling thread, so that other work on the machine counts little. Full HD and, for
what a single keystroke changes, 32x32 pixels. Content is made here: a window full of text and a
smooth picture with grain.
"""

from __future__ import annotations

import sys
import time

import kasmcore_deflate
import kasmcore_jpeg
import kasmcore_qoi
import kasmcore_webp
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from kasmcore.api import BgrxPixels, ImageEncoder

WIDTH, HEIGHT = 1920, 1080
SMALL = 32
RUNS = 5
WORDS = "import trio async def capture(self): return frame encoder = None # 0x7f for in range(10):"
QUALITIES = {"jpeg": (40, 60, 80), "webp": (50, 80, 100), "qoi": (100,), "deflate": (100,)}


def text_picture() -> BgrxPixels:
    """Two windows of text, dark on white and light on dark."""
    random = np.random.default_rng(1)
    image = Image.new("RGB", (WIDTH, HEIGHT), (58, 110, 165))
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(14)
    for left, right, paper, ink in ((20, 1100, 255, 45), (1120, 1900, 26, 200)):
        draw.rectangle((left, 20, right, 1040), fill=(paper,) * 3, outline=(30, 30, 30))
        for top in range(30, 1020, 17):
            line = " ".join(random.choice(WORDS.split(), (right - left) // 60))
            colour = tuple(int(part) for part in np.clip(ink + random.integers(-40, 40, 3), 0, 255))
            draw.text((left + 8, top), line, fill=colour, font=font)
    return to_bgrx(np.asarray(image))


def smooth_picture() -> BgrxPixels:
    """Noise at seven scales, the finest one faint: an out-of-focus photograph."""
    random = np.random.default_rng(2)
    total = random.normal(0, 0.02, (HEIGHT, WIDTH, 3))
    for octave in range(7):
        side = 2 ** (octave + 2)
        coarse = random.random((side * 9 // 16 + 2, side, 3)).astype(np.float32)
        for channel in range(3):
            layer = Image.fromarray(coarse[..., channel])
            total[..., channel] += np.asarray(layer.resize((WIDTH, HEIGHT))) / 1.6**octave
    total -= total.min()
    return to_bgrx((total * (255 / total.max())).astype(np.uint8))


def to_bgrx(rgb: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> BgrxPixels:
    pixels = np.full((*rgb.shape[:2], 4), 255, np.uint8)
    pixels[..., :3] = rgb[..., ::-1]
    return pixels


def measure(encoder: ImageEncoder, pixels: BgrxPixels, quality: int) -> tuple[float, int]:
    """Least CPU time of one call in nanoseconds, and the bytes that it gives."""
    repeat = 1 if pixels.size > 1_000_000 else 100
    best_ns = float("inf")
    for _ in range(RUNS):
        start_ns = time.thread_time_ns()
        for _ in range(repeat):
            payload = encoder.encode(pixels, quality)
        best_ns = min(best_ns, (time.thread_time_ns() - start_ns) / repeat)
    return best_ns, len(payload)


def main() -> None:
    contents = {"text": text_picture(), "picture": smooth_picture()}
    plugins = (kasmcore_jpeg, kasmcore_webp, kasmcore_qoi, kasmcore_deflate)
    specs = [spec for plugin in plugins for spec in plugin.kasmcore_register_encoders()]
    sys.stdout.write("| codec | quality | content | ns/pixel | bits/pixel | 32x32: us | bytes |\n")
    sys.stdout.write("| --- | --- | --- | --- | --- | --- | --- |\n")
    for spec in specs:
        for quality in QUALITIES[spec.codec]:
            for name, pixels in contents.items():
                encoder, area = spec.factory(), pixels.shape[0] * pixels.shape[1]
                cost_ns, size = measure(encoder, pixels, quality)
                small = pixels[300 : 300 + SMALL, 100 : 100 + SMALL]
                small_ns, small_size = measure(encoder, small, quality)
                sys.stdout.write(
                    f"| {spec.codec} | {quality} | {name} | {cost_ns / area:.1f} "
                    f"| {size * 8 / area:.2f} | {small_ns / 1000:.0f} | {small_size} |\n"
                )


if __name__ == "__main__":
    main()
