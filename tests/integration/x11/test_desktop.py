"""Starting real X servers with programs on them; nothing of them is left behind."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
from pathlib import Path

import pytest
import trio
from kasmcore_x11.connection import open_display

from kasmcore.config.schema import ServerConfig
from kasmcore.config.schema_desktop import DesktopConfig, MaximumResolutionConfig
from kasmcore.desktop import Desktop, open_desktop
from kasmcore.errors import ConfigError, KasmcoreError

from .conftest import XServer

pytestmark = pytest.mark.x11

_LIMIT_S = 30.0


def make_config(
    *,
    attach: str | None = None,
    display: int | None = None,
    largest: tuple[int, int] = (1280, 800),
    start_command: str | None = None,
) -> ServerConfig:
    desktop = DesktopConfig(
        attach=attach,
        display=display,
        maximum_resolution=MaximumResolutionConfig(width=largest[0], height=largest[1]),
        environment="none",
        start_command=start_command,
    )
    return ServerConfig(desktop=desktop)


def processes_with(variable: str) -> list[str]:
    """Command lines of living processes that have this in their environment."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if variable.encode() in (entry / "environ").read_bytes().split(b"\0"):
                found.append((entry / "cmdline").read_text())
        except OSError:
            continue  # it ended, or is another user's
    return found


def kill_x_server(desktop: Desktop) -> None:
    display = open_display(desktop.display_name, desktop.authority_file)
    connected = display.display.socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    os.kill(int.from_bytes(connected[:4], sys.byteorder), signal.SIGKILL)


async def wait_for(file: Path) -> str:
    """The content of a file that a program on the display writes."""
    with trio.fail_after(_LIMIT_S):
        while not (file.exists() and file.read_text().endswith("\n")):
            await trio.sleep(0.02)
    return file.read_text()


async def test_a_display_of_the_largest_size_is_started_and_ended(tmp_path: Path) -> None:
    async with open_desktop(make_config(largest=(1600, 900)), tmp_path) as desktop:
        display = open_display(desktop.display_name, desktop.authority_file)
        screen = display.screen()
        assert (screen.width_in_pixels, screen.height_in_pixels) == (1600, 900)
        assert screen.root_depth == 24
        display.close()
        assert Path(f"/tmp/.X11-unix/X{desktop.number}").exists()
    assert not Path(f"/tmp/.X11-unix/X{desktop.number}").exists()
    assert processes_with(f"XAUTHORITY={desktop.authority_file}") == []
    assert not Path(desktop.authority_file).exists()


async def test_nobody_connects_without_the_cookie(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.touch()
    async with open_desktop(make_config(), tmp_path) as desktop:
        assert Path(desktop.authority_file).stat().st_mode & 0o777 == 0o600
        with pytest.raises(KasmcoreError, match="cannot be opened"):
            open_display(desktop.display_name, str(empty))


async def test_the_command_runs_on_the_display_with_a_bus_and_a_runtime_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR", "LANG", "LC_ALL", "LC_CTYPE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-7")
    seen = tmp_path / "seen"
    script = tmp_path / "script"
    script.write_text(
        "test -d $XDG_RUNTIME_DIR\n"
        "echo $? $DISPLAY $XAUTHORITY $XDG_RUNTIME_DIR $LANG ${WAYLAND_DISPLAY-none} "
        f"${{DBUS_SESSION_BUS_ADDRESS%%:*}} > {seen}\n"
    )
    command = f"sh {script}"
    async with open_desktop(make_config(start_command=command), tmp_path) as desktop:
        await desktop.start_environment()
        status, display, authority, runtime, *others = (await wait_for(seen)).split()
    assert (status, display, authority) == ("0", desktop.display_name, desktop.authority_file)
    assert others == ["C.UTF-8", "none", "unix"]
    assert not Path(runtime).exists()


async def test_programs_that_left_their_group_are_ended_too(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    stubborn = f'trap "" TERM HUP; echo up > {ready}; while :; do sleep 1; done'
    command = f"setsid sh -c '{stubborn}'"
    async with open_desktop(make_config(start_command=command), tmp_path) as desktop:
        await desktop.start_environment()
        await wait_for(ready)
        assert len(processes_with(f"DISPLAY={desktop.display_name}")) >= 1
    assert processes_with(f"DISPLAY={desktop.display_name}") == []


async def test_the_desktop_may_save_before_its_display_ends(tmp_path: Path) -> None:
    ready, saved = tmp_path / "ready", tmp_path / "saved"
    command = (
        f'sh -c \'trap "xdpyinfo >/dev/null && echo saved > {saved}; exit" TERM; '
        f"echo up > {ready}; while :; do sleep 0.05; done'"
    )
    async with open_desktop(make_config(start_command=command), tmp_path) as desktop:
        await desktop.start_environment()
        await wait_for(ready)
    assert saved.read_text() == "saved\n"


async def test_the_display_goes_on_when_its_desktop_ends(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_desktop(make_config(start_command="sh -c 'exit 3'"), tmp_path) as desktop:
        await desktop.start_environment()
        with trio.fail_after(_LIMIT_S):
            while "has ended (status 3)" not in caplog.text:
                await trio.sleep(0.02)
        open_display(desktop.display_name, desktop.authority_file).close()
    assert f"display-{desktop.number}.log" in caplog.text


async def test_the_end_of_the_x_server_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_desktop(make_config(), tmp_path) as desktop:
        kill_x_server(desktop)
        with trio.fail_after(_LIMIT_S):
            while f"the X server {desktop.display_name} has ended" not in caplog.text:
                await trio.sleep(0.02)
    assert caplog.records[0].levelno == logging.ERROR


async def test_what_programs_print_is_in_the_log(tmp_path: Path) -> None:
    command = "sh -c 'echo hello from the desktop'"
    async with open_desktop(make_config(start_command=command), tmp_path) as desktop:
        await desktop.start_environment()
        log_file = tmp_path / f"display-{desktop.number}.log"
        with trio.fail_after(_LIMIT_S):
            while "hello from the desktop" not in log_file.read_text():
                await trio.sleep(0.02)
    assert log_file.stat().st_mode & 0o777 == 0o600


async def test_a_command_that_does_not_exist_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere")
    with pytest.RaisesGroup(pytest.RaisesExc(KasmcoreError, match="cannot be started")):
        async with open_desktop(make_config(start_command="no-such-program"), tmp_path) as desktop:
            await desktop.start_environment()
    assert [file.name for file in tmp_path.iterdir()] == [f"display-{desktop.number}.log"]
    assert processes_with(f"DISPLAY={desktop.display_name}") == []


async def test_a_missing_x_server_names_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(KasmcoreError, match=r"Xvfb is not installed.*apt-get install xvfb"):
        async with open_desktop(make_config(), tmp_path):
            pass
    assert list(tmp_path.iterdir()) == []


async def test_a_number_in_use_points_to_attach(tmp_path: Path, x_server: XServer) -> None:
    number = int(x_server.name[1:])
    with pytest.raises(KasmcoreError, match=rf"display :{number} already runs.*--attach :{number}"):
        async with open_desktop(make_config(display=number), tmp_path):
            pass


async def test_a_number_that_a_dead_server_left_behind_can_be_taken(tmp_path: Path) -> None:
    async with open_desktop(make_config(), tmp_path) as dead:
        kill_x_server(dead)
    assert Path(f"/tmp/.X11-unix/X{dead.number}").exists()
    async with open_desktop(make_config(display=dead.number), tmp_path) as desktop:
        open_display(desktop.display_name, desktop.authority_file).close()


async def test_an_x_server_that_fails_gives_its_last_words_and_its_log(tmp_path: Path) -> None:
    fake = tmp_path / "bin"
    fake.mkdir()
    (fake / "Xvfb").write_text("#!/bin/sh\necho this server is broken\nexit 1\n")
    (fake / "Xvfb").chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{fake}:{os.environ['PATH']}")
        with pytest.raises(KasmcoreError, match=r"this server is broken.*display-failed.log"):
            async with open_desktop(make_config(), tmp_path):
                pass
    assert {file.name for file in tmp_path.iterdir()} == {"bin", "display-failed.log"}


KILLED_SERVER = """
import os, signal, sys, trio
from pathlib import Path
from kasmcore.config.schema import ServerConfig
from kasmcore.config.schema_desktop import DesktopConfig
from kasmcore.desktop import open_desktop

async def main():
    config = ServerConfig(desktop=DesktopConfig(environment="none"))
    async with open_desktop(config, Path(sys.argv[1])):
        os.kill(os.getpid(), signal.SIGKILL)

trio.run(main)
"""


async def test_what_a_killed_server_left_behind_is_ended_by_the_next(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED_SERVER, str(tmp_path)]
    killed = await trio.run_process(command, check=False)
    assert killed.returncode == -signal.SIGKILL
    (left,) = tmp_path.glob("xauthority-*")
    assert processes_with(f"XAUTHORITY={left}")
    async with open_desktop(make_config(), tmp_path) as desktop:
        assert processes_with(f"XAUTHORITY={left}") == []
        assert [str(path) for path in tmp_path.glob("xauthority-*")] == [desktop.authority_file]


async def test_two_desktops_run_side_by_side(tmp_path: Path) -> None:
    async with open_desktop(make_config(), tmp_path) as first:
        async with open_desktop(make_config(), tmp_path) as second:
            assert first.display_name != second.display_name
        open_display(first.display_name, first.authority_file).close()


async def test_an_attached_display_is_left_alone(tmp_path: Path, x_server: XServer) -> None:
    config = make_config(attach=x_server.name, start_command="touch /nowhere/at/all")
    async with open_desktop(config, tmp_path) as desktop:
        assert (desktop.display_name, desktop.is_attached) == (x_server.name, True)
        await desktop.start_environment()
    assert x_server.process.poll() is None
    assert list(tmp_path.iterdir()) == []


async def test_a_name_that_is_no_display_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not the name of an X display"):
        async with open_desktop(make_config(attach="0"), tmp_path):
            pass
