"""Whole scenes: from drawing on an X display to the picture of a viewer in Python."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import trio

from kasmcore.errors import KasmcoreError
from kasmcore.stats.timeline import percentile
from kasmcore.testing.bench.contents import FULL_HD
from kasmcore.testing.bench.player_process import Player, XAccess, prepared_scene
from kasmcore.testing.bench.processes import process_tree
from kasmcore.testing.bench.results import column
from kasmcore.testing.bench.server_process import RunningServer, running_server
from kasmcore.testing.bench.watcher import Watcher, latencies_ms
from kasmcore.testing.client import connect
from kasmcore.testing.stream_decoders import HELLO_WITH_STREAMS, STREAM_DECODERS
from kasmcore.values.frames import FrameTimes

_SETTLE_S = 1.0
_SHARP_LIMIT_S = 5.0
_DISPLAY_LIMIT_S = 10.0
_LOOK_EVERY_S = 0.05


@attrs.frozen(kw_only=True)
class SceneCost:
    """What one scene cost, and how well its viewer saw it."""

    scene: str = column("scene")
    drawn_per_s: float = column("drawn/s", ".1f")
    shown_per_s: float = column("shown/s", ".1f")
    latency_p50_ms: float | None = column("p50 ms", ".1f")
    latency_p95_ms: float | None = column("p95 ms", ".1f")
    sharp_after_ms: float | None = column("sharp ms", ".0f")
    megabits_per_s: float = column("Mbit/s", ".2f")
    server_cores: float = column("cpu server", ".3f")
    x_server_cores: float = column("cpu X", ".3f")
    decode_cores: float = column("cpu decode", ".3f")
    loop_lag_p99_ms: float = column("lag p99 ms", ".1f")
    """How long what arrives at the server waits for its event loop; of the last five seconds."""
    server_megabytes: float = column("server MB", ".0f")


@attrs.frozen(kw_only=True)
class StageTime:
    """Where the time of a scene's frames went on the server: the median, and what 95 % keep to."""

    scene: str = column("scene")
    stage: str = column("stage")
    p50_ms: float = column("p50 ms", ".2f")
    p95_ms: float = column("p95 ms", ".2f")


@attrs.frozen
class SceneResult:
    """All that one scene gave."""

    cost: SceneCost
    stages: tuple[StageTime, ...]


async def measure_scenes(
    scenes: Sequence[str], seconds: float, flags: Sequence[str] = ()
) -> list[SceneResult]:
    """Play each scene on one server and watch it with one viewer.

    Args:
        scenes: names of ``scenes.SCENES``.
        seconds: how long each is played.
        flags: further words for ``kasmcore run``.

    Raises:
        KasmcoreError: the server did not start; perhaps in an ExceptionGroup.
    """
    results = []
    async with server_with_display(flags) as (server, x_access):
        for scene in scenes:
            async with prepared_scene(x_access, scene, seconds) as player:
                results.append(await _measure(scene, seconds, server, player))
    return results


@asynccontextmanager
async def server_with_display(
    flags: Sequence[str],
) -> AsyncIterator[tuple[RunningServer, XAccess]]:
    """Run a server that shows an empty full-HD display; also say how to reach that display.

    Raises:
        KasmcoreError: it did not start; perhaps in an ExceptionGroup.
    """
    with tempfile.TemporaryDirectory(prefix="kasmcore-bench-") as name:
        directory = Path(name)
        # Only what runs on the display is told how to reach it.
        told = directory / "display"
        script = f'echo "$DISPLAY $XAUTHORITY" > {told}.new; mv {told}.new {told}; sleep infinity'
        settings = (
            f"desktop.start_command=sh -c {shlex.quote(script)}",
            f"desktop.resolution.width={FULL_HD.width}",
            f"desktop.resolution.height={FULL_HD.height}",
            "desktop.allow_resize=false",
        )
        async with running_server(directory, settings, flags) as server:
            with trio.move_on_after(_DISPLAY_LIMIT_S):
                while server.shows.startswith("display ") and not told.exists():
                    await trio.sleep(_LOOK_EVERY_S)
            if not told.exists():
                raise KasmcoreError(
                    "the server shows no X display to play scenes on",
                    remedy="Name a capture source that has one in plugins.capture, such as x11.",
                )
            display, _, authority_file = told.read_text().strip().partition(" ")
            yield server, XAccess(display, authority_file)


@attrs.frozen
class _Usage:
    server_s: float
    x_server_s: float
    server_bytes: int

    @classmethod
    def of(cls, server: RunningServer) -> _Usage:
        """Of the server and its X server, not of programs on the display."""
        tree = process_tree(server.pid)
        own = next((process for process in tree if process.pid == server.pid), None)
        if own is None:
            raise KasmcoreError("the server ended while it was measured")
        x_server_s = sum(process.cpu_s for process in tree if process.is_x_server)
        return cls(own.cpu_s, x_server_s, own.resident_bytes)


async def _measure(
    scene: str, seconds: float, server: RunningServer, player: Player
) -> SceneResult:
    async with (
        connect(server.url, hello=HELLO_WITH_STREAMS, stream_decoders=STREAM_DECODERS) as client,
        trio.open_nursery() as nursery,
    ):
        await client.wait_for_exact_picture()
        await trio.sleep(_SETTLE_S)
        watcher, counters = Watcher(client), attrs.evolve(client.counters)
        nursery.start_soon(watcher.watch)
        before = _Usage.of(server)
        drawn_ns = await player.play()
        after = _Usage.of(server)
        received_bytes = client.counters.message_bytes - counters.message_bytes
        decode_s = client.counters.decode_s - counters.decode_s
        loop_lag_us = await server.metric("kasmcore_event_loop_lag_p99_microseconds")
        sharp_after_ms = await _sharp_after_ms(watcher, drawn_ns)
        nursery.cancel_scope.cancel()
    seen_ms = latencies_ms(drawn_ns, watcher.shown_ns)
    cost = SceneCost(
        scene=scene,
        drawn_per_s=len(drawn_ns) / seconds,
        shown_per_s=len(seen_ms) / seconds,
        latency_p50_ms=_percentile(seen_ms, 50),
        latency_p95_ms=_percentile(seen_ms, 95),
        sharp_after_ms=sharp_after_ms,
        megabits_per_s=received_bytes * 8 / 1e6 / seconds,
        server_cores=(after.server_s - before.server_s) / seconds,
        x_server_cores=(after.x_server_s - before.x_server_s) / seconds,
        decode_cores=decode_s / seconds,
        loop_lag_p99_ms=loop_lag_us / 1000,
        server_megabytes=after.server_bytes / 1e6,
    )
    return SceneResult(cost, tuple(_stage_times(scene, watcher.times)))


async def _sharp_after_ms(watcher: Watcher, drawn_ns: dict[int, int]) -> float | None:
    """How long after the last drawing the whole picture was exact; None if nothing was drawn or
    it took more than five seconds."""
    sharp_after_ms = None
    if drawn_ns:
        last = max(drawn_ns)
        with trio.move_on_after(_SHARP_LIMIT_S):
            sharp_after_ms = (await watcher.wait_until_sharp(last) - drawn_ns[last]) / 1e6
    return sharp_after_ms


_STAGES: dict[str, Callable[[FrameTimes], float]] = {
    "capture": lambda times: times.captured_s - times.changed_s,
    "damage": lambda times: times.damaged_s - times.captured_s,
    "plan": lambda times: times.planned_s - times.damaged_s,
    "encode": lambda times: times.encoded_s - times.planned_s,
}


def _stage_times(scene: str, times: Sequence[FrameTimes]) -> list[StageTime]:
    result = []
    for stage, duration_s in _STAGES.items():
        durations_ms = [duration_s(frame) * 1000 for frame in times]
        p50_ms, p95_ms = _percentile(durations_ms, 50), _percentile(durations_ms, 95)
        if p50_ms is not None and p95_ms is not None:
            result.append(StageTime(scene=scene, stage=stage, p50_ms=p50_ms, p95_ms=p95_ms))
    return result


def _percentile(values: list[float], percent: float) -> float | None:
    return percentile(values, percent) if values else None
