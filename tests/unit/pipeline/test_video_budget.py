import pytest
from hypothesis import given
from hypothesis import strategies as st

from kasmcore.pipeline.video_budget import (
    EffortChoice,
    VideoRules,
    budget_class,
    first_frame_rate,
    frame_rate_for,
)
from kasmcore.values.geometry import Size

FULL_HD = Size(1920, 1080)


def test_a_full_screen_video_on_a_fast_link_takes_16_megabits():
    assert 15e6 < VideoRules().most_bits_per_s(FULL_HD, 30) < 17e6


def test_more_pictures_take_more_bits_but_not_as_many_more():
    rules = VideoRules()
    at_30, at_60 = (rules.most_bits_per_s(FULL_HD, rate) for rate in (30, 60))
    assert at_30 < at_60 < 2 * at_30


def test_the_usual_frame_rate_above_is_taken():
    assert [frame_rate_for(rate, 60) for rate in (8, 24, 31, 50, 75)] == [15, 30, 30, 60, 60]
    assert frame_rate_for(55, 24) == 24


@given(st.floats(1e5, 1e9))
def test_a_class_spans_a_factor_of_two(bits_per_s):
    assert budget_class(2 * bits_per_s) == budget_class(bits_per_s) + 1 or bits_per_s < 125_000


@given(st.floats(3e5, 1e9), st.floats(0.95, 1.05))
def test_a_link_that_wavers_stays_in_its_class(bits_per_s, factor):
    current = budget_class(bits_per_s)
    assert budget_class(bits_per_s * factor, current) == current


def test_a_link_that_changes_much_changes_its_class():
    current = budget_class(4e6)
    assert budget_class(1e6, current) == current - 2
    assert budget_class(16e6, current) == current + 2


def test_settings_never_ask_for_no_bits():
    settings = VideoRules().settings(Size(64, 64), 30, 0.0, 30)
    assert settings.most_bits_per_s > 0


def test_the_effort_is_the_greatest_that_is_in_time():
    choice = EffortChoice(rated_ns_per_pixel=5.0)
    million = 1_000_000
    assert choice.effort_for(million, 0.006, 60) == 30
    assert choice.effort_for(million, 0.0045, 60) < 30
    assert choice.effort_for(million, 0.012, 60) == 30
    assert choice.effort_for(million, 1.0, 60) == 60
    assert choice.effort_for(million, 1.0, 40) == 40
    assert choice.effort_for(million, 0.0, 60) == 0


def test_what_was_measured_counts_more_than_what_the_spec_says():
    choice = EffortChoice(rated_ns_per_pixel=5.0)
    for _ in range(50):
        choice.learn(30, 1_000_000, 0.020)
    assert choice.expected_s(30, 1_000_000) == pytest.approx(0.020)
    assert choice.effort_for(1_000_000, 0.015, 30) < 30


def test_a_small_video_gets_more_bits_for_each_pixel():
    rules, small = VideoRules(), Size(640, 360)
    full, window = (rules.most_bits_per_s(size, 30) / size.area for size in (FULL_HD, small))
    assert 1.5 * full < window < 3 * full


def test_a_stream_begins_at_the_usual_rate_or_above_it():
    assert [first_frame_rate(rate, 60) for rate in (8, 31, 50)] == [30, 30, 60]
    assert first_frame_rate(50, 24) == 24
