"""One plan for all viewers that lack the same of a frame and whose links are alike."""

from __future__ import annotations

import math
from collections.abc import Callable

import attrs

from kasmcore.pipeline.choice import Link
from kasmcore.pipeline.plan import FramePlan, Planner, PlanRequest
from kasmcore.pipeline.tiles import TileMask

_STEP = math.log(1.2)
"""Links that differ by less are alike."""
_MOST_PLANS = 32

MakePlan = Callable[[Planner, PlanRequest], FramePlan]


def _rounded_down(value: float) -> float:
    """To a step of a fifth; the least and the infinite stay."""
    if not 1.0 < value < math.inf:
        return value
    return math.exp(math.floor(math.log(value) / _STEP + 1e-9) * _STEP)


def _bytes_of(mask: TileMask | None) -> bytes | None:
    return None if mask is None else mask.tobytes()


@attrs.define(eq=False)
class SharedPlans:
    """The plans of the newest frame."""

    _serial: int = attrs.field(default=-1, init=False)
    _plans: dict[object, FramePlan] = attrs.field(factory=dict, init=False)

    def plan(
        self, planner: Planner, request: PlanRequest, make: MakePlan, way: str = ""
    ) -> FramePlan:
        """Plan as ``make`` does, or as it did for another viewer.

        Args:
            planner: the viewer's.
            request: what it lacks, of which frame; heat and figures may differ a little.
            make: plans.
            way: tells apart what it depends on besides.
        """
        if request.frame.serial != self._serial or len(self._plans) >= _MOST_PLANS:
            self._serial = request.frame.serial
            self._plans.clear()
        request = _with_usual_link(request)
        key = (way, tuple(spec.codec for spec in planner.specs), *_key(request))
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = make(planner, request)
        return plan


def _with_usual_link(request: PlanRequest) -> PlanRequest:
    return attrs.evolve(
        request,
        budget_bytes=_rounded_down(request.budget_bytes),
        portion_bytes=_rounded_down(request.portion_bytes),
        link=Link(bytes_per_s=_rounded_down(request.link.bytes_per_s)),
    )


def _key(request: PlanRequest) -> tuple[object, ...]:
    """All that a plan of one frame depends on."""
    return (
        request.grid,
        request.changed.tobytes(),
        _bytes_of(request.exact),
        request.brought,
        request.refine.tobytes(),
        request.budget_bytes,
        request.link,
        request.quality,
        request.portion_bytes,
        request.begin,
        _bytes_of(request.urgent),
    )
