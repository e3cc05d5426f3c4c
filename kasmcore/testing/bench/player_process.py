"""A player in a process of its own, so that drawing does not wait for what is measured."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import attrs
import trio

from kasmcore.errors import KasmcoreError

_READY_LIMIT_S = 60.0
_READ_BYTES = 2**16


@attrs.frozen
class XAccess:
    """How to reach an X display."""

    display: str
    authority_file: str
    """Empty for the user's own."""

    def environment(self) -> Mapping[str, str]:
        """This process's environment with the display in it."""
        authority = {"XAUTHORITY": self.authority_file} if self.authority_file else {}
        return {**os.environ, "DISPLAY": self.display, **authority}


@attrs.define(eq=False)
class Player:
    """A scene whose first picture is shown."""

    _process: trio.Process
    _received: bytes = b""

    async def play(self) -> dict[int, int]:
        """Play the scene to its end.

        Returns: when each frame had been drawn, by its number: nanoseconds of CLOCK_MONOTONIC.
        """
        if self._process.stdin is not None:
            await self._process.stdin.send_all(b"play\n")
        return dict(json.loads(await self.next_line()))

    async def next_line(self) -> bytes:
        """Wait for a line of its output.

        Raises:
            KasmcoreError: it ended.
        """
        while b"\n" not in self._received:
            output = self._process.stdout
            part = await output.receive_some(_READ_BYTES) if output is not None else b""
            if not part:
                raise KasmcoreError("the player of scenes ended", remedy="See its message above.")
            self._received += bytes(part)
        line, _, self._received = self._received.partition(b"\n")
        return line


@asynccontextmanager
async def prepared_scene(x_access: XAccess, scene: str, seconds: float) -> AsyncIterator[Player]:
    """Show the first picture of a scene; it goes away at the end of the block.

    Raises:
        KasmcoreError: the display cannot be reached; perhaps in an ExceptionGroup.
    """
    words = ["-m", "kasmcore.testing.bench.player", x_access.display, scene, str(seconds)]
    async with trio.open_nursery() as nursery:
        process: trio.Process = await nursery.start(
            lambda **started: trio.run_process(
                [sys.executable, *words],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                capture_stdout=False,
                env=x_access.environment(),
                check=False,
                **started,
            )
        )
        player = Player(process)
        with trio.move_on_after(_READY_LIMIT_S) as limit:
            await player.next_line()
        if limit.cancelled_caught:
            raise KasmcoreError(f"scene {scene} was not ready after {_READY_LIMIT_S:.0f} s")
        yield player
        nursery.cancel_scope.cancel()
