"""The model of a bad link does what its settings say, and the same for the same seed."""

from __future__ import annotations

import itertools

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.links.model import (
    Direction,
    LinkChange,
    LinkQuality,
    Rebinding,
    TwoWayLink,
    Way,
    wandering_rate,
)

PACKET_BYTES = 1000
CLEAN = LinkQuality(bytes_per_s=1e6, delay_s=0.05, queue_s=10)


def arrivals(quality: LinkQuality, count: int = 4000, *, every_s: float = 0.002, seed: int = 7):
    """Number and time of each packet at the other end, in the order of arrival."""
    direction: Direction[int] = Direction(quality, seed)
    arrived, sent_s = [], [number * every_s for number in range(count)]
    for number, now_s in enumerate([*sent_s, sent_s[-1] + 60]):
        while (due_s := direction.next_due_s()) is not None and due_s <= now_s:
            arrived += [(packet, due_s) for packet in direction.due(due_s)]
        if number < count:
            direction.take(number, PACKET_BYTES, now_s)
    return arrived, direction.counts


def test_a_packet_takes_its_own_time_and_the_links():
    arrived, _ = arrivals(CLEAN, 3)
    assert [at_s for _, at_s in arrived] == pytest.approx([0.051, 0.053, 0.055])


def test_packets_wait_at_the_rate_and_those_that_would_wait_too_long_are_dropped():
    quality = attrs.evolve(CLEAN, queue_s=0.1)
    arrived, counts = arrivals(quality, 1000, every_s=0.0005)  # twice the rate
    assert len(arrived) + counts.overflowed_packets == 1000
    assert 0.09 < counts.longest_queue_s < 0.11
    gaps = [later[1] - sooner[1] for sooner, later in itertools.pairwise(arrived)]
    assert max(gaps) == pytest.approx(0.001)


def test_a_queue_may_be_given_in_bytes():
    quality = attrs.evolve(CLEAN, queue_bytes=5 * PACKET_BYTES)
    _, counts = arrivals(quality, 100, every_s=0.0)
    assert counts.overflowed_packets == 100 - 6  # one is being sent
    assert counts.longest_queue_s == pytest.approx(0.005)


@pytest.mark.parametrize("burst", [1.0, 5.0])
def test_losses_come_in_the_share_and_the_bursts_that_were_asked_for(burst):
    quality = attrs.evolve(CLEAN, loss=0.05, loss_burst_packets=burst)
    arrived, counts = arrivals(quality, 20_000)
    assert counts.lost_packets == pytest.approx(1000, rel=0.3)
    there = {packet for packet, _ in arrived}
    runs = [
        len(list(group))
        for is_there, group in itertools.groupby(range(20_000), there.__contains__)
        if not is_there
    ]
    assert sum(runs) / len(runs) == pytest.approx(burst, rel=0.25)


def test_jitter_keeps_the_order_and_reordering_does_not():
    in_order, _ = arrivals(attrs.evolve(CLEAN, jitter_s=0.05), 500)
    assert [packet for packet, _ in in_order] == list(range(500))
    waits = [at_s - packet * 0.002 for packet, at_s in in_order]
    assert min(waits) < 0.06 < 0.09 < max(waits) < 0.102
    mixed, counts = arrivals(attrs.evolve(CLEAN, reordering=0.1, reordering_s=0.02), 500)
    assert sorted(packet for packet, _ in mixed) == list(range(500))
    assert [packet for packet, _ in mixed] != list(range(500))
    assert counts.reordered_packets == pytest.approx(50, rel=0.4)


def test_duplicated_packets_arrive_twice_and_too_large_ones_never():
    twice, counts = arrivals(attrs.evolve(CLEAN, duplication=0.2), 500)
    assert len(twice) == 500 + counts.duplicated_packets > 550
    never, counts = arrivals(attrs.evolve(CLEAN, largest_packet_bytes=PACKET_BYTES - 1), 500)
    assert never == []
    assert counts.too_large_packets == 500


def test_nothing_gets_through_a_cut_and_all_does_behind_it():
    link: TwoWayLink[int] = TwoWayLink.of(CLEAN, 1)
    link.follow([LinkChange(after_s=1.0, cut_s=2.0, cut_ways=(Way.TO_CLIENT,))], 0.0)
    seen: dict[Way, list[int]] = {way: [] for way in Way}
    for tenth in range(50):
        now_s = tenth / 10
        link.advance(now_s)
        for way, direction in link.ways.items():
            seen[way] += direction.due(now_s)
            direction.take(tenth, PACKET_BYTES, now_s)
    assert seen[Way.TO_CLIENT] == [*range(10), *range(30, 49)]
    assert seen[Way.TO_SERVER] == list(range(49))
    assert link.counts()["to_client"]["cut_packets"] == 20


def test_a_script_changes_the_link_at_its_times():
    link: TwoWayLink[int] = TwoWayLink.of(CLEAN, 1)
    slow = attrs.evolve(CLEAN, bytes_per_s=1e5)
    link.follow(
        [
            LinkChange(after_s=2.0, rebinding=Rebinding(port_shift=9)),
            LinkChange(after_s=1.0, to_client=slow),
        ],
        10.0,
    )
    assert link.next_due_s() == 11.0
    link.advance(11.0)
    assert (link.ways[Way.TO_CLIENT].quality, link.ways[Way.TO_SERVER].quality) == (slow, CLEAN)
    assert link.rebindings == 0
    link.advance(12.0)
    assert link.rebinding.port_shift == 9
    assert link.next_due_s() is None


def test_counts_are_told_by_protocol_and_begin_anew():
    link: TwoWayLink[int] = TwoWayLink.of(CLEAN, 1)
    for protocol in ("tcp", "udp", "udp", ""):
        link.ways[Way.TO_SERVER].take(0, PACKET_BYTES, 0.0, protocol)
    list(link.ways[Way.TO_SERVER].due(1.0))
    counts = link.counts()["to_server"]
    assert (counts["tcp_bytes"], counts["udp_bytes"], counts["passed_bytes"]) == (1000, 2000, 4000)
    link.reset_counts()
    assert link.counts()["to_server"]["passed_bytes"] == 0


@given(
    loss=st.floats(0, 0.3),
    burst=st.floats(1, 8),
    reordering=st.floats(0, 0.3),
    duplication=st.floats(0, 0.3),
    jitter_s=st.floats(0, 0.1),
    queue_s=st.floats(0.001, 0.1),
    seed=st.integers(0, 2**16),
)
def test_every_packet_is_accounted_for_and_a_seed_repeats_itself(
    loss, burst, reordering, duplication, jitter_s, queue_s, seed
):
    quality = LinkQuality(
        bytes_per_s=4e5,
        loss=loss,
        loss_burst_packets=burst,
        reordering=reordering,
        duplication=duplication,
        jitter_s=jitter_s,
        queue_s=queue_s,
    )
    arrived, counts = arrivals(quality, 200, seed=seed)
    gone = counts.lost_packets + counts.overflowed_packets
    assert len({packet for packet, _ in arrived}) == 200 - gone == counts.passed_packets
    assert len(arrived) == counts.passed_packets + counts.duplicated_packets
    assert arrivals(quality, 200, seed=seed) == (arrived, counts)


def test_a_wandering_rate_stays_within_its_bounds():
    script = wandering_rate(CLEAN, 3, seconds=60, every_s=0.5, times=4)
    rates = [change.to_client.bytes_per_s for change in script if change.to_client is not None]
    assert len(rates) == 120
    assert 2.5e5 <= min(rates) < 5e5 < 2e6 < max(rates) <= 4e6
    assert script == wandering_rate(CLEAN, 3, seconds=60, every_s=0.5, times=4)
