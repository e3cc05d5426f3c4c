"""Watch a video while typing, over each transport and each bad link, and say how it was.

    python -m tests.bench.transports                                    # everything
    python -m tests.bench.transports --transport webtransport --link lossy-2 --seconds 20
    python -m tests.bench.transports --json results.json --plot docs/maintainers/transports.svg

A real server at one end of a link between two network namespaces offers one transport at a time to
a real headless Chromium at the other end; needs root and ``/dev/net/tun``. A window of 640x360 in a
screen of 1280x720 plays at 30 Hz; every frame holds its number, which the page reads from its
canvas. Keys are pressed meanwhile and answered by a program on the display. Bytes and packets are
counted by the link, with all their headers, by protocol: a harness that counts the bytes of TCP
connections sees nothing of the transports over UDP.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import attrs

from kasmcore.testing.bench.processes import process_tree
from kasmcore.testing.bench.results import as_json_values, as_table, column, machine
from tests.bench.plot import bars
from tests.bench.sightings import Watched
from tests.impaired_browser import ProbedPage, browser_at, scene_on, server_at
from tests.impaired_link import ImpairedLink, LinkChange, LinkQuality, impaired_link
from tests.links.model import Rebinding, wandering_rate
from tests.live_server import launcher

MBIT = 1e6 / 8
TRANSPORTS = ("websocket", "webtransport", "webrtc")
WARM_UP_S = 3.0
KEY_EVERY_S = 0.2
CUT_S = 2.0
_TAIL_S = 1.0
_LONGEST_BAR_MS = 1500.0


@attrs.frozen(kw_only=True)
class Link:
    """A link, and what happens to it in the middle of the time."""

    quality: LinkQuality
    is_cut: bool = False
    rebinding: Rebinding | None = None
    wanders: bool = False

    def script(self, seconds: float) -> tuple[LinkChange, ...]:
        """What happens, counted from the beginning."""
        if self.wanders:
            return tuple(wandering_rate(self.quality, 5, seconds=seconds, every_s=0.5, times=4))
        if self.is_cut:
            return (LinkChange(after_s=seconds / 2, cut_s=CUT_S),)
        if self.rebinding is not None:
            return (LinkChange(after_s=seconds / 2, rebinding=self.rebinding),)
        return ()

    def event_s(self, seconds: float) -> float | None:
        """Since when the link is to be used again, counted from the beginning."""
        if self.is_cut:
            return seconds / 2 + CUT_S
        return seconds / 2 if self.rebinding is not None else None


_HOME = LinkQuality(bytes_per_s=20 * MBIT, delay_s=0.02, queue_s=0.2)
_FAR = LinkQuality(bytes_per_s=20 * MBIT, delay_s=0.04, queue_s=0.2)
LINKS: Mapping[str, Link] = {
    "near": Link(quality=LinkQuality()),
    "lossy-2": Link(quality=attrs.evolve(_FAR, loss=0.02)),
    "lossy-5": Link(quality=attrs.evolve(_FAR, loss=0.05)),
    "bursts": Link(quality=attrs.evolve(_FAR, loss=0.02, loss_burst_packets=8, jitter_s=0.02)),
    "buffer": Link(quality=LinkQuality(bytes_per_s=5 * MBIT, delay_s=0.02, queue_s=1.0)),
    "mobile": Link(
        quality=LinkQuality(
            bytes_per_s=8 * MBIT, delay_s=0.03, jitter_s=0.02, loss=0.002, queue_s=0.5
        ),
        wanders=True,
    ),
    "outage": Link(quality=_HOME, is_cut=True),
    "address": Link(quality=_HOME, rebinding=Rebinding(address="198.18.0.77", port_shift=1234)),
}
TITLES = {
    "near": "no impairment",
    "lossy-2": "80 ms, 2 % loss",
    "lossy-5": "80 ms, 5 % loss",
    "bursts": "80 ms, bursts of loss",
    "buffer": "5 Mbit/s, 1 s of buffer",
    "mobile": "2-20 Mbit/s, wandering",
    "outage": "2 s outage",
    "address": "address change",
}


@attrs.frozen(kw_only=True)
class TransportResult:
    """How one transport was to work with on one link."""

    link: str = column("link")
    transport: str = column("transport")
    delay_p50_ms: float | None = column("p50 ms", ".0f")
    delay_p95_ms: float | None = column("p95 ms", ".0f")
    key_p50_ms: float | None = column("key p50 ms", ".0f")
    key_p95_ms: float | None = column("key p95 ms", ".0f")
    frames_per_s: float = column("frames/s", ".1f")
    longest_gap_ms: float = column("longest gap ms", ".0f")
    current_after_ms: float | None = column("current after ms", ".0f")
    queue_p95_ms: float = column("queue p95 ms", ".0f")
    longest_queue_ms: float = column("longest queue ms", ".0f")
    tcp_mbit_per_s: float = column("TCP Mbit/s", ".2f")
    udp_mbit_per_s: float = column("UDP Mbit/s", ".2f")
    up_mbit_per_s: float = column("up Mbit/s", ".2f")
    lost_packets: int = column("lost")
    cpu_ms_per_frame: float = column("CPU ms/frame", ".1f")


def measure(name: str, transport: str, seconds: float, settings: Sequence[str]) -> TransportResult:
    """Watch and type over one transport and one link."""
    with (
        tempfile.TemporaryDirectory() as directory,
        impaired_link(LINKS[name].quality) as link,
        launcher(Path(directory)) as runs,
    ):
        server = server_at(link, runs, transport, *settings)
        with browser_at(link) as browser, scene_on(server, link) as scene:
            page = ProbedPage.open(browser, server.url)
            scene.play()
            time.sleep(WARM_UP_S)
            link.counts(reset=True)
            cpu_s = _cpu_s(server.process.pid)
            began_s = time.monotonic()
            _type(page, link, LINKS[name].script(seconds), seconds)
            until_s, counts = time.monotonic(), link.counts()
            cpu_s = _cpu_s(server.process.pid) - cpu_s
            time.sleep(_TAIL_S)
            seen, drawn = page.seen(), scene.end()
        watched = Watched.between(began_s, until_s, drawn, seen)
        return _result(name, transport, watched, counts, cpu_s, seconds)


def _type(
    page: ProbedPage, link: ImpairedLink, script: Sequence[LinkChange], seconds: float
) -> None:
    end_s = time.monotonic() + seconds
    link.follow(*script)
    while time.monotonic() < end_s:
        page.press_key()
        time.sleep(KEY_EVERY_S)


def _cpu_s(pid: int) -> float:
    """Of the server and the process of its WebRTC library, without its X server."""
    return sum(process.cpu_s for process in process_tree(pid) if not process.is_x_server)


def _result(
    name: str,
    transport: str,
    watched: Watched,
    counts: Mapping[str, Mapping[str, float]],
    cpu_s: float,
    seconds: float,
) -> TransportResult:
    down, up = counts["to_client"], counts["to_server"]
    took_s = watched.until_s - watched.from_s
    event_s = LINKS[name].event_s(seconds)
    current_s = None if event_s is None else watched.current_after_s(watched.from_s + event_s)
    return TransportResult(
        link=name,
        transport=transport,
        delay_p50_ms=_ms(watched.delay_s(50)),
        delay_p95_ms=_ms(watched.delay_s(95)),
        key_p50_ms=_ms(watched.key_s(50)),
        key_p95_ms=_ms(watched.key_s(95)),
        frames_per_s=watched.frames_per_s,
        longest_gap_ms=watched.longest_gap_s * 1000,
        current_after_ms=_ms(current_s),
        queue_p95_ms=down["queue_p95_s"] * 1000,
        longest_queue_ms=down["longest_queue_s"] * 1000,
        tcp_mbit_per_s=down["tcp_bytes"] / took_s / MBIT,
        udp_mbit_per_s=down["udp_bytes"] / took_s / MBIT,
        up_mbit_per_s=up["passed_bytes"] / took_s / MBIT,
        lost_packets=int(down["lost_packets"] + down["overflowed_packets"]),
        cpu_ms_per_frame=cpu_s * 1000 / max(1, len(watched.video)),
    )


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1000


def plot(results: Sequence[TransportResult]) -> str:
    """Delays of all links and transports."""
    groups: dict[str, dict[str, tuple[float, float] | None]] = {}
    for result in results:
        pair = (
            None
            if result.delay_p50_ms is None or result.delay_p95_ms is None
            else (result.delay_p50_ms, result.delay_p95_ms)
        )
        groups.setdefault(TITLES[result.link], {})[result.transport] = pair
    title = "From drawn to seen in a video while typing, median and 95 %"
    return bars(title, "ms", groups, _LONGEST_BAR_MS)


def main() -> int:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--link", choices=tuple(LINKS), action="append")
    parser.add_argument("--transport", choices=TRANSPORTS, action="append")
    parser.add_argument("--set", dest="settings", action="append", default=[])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path, help="an SVG file")
    arguments = parser.parse_args()
    results: list[TransportResult] = []
    faults: list[str] = []
    for name in arguments.link or LINKS:
        for transport in arguments.transport or TRANSPORTS:
            try:
                result = measure(name, transport, arguments.seconds, arguments.settings)
            except AssertionError as fault:  # the others are worth as much without this one
                faults.append(f"{transport} on {name}: {fault}")
                print(faults[-1], flush=True)
            else:
                results.append(result)
                print(as_table([result]), flush=True)
    print("\n".join(["", as_table(results), *faults]))
    if arguments.json is not None:
        content = {
            "machine": machine(),
            "transports": as_json_values(results),
            "faults": faults,
        }
        arguments.json.write_text(json.dumps(content, indent=2) + "\n")
    if arguments.plot is not None:
        arguments.plot.write_text(plot(results))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
