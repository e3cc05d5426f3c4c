"""A frame that was sent, and what must be known of it until the viewer has answered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs

from kasmcore.pipeline.pending import ViewerPicture
from kasmcore.pipeline.tiles import TileMask
from kasmcore.stats.codec_counts import CodecShare
from kasmcore.values.frames import (
    CopiedRectangle,
    EncodedFrame,
    FramePart,
    FrameTimes,
    VideoRectangle,
)


@attrs.define(eq=False)
class SentFrame:
    """A frame that is on its way to the viewer."""

    serial: int
    picture: ViewerPicture
    """What it is part of."""
    copies_before: int
    """``copies_taken`` of the picture before this frame was planned."""
    tiles: TileMask
    """What it covers."""
    times: FrameTimes
    sent_s: float
    payload_bytes: int
    shares: tuple[CodecShare, ...]
    is_key: Mapping[str, bool]
    """Codecs of the video streams that it belongs to: True when it has a key frame."""
    streams: frozenset[int]
    """Numbers of the video streams that it has packets of."""
    has_copies: bool
    held_up_s: float = 0.0
    """How long what it shows had to wait for the viewer's credit."""
    is_needed: bool = False
    """Others build on it: it must arrive, or be made up for."""
    lacking: TileMask = attrs.field(init=False)
    """What it covers and no newer frame does."""

    def __attrs_post_init__(self) -> None:
        self.lacking = self.tiles

    @classmethod
    def of(
        cls, frame: EncodedFrame, picture: ViewerPicture, copies_before: int, sent_s: float
    ) -> SentFrame:
        """Sum up a frame that is handed to the link now; its payload is not kept."""
        is_key: dict[str, bool] = {}
        for part in frame.rectangles:
            if isinstance(part, VideoRectangle):
                is_key[part.codec] = is_key.get(part.codec, False) or part.is_key
        return cls(
            serial=frame.serial,
            picture=picture,
            copies_before=copies_before,
            tiles=picture.grid.mask_of(part.rectangle for part in frame.rectangles),
            times=frame.times,
            sent_s=sent_s,
            payload_bytes=frame.payload_bytes,
            shares=_shares(frame.rectangles),
            is_key=is_key,
            streams=frozenset(
                part.stream for part in frame.rectangles if isinstance(part, VideoRectangle)
            ),
            has_copies=any(isinstance(part, CopiedRectangle) for part in frame.rectangles),
        )


def _shares(parts: Iterable[FramePart]) -> tuple[CodecShare, ...]:
    shares: dict[str, CodecShare] = {}
    for part in parts:
        codec = "copy" if isinstance(part, CopiedRectangle) else part.codec
        share = shares.setdefault(codec, CodecShare(codec))
        share.add(part.rectangle.area, len(part.payload))
    return tuple(shares.values())
