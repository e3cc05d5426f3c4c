import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kasmcore.pipeline.scaling import (
    Scaling,
    ScalingAlgorithm,
    fitting_share,
    scale_pixels,
    scaled_size,
)
from kasmcore.values.geometry import Size

sides = st.integers(1, 90)
SMOOTH = (ScalingAlgorithm.BILINEAR, ScalingAlgorithm.PROGRESSIVE_BILINEAR)


def noise(width, height, seed=1):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 4), np.uint8)


def bilinear_by_float(pixels, size):
    """The definition, slowly."""
    height, width = pixels.shape[:2]
    y = np.clip((np.arange(size.height) + 0.5) * height / size.height - 0.5, 0, height - 1)
    x = np.clip((np.arange(size.width) + 0.5) * width / size.width - 0.5, 0, width - 1)
    top, left = y.astype(int), x.astype(int)
    bottom, right = np.minimum(top + 1, height - 1), np.minimum(left + 1, width - 1)
    down, across = (y - top)[:, None, None], (x - left)[None, :, None]
    values = pixels.astype(float)
    upper = values[top][:, left] * (1 - across) + values[top][:, right] * across
    lower = values[bottom][:, left] * (1 - across) + values[bottom][:, right] * across
    return upper * (1 - down) + lower * down


@given(sides, sides, sides, sides, st.sampled_from(ScalingAlgorithm))
@settings(deadline=None)
def test_every_size_can_be_made_of_every_other(width, height, new_width, new_height, algorithm):
    scaled = scale_pixels(noise(width, height), Scaling(Size(new_width, new_height), algorithm))
    assert scaled.shape == (new_height, new_width, 4)
    assert scaled.dtype == np.uint8


@given(sides, sides, sides, sides)
@settings(deadline=None)
def test_bilinear_is_what_the_definition_says(width, height, new_width, new_height):
    pixels, size = noise(width, height), Size(new_width, new_height)
    scaled = scale_pixels(pixels, Scaling(size, ScalingAlgorithm.BILINEAR))
    assert np.abs(scaled - bilinear_by_float(pixels, size)).max() <= 3


@pytest.mark.parametrize("algorithm", ScalingAlgorithm)
def test_one_colour_stays_that_colour(algorithm):
    pixels = np.full((70, 130, 4), (1, 128, 255, 7), np.uint8)
    scaled = scale_pixels(pixels, Scaling(Size(33, 20), algorithm))
    assert np.abs(scaled.astype(int) - (1, 128, 255, 7)).max() <= 1


def test_nearest_makes_no_new_colours():
    pixels = noise(97, 61)
    scaled = scale_pixels(pixels, Scaling(Size(40, 30), ScalingAlgorithm.NEAREST))
    words = pixels.view(np.uint32)
    assert np.isin(scaled.view(np.uint32), words).all()


def test_progressive_scaling_to_a_quarter_averages_all_pixels():
    pixels = noise(400, 400)
    quarter = Scaling(Size(100, 100), ScalingAlgorithm.PROGRESSIVE_BILINEAR)
    means = pixels.reshape(100, 4, 100, 4, 4).mean(axis=(1, 3))
    assert np.abs(scale_pixels(pixels, quarter) - means).max() <= 3
    plain = scale_pixels(pixels, Scaling(quarter.size, ScalingAlgorithm.BILINEAR))
    assert np.abs(plain - means).max() > 40


@pytest.mark.parametrize("algorithm", ScalingAlgorithm)
def test_a_view_of_a_larger_picture_is_scaled_like_its_copy(algorithm):
    large = noise(300, 200)
    view = large[16:115, 33:250]
    scaling = Scaling(Size(101, 50), algorithm)
    expected = scale_pixels(view.copy(), scaling)
    before = large.copy()
    assert (scale_pixels(view, scaling) == expected).all()
    assert (large == before).all()


def test_a_screen_that_fits_is_not_made_smaller():
    assert fitting_share(Size(1920, 1080), Size(1920, 1080)) == 1.0
    assert fitting_share(Size(640, 480), Size(1920, 1080)) == 1.0


def test_a_large_screen_keeps_its_shape():
    share = fitting_share(Size(3840, 1080), Size(1920, 1080))
    assert share == 0.5
    assert scaled_size(Size(3840, 1080), share) == Size(1920, 540)
    assert scaled_size(Size(1, 1), share) == Size(1, 1)
