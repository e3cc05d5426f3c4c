import attrs
import numpy as np
import pytest

from kasmcore.pipeline.choice import EncoderFigures, Link
from kasmcore.pipeline.plan import Planner, PlanRequest
from kasmcore.pipeline.quality import QualityBounds
from kasmcore.pipeline.tiles import TileGrid
from kasmcore.session.shared_plans import SharedPlans
from kasmcore.values.geometry import Rectangle, Size
from tests.unit.pipeline.frames import photo, visible
from tests.unit.session.desks import COARSE, RAW

GRID = TileGrid(Size(320, 200))
CORNER = GRID.mask_of([Rectangle(0, 0, 160, 96)])
REQUEST = PlanRequest(
    frame=visible(photo(320, 200)),
    grid=GRID,
    changed=GRID.full_mask(),
    refine=GRID.empty_mask(),
    heat=np.zeros(GRID.shape),
    budget_bytes=400_000.0,
    link=Link(bytes_per_s=25e6),
    quality=QualityBounds(minimum=60, maximum=90),
)
SPECS = (RAW, COARSE)
PLANNER = Planner(SPECS, EncoderFigures(SPECS))


def test_viewers_that_lack_the_same_get_one_plan():
    plans = SharedPlans()
    first = plans.plan(PLANNER, REQUEST, Planner.plan)
    other = attrs.evolve(PLANNER)
    again = attrs.evolve(REQUEST, changed=GRID.full_mask(), budget_bytes=400_001.0)
    assert plans.plan(other, again, Planner.plan) is first


@pytest.mark.parametrize(
    "difference",
    [
        {"frame": attrs.evolve(REQUEST.frame, serial=REQUEST.frame.serial + 1)},
        {"changed": CORNER},
        {"exact": CORNER},
        {"brought": (Rectangle(0, 0, 32, 32),)},
        {"changed": GRID.empty_mask(), "refine": CORNER},
        {"budget_bytes": 40_000.0},
        {"link": Link(bytes_per_s=1e6)},
        {"quality": QualityBounds(minimum=60, maximum=80)},
        {"portion_bytes": 5_000.0},
        {"begin": 7},
        {"urgent": CORNER},
    ],
)
def test_viewers_that_differ_get_plans_of_their_own(difference):
    plans = SharedPlans()
    first = plans.plan(PLANNER, REQUEST, Planner.plan)
    other = attrs.evolve(REQUEST, **difference)
    plan = plans.plan(PLANNER, other, Planner.plan)
    assert plan is not first
    assert plans.plan(PLANNER, other, Planner.plan) is plan


def test_a_viewer_without_a_codec_gets_a_plan_of_its_own():
    plans = SharedPlans()
    assert any(job.codec == "coarse" for job in plans.plan(PLANNER, REQUEST, Planner.plan).jobs)
    plan = plans.plan(PLANNER.without("coarse"), REQUEST, Planner.plan)
    assert {job.codec for job in plan.jobs} == {"raw"}


def test_a_budget_is_never_rounded_up():
    seen = []

    def note(planner: Planner, request: PlanRequest):
        seen.append(request)
        return planner.plan(request)

    for budget in np.geomspace(4096, 1e6, 40).tolist():
        SharedPlans().plan(PLANNER, attrs.evolve(REQUEST, budget_bytes=budget), note)
        assert 0.8 * budget <= seen[-1].budget_bytes <= 1.0001 * budget
