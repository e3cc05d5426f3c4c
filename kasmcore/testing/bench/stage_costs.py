"""What the pure stages cost on one frame: damage, copies, content, plan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import attrs
import numpy as np

from kasmcore.config.schema import ServerConfig
from kasmcore.interfaces.encoder import EncoderSpec
from kasmcore.pipeline.choice import EncoderFigures, Link
from kasmcore.pipeline.content import picture_tiles
from kasmcore.pipeline.copies import FrameChange
from kasmcore.pipeline.copy_search import CopyFinder
from kasmcore.pipeline.damage import find_damage
from kasmcore.pipeline.history import ChangeHistory
from kasmcore.pipeline.plan import Planner, PlanRequest
from kasmcore.pipeline.tiles import TileGrid, TileMask
from kasmcore.session.send_rules import SendRules
from kasmcore.testing.bench.contents import FULL_HD, photo_picture, text_picture
from kasmcore.testing.bench.results import column
from kasmcore.testing.bench.stopwatch import least_cpu_ns
from kasmcore.values.frames import VisibleFrame
from kasmcore.values.geometry import Rectangle, Size
from kasmcore.values.pixels import BgrxPixels

_REPEAT = 10
_LINK = Link(bytes_per_s=12.5e6)
"""100 Mbit/s."""
_GLYPH = Rectangle(200, 100, 9, 20)
_SCROLL_PIXELS = 8


@attrs.frozen(kw_only=True)
class StageCost:
    """CPU time of each stage for one change of the screen."""

    change: str = column("change")
    tiles: int = column("tiles changed")
    damage_us: float = column("damage us", ".0f")
    copies_us: float = column("copies us", ".0f")
    content_us: float = column("content us", ".0f")
    plan_us: float = column("plan us", ".0f")
    jobs: int = column("rectangles")


@attrs.frozen(eq=False)
class Change:
    """Two frames and what the capture source says of the second."""

    name: str
    before: BgrxPixels
    after: BgrxPixels
    hint: Rectangle


def changes(size: Size) -> Iterator[Change]:
    """Yield what happens on desktops: nothing, a letter, scrolling, one text for another, video."""
    whole, text, photo = Rectangle.of_size(size), text_picture(size), photo_picture(size)
    letter = text.copy()
    letter[_GLYPH.rows, _GLYPH.columns, :3] ^= 255
    yield Change("nothing, though all is hinted", text, text.copy(), whole)
    yield Change("a letter", text, letter, _GLYPH)
    yield Change("text scrolled by 8 px", text, np.roll(text, -_SCROLL_PIXELS, axis=0), whole)
    yield Change("another text", text, text_picture(size, seed=3), whole)
    yield Change("video", photo, np.roll(photo, (3, 5), axis=(0, 1)), whole)


def stage_costs(specs: Sequence[EncoderSpec], size: Size = FULL_HD) -> Iterator[StageCost]:
    """Run each stage on each change; the plan is for a viewer that decodes all of these codecs."""
    grid, rules = TileGrid(size), SendRules.of(ServerConfig())
    planner = Planner(specs, EncoderFigures(specs), rules.time_limits_s)
    for change in changes(size):
        before, after = _frame(1, change.before, change.hint), _frame(2, change.after, change.hint)
        damage_ns, changed = least_cpu_ns(partial(find_damage, before, after), _REPEAT)
        search = partial(_search, rules, before, after, changed)
        copies_ns, _ = least_cpu_ns(search, _REPEAT)
        content = partial(picture_tiles, after.pixels, grid, changed)
        content_ns, _ = least_cpu_ns(content, _REPEAT)
        request = _request(after, grid, changed, rules)
        plan_ns, plan = least_cpu_ns(partial(planner.plan, request), _REPEAT)
        yield StageCost(
            change=change.name,
            tiles=int(np.count_nonzero(changed)),
            damage_us=damage_ns / 1000,
            copies_us=copies_ns / 1000,
            content_us=content_ns / 1000,
            plan_us=plan_ns / 1000,
            jobs=len(plan.jobs),
        )


def _frame(serial: int, pixels: BgrxPixels, hint: Rectangle) -> VisibleFrame:
    return VisibleFrame(serial, pixels, (hint,), changed_at_s=0.0, captured_at_s=0.0)


def _search(
    rules: SendRules, before: VisibleFrame, after: VisibleFrame, changed: TileMask
) -> FrameChange:
    """By a finder that has learned nothing yet."""
    return CopyFinder(rules.copies).find(before, after, changed)


def _request(
    frame: VisibleFrame, grid: TileGrid, changed: TileMask, rules: SendRules
) -> PlanRequest:
    """A change of what was at rest."""
    history = ChangeHistory(grid)
    history.record(changed, 0.0)
    return PlanRequest(
        frame=frame,
        grid=grid,
        changed=changed,
        refine=grid.empty_mask(),
        heat=history.heat(0.0),
        budget_bytes=_LINK.bytes_per_s * rules.frame_interval_s,
        link=_LINK,
        quality=rules.quality,
    )
