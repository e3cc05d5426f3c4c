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
    faults: int = 0
    """Rectangles or packets that it could not encode."""
    unshown: int = 0
    """Viewers that could not show it and get others."""
