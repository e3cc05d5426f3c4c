"""The brake on guessing; time is what the test says it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kasmcore.users.throttle import LoginThrottle, source_of

HERE = "192.0.2.7"


def fail(throttle: LoginThrottle, now_s: float, source: str = HERE) -> float:
    wait_s = throttle.begin(source, now_s)
    if wait_s == 0:
        throttle.failed(source, now_s)
    return wait_s


def test_a_source_waits_after_the_threshold_and_then_may_try_again() -> None:
    throttle = LoginThrottle(threshold=5, timeout_s=10)
    assert [fail(throttle, now_s=second) for second in range(5)] == [0] * 5
    assert fail(throttle, now_s=4.5) == 9.5
    assert fail(throttle, now_s=13.9) == pytest.approx(0.1)
    assert fail(throttle, now_s=14) == 0


def test_tries_while_waiting_do_not_make_the_wait_longer() -> None:
    throttle = LoginThrottle(threshold=1, timeout_s=10)
    fail(throttle, now_s=0)
    waits = [fail(throttle, now_s=0.1 * tenth) for tenth in range(1, 100)]
    assert all(wait > 0 for wait in waits)
    assert fail(throttle, now_s=10) == 0


def test_after_the_wait_the_full_number_of_tries_is_back() -> None:
    throttle = LoginThrottle(threshold=3, timeout_s=10)
    for _ in range(3):
        fail(throttle, now_s=0)
    assert [fail(throttle, now_s=10) for _ in range(4)] == [0, 0, 0, 10]


def test_a_success_forgets_the_failures() -> None:
    throttle = LoginThrottle(threshold=3, timeout_s=10)
    for _ in range(50):
        assert fail(throttle, now_s=0) == 0
        assert fail(throttle, now_s=0) == 0
        assert throttle.begin(HERE, now_s=0) == 0
        throttle.succeeded(HERE)


def test_old_failures_are_forgotten() -> None:
    throttle = LoginThrottle(threshold=2, timeout_s=10)
    for hour in range(20):
        assert fail(throttle, now_s=3600 * hour) == 0


def test_many_tries_at_once_gain_nothing() -> None:
    throttle = LoginThrottle(threshold=5, timeout_s=10)
    granted = sum(throttle.begin(HERE, now_s=0) == 0 for _ in range(100))
    assert granted == 5


def test_an_abandoned_try_gives_its_place_back() -> None:
    throttle = LoginThrottle(threshold=1, timeout_s=10)
    assert throttle.begin(HERE, now_s=0) == 0
    throttle.abandoned(HERE)
    assert throttle.begin(HERE, now_s=0) == 0


def test_one_source_does_not_slow_another() -> None:
    throttle = LoginThrottle(threshold=1, timeout_s=10)
    fail(throttle, now_s=0)
    assert fail(throttle, now_s=0, source="192.0.2.8") == 0


def test_a_threshold_of_zero_switches_the_brake_off() -> None:
    throttle = LoginThrottle(threshold=0, timeout_s=10)
    assert all(fail(throttle, now_s=0) == 0 for _ in range(100))


def test_the_table_stays_small_under_a_flood_of_sources() -> None:
    throttle = LoginThrottle(threshold=1, timeout_s=10, maximum_sources=100)
    for number in range(5000):
        fail(throttle, now_s=0, source=f"source {number}")
    assert fail(throttle, now_s=0, source="source 4999") > 0
    assert fail(throttle, now_s=0, source="source 0") == 0


@given(st.lists(st.floats(0, 30), max_size=60))
def test_failures_come_in_bursts_of_the_threshold_at_most(pauses_s: list[float]) -> None:
    throttle = LoginThrottle(threshold=3, timeout_s=10)
    now_s = 0.0
    granted: list[float] = []
    for pause_s in pauses_s:
        now_s += pause_s
        if fail(throttle, now_s) == 0:
            granted.append(now_s)
    for first, fourth in zip(granted, granted[3:], strict=False):
        assert fourth - first >= 10


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_addresses_of_one_holder_are_one_source(address: str, source: str) -> None:
    assert source_of(address) == source
