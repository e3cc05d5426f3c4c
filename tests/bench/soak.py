"""Run a server with many viewers for long; fail when it grows or when its viewers slow down.

    python tests/bench/soak.py stalled --minutes 10    # 20 viewers, 5 of them stop reading
    python tests/bench/soak.py churn --minutes 10      # they join, resize and leave all the time

Prints a line every few seconds. Exit status 1: memory grew, or the healthy viewers got slower.
Viewers do not decode what they get, so that the machine is the server's.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import attrs
import numpy as np
import trio

from kasmcore.errors import KasmcoreError
from kasmcore.testing.bench.player_process import prepared_scene
from kasmcore.testing.bench.processes import process_tree
from kasmcore.testing.bench.scene_costs import server_with_display
from kasmcore.testing.bench.server_process import RunningServer, running_server
from kasmcore.testing.client import Client, connect
from kasmcore.testing.reference_decoders import DECODERS, Decoder
from kasmcore.values.geometry import Size
from kasmcore.values.pixels import BgrxPixels
from kasmcore.values.viewer_events import PointerMoved, ResizeRequested

STALL_S = 60.0
"""A stalled viewer comes back after so long: the server may have given it up."""
REST_S = 1.0
WARM_UP_SHARE = 0.2
LEAST_SHARE_OF_SPEED = 0.7
MOST_STARVED = 0.25
SIZES = (Size(640, 360), Size(800, 600), Size(1024, 768), Size(641, 367))


def no_picture(payload: bytes, width: int, height: int) -> BgrxPixels:
    return np.broadcast_to(np.zeros(4, np.uint8), (height, width, 4))


NO_DECODERS: dict[str, Decoder] = dict.fromkeys(DECODERS, no_picture)


@attrs.frozen
class Sample:
    """How the server did since the sample before."""

    at_s: float
    resident_bytes: int
    cores: float
    viewers_cores: float
    """Of this program: near 1 it is the viewers that cannot keep up."""
    starved: float
    """Share of the time in which the server's main thread could run but got no processor."""
    frames_per_s: tuple[float, ...]
    """Of each healthy viewer that was there all the time."""

    def __str__(self) -> str:
        rates = self.frames_per_s
        seen = f"{min(rates):5.1f} least {statistics.median(rates):5.1f} median" if rates else "-"
        megabytes = self.resident_bytes / 1e6
        cores = f"cores: server {self.cores:4.2f}, viewers {self.viewers_cores:4.2f}"
        starved = f"starved {self.starved:4.0%}"
        return f"{self.at_s:6.0f} s  {megabytes:7.1f} MB  {cores} {starved}  {seen} frames/s"


@attrs.define(eq=False)
class Crowd:
    """All viewers of one soak, and what went wrong with them."""

    url: str
    healthy: list[Client] = attrs.field(factory=list)
    joins: int = 0
    lost: int = 0
    """Healthy viewers whose connection the server ended."""

    async def stay(self) -> None:
        """A healthy viewer: looks on, moves the pointer, comes back if it is cut off."""
        while True:
            try:
                async with connect(self.url, decoders=NO_DECODERS) as client:
                    self.joins += 1
                    self.healthy.append(client)
                    try:
                        await self._use(client)
                    finally:
                        self.healthy.remove(client)
            except KasmcoreError as error:
                self.lost += 1
                print(f"a healthy viewer was cut off: {error}", flush=True)
                await trio.sleep(REST_S)

    async def _use(self, client: Client) -> None:
        while not client.has_ended:
            await client.send(PointerMoved(random.randrange(600), random.randrange(300)))
            await trio.sleep(REST_S)

    async def stall(self, number: int) -> None:
        """A viewer that joins, then stops reading, or reads but never acknowledges; for a while."""
        while True:
            try:
                async with connect(self.url, decoders=NO_DECODERS) as client:
                    self.joins += 1
                    await client.wait_for_picture()
                    if number % 3 == 2:
                        client.acknowledges = False
                    else:
                        client.stop_reading()
                    await trio.sleep(STALL_S)
                    client.resume_reading()
                    await trio.sleep(REST_S)
            except KasmcoreError:  # the server may give it up
                await trio.sleep(REST_S)

    async def come_and_go(self) -> None:
        """A viewer that joins, asks for another size, stalls at times, and leaves."""
        while True:
            try:
                async with connect(self.url, decoders=NO_DECODERS) as client:
                    self.joins += 1
                    await client.wait_for_picture()
                    if random.random() < 0.05:
                        await client.send(ResizeRequested(random.choice(SIZES)))
                    if random.random() < 0.2:
                        client.stop_reading()
                    await trio.sleep(random.uniform(0, 3))
            except KasmcoreError as error:
                self.lost += 1
                print(f"a viewer that came was cut off: {error}", flush=True)
                await trio.sleep(REST_S)


@attrs.frozen
class Reading:
    """Counters of one moment."""

    at_s: float
    cpu_s: float
    viewers_cpu_s: float
    starved_s: float
    resident_bytes: int
    frames: Mapping[Client, int]

    @classmethod
    def of(cls, server: RunningServer, crowd: Crowd) -> Reading:
        own = [process for process in process_tree(server.pid) if process.pid == server.pid]
        if not own:
            raise KasmcoreError("the server ended")
        schedule = Path(f"/proc/{server.pid}/schedstat").read_text().split()
        return cls(
            at_s=time.monotonic(),
            cpu_s=own[0].cpu_s,
            viewers_cpu_s=time.process_time(),
            starved_s=int(schedule[1]) / 1e9,
            resident_bytes=own[0].resident_bytes,
            frames={client: client.counters.frames for client in crowd.healthy},
        )

    def since(self, before: Reading, start_s: float) -> Sample:
        passed_s = self.at_s - before.at_s
        rates = [
            (count - before.frames[client]) / passed_s
            for client, count in self.frames.items()
            if client in before.frames
        ]
        return Sample(
            at_s=self.at_s - start_s,
            resident_bytes=self.resident_bytes,
            cores=(self.cpu_s - before.cpu_s) / passed_s,
            viewers_cores=(self.viewers_cpu_s - before.viewers_cpu_s) / passed_s,
            starved=(self.starved_s - before.starved_s) / passed_s,
            frames_per_s=tuple(rates),
        )


async def take_samples(
    server: RunningServer, crowd: Crowd, seconds: float, every_s: float
) -> list[Sample]:
    samples = []
    before = Reading.of(server, crowd)
    start_s = before.at_s
    while before.at_s - start_s < seconds:
        await trio.sleep(every_s)
        now = Reading.of(server, crowd)
        samples.append(now.since(before, start_s))
        print(f"{samples[-1]}  {crowd.joins} joins", flush=True)
        before = now
    return samples


def growth_bytes(samples: Sequence[Sample]) -> float:
    """By how much memory grew over the samples, along the straight line that fits them best."""
    times = np.array([sample.at_s for sample in samples])
    sizes = np.array([sample.resident_bytes for sample in samples], float)
    slope = np.polyfit(times, sizes, 1)[0]
    return float(slope * (times[-1] - times[0]))


def speed(samples: Sequence[Sample]) -> float | None:
    """Frames a second of the healthy viewer in the middle, while the machine let the server run."""
    rates = [r for s in samples if s.starved < MOST_STARVED for r in s.frames_per_s]
    return statistics.median(rates) if rates else None


def faults(alone: Sequence[Sample], samples: Sequence[Sample], most_growth_mb: float) -> list[str]:
    """What does not hold.

    Args:
        alone: before the others came; they must not slow the healthy viewers. Empty where they may.
        samples: with the others.
        most_growth_mb: by how much memory may grow.
    """
    steady = samples[int(len(samples) * WARM_UP_SHARE) :]
    third = max(1, len(steady) // 3)
    found = []
    growth_mb = growth_bytes(steady) / 1e6
    print(f"memory grew by {growth_mb:+.1f} MB after the warm-up")
    if growth_mb > most_growth_mb:
        found.append(f"memory grew by {growth_mb:.1f} MB, allowed are {most_growth_mb:.1f}")
    first, last = speed(steady[:third]), speed(steady[-third:])
    if first is None or last is None:
        return [*found, "the machine was too busy with other work to tell how fast viewers were"]
    print(f"healthy viewers: {first:.1f} frames/s in the first third, {last:.1f} in the last")
    for name, before in (("alone", speed(alone)), ("in the first third", first)):
        if before is not None and last < before * LEAST_SHARE_OF_SPEED:
            found.append(f"healthy viewers fell from {before:.1f} frames/s {name} to {last:.1f}")
    return found


async def soak(arguments: argparse.Namespace) -> list[str]:
    async with AsyncExitStack() as stack:
        server = await open_server(arguments, stack)
        crowd = Crowd(server.url)
        nursery = await stack.enter_async_context(trio.open_nursery())
        stalled = arguments.stalled if arguments.kind == "stalled" else 0
        healthy = arguments.viewers - stalled if arguments.kind == "stalled" else 2
        for _ in range(healthy):
            nursery.start_soon(crowd.stay)
        await trio.sleep(2 * arguments.every)
        print(f"{healthy} healthy viewers alone:")
        alone = await take_samples(server, crowd, 4 * arguments.every, arguments.every)
        if arguments.kind == "stalled":
            print(f"with {stalled} stalled viewers:")
            for number in range(stalled):
                nursery.start_soon(crowd.stall, number)
        else:
            print(f"with {arguments.viewers} viewers who come and go:")
            for _ in range(arguments.viewers):
                nursery.start_soon(crowd.come_and_go)
        crowded = await take_samples(server, crowd, arguments.minutes * 60, arguments.every)
        nursery.cancel_scope.cancel()
    before = alone if arguments.kind == "stalled" else []
    found = faults(before, crowded, arguments.most_growth_mb)
    if crowd.lost:
        found.append(f"{crowd.lost} viewers were cut off")
    return found


async def open_server(arguments: argparse.Namespace, stack: AsyncExitStack) -> RunningServer:
    flags = [word for override in arguments.overrides for word in ("--set", override)]
    if arguments.source == "x11":
        server, x_access = await stack.enter_async_context(server_with_display(flags))
        seconds = arguments.minutes * 60 + 10 * arguments.every + 60
        player = await stack.enter_async_context(prepared_scene(x_access, "scroll", seconds))
        nursery = await stack.enter_async_context(trio.open_nursery())
        nursery.start_soon(player.play)
        stack.callback(nursery.cancel_scope.cancel)
        return server
    directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="kasmcore-soak-"))
    settings = (
        "plugins.capture=[synthetic]",
        "plugin_settings.synthetic.width=640",
        "plugin_settings.synthetic.height=360",
        f"plugin_settings.synthetic.frame_rate_hz={arguments.frame_rate}",
    )
    return await stack.enter_async_context(running_server(Path(directory), settings, flags))


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("kind", choices=("stalled", "churn"))
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--viewers", type=int, default=20)
    parser.add_argument("--stalled", type=int, default=5, help="how many of them stall")
    parser.add_argument("--source", choices=("synthetic", "x11"), default="synthetic")
    parser.add_argument("--frame-rate", type=float, default=10.0, help="of the synthetic picture")
    parser.add_argument("--every", type=float, default=5.0, help="seconds from line to line")
    parser.add_argument("--most-growth-mb", type=float, default=16.0)
    parser.add_argument("--set", dest="overrides", action="append", default=[])
    found = trio.run(soak, parser.parse_args())
    for fault in found:
        print(f"FAULT: {fault}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
