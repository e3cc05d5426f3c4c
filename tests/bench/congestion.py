"""Send by our congestion control and by aioquic's own over bad links in made time.

    python -m tests.bench.congestion

Real QUIC connections at both ends, no sockets and no clock: the figures are the same on every
machine. A demand of 8 Mbit/s comes as 30 frames a second, each on a stream of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs
from kasmcore_webtransport.quic import ServerQuic, quic_configuration

from kasmcore.stats.timeline import percentile
from kasmcore.testing.bench.results import as_table, column
from tests.links.model import LinkChange, LinkQuality
from tests.links.quic import EVERYTHING, Accept, Demand, add_flow, by_name, identified
from tests.links.simulation import Simulation

MBIT = 1e6 / 8
FROM_S, UNTIL_S, END_S = 2.0, 8.0, 10.0
_FAR = LinkQuality(bytes_per_s=20 * MBIT, delay_s=0.04, queue_s=0.3)
_VIDEO = Demand(
    frames_per_s=30, frame_bytes=int(8 * MBIT / 30), until_s=UNTIL_S, most_waiting_bytes=250_000
)


@attrs.frozen
class Case:
    """A link, what is sent over it, and what happens to it."""

    quality: LinkQuality
    demand: Demand = _VIDEO
    script: Sequence[LinkChange] = ()


CASES: Mapping[str, Case] = {
    "5 Mbit/s, 1 s of buffer, all it takes": Case(
        LinkQuality(bytes_per_s=5 * MBIT, delay_s=0.02, queue_s=1.0), EVERYTHING
    ),
    "80 ms, 1 % loss": Case(attrs.evolve(_FAR, loss=0.01)),
    "80 ms, 5 % loss": Case(attrs.evolve(_FAR, loss=0.05)),
    "80 ms, 2 % in bursts of 6": Case(attrs.evolve(_FAR, loss=0.02, loss_burst_packets=6)),
    "80 ms, 30 ms jitter": Case(attrs.evolve(_FAR, jitter_s=0.03)),
    "80 ms, 2 s outage": Case(_FAR, script=[LinkChange(after_s=4, cut_s=2)]),
}


def kasmcore(original_id: bytes) -> ServerQuic:
    """The connection of the WebTransport plugin."""
    return ServerQuic(identified(quic_configuration(1200)), original_id, None)


CONTROLS: Mapping[str, Accept] = {
    "kasmcore": kasmcore,
    "cubic": by_name("cubic"),
    "reno": by_name("reno"),
}


@attrs.frozen(kw_only=True)
class ControlResult:
    """How one control did on one link."""

    link: str = column("link")
    control: str = column("control")
    mbit_per_s: float = column("Mbit/s", ".1f")
    frame_p50_ms: float = column("frame p50 ms", ".0f")
    frame_p95_ms: float = column("frame p95 ms", ".0f")
    left_out: int = column("frames left out")
    queue_p95_ms: float = column("queue p95 ms", ".0f")


def measure(name: str, control: str) -> ControlResult:
    """Send over one link."""
    case = CASES[name]
    simulation = Simulation(case.quality)
    simulation.link.follow(case.script, 0.0)
    flow = add_flow(simulation, case.demand, CONTROLS[control])
    simulation.run(FROM_S)
    simulation.link.reset_counts()
    simulation.run(UNTIL_S - FROM_S)
    counts = simulation.link.counts()["to_client"]
    simulation.run(END_S - UNTIL_S)
    frames_s = flow.latencies_s(FROM_S, UNTIL_S - 1)
    return ControlResult(
        link=name,
        control=control,
        mbit_per_s=flow.mbit_per_s(FROM_S, UNTIL_S),
        frame_p50_ms=percentile(frames_s, 50) * 1000,
        frame_p95_ms=percentile(frames_s, 95) * 1000,
        left_out=flow.server.left_out,
        queue_p95_ms=counts["queue_p95_s"] * 1000,
    )


def main() -> None:
    """Measure everything."""
    print(as_table([measure(name, control) for name in CASES for control in CONTROLS]))


if __name__ == "__main__":
    main()
