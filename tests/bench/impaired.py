"""Type over slow, long, lossy links while a picture moves, and say how long it takes.

    python -m tests.bench.impaired                      # all links, bbr
    python -m tests.bench.impaired --seconds 30 --only lossy --json results.json
    python -m tests.bench.impaired --set network.tcp_congestion_control=cubic

Runs a real server at one end of a link between two network namespaces, and the Python viewer at
the other; needs root and ``/dev/net/tun``. The picture is 1280x720 with a photograph that moves at
30 Hz in a third of it; a key changes the colour of a square, and is timed from the press until
every pixel of the square is right. ``change`` starts at 20 Mbit/s, drops to 2 and rises again.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import attrs
import trio

from kasmcore.stats.timeline import percentile
from kasmcore.testing.bench.results import as_json_values, as_table, column, machine
from tests.impaired_desk import ImpairedDesk, impaired_desk
from tests.impaired_link import LinkQuality, impaired_link
from tests.live_server import launcher

MBIT = 1e6 / 8
LINKS = {
    "clean": LinkQuality(bytes_per_s=5 * MBIT, delay_s=0.04),
    "lossy": LinkQuality(bytes_per_s=5 * MBIT, delay_s=0.04, loss=0.01),
    "slow": LinkQuality(bytes_per_s=2 * MBIT, delay_s=0.02),
    "far": LinkQuality(bytes_per_s=20 * MBIT, delay_s=0.1, loss=0.001),
    "change": LinkQuality(bytes_per_s=20 * MBIT, delay_s=0.02),
}
WARM_UP_S = 3.0
KEY_EVERY_S = 0.15


@attrs.frozen(kw_only=True)
class LinkResult:
    """How one link was to work on."""

    link: str = column("link")
    typing_p50_ms: float = column("key p50 ms", ".0f")
    typing_p95_ms: float = column("key p95 ms", ".0f")
    keys: int = column("keys")
    answer_p50_ms: float = column("ping p50 ms", ".0f")
    answer_p95_ms: float = column("ping p95 ms", ".0f")
    frames_per_s: float = column("frames/s", ".1f")
    longest_gap_ms: float = column("longest gap ms", ".0f")
    mbit_per_s: float = column("Mbit/s", ".2f")
    longest_queue_ms: float = column("longest queue ms", ".0f")
    lost_packets: int = column("lost")
    overflowed_packets: int = column("overflowed")


async def measure(name: str, seconds: float, settings: Sequence[str]) -> LinkResult:
    """Type and ping over one link."""
    with (
        tempfile.TemporaryDirectory() as directory,
        impaired_link(LINKS[name]) as link,
        launcher(Path(directory)) as runs,
    ):
        async with impaired_desk(runs, link, *settings) as desk:
            await trio.sleep(WARM_UP_S)
            began_s, before = trio.current_time(), link.counts()["to_client"]
            keys_s, answers_s = await _use(desk, name, seconds)
            now_s, after = trio.current_time(), link.counts()["to_client"]
            passed = after["passed_bytes"] - before["passed_bytes"]
            return LinkResult(
                link=name,
                typing_p50_ms=percentile(keys_s, 50) * 1000,
                typing_p95_ms=percentile(keys_s, 95) * 1000,
                keys=len(keys_s),
                answer_p50_ms=percentile(answers_s, 50) * 1000,
                answer_p95_ms=percentile(answers_s, 95) * 1000,
                frames_per_s=desk.frames_between(began_s, now_s) / (now_s - began_s),
                longest_gap_ms=desk.longest_gap_s(began_s, now_s) * 1000,
                mbit_per_s=passed / (now_s - began_s) / MBIT,
                longest_queue_ms=after["longest_queue_s"] * 1000,
                lost_packets=int(after["lost_packets"] - before["lost_packets"]),
                overflowed_packets=int(after["overflowed_packets"] - before["overflowed_packets"]),
            )


async def _use(desk: ImpairedDesk, name: str, seconds: float) -> tuple[list[float], list[float]]:
    """Press keys and ask for answers; the link named ``change`` changes meanwhile."""
    keys_s: list[float] = []
    answers_s: list[float] = []
    began_s = trio.current_time()
    while (done := (trio.current_time() - began_s) / seconds) < 1:
        if name == "change":
            rate = 2 * MBIT if 1 / 3 < done < 2 / 3 else 20 * MBIT
            desk.link.change(attrs.evolve(LINKS[name], bytes_per_s=rate))
        keys_s.append(await desk.press_key())
        answers_s.append(await desk.ping())
        await trio.sleep(KEY_EVERY_S)
    return keys_s, answers_s


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--only", choices=tuple(LINKS), action="append")
    parser.add_argument("--set", dest="settings", action="append", default=[])
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    results = [
        trio.run(partial(measure, name, arguments.seconds, arguments.settings))
        for name in arguments.only or LINKS
    ]
    print(as_table(results))
    if arguments.json is not None:
        content = {"machine": machine(), "links": as_json_values(results)}
        arguments.json.write_text(json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    main()
