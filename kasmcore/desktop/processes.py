"""Child processes that leave nothing behind: own process groups, ended in order, and a mark."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import attrs
import trio

from kasmcore.errors import KasmcoreError

MARK = "_KASMCORE_DESKTOP"
"""Variable in the environment of everything that belongs to one desktop."""


@attrs.frozen(eq=False)
class Launch:
    """What all processes of a desktop share."""

    variables: Mapping[str, str] = attrs.field(repr=False)
    """Their whole environment, with the mark."""
    log_file: Path

    async def start(self, command: Sequence[str], pass_fds: Sequence[int] = ()) -> trio.Process:
        """Start a program in a process group of its own, its output in the log file.

        Raises:
            KasmcoreError: it cannot be started.
        """
        descriptor = os.open(self.log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            return await trio.lowlevel.open_process(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=descriptor,
                stderr=descriptor,
                start_new_session=True,
                pass_fds=tuple(pass_fds),
                env=dict(self.variables),
                cwd=self.variables.get("HOME") or "/",
            )
        except OSError as error:
            raise KasmcoreError(
                f"{command[0]} cannot be started: {error.strerror}", where=" ".join(command)
            ) from error
        finally:
            os.close(descriptor)


def last_words(log_file: Path, lines: int = 3) -> str:
    """Return the end of a log, for an error message."""
    try:
        text = log_file.read_text(errors="replace")
    except OSError:
        return ""
    return " / ".join(line.strip() for line in text.splitlines()[-lines:] if line.strip())


async def end_process(process: trio.Process, patience_s: float) -> None:
    """End a process and its group: ask first, then force."""
    _signal_group(process.pid, signal.SIGTERM)
    with trio.move_on_after(patience_s):
        await process.wait()
    _signal_group(process.pid, signal.SIGKILL)
    await process.wait()


async def end_marked(mark: str, patience_s: float, spared_pid: int | None = None) -> None:
    """End every process of ours that carries the mark, also those that left their parents' group.

    Args:
        mark: value of `MARK`.
        patience_s: how long they may take to end before they are forced to.
        spared_pid: one that goes on.
    """
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in _marked(mark, spared_pid):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)
        with trio.move_on_after(patience_s):
            while any(True for _ in _marked(mark, spared_pid)):
                await trio.sleep(0.02)
            return


def is_alive(pid: int) -> bool:
    """True while there is such a process, whoever owns it."""
    return Path(f"/proc/{pid}").exists() and not _is_zombie(Path(f"/proc/{pid}"))


def _signal_group(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def _marked(mark: str, spared_pid: int | None) -> Iterator[int]:
    wanted = f"{MARK}={mark}".encode()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) in (os.getpid(), spared_pid):
            continue
        try:
            variables = (entry / "environ").read_bytes()
        except OSError:
            continue
        if wanted in variables.split(b"\0") and not _is_zombie(entry):
            yield int(entry.name)


def _is_zombie(entry: Path) -> bool:
    try:
        return (entry / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (OSError, IndexError):
        return True
