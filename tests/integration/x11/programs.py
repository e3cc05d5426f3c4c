"""Real programs that show what was typed: xterm takes text, xev names every key event."""

from __future__ import annotations

import re
from pathlib import Path

import attrs
import trio

from .conftest import XServer

_LIMIT_S = 30.0
_POLL_S = 0.02

_EVENT = re.compile(
    r"Key(?P<kind>Press|Release) event.*?state 0x(?P<state>[0-9a-f]+), "
    r"keycode (?P<keycode>\d+) \(keysym 0x(?P<keysym>[0-9a-f]+)",
    re.DOTALL,
)


@attrs.frozen
class KeySeen:
    """A key event as Xlib understood it in another process."""

    pressed: bool
    keysym: int
    state: int
    """Modifiers in force before the event."""
    keycode: int = attrs.field(eq=False)


@attrs.frozen
class Terminal:
    """An xterm that writes every byte typed into it to a file."""

    file: Path

    async def typed(self, byte_count: int) -> str:
        """All that was typed, once there is this much of it."""
        with trio.move_on_after(_LIMIT_S):
            while self.file.stat().st_size < byte_count:
                await trio.sleep(_POLL_S)
        return self.file.read_bytes().decode()


@attrs.frozen
class KeyRecorder:
    """An xev that has the keyboard."""

    file: Path

    async def events(self, count: int) -> list[KeySeen]:
        """All events, once there are this many."""
        found: list[KeySeen] = []
        with trio.move_on_after(_LIMIT_S):
            while len(found) < count:
                await trio.sleep(_POLL_S)
                found = self._parsed()
        return found

    async def presses(self, count: int) -> list[tuple[int, int]]:
        """Keysym and modifiers of all presses of keys that are no modifiers."""
        found: list[tuple[int, int]] = []
        with trio.move_on_after(_LIMIT_S):
            while len(found) < count:
                await trio.sleep(_POLL_S)
                found = [
                    (seen.keysym, seen.state)
                    for seen in self._parsed()
                    if seen.pressed and not 0xFFE1 <= seen.keysym <= 0xFFEE
                    if seen.keysym not in (0xFE03, 0xFF7F)
                ]
        return found

    def _parsed(self) -> list[KeySeen]:
        return [
            KeySeen(
                pressed=found["kind"] == "Press",
                keysym=int(found["keysym"], 16),
                state=int(found["state"], 16),
                keycode=int(found["keycode"]),
            )
            for found in _EVENT.finditer(self.file.read_text(errors="replace"))
        ]


async def open_terminal(server: XServer, directory: Path) -> Terminal:
    """Start an xterm over the whole display and wait until it listens."""
    file, ready = directory / "typed", directory / "ready"
    script = f"stty raw -echo; touch {ready}; exec cat > {file}"
    server.start("xterm", "-u8", "-geometry", "200x60+0+0", "-e", "sh", "-c", script)
    await _exists(ready)
    await _exists(file)
    return Terminal(file)


async def open_key_recorder(server: XServer, directory: Path) -> KeyRecorder:
    """Start an xev over the whole display and wait until it is mapped."""
    file = directory / "events"
    command = f"exec xev -geometry 1280x800+0+0 -event keyboard -event structure > {file}"
    server.start("stdbuf", "-oL", "sh", "-c", command)
    await _exists(file)
    with trio.fail_after(_LIMIT_S):
        while "MapNotify event" not in file.read_text():
            await trio.sleep(_POLL_S)
    return KeyRecorder(file)


async def _exists(file: Path) -> None:
    with trio.fail_after(_LIMIT_S):
        while not file.exists():
            await trio.sleep(_POLL_S)
