import attrs
import numpy as np
import pytest

from kasmcore.pipeline.choice import EncoderFigures
from kasmcore.pipeline.plan import Planner
from kasmcore.pipeline.scaling import ScalingAlgorithm
from kasmcore.pipeline.video_mode import VideoMode, VideoModeRules
from kasmcore.pipeline.video_mode_plan import plan_in_video_mode
from kasmcore.values.geometry import Rectangle, Size
from tests.unit.pipeline.frames import photo
from tests.unit.pipeline.test_plan import DEFLATE, DSL, GRID, JPEG, LAN, WEBP, planner, request

RULES = VideoModeRules(
    enter_s=5,
    area_share=0.45,
    exit_s=3,
    largest=Size(1920, 1080),
    algorithm=ScalingAlgorithm.PROGRESSIVE_BILINEAR,
    quality_of_codec={"jpeg": None, "webp": None},
    lowest_quality_of_codec={"jpeg": 10, "webp": 3},
)
SMALL = attrs.evolve(RULES, largest=Size(320, 240))


def play(mode, start_s, seconds, share=1.0, rate_hz=30.0):
    """Frames that change so much; returns when the last one came."""
    now_s = start_s
    for step in range(round(seconds * rate_hz)):
        now_s = start_s + step / rate_hz
        mode.note(share, now_s)
    return now_s


def video_mode(**changes):
    return VideoMode(attrs.evolve(RULES, **changes), frame_interval_s=1 / 60)


def test_full_screen_video_begins_it_and_rest_ends_it():
    mode = video_mode()
    play(mode, 100.0, 2.0)
    assert not mode.is_on(102.0)
    last_s = play(mode, 102.0, 1.0)
    assert mode.is_on(last_s)
    assert mode.ends_at_s(last_s) == pytest.approx(last_s + 3)
    assert mode.is_on(last_s + 2.9)
    assert not mode.is_on(last_s + 3.1)
    assert mode.ends_at_s(last_s + 3.1) is None


def test_video_on_less_than_the_threshold_never_begins_it():
    mode = video_mode()
    last_s = play(mode, 0.0, 60, share=0.4)
    assert not mode.is_on(last_s)
    assert mode.moving_share(last_s) == pytest.approx(0.4, abs=0.01)


def test_a_slide_show_is_rest_for_most_of_the_time():
    mode = video_mode()
    last_s = play(mode, 0.0, 60, rate_hz=1.0)
    assert not mode.is_on(last_s)
    assert mode.moving_share(last_s) == pytest.approx(0.1, abs=0.03)


@pytest.mark.parametrize("rate_hz", [12, 24, 60, 200])
def test_the_frame_rate_of_a_video_does_not_matter(rate_hz):
    mode = video_mode()
    assert not mode.is_on(play(mode, 7.0, 2.1, rate_hz=rate_hz))
    assert mode.is_on(play(mode, 9.2, 0.6, rate_hz=rate_hz))


def test_a_session_of_few_frames_a_second_can_enter_it_too():
    mode = VideoMode(RULES, frame_interval_s=0.5)
    assert mode.is_on(play(mode, 0.0, 8.0, rate_hz=2.0))


def test_after_it_ended_it_takes_as_long_to_begin_again():
    mode = video_mode()
    play(mode, 0.0, 10)
    play(mode, 14.0, 1.0)
    assert not mode.is_on(15.0)
    assert mode.is_on(play(mode, 15.0, 2.0))


def test_a_slide_show_after_a_video_ends_it():
    mode = video_mode()
    play(mode, 0.0, 10)
    assert not mode.is_on(play(mode, 10.0, 10, rate_hz=1.0))


def test_a_threshold_of_0_is_always_on():
    mode = video_mode(enter_s=0)
    assert mode.is_on(0.0)
    assert mode.ends_at_s(0.0) is None


def test_a_whole_screen_below_its_limit_can_only_be_always_on():
    mode = video_mode(area_share=1.0)
    assert not mode.is_on(play(mode, 0.0, 60))


def test_pictures_get_the_quality_that_is_set_for_their_codec():
    rules = attrs.evolve(RULES, quality_of_codec={"jpeg": 62, "webp": 42})
    for link, codec, quality in ((LAN, "jpeg", 62), (DSL, "webp", 42)):
        plan = plan_in_video_mode(
            planner(), request(photo(640, 480), link=link), rules, can_scale=True
        )
        assert {(job.codec, job.quality) for job in plan.jobs} == {(codec, quality)}
        assert (plan.quality_sent == quality).all()


def test_without_a_quality_the_link_decides_down_to_the_lowest_of_the_codec():
    moving = request(photo(640, 480), budget_bytes=1e9)
    good = plan_in_video_mode(planner(), moving, RULES, can_scale=True)
    assert {job.quality for job in good.jobs} == {60}
    tight = request(photo(640, 480), budget_bytes=10)
    for specs, lowest in (((JPEG,), 10), ((WEBP,), 3)):
        poor = plan_in_video_mode(planner(*specs), tight, RULES, can_scale=True)
        assert {job.quality for job in poor.jobs} == {lowest}


def test_a_screen_that_is_too_large_is_sent_smaller_to_those_who_can_stretch_it():
    plan = plan_in_video_mode(planner(), request(photo(640, 480)), SMALL, can_scale=True)
    for job in plan.jobs:
        assert job.scaling.size == Size(job.rectangle.width // 2, job.rectangle.height // 2)
        assert job.scaling.algorithm is RULES.algorithm
    whole = plan_in_video_mode(planner(), request(photo(640, 480)), SMALL, can_scale=False)
    assert {job.scaling for job in whole.jobs} == {None}


def test_what_changed_is_covered_just_once():
    changed = np.random.default_rng(2).random(GRID.shape) < 0.5
    plan = plan_in_video_mode(planner(), request(photo(640, 480), changed), SMALL, can_scale=True)
    assert (plan.quality_sent[changed] > 0).all()
    assert (plan.quality_sent < 100).all()


def test_webp_leaves_the_rest_of_a_frame_to_jpeg_when_its_time_is_up():
    specs = (WEBP, JPEG)
    limited = Planner(specs, EncoderFigures(specs), {"webp": 0.001})
    plan = plan_in_video_mode(limited, request(photo(640, 480), link=DSL), RULES, can_scale=True)
    assert [job.codec for job in plan.jobs][:: len(plan.jobs) - 1] == ["webp", "jpeg"]


def test_a_small_change_and_a_viewer_without_a_lossy_codec_get_the_usual_plan():
    letter = request(photo(640, 480), GRID.mask_of([Rectangle(100, 100, 20, 20)]))
    assert plan_in_video_mode(planner(), letter, RULES, can_scale=True) is None
    everything = request(photo(640, 480))
    assert plan_in_video_mode(planner(DEFLATE), everything, RULES, can_scale=True) is None
