"""The congestion control of webtransport on simulated paths."""

from __future__ import annotations

import pytest

from tests.plugins.transports.simulated_path import Path, Sender, Simulation

_MBIT = 125_000


@pytest.mark.parametrize(
    ("mbit", "round_trip_s"), [(1, 0.3), (5, 0.04), (5, 0.08), (20, 0.08), (50, 0.002)]
)
def test_a_path_is_used_in_full_without_filling_its_buffer(mbit, round_trip_s):
    path = Path(bytes_per_s=mbit * _MBIT, round_trip_s=round_trip_s, buffer_s=1.0)
    sender = Sender()
    simulation = Simulation(path, [sender])
    simulation.run_until(2)
    assert simulation.rate(sender, 6) > 0.93 * path.bytes_per_s
    assert simulation.longest_queue_s(since_s=2.5) < 0.1


@pytest.mark.parametrize("loss", [0.01, 0.02, 0.05])
def test_random_loss_costs_no_more_than_what_is_lost(loss):
    path = Path(bytes_per_s=20 * _MBIT, round_trip_s=0.08, loss=loss)
    sender = Sender()
    simulation = Simulation(path, [sender])
    simulation.run_until(2)
    assert simulation.rate(sender, 5) > 0.9 * path.bytes_per_s


def test_a_short_buffer_is_not_overrun_for_long():
    path = Path(bytes_per_s=20 * _MBIT, round_trip_s=0.08, buffer_s=0.02)
    sender = Sender()
    simulation = Simulation(path, [sender])
    simulation.run_until(3)
    sent = sender.sent_bytes
    delivered = simulation.rate(sender, 5)
    assert delivered > 0.9 * path.bytes_per_s
    assert (sender.sent_bytes - sent) / 5 < 1.15 * delivered


@pytest.mark.parametrize("at_s", [5.0, 5.4])  # later: while the queue is emptied on purpose
def test_the_queue_of_a_link_that_became_slower_is_gone_after_two_seconds(at_s):
    path = Path(bytes_per_s=20 * _MBIT, round_trip_s=0.04)
    sender = Sender()
    simulation = Simulation(path, [sender])
    simulation.run_until(at_s)
    path.bytes_per_s = 2 * _MBIT
    simulation.run_until(at_s + 2)
    assert simulation.rate(sender, 2) > 0.9 * path.bytes_per_s
    assert simulation.longest_queue_s(since_s=at_s + 2) < 0.1


def test_a_link_that_became_faster_is_used_within_two_seconds():
    path = Path(bytes_per_s=2 * _MBIT, round_trip_s=0.04)
    sender = Sender()
    simulation = Simulation(path, [sender])
    simulation.run_until(5)
    path.bytes_per_s = 20 * _MBIT
    simulation.run_until(7)
    assert simulation.rate(sender, 1) > 0.85 * path.bytes_per_s


def test_after_an_interruption_the_rate_is_what_it_was():
    path = Path(bytes_per_s=10 * _MBIT, round_trip_s=0.08)
    sender = Sender()
    simulation = Simulation(path, [sender])
    simulation.run_until(4)
    path.is_cut = True
    simulation.run_until(6)
    path.is_cut = False
    simulation.run_until(7)
    assert simulation.rate(sender, 1) > 0.85 * path.bytes_per_s


def test_two_senders_share_a_link():
    path = Path(bytes_per_s=10 * _MBIT, round_trip_s=0.04)
    first, second = Sender(), Sender()
    simulation = Simulation(path, [first, second])
    simulation.run_until(20)
    shares = sorted(each.delivered_bytes / 20 / path.bytes_per_s for each in (first, second))
    assert shares[0] > 0.3
    assert sum(shares) > 0.9


def test_a_sender_with_little_to_send_keeps_what_is_known_of_the_path():
    path = Path(bytes_per_s=10 * _MBIT, round_trip_s=0.04)
    sender = Sender()
    simulation = Simulation(path, [sender])
    simulation.run_until(3)
    known = sender.control.delivered_bytes_per_s
    begun = sender.sent_bytes
    sender.demand = lambda now_s: begun + (now_s - 3) * 0.05 * path.bytes_per_s
    simulation.run_until(20)
    assert known is not None
    assert sender.control.delivered_bytes_per_s == pytest.approx(known, rel=0.2)
    sender.demand = None
    assert simulation.rate(sender, 0.5) > 0.8 * path.bytes_per_s


def test_a_change_of_the_path_is_learnt_anew():
    path = Path(bytes_per_s=10 * _MBIT, round_trip_s=0.01)
    sender = Sender()
    simulation = Simulation(path, [sender])
    simulation.run_until(3)
    path.round_trip_s = 0.2
    sender.control.path_changed(simulation.now_s)
    simulation.run_until(6)
    assert simulation.rate(sender, 2) > 0.9 * path.bytes_per_s


def test_a_longer_way_that_nobody_announced_is_found():
    path = Path(bytes_per_s=10 * _MBIT, round_trip_s=0.01)
    sender = Sender()
    simulation = Simulation(path, [sender])
    simulation.run_until(3)
    path.round_trip_s = 0.2
    simulation.run_until(7)
    assert simulation.rate(sender, 2) > 0.85 * path.bytes_per_s


def test_the_first_packets_of_a_pause_leave_at_once():
    control = Sender().control
    for number in range(10):
        assert control.may_send_at(0.0) is None
        control.sent(number, 1200, 0.0)
    assert control.may_send_at(0.0) is not None
