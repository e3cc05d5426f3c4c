"""Which encoder for a rectangle: the cheapest in time and bytes together, by measured figures."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from kasmcore.interfaces.encoder import EncoderSpec
from kasmcore.pipeline.content import Content
from kasmcore.pipeline.quality import relative_size

_LEARNING_RATE = 0.1
_ODDS_RATE = 0.3
_MOST_ODD = 4.0
_FEWEST_BITS = 1e-4
_QUALITY_STEP = 5
_EXACT = 100
_SMALLEST_LESSON_PIXELS = 4096
"""Smaller rectangles teach nothing about cost per pixel: their fixed cost dominates."""


@attrs.define
class CodecFigures:
    """What a codec cost lately per pixel, for one kind of content."""

    ns_per_pixel: float
    bits_per_pixel: float
    """Exact, or lossy at quality 80."""
    _odds: dict[int, float] = attrs.field(factory=dict, init=False)
    """By step of quality: bits in relation to what they are as a rule. Grain that one step leaves
    away the next one shows, at twice the bits."""

    def learn(self, pixels: int, seconds: float, payload_bytes: float, quality: int) -> None:
        """Move towards what one rectangle cost."""
        self.ns_per_pixel += _LEARNING_RATE * (seconds * 1e9 / pixels - self.ns_per_pixel)
        bits = payload_bytes * 8 / pixels
        usual = 1.0 if quality >= _EXACT else relative_size(quality)
        self.bits_per_pixel += _LEARNING_RATE * (bits / usual - self.bits_per_pixel)
        step, odds = quality // _QUALITY_STEP, bits / max(_FEWEST_BITS, self.bits_per_pixel * usual)
        before = self._odds.get(step, 1.0)
        self._odds[step] = before + _ODDS_RATE * (min(odds, _MOST_ODD) - before)

    def bits_at(self, quality: int) -> float:
        """Bits that a pixel takes at this quality; 100: exactly."""
        if quality >= _EXACT:
            return self.bits_per_pixel
        odds = self._odds.get(quality // _QUALITY_STEP, 1.0)
        return self.bits_per_pixel * relative_size(quality) * odds

    def bytes_at(self, pixels: int, quality: int) -> float:
        """Bytes that so many pixels take at this quality."""
        return pixels * self.bits_at(quality) / 8


@attrs.frozen
class Wanted:
    """What a rectangle needs."""

    content: Content
    quality: int
    """100: exact."""
    pixels: int
    """How large it is."""

    @property
    def is_exact(self) -> bool:
        """True when a lossy codec will not do."""
        return self.quality >= 100

    def bytes_by(self, figures: CodecFigures) -> float:
        """Bytes that a codec with these figures is expected to make of it."""
        return figures.bytes_at(self.pixels, self.quality)


def _rated(spec: EncoderSpec, content: Content, exact: bool) -> CodecFigures:
    """What the spec itself says."""
    costs, bits = spec.cost_ns_per_pixel, spec.bits_per_pixel
    if exact:
        costs = spec.exact_cost_ns_per_pixel or costs
        bits = spec.exact_bits_per_pixel or bits
    return CodecFigures(getattr(costs, content.value), getattr(bits, content.value))


@attrs.define
class EncoderFigures:
    """Time and size of every codec on this machine and desktop; starts from the specs' figures."""

    specs: Sequence[EncoderSpec]
    _figures: dict[tuple[str, Content, bool], CodecFigures] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._figures = {
            (spec.codec, content, exact): _rated(spec, content, exact)
            for spec in self.specs
            for content in Content
            for exact in (False, True)
        }

    def of(self, codec: str, content: Content, exact: bool) -> CodecFigures:
        """Figures of one codec for one kind of content."""
        return self._figures[codec, content, exact]

    def learn(self, codec: str, wanted: Wanted, seconds: float, payload_bytes: int) -> None:
        """Learn from one encoded rectangle: what it was, the seconds it took, its bytes."""
        if wanted.pixels >= _SMALLEST_LESSON_PIXELS:
            figures = self._figures[codec, wanted.content, wanted.is_exact]
            figures.learn(wanted.pixels, seconds, payload_bytes, wanted.quality)


@attrs.frozen(kw_only=True)
class Link:
    """What sending costs this viewer."""

    bytes_per_s: float

    @property
    def ns_per_bit(self) -> float:
        """Time one bit takes on the link."""
        return 1e9 / (8 * self.bytes_per_s)


def choose_encoder(
    specs: Sequence[EncoderSpec],
    figures: EncoderFigures,
    wanted: Wanted,
    link: Link,
) -> EncoderSpec | None:
    """Choose an encoder for one rectangle.

    The cost of a codec is its encoding time, the time that its bytes take on the link, and what
    each rectangle costs whatever its size. The order of ``specs``, the operator's list, decides
    between codecs within a tenth of each other.

    Returns: None when no encoder of the list can do it.
    """
    best: tuple[float, EncoderSpec] | None = None
    for spec in specs:
        if wanted.is_exact != spec.is_exact_at(wanted.quality):
            continue
        seen = figures.of(spec.codec, wanted.content, wanted.is_exact)
        cost = seen.ns_per_pixel + seen.bits_at(wanted.quality) * link.ns_per_bit
        cost += spec.overhead_us * 1000 / wanted.pixels
        if best is None or cost < 0.9 * best[0]:
            best = (cost, spec)
    return best[1] if best else None
