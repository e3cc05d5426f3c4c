"""What a video stream may cost: bits by link and area, effort by the time there is."""

from __future__ import annotations

import math

import attrs

from kasmcore.interfaces.stream_encoder import StreamSettings
from kasmcore.values.geometry import Size

_FRAME_RATES = (15.0, 30.0, 60.0, 120.0)
_EFFORTS = (0, 10, 20, 30, 40, 50, 60, 70)
_USUAL_FRAME_RATE = 30.0
_USUAL_AREA = 1920 * 1080
_USUAL_EFFORT = 30
_COMFORT = 0.4
"""Share of the time there is that more effort than usual may take."""
_EFFORT_STEP = 1.25
"""How much longer each step takes, as far as it has not been measured."""
_LEARNING_RATE = 0.1
_MOST_UNLIKE = 1.5
"""How much more than its step says an effort may cost."""
_CLASS_DOWN = 0.9
_CLASS_UP = 1.25
_SMALLEST_CLASS_BITS_PER_S = 125_000.0


@attrs.frozen(kw_only=True)
class VideoRules:
    """The operator's limits for video streams.

    Attributes:
        quality: 1 to 99, what streams look like when the bits allow it.
        most_pictures_per_s: frame rate of the session.
        most_bits_per_pixel: limit on a fast link, for 1920x1080 at up to 30 pictures a second.
        link_share: share of a viewer's link that its streams may take together.
        most_effort: 0 to 100; a deadline may lower it.
        time_share: share of the time between two pictures that encoding may take.
        full_chroma_area: most pixels of a stream in 4:4:4, for viewers that can decode it. In a
            small video coloured edges matter, and there are bits enough for them.
        key_frame_every: pictures from one key frame to the next; None: only where one is needed.
    """

    quality: int = 70
    most_pictures_per_s: float = 60.0
    most_bits_per_pixel: float = 0.26
    link_share: float = 0.8
    most_effort: int = 70
    time_share: float = 0.5
    full_chroma_area: int = 960 * 540
    key_frame_every: int | None = None

    def most_bits_per_s(self, size: Size, frame_rate: float) -> float:
        """What a stream of this size needs at most: 16 Mbit/s for 1920x1080 at 30.

        Twice the rate takes 1.4 times the bits: less differs from picture to picture. An eighth of
        the area takes a quarter of them: there is more to see in each pixel.
        """
        rate = frame_rate
        if rate > _USUAL_FRAME_RATE:
            rate = math.sqrt(rate * _USUAL_FRAME_RATE)
        detail = math.pow(_USUAL_AREA / size.area, 1 / 3)
        return self.most_bits_per_pixel * detail * size.area * rate

    def settings(
        self,
        size: Size,
        frame_rate: float,
        bits_per_s: float,
        effort: int,
        *,
        full_chroma: bool = False,
    ) -> StreamSettings:
        """Settings of a stream under these rules."""
        return StreamSettings(
            size=size,
            frame_rate=frame_rate,
            quality=self.quality,
            most_bits_per_s=max(bits_per_s, _SMALLEST_CLASS_BITS_PER_S),
            full_chroma=full_chroma,
            effort=effort,
        )


def first_frame_rate(changes_per_s: float, most_per_s: float) -> float:
    """What to begin with: a region is found before its rate is sure, and 30 is the usual one."""
    return frame_rate_for(max(changes_per_s, _USUAL_FRAME_RATE), most_per_s)


def frame_rate_for(changes_per_s: float, most_per_s: float) -> float:
    """The usual frame rate that holds this one, with some room for counting errors."""
    for rate in _FRAME_RATES:
        if changes_per_s <= 1.15 * rate:
            return min(rate, most_per_s)
    return most_per_s


def budget_class(bits_per_s: float, current: int | None = None) -> int:
    """Viewers of one class share a stream; each class carries twice the bits of the one below.

    Args:
        bits_per_s: what this viewer can be sent of the stream.
        current: the class that it is in; a little more or less than its bounds keeps it there.
    """
    if current is not None:
        lower = _SMALLEST_CLASS_BITS_PER_S * 2.0**current
        below_top = bits_per_s < 2 * lower * _CLASS_UP
        if below_top and (bits_per_s >= lower * _CLASS_DOWN or current == 0):
            return current
    return max(0, math.floor(math.log2(max(bits_per_s, 1.0) / _SMALLEST_CLASS_BITS_PER_S)))


@attrs.define
class EffortChoice:
    """Knows what each effort of one codec costs on this machine, and which one is in time."""

    rated_ns_per_pixel: float
    """As the codec's spec says, at effort 30."""
    _measured: dict[int, float] = attrs.field(factory=dict, init=False)

    def learn(self, effort: int, pixels: int, seconds: float) -> None:
        """Learn from one picture."""
        cost = seconds * 1e9 / pixels
        before = self._measured.get(effort, cost)
        learned = self._measured[effort] = before + _LEARNING_RATE * (cost - before)
        for other, known in self._measured.items():  # what was learned under load is not for ever
            expected = learned * math.pow(_EFFORT_STEP, (other - effort) / 10)
            self._measured[other] = min(known, _MOST_UNLIKE * expected)

    def expected_s(self, effort: int, pixels: int) -> float:
        """Time that one picture takes."""
        return self._ns_per_pixel(effort) * pixels / 1e9

    def effort_for(self, pixels: int, time_s: float, most_effort: int) -> int:
        """The greatest effort that takes no longer, and much less above 30; else the least one."""
        fitting = [
            effort
            for effort in _EFFORTS
            if effort <= most_effort
            and self.expected_s(effort, pixels)
            <= time_s * (_COMFORT if effort > _USUAL_EFFORT else 1.0)
        ]
        return max(fitting, default=_EFFORTS[0])

    def _ns_per_pixel(self, effort: int) -> float:
        known = {_USUAL_EFFORT: self.rated_ns_per_pixel, **self._measured}
        nearest = min(known, key=lambda other: (abs(other - effort), other))
        return known[nearest] * math.pow(_EFFORT_STEP, (effort - nearest) / 10)
