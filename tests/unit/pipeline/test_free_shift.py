import numpy as np
import pytest

from kasmcore.pipeline.free_shift import free_shift
from kasmcore.pipeline.pixel_words import FramePair
from kasmcore.values.geometry import Rectangle
from tests.unit.pipeline.frames import photo
from tests.unit.pipeline.moving_pictures import text_page
from tests.unit.pipeline.test_copies import assert_right, change_of

pytestmark = pytest.mark.usefixtures("either_kernel")

WINDOW = Rectangle(120, 100, 300, 200)


def dragged(dx, dy):
    """A window of text over a photo, before and after it was dragged by so much."""
    background, window = photo(600, 400), text_page(WINDOW.width, WINDOW.height)
    before, after = background.copy(), background.copy()
    for picture, place in ((before, WINDOW), (after, WINDOW.moved(dx, dy))):
        picture[place.rows, place.columns] = window
    return before, after


@pytest.mark.parametrize("vector", [(1, 0), (0, -1), (7, 3), (-20, 10), (33, -41), (64, 64)])
def test_a_window_that_nobody_told_of_is_copied(vector):
    before, after = dragged(*vector)
    change = change_of(before, after)
    assert_right(before, after, change)
    largest = max(change.copies, key=lambda copy: copy.rectangle.area)
    assert (largest.dx, largest.dy) == vector
    assert largest.rectangle.contains(WINDOW.moved(*vector))


def test_pixels_without_anything_in_common_vote_for_nothing():
    random = np.random.default_rng(3)
    before, after = random.integers(0, 256, (2, 240, 320, 4), np.uint8)
    assert free_shift(FramePair(before, after), Rectangle(0, 0, 320, 240)) is None


def test_blank_areas_and_narrow_ones_vote_for_nothing():
    before, after = np.zeros((240, 320, 4), np.uint8), np.full((240, 320, 4), 255, np.uint8)
    assert free_shift(FramePair(before, after), Rectangle(0, 0, 320, 240)) is None
    assert free_shift(FramePair(before, after), Rectangle(310, 0, 10, 240)) is None


def test_what_did_not_move_does_not_vote():
    picture = photo(320, 240)
    changed = picture.copy()
    changed[100:140, 100:200] ^= 255
    assert free_shift(FramePair(picture, changed), Rectangle(0, 0, 320, 240)) is None
