"""However ``kasmcore run`` ends, it says why and leaves nothing running."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
import trio

from kasmcore.errors import ConnectionEnded
from kasmcore.testing.client import connect
from kasmcore.values.viewer_updates import Farewell
from tests.live_server import NO_DESKTOP, PLAIN, Launcher, LiveServer
from tests.waiting import wait_for

pytestmark = pytest.mark.x11


def x_server_of(server: LiveServer) -> int:
    """Process id of the X server."""
    return next(pid for pid, words in server.processes().items() if words.startswith("/usr"))


async def wait_until_gone(server: LiveServer) -> int:
    return await trio.to_thread.run_sync(server.wait_for_end)


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_server_and_all_it_started(
    runs: Launcher, tmp_path: Path, ending: signal.Signals
) -> None:
    runs_away = tmp_path / "program.sh"
    ready = tmp_path / "ready"
    runs_away.write_text(f"#!/bin/sh\nsetsid sleep 1000 &\ntouch {ready}\nexec sleep 1000\n")
    runs_away.chmod(0o755)
    server = runs.start(f"desktop.start_command={runs_away}")
    wait_for(ready.exists, "the program on the display runs")
    assert len(server.processes()) >= 4

    server.process.send_signal(ending)

    assert server.wait_for_end() == 0
    assert server.processes() == {}
    assert f"stopping ({ending.name})" in server.log
    assert "Traceback" not in server.log
    assert not list((runs.directory / "state").glob("xauthority*"))


def test_a_signal_during_the_start_leaves_nothing_running(runs: Launcher) -> None:
    run = runs.launch([*PLAIN, *NO_DESKTOP, f"server.state_directory={runs.directory / 'state'}"])
    wait_for(lambda: len(run.processes()) > 1, "the X server starts")
    assert run.stop() == 0, run.log
    assert run.processes() == {}
    assert "Traceback" not in run.log


async def test_viewers_are_told_when_the_server_stops(runs: Launcher) -> None:
    server = await trio.to_thread.run_sync(runs.start)
    async with connect(server.url) as client:
        await client.wait_for_picture()
        server.process.send_signal(signal.SIGTERM)
        with pytest.raises(ConnectionEnded):
            await client.wait_until(lambda: False)
    assert await wait_until_gone(server) == 0
    assert "Traceback" not in server.log


def test_the_end_of_the_x_server_ends_the_server_with_a_clear_error(runs: Launcher) -> None:
    server = runs.start()
    os.kill(x_server_of(server), signal.SIGKILL)

    assert server.wait_for_end() == 4
    assert server.processes() == {}
    told = [line for line in server.log.splitlines() if line.startswith("kasmcore: ")]
    assert len(told) == 1, server.log
    assert server.display in told[0]
    assert "Traceback" not in server.log


async def test_viewers_are_told_when_the_x_server_ends(runs: Launcher) -> None:
    server = await trio.to_thread.run_sync(runs.start)
    async with connect(server.url) as client:
        await client.wait_for_picture()
        os.kill(x_server_of(server), signal.SIGKILL)
        with pytest.raises(ConnectionEnded):
            await client.wait_until(lambda: False)
        farewell = client.newest(Farewell)
    assert farewell == Farewell("The desktop has ended.", may_reconnect=True)
    assert await wait_until_gone(server) == 4


def test_the_end_of_the_program_on_the_display_does_not_end_the_server(runs: Launcher) -> None:
    server = runs.start("desktop.start_command=true")
    server.wait_for_log("true has ended (status 0)")
    assert server.process.poll() is None
    assert server.stop() == 0


def test_two_servers_run_beside_each_other(runs: Launcher) -> None:
    first, second = runs.start(state="first"), runs.start(state="second")
    assert first.display != second.display
    assert first.stop() == 0
    assert second.process.poll() is None
    assert second.stop() == 0
