"""A private X server for each test that asks for one: `x_server`, or `start_x_server` for more."""

from __future__ import annotations

import os
import select
import subprocess
from collections.abc import Callable, Iterator

import attrs
import pytest


@attrs.define
class XServer:
    """A running Xvfb and the programs that a test started on it."""

    name: str
    process: subprocess.Popen[bytes]
    programs: list[subprocess.Popen[bytes]] = attrs.field(factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """Environment for a program that shall draw here."""
        return {**os.environ, "DISPLAY": self.name, "LC_ALL": "C.UTF-8"}

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """Start a program on this display; it ends with the test."""
        program = subprocess.Popen(
            command,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.programs.append(program)
        return program

    def run(self, *command: str, input_bytes: bytes = b"") -> bytes:
        """Run a program on this display to its end and return what it printed."""
        done = subprocess.run(
            command,
            env=self.environment,
            input=input_bytes,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=30,
            check=True,
        )
        return done.stdout

    def stop(self) -> None:
        """End the programs and the server; safe to repeat."""
        for process in (*reversed(self.programs), self.process):
            if process.poll() is None:
                process.terminate()
        for process in (*self.programs, self.process):
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


StartXServer = Callable[..., XServer]


def _start(width: int = 1280, height: int = 800, depth: int = 24, *options: str) -> XServer:
    ready, report = os.pipe()
    try:
        process = subprocess.Popen(
            [
                "Xvfb",
                "-displayfd",
                str(report),
                *("-screen", "0", f"{width}x{height}x{depth}"),
                *("-noreset", "-nolisten", "tcp"),
                *options,
            ],
            pass_fds=[report],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(report)
        number = _read_line(ready)
        if not number:
            process.kill()
            raise RuntimeError(f"Xvfb did not start (exit status {process.wait()})")
        return XServer(name=f":{number}", process=process)
    finally:
        os.close(ready)


def _read_line(pipe: int) -> str:
    """Read to the end of the line: Xvfb dies when the pipe closes between its two writes."""
    text = b""
    while not text.endswith(b"\n"):
        readable, _, _ = select.select([pipe], [], [], 30)
        chunk = os.read(pipe, 16) if readable else b""
        if not chunk:
            return ""
        text += chunk
    return text.decode().strip()


@pytest.fixture
def start_x_server() -> Iterator[StartXServer]:
    """Start servers, ``(width, height, depth, *options) -> XServer``; they end with the test."""
    servers: list[XServer] = []

    def start(*size_and_options: int | str) -> XServer:
        servers.append(_start(*size_and_options))  # type: ignore[arg-type]
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def x_server(start_x_server: StartXServer) -> XServer:
    """An empty display of 1280x800 pixels, 24 bit; it can be resized up to that."""
    return start_x_server()
