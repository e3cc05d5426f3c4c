from hypothesis import given
from hypothesis import strategies as st

from kasmcore.pipeline.rate_limit import RateLimit


@given(st.lists(st.floats(0, 0.3), min_size=5, max_size=60))
def test_late_frames_never_raise_the_mean_rate(delays_s):
    limit, now_s, times_s = RateLimit(), 50.0, []
    for delay_s in delays_s:
        now_s = max(now_s, limit.due_s) + delay_s
        limit.note_sent(now_s, 0.1)
        times_s.append(now_s)
    frames = len(times_s) - 1
    assert times_s[-1] - times_s[0] >= frames * 0.1 - 0.051


def test_the_first_frame_and_one_after_a_rest_may_go_at_once():
    limit = RateLimit()
    assert limit.due_s < 0
    limit.note_sent(10.0, 0.1)
    assert limit.due_s > 10.0
    assert limit.due_s < 20.0


def test_another_rate_begins_at_once():
    limit = RateLimit()
    limit.note_sent(10.0, 5.0)
    limit.lift()
    assert limit.due_s < 10.0
