import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kasmcore.stats.limits import FrameCost, LimitShares, ViewerLimits

INTERVAL_S = 1 / 60
SECONDS = st.floats(0, 1e6)


def cost(*, server_s=0.0, link_s=0.0, browser_s=0.0) -> FrameCost:
    return FrameCost(server_s=server_s, link_s=link_s, browser_s=browser_s)


def limits_of(*costs: FrameCost) -> ViewerLimits:
    limits = ViewerLimits()
    for place, each in enumerate(costs):
        limits.add(100 + place * INTERVAL_S, each, INTERVAL_S)
    return limits


def test_without_frames_nothing_limits():
    assert ViewerLimits().recent(5.0) == ViewerLimits().total() == LimitShares()
    assert LimitShares().worst is None


@pytest.mark.parametrize("part", ["server", "link", "browser"])
def test_a_part_that_needs_longer_than_a_frame_may_take_limits(part):
    shares = limits_of(cost(**{f"{part}_s": 2.5 * INTERVAL_S})).total()
    assert shares.worst == part
    assert getattr(shares, part) == 1


def test_a_part_that_is_close_to_the_time_of_a_frame_counts_a_fifth():
    quick, close = cost(server_s=0.7 * INTERVAL_S), cost(server_s=0.9 * INTERVAL_S)
    shares = limits_of(quick, close).total()
    assert math.isclose(shares.server, 0.1)


def test_the_slowest_part_is_the_one_that_limits():
    shares = limits_of(cost(server_s=1.2 * INTERVAL_S, link_s=4.1 * INTERVAL_S)).total()
    assert shares == LimitShares(server=0.25, link=1.0)
    assert shares.worst == "link"


def test_what_was_slow_ten_seconds_ago_counts_in_total_alone():
    limits = limits_of(cost(browser_s=1.0))
    assert limits.recent(105.0).browser == 1
    assert limits.recent(111.0) == LimitShares()
    assert limits.total().browser == 1


@given(st.lists(st.builds(FrameCost, server_s=SECONDS, link_s=SECONDS, browser_s=SECONDS)))
def test_shares_are_always_between_none_and_all(costs):
    limits = limits_of(*costs)
    for shares in (limits.total(), limits.recent(100.0 + len(costs) * INTERVAL_S)):
        assert all(0 <= share <= 1 for share in (shares.server, shares.link, shares.browser))
