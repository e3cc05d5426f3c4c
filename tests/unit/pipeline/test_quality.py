import pytest
from hypothesis import given
from hypothesis import strategies as st

from kasmcore.interfaces.encoder import ContentRating, EncoderSpec, Exactness
from kasmcore.pipeline.choice import EncoderFigures, Wanted
from kasmcore.pipeline.content import Content
from kasmcore.pipeline.quality import (
    QualityBounds,
    quality_for_budget,
    quality_for_motion,
    relative_size,
)

BOUNDS = QualityBounds(minimum=60, maximum=92)
SCREEN_PIXELS = 1920 * 1080
FULL_MOTION = 15.0


def test_a_narrow_strip_that_a_dragged_window_uncovers_keeps_the_best_quality():
    assert quality_for_motion(FULL_MOTION, BOUNDS, 16 * 600) >= 90


def test_motion_of_the_whole_screen_is_sent_at_the_minimum():
    assert quality_for_motion(FULL_MOTION, BOUNDS, SCREEN_PIXELS) == 60


def test_a_picture_that_appears_once_is_sent_at_the_maximum_however_large():
    assert quality_for_motion(1.0, BOUNDS, SCREEN_PIXELS) == 92


@given(st.floats(0, 100), st.integers(1, SCREEN_PIXELS))
def test_quality_stays_within_the_bounds(heat, pixels):
    assert 60 <= quality_for_motion(heat, BOUNDS, pixels) <= 92


def test_better_pictures_are_larger():
    sizes = [relative_size(quality) for quality in range(101)]
    assert sizes == sorted(sizes)
    assert relative_size(80) == 1.0


@given(st.integers(1, 99), st.floats(1, 1e8), st.floats(1, 1e8))
def test_a_budget_lowers_the_quality_no_further_than_it_must(quality, expected, budget):
    def bytes_at(other: int) -> float:
        return expected * relative_size(other) / relative_size(quality)

    lowered = quality_for_budget(quality, bytes_at, budget, floor=20)
    assert min(20, quality) <= lowered <= quality
    assert bytes_at(lowered) <= 1.0001 * budget or lowered == min(20, quality)
    if lowered < quality:
        assert bytes_at(min(quality, lowered + 5)) > 0.9999 * budget


@pytest.mark.parametrize("quality", [20, 60, 92, 99])
def test_what_is_learnt_at_one_quality_holds_for_others(quality):
    rating = ContentRating(text=1.0, picture=9.0)
    spec = EncoderSpec(
        codec="jpeg",
        factory=object,
        exactness=Exactness.NEVER,
        cost_ns_per_pixel=rating,
        bits_per_pixel=rating,
        releases_gil=True,
    )
    figures = EncoderFigures((spec,))
    true_bits_at_80 = 2.0
    for _ in range(100):
        wanted = Wanted(Content.PICTURE, quality, 100_000)
        payload_bytes = round(100_000 * true_bits_at_80 * relative_size(quality) / 8)
        figures.learn("jpeg", wanted, 0.001, payload_bytes)
    expected = Wanted(Content.PICTURE, 80, 8_000).bytes_by(
        figures.of("jpeg", Content.PICTURE, False)
    )
    assert expected == pytest.approx(2_000, rel=0.01)
