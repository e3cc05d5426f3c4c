"""What to send of a frame to one viewer: rectangles, each with codec and quality."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import attrs
import numpy as np
from numpy.typing import NDArray

from kasmcore.interfaces.encoder import EncoderSpec
from kasmcore.pipeline.choice import EncoderFigures, Link
from kasmcore.pipeline.content import Content
from kasmcore.pipeline.pending import EXACT
from kasmcore.pipeline.quality import (
    QualityBounds,
)
from kasmcore.pipeline.scaling import Scaling
from kasmcore.pipeline.tiles import TileFloats, TileGrid, TileMask
from kasmcore.values.frames import VisibleFrame
from kasmcore.values.geometry import Rectangle

SMALL_AREA_PIXELS = 96 * 64
"""So few pixels are always sent exactly: a letter, a caret, a button."""
_PATIENCE_S = 0.1
"""Time on the link that a single large change may take rather than be blurred at first."""
_HEAT_OF_REPEATED = 1.4
"""Mean heat of what changed twice in 0.25 s, say; a single change has no more than 1."""
_TINY_AREA_PIXELS = 512
"""So few pixels are smaller exactly than with the head of a lossy format."""
_SMALL_PICTURE_PIXELS = 1 << 16
_SMALL_PICTURE_BONUS = 4
"""How much better than what is larger it is sent: what a dragged window uncovers is looked at."""
_THRIFTY_BYTES_PER_S = 500_000.0
"""With a small picture few bytes are worth more time, as if the link carried no more than this."""
_BEST_LOSSY = 99


@attrs.frozen
class EncodeJob:
    """One rectangle to encode."""

    rectangle: Rectangle
    codec: str
    quality: int
    content: Content
    expected_s: float
    """CPU time that it is expected to take."""
    scaling: Scaling | None = None
    """The image is made smaller before it is encoded."""


@attrs.frozen(eq=False)
class FramePlan:
    """All that one frame message will hold."""

    jobs: tuple[EncodeJob, ...]
    quality_sent: NDArray[np.uint8]
    """Per tile: quality that it is sent at, 0 where it is not sent."""
    why: str
    """One line for the debug log."""
    next_begin: int = 0
    """Where the next portion of a change begins that is too large for one frame."""


@attrs.frozen(kw_only=True)
class PlanRequest:
    """All that a plan depends on."""

    frame: VisibleFrame
    grid: TileGrid
    changed: TileMask
    """Tiles that must be sent."""
    exact: TileMask | None = None
    """Those of the changed tiles that must be exact."""
    brought: tuple[Rectangle, ...] = ()
    """Pixels that the frame's copies make right: they are cut out of what is sent."""
    refine: TileMask
    """Tiles at rest that could be sent exactly if there is room."""
    heat: TileFloats
    budget_bytes: float
    """Size that the frame should not exceed."""
    link: Link
    quality: QualityBounds
    portion_bytes: float = math.inf
    """A change of more than twice this size goes in several frames."""
    begin: int = 0
    """Tile that such a frame begins with, counted row by row."""
    urgent: TileMask | None = None
    """Tiles that input may have changed: they go first then, and are judged by themselves."""

    @property
    def thrifty_link(self) -> Link:
        """What makes few bytes worth more time."""
        return Link(bytes_per_s=min(self.link.bytes_per_s, _THRIFTY_BYTES_PER_S))


@attrs.frozen(eq=False)
class _Kind:
    """Tiles of one kind of content, all to be sent at one quality."""

    content: Content
    mask: TileMask
    quality: int


@attrs.frozen
class Planner:
    """Plans for one viewer: the encoders it can decode, in the operator's order."""

    specs: Sequence[EncoderSpec]
    figures: EncoderFigures
    time_limits_s: Mapping[str, float] = attrs.field(factory=dict)
    """CPU time that a codec may take of one frame when it is lossy; others take the rest."""
    portion_s: float = math.inf
    """CPU time, of all threads, that a frame should take; a change of more than twice as much goes
    in several frames."""

    @property
    def can_be_exact(self) -> bool:
        """True when the viewer has a codec that gives the very pixels."""
        return any(spec.is_exact_at(EXACT) for spec in self.specs)
