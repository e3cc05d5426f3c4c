import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from kasmcore.pipeline.portion import Portion, is_too_much, one_portion

masks = arrays.arrays(np.bool_, st.tuples(st.integers(1, 12), st.integers(1, 12)))


@given(masks, st.floats(0.001, 3), st.integers(0, 200))
def test_portion_after_portion_everything_is_sent_once(mask, share, begin):
    left = mask.copy()
    for _ in range(mask.size):
        if not left.any():
            break
        chosen, begin = one_portion(np.where(left, share, 0.0), begin)
        assert chosen.any()
        assert not (chosen & ~left).any()
        assert np.count_nonzero(chosen) == 1 or np.count_nonzero(chosen) * share <= 1.0001
        left &= ~chosen
    assert not left.any()


def test_a_picture_that_keeps_changing_is_sent_from_top_to_bottom_and_again():
    shares, begin = np.full((10, 8), 1 / 20), 0
    seen = np.zeros(shares.shape, int)
    for _ in range(10):
        chosen, begin = one_portion(shares, begin)
        seen += chosen
    assert seen.min() == seen.max() == 2


def test_whole_rows_are_sent_where_several_fit():
    chosen, begin = one_portion(np.full((10, 8), 1 / 20), 0)
    assert chosen[:2].all()
    assert not chosen[2:].any()
    assert begin == 16


def test_what_input_changed_goes_first():
    urgent = np.zeros((10, 8), np.bool_)
    urgent[9, 3:5] = True
    chosen, begin = one_portion(np.full((10, 8), 1 / 20), 0, urgent)
    assert chosen[urgent].all()
    assert chosen[:2].all()
    assert begin == 16


def test_urgent_tiles_that_fill_a_portion_leave_the_others_where_they_were():
    urgent = np.zeros((10, 8), np.bool_)
    urgent[9] = True
    chosen, begin = one_portion(np.full((10, 8), 0.5), 24, urgent)
    assert (chosen == urgent).all()
    assert begin == 24


def test_a_little_too_much_still_goes_in_one_frame():
    assert not is_too_much(np.full((2, 2), 0.45))
    assert is_too_much(np.full((2, 2), 0.55))


def test_bytes_or_time_limit_a_portion_whichever_is_scarcer():
    portion = Portion(limit_bytes=1000, limit_s=0.01)
    assert portion.share(500, 0.001) == 0.5
    assert portion.share(100, 0.008) == 0.8
