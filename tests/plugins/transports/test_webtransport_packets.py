"""How packets are made: how large, in which order, and that those we build arrive."""

from __future__ import annotations

import attrs
import pytest
from kasmcore_webtransport.packet_size import PacketSize

from tests.links.model import LinkQuality
from tests.links.quic import Demand, add_flow
from tests.links.simulation import Simulation
from tests.plugins.transports.test_webtransport_on_links import MBIT, kasmcore

SLOW = LinkQuality(bytes_per_s=8 * MBIT, delay_s=0.02, queue_s=0.5)


def test_older_frames_come_before_newer_ones():
    simulation = Simulation(SLOW)
    burst = Demand(frames_per_s=1000, frame_bytes=30_000, from_s=1.0, until_s=1.0045)
    flow = add_flow(simulation, burst, kasmcore)
    simulation.run(3)
    done = flow.client.complete_at_s
    assert len(done) == 5
    in_order = [done[stream] for stream in sorted(done)]
    assert in_order == sorted(in_order)
    passing_s = 30_000 / (8 * MBIT)
    assert in_order[1] - in_order[0] > 0.7 * passing_s


@pytest.mark.parametrize("frame_bytes", [1, 1100, 1150, 1200, 2500, 30_000, 70_001])
def test_frames_of_any_size_arrive_whole_over_a_link_that_loses_packets(frame_bytes):
    simulation = Simulation(attrs.evolve(SLOW, loss=0.05))
    demand = Demand(frames_per_s=10, frame_bytes=frame_bytes, until_s=2.0)
    flow = add_flow(simulation, demand, kasmcore)
    simulation.run(4)
    assert set(flow.client.complete_at_s) == set(flow.server.sent_at_s)


def test_packets_grow_where_the_way_takes_larger_ones():
    simulation = Simulation(SLOW)
    flow = add_flow(simulation, Demand(frames_per_s=10, frame_bytes=30_000), kasmcore)
    simulation.run(4)
    assert flow.server.connection.control.packet_bytes == 1452


def test_a_size_that_fails_twice_is_given_up_for_a_smaller_one():
    size = PacketSize(1200)
    size.begin(0.0)
    assert size.to_try(0.5) is None
    assert size.to_try(1.0) == 1452
    assert size.to_try(1.0) is None
    size.tried(1452, 1.1, has_arrived=False)
    assert size.to_try(2.2) == 1452
    size.tried(1452, 2.3, has_arrived=False)
    assert size.to_try(3.4) == 1372
    size.tried(1372, 3.5, has_arrived=True)
    assert size.now_bytes == 1372
    assert size.to_try(1000.0) is None


def test_a_way_that_falls_silent_gets_small_packets_again():
    size = PacketSize(1200)
    size.begin(0.0)
    size.to_try(1.0)
    size.tried(1452, 1.1, has_arrived=True)
    size.went_silent(50.0)
    assert size.now_bytes == 1200
    assert size.to_try(51.0) is None
    assert size.to_try(60.0) == 1452
