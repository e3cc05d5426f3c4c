"""The simulation shows what is known of congestion controls, and repeats itself."""

from __future__ import annotations

import attrs
import pytest
import trio
from trio.testing import MockClock

from tests.links.model import LinkChange, LinkQuality
from tests.links.quic import EVERYTHING, QuicFlow, add_flow, by_name
from tests.links.simulation import Simulation

MBIT = 1e6 / 8
SLOW = LinkQuality(bytes_per_s=5 * MBIT, delay_s=0.02, queue_s=0.25)


def joined(quality: LinkQuality, congestion_control: str) -> tuple[Simulation, QuicFlow]:
    simulation = Simulation(quality)
    return simulation, add_flow(simulation, EVERYTHING, by_name(congestion_control))


def test_a_control_that_waits_for_losses_fills_a_large_buffer():
    simulation, flow = joined(SLOW, "cubic")
    simulation.run(8)
    assert simulation.link.counts()["to_client"]["longest_queue_s"] > 0.2
    assert flow.mbit_per_s(2, 8) > 4.4


def test_a_control_that_waits_for_losses_collapses_by_losses_of_chance():
    simulation, flow = joined(attrs.evolve(SLOW, bytes_per_s=20 * MBIT, loss=0.02), "reno")
    simulation.run(6)
    assert flow.mbit_per_s(2, 6) < 4


def test_a_run_repeats_itself_to_the_last_packet():
    quality = attrs.evolve(SLOW, loss=0.02, jitter_s=0.01, reordering=0.02)
    arrivals = []
    for _ in range(2):
        simulation, flow = joined(quality, "cubic")
        simulation.link.follow([LinkChange(after_s=2, cut_s=0.5)], 0.0)
        simulation.run(4)
        arrivals.append(flow.client.arrived)
    assert len(arrivals[0]) > 200
    assert arrivals[0] == arrivals[1]


async def test_it_runs_by_a_mocked_clock_as_well(autojump_clock: MockClock):
    simulation, flow = joined(SLOW, "cubic")
    began_s = trio.current_time()
    await simulation.play(2)
    assert trio.current_time() - began_s == pytest.approx(2)
    again, other = joined(SLOW, "cubic")
    again.run(2)
    assert flow.client.arrived == other.client.arrived != []
