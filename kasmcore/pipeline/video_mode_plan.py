"""What to send of a frame in image video mode: all by lossy codecs, smaller where too large."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import attrs
import numpy as np

from kasmcore.interfaces.encoder import EncoderSpec
from kasmcore.pipeline.choice import Wanted, choose_encoder
from kasmcore.pipeline.content import Content
from kasmcore.pipeline.cutting import cut_into_strips
from kasmcore.pipeline.plan import (
    SMALL_AREA_PIXELS,
    EncodeJob,
    FramePlan,
    Planner,
    PlanRequest,
)
from kasmcore.pipeline.quality import quality_for_budget
from kasmcore.pipeline.scaling import Scaling, fitting_share, scaled_size
from kasmcore.pipeline.tiles import TILE
from kasmcore.pipeline.video_mode import VideoModeRules
from kasmcore.values.geometry import Rectangle


def plan_in_video_mode(
    planner: Planner, request: PlanRequest, rules: VideoModeRules, *, can_scale: bool
) -> FramePlan | None:
    """Plan one frame.

    Args:
        planner: the viewer's encoders.
        request: what changed, and what the link carries.
        rules: quality and largest size.
        can_scale: True when the viewer stretches images.

    Returns: None where the usual plan is better: nothing changed, so little that it can be exact,
        or the viewer has no lossy codec.
    """
    is_small = np.count_nonzero(request.changed) * TILE * TILE <= SMALL_AREA_PIXELS
    lossy = [spec for spec in planner.specs if not spec.is_exact_at(0)]
    if is_small or not lossy:
        return None
    share = fitting_share(request.grid.size, rules.largest) if can_scale else 1.0
    strips = _strips(planner, request)
    pixels = round(sum(strip.area for strip in strips) * share**2)
    jobs = _Jobs(planner, request, rules, share, _qualities(planner, request, rules, pixels))
    quality_sent = np.zeros(request.grid.shape, np.uint8)
    encoded = tuple(jobs.job_for(strip) for strip in strips)
    for job in encoded:
        tiles = request.grid.tiles_of(job.rectangle)
        quality_sent[tiles.rows, tiles.columns] = max(1, job.quality)
    why = f"video mode: {len(encoded)} images, sides at {share:.2f}"
    return FramePlan(encoded, quality_sent, why)


def _strips(planner: Planner, request: PlanRequest) -> list[Rectangle]:
    most_side = min(spec.maximum_side for spec in planner.specs)
    return [
        strip
        for rectangle in request.grid.rectangles_of(request.changed)
        for strip in cut_into_strips(rectangle, most_side)
    ]


def _qualities(
    planner: Planner, request: PlanRequest, rules: VideoModeRules, pixels: int
) -> dict[str, int]:
    """Quality of each lossy codec: the operator's, or what the link carries of so many pixels."""
    qualities: dict[str, int] = {}
    for spec in planner.specs:
        if spec.is_exact_at(0):
            continue
        figures = planner.figures.of(spec.codec, Content.PICTURE, False)
        floor = rules.lowest_quality_of_codec.get(spec.codec, request.quality.floor)
        carried = quality_for_budget(
            request.quality.minimum,
            partial(figures.bytes_at, pixels),
            request.budget_bytes,
            floor,
        )
        fixed = rules.quality_of_codec.get(spec.codec)
        qualities[spec.codec] = carried if fixed is None else fixed
    return qualities


@attrs.define
class _Jobs:
    """Jobs of one frame; the time that each codec has left goes down from one to the next."""

    planner: Planner
    request: PlanRequest
    rules: VideoModeRules
    share: float
    """Of each side; below 1 images are made smaller."""
    qualities: Mapping[str, int]
    _spent_s: dict[str, float] = attrs.field(factory=dict, init=False)

    def job_for(self, strip: Rectangle) -> EncodeJob:
        """The next job."""
        size = scaled_size(strip.size, self.share)
        spec = self._choose(size.area)
        quality = self.qualities[spec.codec]
        figures = self.planner.figures.of(spec.codec, Content.PICTURE, False)
        expected_s = size.area * figures.ns_per_pixel / 1e9
        self._spent_s[spec.codec] = self._spent_s.get(spec.codec, 0.0) + expected_s
        scaling = Scaling(size, self.rules.algorithm) if size != strip.size else None
        return EncodeJob(strip, spec.codec, quality, Content.PICTURE, expected_s, scaling)

    def _choose(self, pixels: int) -> EncoderSpec:
        lossy = [
            spec for spec in self.planner.specs_in_time(self._spent_s) if not spec.is_exact_at(0)
        ]
        wanted = Wanted(Content.PICTURE, self.request.quality.minimum, pixels)
        chosen = choose_encoder(lossy, self.planner.figures, wanted, self.request.link)
        assert chosen is not None  # noqa: S101 - a lossy codec can do any lossy quality
        return chosen
