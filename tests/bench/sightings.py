"""What was seen of a scene, put beside what was drawn: delays, rates, gaps."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import attrs

from kasmcore.stats.timeline import percentile
from kasmcore.testing.bench.frame_code import NUMBERS
from tests.impaired_browser import Drawn, Seen


@attrs.frozen
class Sighting:
    """One number that was seen."""

    number: int
    drawn_s: float
    seen_s: float


def sightings(drawn: Mapping[int, float], seen: Sequence[tuple[int, float]]) -> list[Sighting]:
    """Tell which number each code was that was seen: the newest one that ends with its bits and had
    been drawn. Earlier pictures that are seen again behind newer ones are left out."""
    by_bits: dict[int, list[int]] = {}
    for number in sorted(drawn):
        by_bits.setdefault(number % NUMBERS, []).append(number)
    found: list[Sighting] = []
    for bits, seen_s in seen:
        candidates = [n for n in by_bits.get(bits, ()) if drawn[n] <= seen_s]
        if candidates and (not found or candidates[-1] > found[-1].number):
            found.append(Sighting(candidates[-1], drawn[candidates[-1]], seen_s))
    return found


@attrs.frozen
class Watched:
    """What a viewer saw of the video with typing between two times."""

    video: Sequence[Sighting]
    typed: Sequence[Sighting]
    keys_s: Sequence[float]
    from_s: float
    until_s: float

    @classmethod
    def between(cls, from_s: float, until_s: float, drawn: Drawn, seen: Seen) -> Watched:
        """Of what was drawn in this time; keys are counted from the first there ever was."""
        return cls(
            [s for s in sightings(drawn.video, seen.video) if from_s <= s.drawn_s < until_s],
            sightings(drawn.typed, seen.typed),
            seen.keys_s,
            from_s,
            until_s,
        )

    @property
    def frames_per_s(self) -> float:
        """Different frames of the video."""
        return len(self.video) / (self.until_s - self.from_s)

    def delay_s(self, percent: float) -> float | None:
        """From drawn to seen, of frames that were seen."""
        delays_s = [s.seen_s - s.drawn_s for s in self.video]
        return percentile(delays_s, percent) if delays_s else None

    def key_s(self, percent: float) -> float | None:
        """From the key's going down in the page to its effect or a later one's."""
        waits_s = []
        for number, at_s in enumerate(self.keys_s, 1):
            if self.from_s <= at_s < self.until_s:
                effects = (s.seen_s for s in self.typed if s.number >= number)
                waits_s.append(next(effects, float("inf")) - at_s)
        return percentile(waits_s, percent) if waits_s else None

    @property
    def longest_gap_s(self) -> float:
        """Longest time without a new frame of the video."""
        times = [self.from_s, *(s.seen_s for s in self.video), self.until_s]
        return max(after - before for before, after in itertools.pairwise(times))

    def current_after_s(self, event_s: float) -> float | None:
        """From an event to the first sight of a frame drawn since; None if there was none."""
        waits = (s.seen_s - event_s for s in self.video if s.drawn_s >= event_s)
        return next(waits, None)
