"""The X servers that can carry a virtual display, behind one setting; and starting one."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import attrs
import trio

from kasmcore.desktop.processes import Launch, end_process, last_words
from kasmcore.errors import KasmcoreError
from kasmcore.values.geometry import Size

_START_LIMIT_S = 20.0
_COMMON = ("-noreset", "-nolisten", "tcp", "-dpi", "96")


@attrs.frozen
class XServerRequest:
    """What the display shall be."""

    number: int | None
    """None: the server takes the first free one."""
    first: Size
    """At start, for servers that can grow later."""
    largest: Size
    authority_file: Path
    directory: Path
    """Where generated files go."""


def _xvfb(request: XServerRequest) -> list[str]:
    """It never grows beyond its first size, so that has to be the largest."""
    return ["-screen", "0", f"{request.largest}x24", *_COMMON]


def _xvnc(request: XServerRequest) -> list[str]:
    """It grows on demand. Its own VNC port stays closed."""
    return ["-geometry", str(request.first), "-depth", "24", "-rfbport", "-1",
            "-SecurityTypes", "None", *_COMMON]  # fmt: skip


def _xorg_dummy(request: XServerRequest) -> list[str]:
    video_kib = max(32768, request.largest.area * 4 * 2 // 1024)
    config = request.directory / "xorg.conf"
    config.write_text(
        'Section "Device"\n  Identifier "dummy"\n  Driver "dummy"\n'
        f"  VideoRam {video_kib}\nEndSection\n"
        'Section "Monitor"\n  Identifier "monitor"\n'
        "  HorizSync 1.0-2000.0\n  VertRefresh 1.0-200.0\nEndSection\n"
        'Section "Screen"\n  Identifier "screen"\n  Device "dummy"\n  Monitor "monitor"\n'
        '  DefaultDepth 24\n  SubSection "Display"\n    Depth 24\n'
        f"    Virtual {request.largest.width} {request.largest.height}\n"
        "  EndSubSection\nEndSection\n"
    )
    log = request.directory / "xorg.log"
    return ["-config", str(config), "-logfile", str(log), "-sharevts", "-novtswitch", "vt7",
            *_COMMON]  # fmt: skip


@attrs.frozen
class XServerKind:
    """One of the servers that ``desktop.server`` can name."""

    program: str
    package: str
    arguments: Callable[[XServerRequest], list[str]]


X_SERVERS = {
    "xvfb": XServerKind("Xvfb", "xvfb", _xvfb),
    "xvnc": XServerKind("Xvnc", "tigervnc-standalone-server", _xvnc),
    "xorg_dummy": XServerKind("Xorg", "xserver-xorg-core xserver-xorg-video-dummy", _xorg_dummy),
}


def require_program(kind: XServerKind) -> str:
    """Return the path of the server's program.

    Raises:
        KasmcoreError: it is not installed.
    """
    path = shutil.which(kind.program)
    if path is None:
        raise KasmcoreError(
            f"{kind.program} is not installed, so no virtual display can be started",
            remedy=f"Install it (apt-get install {kind.package}), or show a display that runs by "
            "--attach.",
        )
    return path


def require_free(number: int) -> None:
    """Check that no display has this number. What a dead server left behind does not count.

    Raises:
        KasmcoreError: one has.
    """
    path = f"/tmp/.X11-unix/X{number}"  # noqa: S108 - where X servers listen
    for address in (path, f"\0{path}"):
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(address) == 0:
                raise KasmcoreError(
                    f"the display :{number} already runs",
                    remedy="Take another number or none, or show that display by "
                    f"--attach :{number}.",
                )


async def start_x_server(
    kind: XServerKind, request: XServerRequest, launch: Launch
) -> tuple[trio.Process, int]:
    """Start a server and wait until it answers.

    Returns: the process and the display's number.

    Raises:
        KasmcoreError: it is not installed, its number is taken, or it did not come up.
    """
    program = require_program(kind)
    if request.number is not None:
        require_free(request.number)
    reading, writing = os.pipe()
    command = [
        program,
        *([f":{request.number}"] if request.number is not None else []),
        "-displayfd",
        str(writing),
        "-auth",
        str(request.authority_file),
        *kind.arguments(request),
    ]
    try:
        process = await launch.start(command, pass_fds=[writing])
    except BaseException:
        os.close(reading)
        raise
    finally:
        os.close(writing)
    async with trio.lowlevel.FdStream(reading) as pipe:
        try:
            number = await _read_number(pipe)
        except BaseException:
            with trio.CancelScope(shield=True):
                await end_process(process, 1.0)
            raise
    if number is None:
        await end_process(process, 1.0)
        log_file = launch.log_file.replace(request.directory / "display-failed.log")
        raise KasmcoreError(
            f"the X server did not start: {last_words(log_file) or 'it said nothing'}",
            where=" ".join(command),
            remedy=f"Its log is {log_file}.",
        )
    return process, number


async def _read_number(pipe: trio.lowlevel.FdStream) -> int | None:
    """The number that the server reports; None when it ends or says nothing."""
    answer = b""
    with trio.move_on_after(_START_LIMIT_S):
        while not answer.endswith(b"\n"):
            more = await pipe.receive_some(64)
            if not more:
                break
            answer += more
    return int(answer) if answer.endswith(b"\n") else None
