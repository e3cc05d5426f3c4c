import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kasmcore.stats.loop_lag import LoopLag


def lag_of(*stretches_s: float, idle_s: float = 0.0) -> LoopLag:
    lag = LoopLag()
    for stretch_s in stretches_s:
        lag.busy(1.0, stretch_s)
        lag.idle(1.0, idle_s)
    return lag


def test_a_loop_that_did_nothing_has_no_lag():
    assert LoopLag().percentile_s(99) == 0.0


def test_what_arrives_while_the_loop_is_busy_waits_for_the_rest_of_it():
    assert math.isclose(lag_of(0.1).percentile_s(99), 0.099)
    assert math.isclose(lag_of(0.1).percentile_s(50), 0.05)


def test_a_loop_that_is_seldom_busy_is_seldom_late():
    assert lag_of(0.0001, idle_s=0.02).percentile_s(99) == 0.0
    assert lag_of(0.004, idle_s=0.016).percentile_s(50) == 0.0
    assert math.isclose(lag_of(0.004, idle_s=0.016).percentile_s(99), 0.0038)


def test_a_long_rest_does_not_hide_what_was_late_before_it():
    assert lag_of(0.05, idle_s=100.0).percentile_s(99) > 0.04


def test_only_the_last_seconds_count():
    lag = LoopLag()
    lag.busy(1.0, 1.0)
    for second in range(2, 7):
        lag.idle(float(second), 0.02)
    assert lag.percentile_s(100) == 0.0


@given(st.lists(st.floats(0.0002, 0.05), min_size=1, max_size=30), st.floats(0, 0.02))
def test_the_percentile_is_that_of_arrivals_at_any_time(stretches_s, idle_s):
    ends_s = np.cumsum([stretch_s + idle_s for stretch_s in stretches_s])
    starts_s = ends_s - idle_s - stretches_s
    arrivals_s = np.linspace(0, ends_s[-1], 20_001)
    place = np.minimum(np.searchsorted(ends_s, arrivals_s, side="right"), len(ends_s) - 1)
    waits_s = np.maximum(0, starts_s[place] + np.array(stretches_s)[place] - arrivals_s)
    waits_s = np.where(arrivals_s >= starts_s[place], waits_s, 0)
    found_s = lag_of(*stretches_s, idle_s=idle_s).percentile_s(90)
    assert abs(found_s - np.percentile(waits_s, 90)) < 0.002
