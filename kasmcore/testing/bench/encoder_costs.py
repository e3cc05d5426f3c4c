"""What each encoder costs: the figures of the encoders' specs and of the operators' page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import attrs

from kasmcore.interfaces.encoder import EncoderSpec, Exactness
from kasmcore.testing.bench.contents import FULL_HD, photo_picture, text_picture
from kasmcore.testing.bench.results import column
from kasmcore.testing.bench.stopwatch import least_cpu_ns
from kasmcore.values.geometry import Size

_LOSSY = (40, 60, 80)
_EXACT = 100
_QUALITIES = {
    Exactness.ALWAYS: (_EXACT,),
    Exactness.AT_QUALITY_100: (*_LOSSY, _EXACT),
    Exactness.NEVER: _LOSSY,
}
_SMALL = slice(100, 132), slice(100, 132)
"""32x32 pixels: about what a single keystroke changes."""
_SMALL_REPEAT = 100


@attrs.frozen(kw_only=True)
class EncoderCost:
    """One codec at one quality on one kind of content."""

    codec: str = column("codec")
    quality: int = column("quality")
    content: str = column("content")
    ns_per_pixel: float = column("ns/pixel", ".1f")
    bits_per_pixel: float = column("bits/pixel", ".2f")
    small_us: float = column("32x32: us", ".0f")
    small_bytes: int = column("bytes")


def encoder_costs(specs: Sequence[EncoderSpec], size: Size = FULL_HD) -> Iterator[EncoderCost]:
    """Encode a whole screen and 32x32 pixels of text and of a picture."""
    contents = {"text": text_picture(size), "picture": photo_picture(size)}
    for spec in specs:
        for quality in _QUALITIES[spec.exactness]:
            for name, pixels in contents.items():
                encoder = spec.factory()
                cost_ns, payload = least_cpu_ns(partial(encoder.encode, pixels, quality), 1)
                encode_small = partial(encoder.encode, pixels[_SMALL], quality)
                small_ns, small_payload = least_cpu_ns(encode_small, _SMALL_REPEAT)
                yield EncoderCost(
                    codec=spec.codec,
                    quality=quality,
                    content=name,
                    ns_per_pixel=cost_ns / size.area,
                    bits_per_pixel=len(payload) * 8 / size.area,
                    small_us=small_ns / 1000,
                    small_bytes=len(small_payload),
                )
