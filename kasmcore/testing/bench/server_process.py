"""A ``kasmcore run`` of its own: on loopback, without TLS, login and desktop environment."""

from __future__ import annotations

import re
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import trio

from kasmcore.errors import KasmcoreError

START_LIMIT_S = 60.0
_ANSWER_LIMIT_S = 10.0

_BARE = (
    "network.interface=127.0.0.1",
    "network.websocket_port=0",
    "network.ssl.enabled=false",
    "security.login_required=false",
    "desktop.environment=none",
)
_SAID = re.compile(r"^kasmcore shows (?P<shows>.*)\. Open (?P<url>\S+)$", re.MULTILINE)
_LAST_LINES = 3


@attrs.frozen
class RunningServer:
    """A server that answers."""

    url: str
    shows: str
    """What it shows, in its own words: ``display :5: …`` for an X display."""
    pid: int

    async def metric(self, name: str) -> float:
        """Ask it for one of its counts.

        Raises:
            KasmcoreError: it does not tell it.
        """
        text = await trio.to_thread.run_sync(_read_text, f"{self.url}metrics")
        found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
        if found is None:
            raise KasmcoreError(f"the server's metrics lack {name}", where=self.url)
        return float(found[1])


@asynccontextmanager
async def running_server(
    directory: Path, settings: Sequence[str] = (), flags: Sequence[str] = ()
) -> AsyncIterator[RunningServer]:
    """Start a server, wait until it says its address, stop it at the end of the block.

    Args:
        directory: takes its state and its log, ``server.log``.
        settings: ``key=value``, as after ``--set``; they win over those of ``flags``.
        flags: further words for ``kasmcore run``.

    Raises:
        KasmcoreError: it ended, or said nothing within a minute; perhaps in an ExceptionGroup.
    """
    every = (*_BARE, f"server.state_directory={directory / 'state'}", *settings)
    words = [*flags, *(word for setting in every for word in ("--set", setting))]
    log = directory / "server.log"
    with log.open("wb") as log_file:
        async with trio.open_nursery() as nursery:
            process: trio.Process = await nursery.start(
                lambda **started: trio.run_process(
                    [sys.executable, "-m", "kasmcore", "run", *words],
                    stdout=subprocess.PIPE,
                    capture_stdout=False,
                    stderr=log_file,
                    check=False,
                    **started,
                )
            )
            said = await _said(process, log)
            yield RunningServer(said["url"], said["shows"], process.pid)
            nursery.cancel_scope.cancel()


def _read_text(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=_ANSWER_LIMIT_S) as answer:  # noqa: S310 - ours
            text: str = answer.read().decode()
            return text
    except OSError as fault:
        raise KasmcoreError(f"the server does not answer ({fault})", where=url) from fault


async def _said(process: trio.Process, log: Path) -> re.Match[str]:
    said = b""
    if process.stdout is not None:
        with trio.move_on_after(START_LIMIT_S):
            async for part in process.stdout:
                said += part
                if found := _SAID.search(said.decode(errors="replace")):
                    return found
    lines = log.read_text(errors="replace").splitlines()
    errors = [line for line in lines if line.startswith("kasmcore: ")] or lines[-_LAST_LINES:]
    raise KasmcoreError(
        "the server did not start",
        where=" / ".join(errors),
        remedy="Try kasmcore run with the same settings.",
    )
