"""What to send of a frame to one viewer: rectangles, each with codec and quality."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import attrs
import numpy as np
from numpy.typing import NDArray

from kasmcore.interfaces.encoder import EncoderSpec
from kasmcore.pipeline.choice import EncoderFigures, Link, Wanted, choose_encoder
from kasmcore.pipeline.content import Content, is_picture, picture_tiles
from kasmcore.pipeline.cutting import cut_into_strips, without
from kasmcore.pipeline.pending import EXACT
from kasmcore.pipeline.portion import Portion, is_too_much, one_portion
from kasmcore.pipeline.quality import (
    QualityBounds,
    quality_for_budget,
    quality_for_motion,
)
from kasmcore.pipeline.scaling import Scaling
from kasmcore.pipeline.tiles import TILE, TileFloats, TileGrid, TileMask
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

    def without(self, codec: str) -> Planner:
        """The same without a codec that failed."""
        return attrs.evolve(self, specs=[spec for spec in self.specs if spec.codec != codec])

    def plan(self, request: PlanRequest) -> FramePlan:
        """Plan one frame: all changed tiles; when there are none, what fits of the refinement."""
        if request.changed.any():
            jobs, why, next_begin = self._changed_jobs(request)
        else:
            (jobs, why), next_begin = self._refinement_jobs(request), 0
        return FramePlan(tuple(jobs), _quality_sent(jobs, request), why, next_begin)

    def _changed_jobs(self, request: PlanRequest) -> tuple[list[EncodeJob], str, int]:
        """Pictures first, so that a rectangle of text that overlaps one is drawn over it.

        Returns: the jobs, words for the log, and where the next portion begins.
        """
        changed = request.changed
        if request.exact is not None and request.exact.any():
            return self._with_exact_ones(request, request.exact)
        if np.count_nonzero(changed) * TILE * TILE <= SMALL_AREA_PIXELS:
            exact = self._jobs(request, changed, Content.TEXT, EXACT)
            if exact is not None:
                return exact, "small change: exact", request.begin
        kinds, next_begin = self._portion_of(request, self._kinds(request, changed))
        jobs: list[EncodeJob] = []
        words = []
        spent_s: dict[str, float] = {}
        for kind in kinds:
            jobs += self._jobs_of_kind(request, kind, spent_s)
            words.append(
                f"{kind.content.value} {np.count_nonzero(kind.mask)} tiles at {kind.quality}"
            )
        if next_begin:
            words.append("one portion")
        return jobs, ", ".join(words), next_begin

    def _kinds(self, request: PlanRequest, changed: TileMask) -> list[_Kind]:
        """Pictures, then text, each at the quality that motion and link allow."""
        pictures = request.grid.empty_mask()
        urgent = request.grid.empty_mask() if request.urgent is None else request.urgent
        for part in (changed & ~urgent, changed & urgent):  # a button is no part of the video by it
            if part.any():
                pictures |= picture_tiles(request.frame.pixels, request.grid, part)
        masks = ((Content.PICTURE, pictures), (Content.TEXT, changed & ~pictures))
        return [
            _Kind(content, mask, self._quality(request, mask, content))
            for content, mask in masks
            if mask.any()
        ]

    def _portion_of(self, request: PlanRequest, kinds: list[_Kind]) -> tuple[list[_Kind], int]:
        """Of a change that would keep the link or the cores too long what is sent first.

        Returns: what to send, and where the next portion begins.
        """
        shares = np.zeros(request.grid.shape)
        for kind in kinds:
            shares[kind.mask] = self._share_of_tile(request, kind, request.portion_bytes)
        if not is_too_much(shares):
            return kinds, 0
        chosen, next_begin = one_portion(shares, request.begin, request.urgent)
        parts = [attrs.evolve(kind, mask=kind.mask & chosen) for kind in kinds]
        return [part for part in parts if part.mask.any()], next_begin

    def _share_of_tile(self, request: PlanRequest, kind: _Kind, portion_bytes: float) -> float:
        """How much of a portion one tile takes."""
        tiles = int(np.count_nonzero(kind.mask))
        wanted = Wanted(kind.content, kind.quality, tiles * TILE * TILE)
        payload_bytes, seconds = self._expected(request, wanted) or (0.0, 0.0)
        return Portion(portion_bytes, self.portion_s).share(payload_bytes, seconds) / tiles

    def _with_exact_ones(
        self, request: PlanRequest, exact: TileMask
    ) -> tuple[list[EncodeJob], str, int]:
        """Some tiles exactly, the others as motion and link allow."""
        exact_jobs = self._jobs(request, request.changed & exact, Content.TEXT, EXACT)
        if exact_jobs is None:
            return self._changed_jobs(attrs.evolve(request, exact=None))
        others = attrs.evolve(request, changed=request.changed & ~exact, exact=None)
        jobs, why, next_begin = self._changed_jobs(others)
        return jobs + exact_jobs, f"{why}, {np.count_nonzero(exact)} tiles exactly", next_begin

    def _jobs_of_kind(
        self, request: PlanRequest, kind: _Kind, spent_s: dict[str, float]
    ) -> list[EncodeJob]:
        """Jobs at the wanted quality; at another if no encoder can do that."""
        other = EXACT if kind.quality < EXACT else request.quality.maximum
        for quality in (kind.quality, other):
            jobs = self._jobs(
                request, kind.mask, kind.content, quality, spent_s=spent_s, judges_pieces=True
            )
            if jobs is not None:
                return jobs
        return []

    def _quality(self, request: PlanRequest, mask: TileMask, content: Content) -> int:
        """Exact for text as long as the link carries it; pictures by motion and link."""
        pixels = int(np.count_nonzero(mask)) * TILE * TILE
        heat = float(request.heat[mask].mean())
        budget_bytes = self._budget_bytes(request, heat)
        if content is Content.TEXT:
            exact_bytes = self._expected_bytes(request, Wanted(content, EXACT, pixels))
            if exact_bytes is not None and exact_bytes <= budget_bytes:
                return EXACT
        quality = quality_for_motion(heat, request.quality, pixels)
        if self._expected_bytes(request, Wanted(content, quality, pixels)) is None:
            return EXACT

        if content is Content.PICTURE and quality == request.quality.maximum:
            quality = _best_of(pixels, request.quality)

        def lossy_bytes(quality: int) -> float:
            return self._expected_bytes(request, Wanted(content, quality, pixels)) or 0.0

        return quality_for_budget(quality, lossy_bytes, budget_bytes, request.quality.floor)

    def _expected_bytes(self, request: PlanRequest, wanted: Wanted) -> float | None:
        """Size of so many pixels; None when no encoder can do it."""
        expected = self._expected(request, wanted)
        return None if expected is None else expected[0]

    def _expected(self, request: PlanRequest, wanted: Wanted) -> tuple[float, float] | None:
        """Bytes and CPU seconds of so many pixels; None when no encoder can do it."""
        spec = choose_encoder(self.specs, self.figures, wanted, request.link)
        if spec is None:
            return None
        figures = self.figures.of(spec.codec, wanted.content, wanted.is_exact)
        return wanted.bytes_by(figures), wanted.pixels * figures.ns_per_pixel / 1e9

    def _budget_bytes(self, request: PlanRequest, heat: float) -> float:
        """In motion a frame must not outlast its interval; a single change may take a while.

        What changes with each of few frames is in motion too: they may be few because of the link.
        """
        patient_bytes = request.link.bytes_per_s * _PATIENCE_S
        repeats = min(1.0, max(0.0, (heat - 1.0) / (_HEAT_OF_REPEATED - 1.0)))
        return max(request.budget_bytes, (1 - repeats) * patient_bytes)

    def _refinement_jobs(self, request: PlanRequest) -> tuple[list[EncodeJob], str]:
        """Exact content for tiles at rest, from the top, as much as fits one frame's budget."""
        pictures = picture_tiles(request.frame.pixels, request.grid, request.refine)
        masks = ((Content.PICTURE, pictures), (Content.TEXT, request.refine & ~pictures))
        kinds = [_Kind(content, mask, EXACT) for content, mask in masks if mask.any()]
        shares = np.zeros(request.grid.shape)
        for kind in kinds:
            shares[kind.mask] = self._share_of_tile(request, kind, request.budget_bytes)
        chosen, _ = one_portion(shares, 0)
        jobs: list[EncodeJob] = []
        for kind in kinds:
            part = kind.mask & chosen
            if part.any():
                jobs += self._jobs(request, part, kind.content, EXACT) or []
        return jobs, f"refine {np.count_nonzero(chosen)} tiles"

    def _jobs(
        self,
        request: PlanRequest,
        mask: TileMask,
        content: Content,
        quality: int,
        *,
        spent_s: dict[str, float] | None = None,
        judges_pieces: bool = False,
    ) -> list[EncodeJob] | None:
        """Cut a mask into jobs; None when no encoder can do it.

        ``spent_s`` is the time that each codec takes of this frame already; it is added to.
        ``judges_pieces``: what is left of tiles is text or picture by itself.
        """
        jobs: list[EncodeJob] = []
        spent_s = {} if spent_s is None else spent_s
        thrifty = request.thrifty_link if _is_small(mask) else request.link
        smallest_side = min((spec.maximum_side for spec in self.specs), default=1)
        for rectangle in request.grid.rectangles_of(mask):
            pieces = without(rectangle, request.brought)
            is_cut = judges_pieces and pieces != [rectangle]
            for part in (strip for one in pieces for strip in cut_into_strips(one, smallest_side)):
                wanted = Wanted(content, quality, part.area)
                if is_cut:
                    wanted = self._judged(request, part, wanted)
                specs = self.specs if wanted.is_exact else self.specs_in_time(spent_s)
                is_picture_lossy = wanted.content is Content.PICTURE and not wanted.is_exact
                link = thrifty if is_picture_lossy else request.link
                spec = choose_encoder(specs, self.figures, wanted, link)
                if spec is None:
                    return None
                figures = self.figures.of(spec.codec, wanted.content, wanted.is_exact)
                expected_s = part.area * figures.ns_per_pixel / 1e9
                spent_s[spec.codec] = spent_s.get(spec.codec, 0.0) + expected_s
                jobs.append(EncodeJob(part, spec.codec, wanted.quality, wanted.content, expected_s))
        return jobs

    def _judged(self, request: PlanRequest, part: Rectangle, wanted: Wanted) -> Wanted:
        """What is left of a tile may be another kind of pixels than the tile was."""
        if part.area <= _TINY_AREA_PIXELS:
            return Wanted(Content.TEXT, EXACT, part.area)
        is_relaxed = wanted.quality >= request.quality.maximum
        if is_picture(request.frame.pixels[part.rows, part.columns]):
            is_lossy_possible = any(not spec.is_exact_at(0) for spec in self.specs)
            is_lossy = is_relaxed and is_lossy_possible and wanted.is_exact
            quality = _best_of(part.area, request.quality) if is_lossy else wanted.quality
            return Wanted(Content.PICTURE, quality, part.area)
        return Wanted(Content.TEXT, EXACT if is_relaxed else wanted.quality, part.area)

    def specs_in_time(self, spent_s: Mapping[str, float]) -> Sequence[EncoderSpec]:
        """Encoders that have not used up their time of this frame; all when none is left."""
        left = [
            spec
            for spec in self.specs
            if spent_s.get(spec.codec, 0.0) < self.time_limits_s.get(spec.codec, float("inf"))
        ]
        return left if any(not spec.is_exact_at(0) for spec in left) else self.specs


def _is_small(mask: TileMask) -> bool:
    """As much as a dragged window uncovers, not a video."""
    return bool(np.count_nonzero(mask) * TILE * TILE <= _SMALL_PICTURE_PIXELS)


def _best_of(pixels: int, quality: QualityBounds) -> int:
    """The best that so much of a picture is sent at."""
    if pixels > _SMALL_PICTURE_PIXELS:
        return quality.maximum
    return min(_BEST_LOSSY, quality.maximum + _SMALL_PICTURE_BONUS)


def _quality_sent(jobs: Sequence[EncodeJob], request: PlanRequest) -> NDArray[np.uint8]:
    """Per tile the quality that it is sent at; of several pieces of a tile the worst."""
    grid = request.grid
    quality_sent = np.zeros(grid.shape, np.uint8)
    for job in jobs:  # in the order in which the viewer draws them
        counts_as_exact = job.quality >= request.quality.counts_as_exact
        quality = EXACT if counts_as_exact else job.quality
        outer, inner = grid.tiles_of(job.rectangle), grid.tiles_inside(job.rectangle)
        for edge in outer.without(inner):
            part = quality_sent[edge.rows, edge.columns]
            part[part > quality] = quality
            part[part == 0] = quality
        quality_sent[inner.rows, inner.columns] = quality
    return quality_sent
