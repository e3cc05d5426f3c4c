"""What limits a viewer: the server, the link or the browser."""

from __future__ import annotations

import collections

import attrs

_RECENT_S = 10
_CLOSE = 0.8
_CLOSE_POINTS = 0.2
_LEAST_SHARE = 0.1


@attrs.frozen(kw_only=True)
class FrameCost:
    """How long each part was busy with one frame, or held up the next one, in seconds."""

    server_s: float
    link_s: float
    browser_s: float


@attrs.frozen(kw_only=True)
class LimitShares:
    """Share of the frames for which each part was too slow, 0 to 1; all 0 without frames."""

    server: float = 0.0
    link: float = 0.0
    browser: float = 0.0

    @property
    def worst(self) -> str | None:
        """Name of the part that limits most; None when none does to speak of."""
        name, share = max(attrs.asdict(self).items(), key=lambda item: item[1])
        return name if share >= _LEAST_SHARE else None


@attrs.define
class _Points:
    """Sums; ``counted`` is never less than any of the others."""

    second: int = 0
    counted: float = 0.0
    server: float = 0.0
    link: float = 0.0
    browser: float = 0.0

    def add(self, other: _Points) -> None:
        self.counted += other.counted
        self.server += other.server
        self.link += other.link
        self.browser += other.browser

    def shares(self) -> LimitShares:
        if not self.counted:
            return LimitShares()
        return LimitShares(
            server=self.server / self.counted,
            link=self.link / self.counted,
            browser=self.browser / self.counted,
        )


@attrs.define
class ViewerLimits:
    """Judges each frame by the time that one may take, as KasmVNC does.

    A part that took that time was too slow, several times if it took several such times; one that
    took four fifths of it was close, which counts a fifth.
    """

    _total: _Points = attrs.field(factory=_Points, init=False)
    _seconds: collections.deque[_Points] = attrs.field(
        factory=lambda: collections.deque(maxlen=_RECENT_S), init=False
    )

    def add(self, now_s: float, cost: FrameCost, interval_s: float) -> None:
        """A frame was shown; frames could follow one another after ``interval_s``."""
        server = _points(cost.server_s, interval_s)
        link = _points(cost.link_s, interval_s)
        browser = _points(cost.browser_s, interval_s)
        points = _Points(int(now_s), max(1.0, server, link, browser), server, link, browser)
        self._total.add(points)
        if self._seconds and self._seconds[-1].second == points.second:
            self._seconds[-1].add(points)
        else:
            self._seconds.append(points)

    def recent(self, now_s: float) -> LimitShares:
        """Of the last ten seconds."""
        recent = _Points()
        for second in self._seconds:
            if second.second > now_s - _RECENT_S:
                recent.add(second)
        return recent.shares()

    def total(self) -> LimitShares:
        """Since the viewer joined."""
        return self._total.shares()


def _points(busy_s: float, interval_s: float) -> float:
    ratio = min(busy_s, _RECENT_S) / interval_s
    if ratio >= 1:
        return float(int(ratio))
    return _CLOSE_POINTS if ratio >= _CLOSE else 0.0
