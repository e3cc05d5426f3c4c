"""The congestion control of WebTransport on bad links, in made time: real QUIC connections at both
ends, no sockets, the same packets in every run."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import attrs
import pytest
from aioquic.quic.connection import QuicConnection
from kasmcore_webtransport.quic import ServerQuic, quic_configuration

from tests.links.model import LinkChange, LinkQuality, Rebinding
from tests.links.quic import EVERYTHING, Demand, QuicFlow, add_flow, identified
from tests.links.simulation import Simulation

MBIT = 1e6 / 8
PACKET_BYTES = 1200
HOME = LinkQuality(bytes_per_s=20 * MBIT, delay_s=0.02, queue_s=0.3)
FAR = LinkQuality(bytes_per_s=20 * MBIT, delay_s=0.04, queue_s=0.3)


def kasmcore(original_id: bytes) -> QuicConnection:
    return ServerQuic(identified(quic_configuration(PACKET_BYTES)), original_id, None)


def video(mbit_per_s: float, from_s: float = 1.0) -> Demand:
    """Frames at 30 Hz, each on a stream of its own."""
    return Demand(frames_per_s=30, frame_bytes=int(mbit_per_s * MBIT / 30), from_s=from_s)


def joined(
    quality: LinkQuality, demand: Demand = EVERYTHING, script: Sequence[LinkChange] = ()
) -> tuple[Simulation, QuicFlow]:
    simulation = Simulation(quality)
    simulation.link.follow(script, 0.0)
    return simulation, add_flow(simulation, demand, kasmcore)


def queue_s(simulation: Simulation, seconds: float, percent: float = 95) -> float:
    """Let time pass; tell what 95 % of the packets to the client waited at most."""
    simulation.link.reset_counts()
    simulation.run(seconds)
    return simulation.link.counts()["to_client"][f"queue_p{percent:g}_s"]


@pytest.mark.parametrize("delay_s", [0.02, 0.04])
def test_a_slow_link_with_a_large_buffer_is_used_in_full_without_filling_it(delay_s):
    quality = LinkQuality(bytes_per_s=5 * MBIT, delay_s=delay_s, queue_s=1.0)
    simulation, flow = joined(quality)
    simulation.run(2)
    assert queue_s(simulation, 8) < 0.1
    assert flow.mbit_per_s(2, 10) > 4.2


@pytest.mark.parametrize("loss", [0.01, 0.02, 0.05])
def test_losses_by_chance_do_not_lower_the_rate(loss):
    simulation, flow = joined(attrs.evolve(FAR, loss=loss), video(8))
    simulation.run(8)
    assert flow.mbit_per_s(2, 7) == pytest.approx(8, rel=0.06)
    assert statistics.median(flow.latencies_s(2, 7)) < 0.2


def test_losses_in_bursts_do_not_lower_the_rate():
    simulation, flow = joined(attrs.evolve(FAR, loss=0.02, loss_burst_packets=6), video(8))
    simulation.run(8)
    assert flow.mbit_per_s(2, 7) == pytest.approx(8, rel=0.06)


def test_a_drop_of_the_rate_is_met_within_a_second_or_so_and_a_rise_is_used_within_three():
    quality = attrs.evolve(HOME, queue_s=1.0)
    slow = attrs.evolve(quality, bytes_per_s=2 * MBIT)
    script = [LinkChange.both_ways(slow, 3.0), LinkChange.both_ways(quality, 7.0)]
    simulation, flow = joined(quality, script=script)
    simulation.run(4.2)
    # What was under way at the old rate, 0.1 MB, takes 0.4 s of it.
    assert queue_s(simulation, 2.8) < 0.1
    assert flow.mbit_per_s(4.2, 7) > 1.6
    simulation.run(3)
    assert flow.mbit_per_s(9.5, 10) > 15


@pytest.mark.parametrize("way_s", [0.01, 0.02, 0.05])
@pytest.mark.parametrize("cut_s", [1.0, 2.0, 4.0])
def test_data_flows_again_at_once_when_a_link_comes_back(way_s, cut_s):
    quality = attrs.evolve(HOME, delay_s=way_s)
    demand = attrs.evolve(video(4), most_waiting_bytes=60_000)
    simulation, flow = joined(quality, demand, [LinkChange(after_s=3, cut_s=cut_s)])
    back_s = 3 + cut_s
    simulation.run(back_s + 2)
    first_s = min(at_s for at_s, _ in flow.client.arrived if at_s > back_s)
    assert first_s - back_s < 0.4 + 4 * way_s
    fresh = [
        flow.client.complete_at_s.get(stream, float("inf")) - back_s
        for stream, sent_s in flow.server.sent_at_s.items()
        if sent_s > back_s
    ]
    assert min(fresh) < 0.8
    assert flow.mbit_per_s(back_s + 1, back_s + 2) > 3.6


def test_two_viewers_share_a_link():
    quality = attrs.evolve(HOME, bytes_per_s=10 * MBIT)
    simulation, first = joined(quality)
    second = add_flow(simulation, attrs.evolve(EVERYTHING, from_s=3.0), kasmcore)
    simulation.run(6)
    assert queue_s(simulation, 5) < 0.1
    shares = sorted(flow.mbit_per_s(6, 11) for flow in (first, second))
    assert sum(shares) > 8.5
    assert shares[0] > 0.3 * sum(shares)


def test_a_connection_goes_on_from_another_address():
    change = LinkChange(after_s=3, rebinding=Rebinding(address="198.18.0.77", port_shift=5))
    demand = attrs.evolve(video(6), most_waiting_bytes=60_000)
    simulation, flow = joined(HOME, demand, [change])
    simulation.run(6)
    assert flow.mbit_per_s(4, 6) > 5.4
    arrivals = [at_s for at_s, _ in flow.client.arrived if at_s > 3]
    assert arrivals[0] - 3 < 0.3
    assert not flow.server.is_over


def test_jitter_is_not_taken_for_a_queue_of_ones_own():
    quality = attrs.evolve(FAR, jitter_s=0.03, reordering=0.02)
    simulation, flow = joined(quality, video(6))
    simulation.run(8)
    assert flow.mbit_per_s(2, 7) > 5.4
