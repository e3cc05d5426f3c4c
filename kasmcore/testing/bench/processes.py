"""CPU time and memory of processes and what they started, read from /proc."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import attrs

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_X_SERVERS = {"Xvfb", "Xvnc", "Xtigervnc", "Xorg"}


@attrs.frozen
class Process:
    """One process now."""

    pid: int
    parent: int
    name: str
    cpu_s: float
    """User and system time since its start."""
    resident_bytes: int

    @property
    def is_x_server(self) -> bool:
        """True for the X servers that kasmcore starts."""
        return self.name in _X_SERVERS


def process_tree(root: int) -> list[Process]:
    """The process with this id and all below it that still live."""
    everything = {process.pid: process for process in _all_processes()}
    return [process for process in everything.values() if _is_below(process, root, everything)]


def _is_below(process: Process, root: int, everything: Mapping[int, Process]) -> bool:
    while process.pid != root:
        parent = everything.get(process.parent)
        if parent is None:
            return False
        process = parent
    return True


def _all_processes() -> Iterator[Process]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):  # it ended meanwhile
                yield _parsed((entry / "stat").read_text(errors="replace"))


def _parsed(line: str) -> Process:
    """Read a line of ``/proc/PID/stat``; the name stands in parentheses and may hold some."""
    head, _, tail = line.rpartition(")")
    pid, _, name = head.partition(" (")
    fields = tail.split()
    return Process(
        pid=int(pid),
        parent=int(fields[1]),
        name=name,
        cpu_s=(int(fields[11]) + int(fields[12])) / _TICKS_PER_S,
        resident_bytes=int(fields[21]) * _PAGE_BYTES,
    )
