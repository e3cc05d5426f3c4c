"""Rectangles cut to size: without what need not be sent, and in strips for several threads."""

from __future__ import annotations

from collections.abc import Sequence

from kasmcore.pipeline.tiles import TILE
from kasmcore.values.geometry import Rectangle

_LARGEST_JOB_PIXELS = 1 << 17
"""Rectangles are cut into strips of about this size, so that several threads share them."""
_WORTH_CUTTING = 0.8
_SHORTEST_STRIP_ROWS = 4 * TILE


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


def without(rectangle: Rectangle, brought: Sequence[Rectangle]) -> list[Rectangle]:
    """Cut out what need not be sent, where that leaves much less."""
    pieces = [rectangle]
    for other in brought:
        pieces = [piece for whole in pieces for piece in whole.without(other)]
    saves = sum(piece.area for piece in pieces) <= _WORTH_CUTTING * rectangle.area
    return pieces if saves else [rectangle]


def cut_into_strips(rectangle: Rectangle, maximum_side: int) -> list[Rectangle]:
    """Cut a large rectangle into horizontal strips of whole tiles, none wider than allowed."""
    if rectangle.width > maximum_side:
        half = Rectangle(rectangle.x, rectangle.y, maximum_side // TILE * TILE, rectangle.height)
        rest = Rectangle.from_edges(half.right, rectangle.y, rectangle.right, rectangle.bottom)
        return cut_into_strips(half, maximum_side) + cut_into_strips(rest, maximum_side)
    rows = max(_SHORTEST_STRIP_ROWS, _LARGEST_JOB_PIXELS // max(1, rectangle.width) // TILE * TILE)
    return [
        Rectangle.from_edges(rectangle.x, top, rectangle.right, min(top + rows, rectangle.bottom))
        for top in range(rectangle.y, rectangle.bottom, rows)
    ]
