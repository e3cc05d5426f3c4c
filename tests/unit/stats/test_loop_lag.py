from kasmcore.stats.loop_lag import LoopLag


def test_no_wait_has_no_lag():
    assert LoopLag().percentile_s(99) == 0.0


def test_a_rare_long_lag_is_in_the_last_percent_only():
    lag = LoopLag()
    for _ in range(594):
        lag.add(0.001)
    for _ in range(6):
        lag.add(0.050)
    assert lag.percentile_s(98) == 0.001
    assert lag.percentile_s(99) == 0.050


def test_only_the_last_waits_count():
    lag = LoopLag()
    lag.add(1.0)
    for _ in range(600):
        lag.add(0.0)
    assert lag.percentile_s(100) == 0.0
