"""What each codec has done: in one frame, and since the session began."""

from __future__ import annotations

import attrs


@attrs.define
class CodecShare:
    """What came by one codec."""

    codec: str
    """``copy`` for copies."""
    rectangles: int = 0
    """Images, or packets of a stream."""
    pixels: int = 0
    payload_bytes: int = 0

    def add(self, pixels: int, payload_bytes: int) -> None:
        """Count one rectangle."""
        self.rectangles += 1
        self.pixels += pixels
        self.payload_bytes += payload_bytes


@attrs.define
class EncoderCount(CodecShare):
    """What one encoder has done; a result that several viewers got counts once."""

    encode_s: float = 0.0
    """In all threads."""
    faults: int = 0
    """Rectangles or packets that it could not encode; another one took its place."""
    viewers_without: int = 0
    """Viewers that could not show it after all, and get others."""


@attrs.define
class CodecCounts:
    """The counts of a session's encoders."""

    _counts: dict[str, EncoderCount] = attrs.field(factory=dict, init=False)

    def of(self, codec: str) -> EncoderCount:
        """The counts of one of the server's own encoders."""
        if codec not in self._counts:
            self._counts[codec] = EncoderCount(codec)
        return self._counts[codec]

    def encoded(self, codec: str, pixels: int, payload_bytes: int, seconds: float) -> None:
        """Count an image, or a packet of a stream."""
        count = self.of(codec)
        count.add(pixels, payload_bytes)
        count.encode_s += seconds

    @property
    def encode_s(self) -> float:
        """Time spent in all encoders, in all threads."""
        return sum(count.encode_s for count in self._counts.values())
