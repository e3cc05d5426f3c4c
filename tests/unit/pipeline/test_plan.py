import attrs
import numpy as np
import pytest

from kasmcore.interfaces.encoder import ContentRating, EncoderSpec, Exactness
from kasmcore.pipeline.choice import EncoderFigures, Link, Wanted, choose_encoder
from kasmcore.pipeline.content import Content
from kasmcore.pipeline.cutting import cut_into_strips
from kasmcore.pipeline.pending import EXACT
from kasmcore.pipeline.plan import Planner, PlanRequest
from kasmcore.pipeline.quality import QualityBounds, quality_for_budget, quality_for_motion
from kasmcore.pipeline.tiles import TILE, TileGrid
from kasmcore.values.geometry import Rectangle, Size
from tests.unit.pipeline.frames import flat_text, photo, visible


def spec(codec, exactness, ns, bits, **more):
    return EncoderSpec(
        codec=codec,
        factory=object,
        exactness=exactness,
        cost_ns_per_pixel=ContentRating(text=ns[0], picture=ns[1]),
        bits_per_pixel=ContentRating(text=bits[0], picture=bits[1]),
        releases_gil=True,
        **more,
    )


DEFLATE = spec("deflate", Exactness.ALWAYS, (1.8, 2.5), (1.7, 30))
WEBP = spec(
    "webp",
    Exactness.AT_QUALITY_100,
    (28, 12),
    (1.7, 0.2),
    exact_cost_ns_per_pixel=ContentRating(text=21, picture=38),
    exact_bits_per_pixel=ContentRating(text=1.6, picture=13),
)
JPEG = spec("jpeg", Exactness.NEVER, (3.2, 2.2), (2.4, 0.45))
LAN, DSL = Link(bytes_per_s=25e6), Link(bytes_per_s=0.25e6)
BOUNDS = QualityBounds(minimum=60, maximum=90)
GRID = TileGrid(Size(640, 480))


def planner(*specs):
    specs = specs or (DEFLATE, WEBP, JPEG)
    return Planner(list(specs), EncoderFigures(specs))


def request(pixels, changed=None, **changes):
    changed = GRID.full_mask() if changed is None else changed
    values = {
        "frame": visible(pixels),
        "grid": GRID,
        "changed": changed,
        "refine": GRID.empty_mask(),
        "heat": np.zeros(GRID.shape),
        "budget_bytes": 400_000,
        "link": LAN,
        "quality": BOUNDS,
    }
    return PlanRequest(**(values | changes))


def test_text_is_sent_exactly_and_a_photo_by_jpeg():
    text = planner().plan(request(flat_text(640, 480)))
    picture = planner().plan(request(photo(640, 480)))
    assert {(job.codec, job.quality) for job in text.jobs} == {("deflate", EXACT)}
    assert {job.codec for job in picture.jobs} == {"jpeg"}
    assert {job.quality for job in picture.jobs} == {90}


def test_all_changed_tiles_are_sent_in_one_frame():
    changed = np.random.default_rng(3).random(GRID.shape) < 0.3
    plan = planner().plan(request(photo(640, 480), changed))
    assert (plan.quality_sent[changed] > 0).all()


def test_of_a_small_picture_bytes_are_worth_more_than_time_and_it_is_better():
    small = GRID.mask_of([Rectangle(100, 100, 300, 100)])
    jobs = planner().plan(request(photo(640, 480), small)).jobs
    assert {(job.codec, job.quality) for job in jobs} == {("webp", 94)}
    assert {job.codec for job in planner(JPEG).plan(request(photo(640, 480), small)).jobs} == {
        "jpeg"
    }


def test_a_small_picture_that_moves_is_no_better_than_its_motion_allows():
    small = GRID.mask_of([Rectangle(100, 100, 300, 100)])
    heat = np.full(GRID.shape, 10.0)
    jobs = planner().plan(request(photo(640, 480), small, heat=heat)).jobs
    assert all(job.quality < 90 for job in jobs)


def test_a_small_change_on_a_photo_is_exact():
    changed = GRID.mask_of([Rectangle(100, 100, 20, 20)])
    plan = planner().plan(request(photo(640, 480), changed))
    assert (plan.quality_sent[changed] == EXACT).all()


def test_motion_lowers_the_quality_of_pictures_down_to_the_operators_minimum():
    moving = request(photo(640, 480), heat=np.full(GRID.shape, 15.0))
    assert {job.quality for job in planner().plan(moving).jobs} == {60}


def test_a_slow_link_gets_blurred_text_rather_than_a_late_frame():
    moving = np.full(GRID.shape, 15.0)
    slow = request(flat_text(640, 480), link=DSL, budget_bytes=4_000, heat=moving)
    plan = planner().plan(slow)
    assert all(job.quality < EXACT for job in plan.jobs)
    assert all(job.quality >= BOUNDS.floor for job in plan.jobs)


def test_a_single_large_change_of_text_is_exact_even_if_it_takes_longer_than_a_frame():
    plan = planner().plan(request(flat_text(640, 480), budget_bytes=20_000))
    assert {job.quality for job in plan.jobs} == {EXACT}


def test_tiles_at_rest_are_refined_within_the_budget_from_the_top():
    resting = request(
        photo(640, 480), GRID.empty_mask(), refine=GRID.full_mask(), budget_bytes=200_000
    )
    plan = planner().plan(resting)
    refined = plan.quality_sent == EXACT
    assert refined[0].all()
    assert not refined[-1].any()
    assert (plan.quality_sent[~refined] == 0).all()


def test_a_picture_too_large_for_a_slow_link_comes_in_portions_at_about_the_same_size():
    left, begin, sizes = GRID.full_mask(), 0, []
    while left.any():
        slow = request(
            photo(640, 480), left, link=DSL, budget_bytes=2_000, portion_bytes=2_000, begin=begin
        )
        plan = planner().plan(slow)
        covered = plan.quality_sent > 0
        assert not (covered & ~left).any()
        assert covered.any()
        left, begin = left & ~covered, plan.next_begin
        sizes.append(np.count_nonzero(covered))
    assert len(sizes) > 2
    assert max(sizes) < np.count_nonzero(GRID.full_mask()) / 2


def test_a_picture_that_takes_the_cores_too_long_comes_in_portions():
    slow_machine = Planner([JPEG], EncoderFigures([JPEG]), portion_s=100_000 * 2.2e-9)
    plan = slow_machine.plan(request(photo(640, 480)))
    assert 0 < np.count_nonzero(plan.quality_sent) < GRID.rows * GRID.columns


def test_what_input_changed_is_in_the_first_portion():
    urgent = GRID.mask_of([Rectangle(600, 440, 20, 20)])
    slow = request(photo(640, 480), link=DSL, portion_bytes=2_000, budget_bytes=2_000)
    assert not (planner().plan(slow).quality_sent[urgent] > 0).any()
    hurried = attrs.evolve(slow, urgent=urgent)
    assert (planner().plan(hurried).quality_sent[urgent] > 0).all()


def test_refinement_goes_on_however_small_the_budget():
    tight = request(photo(640, 480), GRID.empty_mask(), refine=GRID.full_mask(), budget_bytes=1)
    assert (planner().plan(tight).quality_sent == EXACT).any()


def test_what_overlaps_is_noted_at_the_quality_drawn_last():
    page = flat_text(640, 480)
    for x in range(0, 640, 128):
        for y in range(0, 480, 128):
            page[y : y + 64, x : x + 64] = photo(64, 64)
    plan = planner().plan(request(page, np.random.default_rng(5).random(GRID.shape) < 0.5))
    expected = np.zeros(GRID.shape, np.uint8)
    for job in plan.jobs:
        tiles = GRID.tiles_of(job.rectangle)
        expected[tiles.rows, tiles.columns] = job.quality
    assert (plan.quality_sent == expected).all()
    assert {job.content for job in plan.jobs} == {Content.TEXT, Content.PICTURE}
    kinds = [job.content for job in plan.jobs]
    assert kinds == sorted(kinds, key=lambda kind: kind is Content.TEXT)


def test_a_viewer_with_jpeg_alone_gets_everything_by_jpeg():
    plan = planner(JPEG).plan(request(flat_text(640, 480)))
    assert {job.codec for job in plan.jobs} == {"jpeg"}
    assert (plan.quality_sent > 0).all()
    assert not planner(JPEG).can_be_exact


def test_a_viewer_with_an_exact_codec_alone_gets_everything_exactly():
    plan = planner(DEFLATE).plan(request(photo(640, 480)))
    assert (plan.quality_sent == EXACT).all()


def test_a_slow_link_prefers_the_smaller_codec():
    figures = EncoderFigures((DEFLATE, WEBP, JPEG))
    chosen = {
        link: choose_encoder(
            (DEFLATE, WEBP, JPEG), figures, Wanted(Content.PICTURE, 80, 100_000), link
        ).codec
        for link in (LAN, DSL)
    }
    assert chosen == {LAN: "jpeg", DSL: "webp"}


def test_the_operators_order_decides_between_equals():
    first, second = (spec(name, Exactness.NEVER, (3, 3), (1, 1)) for name in ("a", "b"))
    for specs in ((first, second), (second, first)):
        figures = EncoderFigures(specs)
        assert choose_encoder(specs, figures, Wanted(Content.TEXT, 80, 100_000), LAN) is specs[0]


def test_a_codec_that_costs_little_to_begin_takes_small_rectangles():
    qoi = spec("qoi", Exactness.ALWAYS, (2.5, 6.6), (3.5, 18))
    deflate = spec("deflate", Exactness.ALWAYS, (1.8, 12), (1.8, 24), overhead_us=60.0)
    plan_small, plan_large = (
        planner(deflate, qoi).plan(request(flat_text(640, 480), GRID.mask_of([place])))
        for place in (Rectangle(0, 0, 20, 20), Rectangle(0, 0, 640, 480))
    )
    assert {job.codec for job in plan_small.jobs} == {"qoi"}
    assert {job.codec for job in plan_large.jobs} == {"deflate"}


def test_a_codec_with_a_time_limit_leaves_the_rest_of_the_frame_to_others():
    specs = (WEBP, JPEG)
    limited = Planner(specs, EncoderFigures(specs), {"webp": 0.001})
    jobs = limited.plan(request(photo(640, 480), link=DSL)).jobs
    codecs = [job.codec for job in jobs]
    assert codecs[0] == "webp"
    assert codecs[-1] == "jpeg"


def test_a_codec_without_time_is_not_used():
    specs = (WEBP, JPEG)
    none = Planner(specs, EncoderFigures(specs), {"webp": 0.0})
    assert {job.codec for job in none.plan(request(photo(640, 480), link=DSL)).jobs} == {"jpeg"}


def test_an_encoder_that_turns_out_slow_is_chosen_no_more():
    figures = EncoderFigures((DEFLATE, WEBP, JPEG))
    for _ in range(100):
        figures.learn("jpeg", Wanted(Content.PICTURE, 80, 100_000), 0.01, 6_000)
    chosen = choose_encoder(
        (DEFLATE, WEBP, JPEG), figures, Wanted(Content.PICTURE, 80, 100_000), LAN
    )
    assert chosen is WEBP


@pytest.mark.parametrize("width", [1, 17, 640, 1920, 7680, 40_000])
def test_strips_cover_a_rectangle_just_once(width):
    whole = Rectangle(16, 32, width, 1080)
    strips = cut_into_strips(whole, maximum_side=16383)
    assert sum(strip.area for strip in strips) == whole.area
    assert all(whole.contains(strip) and strip.width <= 16383 for strip in strips)


def test_quality_falls_with_heat_and_stays_within_the_bounds():
    values = [quality_for_motion(heat, BOUNDS) for heat in (0, 1, 4, 8, 12, 50)]
    assert values == sorted(values, reverse=True)
    assert (values[0], values[-1]) == (90, 60)


def test_a_budget_never_lowers_quality_below_the_floor():
    assert quality_for_budget(90, lambda _: 1e9, 1000, 20) == 20
    assert quality_for_budget(90, lambda _: 500, 1000, 20) == 90
    assert quality_for_budget(10, lambda _: 1e9, 1000, 20) == 10


def test_a_step_of_quality_at_which_grain_shows_is_known_after_a_while():
    figures = EncoderFigures((JPEG,))
    sizes = {77: 8_000, 82: 17_000, 87: 38_000}
    for _ in range(30):
        for quality, payload_bytes in sizes.items():
            wanted = Wanted(Content.PICTURE, quality, 370_000)
            figures.learn("jpeg", wanted, 0.001, payload_bytes)
    for quality, payload_bytes in sizes.items():
        expected = Wanted(Content.PICTURE, quality, 370_000).bytes_by(
            figures.of("jpeg", Content.PICTURE, False)
        )
        assert expected == pytest.approx(payload_bytes, rel=0.15)


def test_what_copies_bring_is_cut_out_and_the_rest_judged_by_itself():
    """A window of text over a photo: of its edge tiles only the photo round it is sent."""
    picture, window = photo(640, 480), Rectangle(100, 100, 300, 200)
    picture[window.rows, window.columns] = flat_text(300, 200)
    edge = GRID.mask_of([Rectangle(80, 96, 340, 8), Rectangle(80, 96, 20, 200)])
    plan = planner().plan(request(picture, edge, brought=(window,)))
    assert all(not job.rectangle.overlaps(window) for job in plan.jobs)
    wanted = np.repeat(np.repeat(edge, TILE, axis=0), TILE, axis=1)
    wanted[window.rows, window.columns] = False
    assert sum(job.rectangle.area for job in plan.jobs) == np.count_nonzero(wanted)
    large = [job for job in plan.jobs if job.rectangle.area > 512]
    assert {job.quality for job in large} == {94}
    assert {job.quality for job in plan.jobs if job not in large} <= {EXACT}
    assert (plan.quality_sent[edge] > 0).all()


def test_of_pieces_of_a_tile_the_worst_counts():
    tile = GRID.mask_of([Rectangle(160, 160, 64, 64)])
    brought = (Rectangle(176, 160, 48, 50),)
    picture = photo(640, 480)
    plan = planner().plan(request(picture, tile, brought=brought))
    qualities = {job.quality for job in plan.jobs}
    worst = min(qualities)
    corner = GRID.tiles_of(Rectangle(160, 208, 16, 16))
    assert plan.quality_sent[corner.rows, corner.columns].max() == worst
