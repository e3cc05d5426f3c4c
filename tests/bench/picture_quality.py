"""What KasmVNC's quality levels look like and take: JPEG and WebP of a picture like a photo.

    python tests/bench/picture_quality.py

Prints a Markdown table of PSNR in dB and bits a pixel by level. "uncovered" is what a dragged
window leaves behind: a narrow strip whose tiles are sent alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from kasmcore_jpeg.encoder import JpegEncoder
from kasmcore_jpeg.engines import open_engine
from kasmcore_webp.encoder import WebpEncoder

from kasmcore.config.units import jpeg_quality_of_level, webp_quality_of_level
from kasmcore.testing.bench.contents import photo_picture
from kasmcore.testing.reference_decoders import DECODERS
from kasmcore.values.geometry import Size
from kasmcore.values.pixels import BgrxPixels

SIZE = Size(1280, 720)
STRIP_COLUMNS = slice(640, 656)
LEVELS: dict[str, Callable[[int], int]] = {
    "jpeg": jpeg_quality_of_level,
    "webp": webp_quality_of_level,
}
BEST_LOSSY = 99


def psnr_db(one: BgrxPixels, other: BgrxPixels) -> float:
    """Peak signal to noise of the colours."""
    error = one[..., :3].astype(np.float64) - other[..., :3]
    return 10 * math.log10(255**2 / float(np.mean(error**2)))


def main() -> None:
    """Print the table."""
    picture = photo_picture(SIZE)
    encoders = {"jpeg": JpegEncoder(open_engine()), "webp": WebpEncoder()}
    print("| codec | level | quality | dB | bits/pixel | uncovered: bits/pixel |")
    print("| --- | --- | --- | --- | --- | --- |")
    for codec, quality_of in LEVELS.items():
        for level in range(10):
            quality = min(BEST_LOSSY, quality_of(level))
            payload = encoders[codec].encode(picture, quality)
            shown = DECODERS[codec](payload, SIZE.width, SIZE.height)
            strip = picture[:, STRIP_COLUMNS]
            strip_payload = encoders[codec].encode(strip, quality)
            bits = 8 * len(payload) / SIZE.area
            strip_bits = 8 * len(strip_payload) / strip[..., 0].size
            print(
                f"| {codec} | {level} | {quality} | {psnr_db(picture, shown):.1f} "
                f"| {bits:.2f} | {strip_bits:.2f} |"
            )


if __name__ == "__main__":
    main()
