"""One desktop: its X display and the programs on it, all ended together."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import secrets
import shlex
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import attrs
import trio

from kasmcore.config.schema import ServerConfig
from kasmcore.desktop.authority import new_cookie, write_authority
from kasmcore.desktop.environments import choose_environment, with_session_bus
from kasmcore.desktop.processes import MARK, Launch, end_marked, end_process, is_alive
from kasmcore.desktop.x_servers import X_SERVERS, XServerRequest, start_x_server
from kasmcore.errors import ConfigError
from kasmcore.values.geometry import Size

_LOG = logging.getLogger(__name__)

_PATIENCE_S = 2.0
"""What programs get to end by themselves."""


@attrs.define(eq=False)
class Desktop:
    """A display that runs, and what was started on it."""

    display_name: str
    authority_file: str
    """Empty for the user's default."""
    is_attached: bool
    """True when somebody else started the display."""
    description: str
    _config: ServerConfig = attrs.field(repr=False)
    _launch: Launch | None = attrs.field(default=None, repr=False)
    _nursery: trio.Nursery | None = attrs.field(default=None, repr=False)

    @property
    def number(self) -> int:
        """N of ``:N``."""
        found = re.search(r":(\d+)", self.display_name)
        return int(found[1]) if found else 0

    async def start_environment(self) -> None:
        """Start the desktop environment or command that the settings name; none when attached.

        Raises:
            ConfigError: it is not known or not installed.
            KasmcoreError: it cannot be started.
        """
        if self._launch is None or self._nursery is None:
            return
        settings, launch = self._config.desktop, self._launch
        if settings.start_command is not None:
            name, command = settings.start_command, shlex.split(settings.start_command)
        else:
            environment = choose_environment(settings.environment, shutil.which)
            if environment is None:
                self._describe_without(settings.environment)
                return
            name, command = environment.name, environment.command
            variables = {**launch.variables, **dict(environment.variables)}
            launch = attrs.evolve(launch, variables=variables)
        command = with_session_bus(command, launch.variables, shutil.which)
        process = await launch.start(command)
        self.description = f"{self.description} with {name}"
        self._nursery.start_soon(_watch, process, name, launch.log_file)

    def _describe_without(self, wanted: str) -> None:
        if wanted == "auto":
            _LOG.warning(
                "no desktop environment is installed, so the display is empty. Install one, such "
                "as xfce4-session, or name a program in desktop.start_command."
            )
        self.description = f"{self.description} without a desktop environment"


@contextlib.asynccontextmanager
async def open_desktop(config: ServerConfig, directory: Path) -> AsyncIterator[Desktop]:
    """Attach to the display that the settings name, or start one of our own.

    Args:
        config: ``desktop`` says what to start.
        directory: for the Xauthority file and logs; must exist.

    Raises:
        ConfigError, KasmcoreError: it cannot be started; nothing is left behind.
    """
    if config.desktop.attach is not None:
        yield _attached(config, config.desktop.attach)
        return
    await _end_leftovers(directory)
    mark = f"{os.getpid()}-{secrets.token_hex(8)}"
    files = _Files(directory, mark)
    try:
        async with _virtual_display(config, files) as desktop:
            yield desktop
    finally:
        with trio.CancelScope(shield=True):
            await end_marked(mark, _PATIENCE_S)
        files.remove()


async def _end_leftovers(directory: Path) -> None:
    """End the displays of servers that were killed and could not do it themselves."""
    for authority in directory.glob("xauthority-*"):
        mark = authority.name.removeprefix("xauthority-")
        owner_pid = mark.partition("-")[0]
        if owner_pid.isdigit() and not is_alive(int(owner_pid)):
            _LOG.warning("ending what is left of a server that was killed (process %s)", owner_pid)
            await end_marked(mark, _PATIENCE_S)
            _Files(directory, mark).remove()


@contextlib.asynccontextmanager
async def _virtual_display(config: ServerConfig, files: _Files) -> AsyncIterator[Desktop]:
    cookie = new_cookie()
    write_authority(files.authority, cookie, None)
    launch = Launch(_variables(files), files.first_log)
    first, largest = config.desktop.resolution, config.desktop.maximum_resolution
    request = XServerRequest(
        number=config.desktop.display,
        first=Size(first.width, first.height),
        largest=Size(largest.width, largest.height),
        authority_file=files.authority,
        directory=files.directory,
    )
    server = X_SERVERS[config.desktop.server]
    process, number = await start_x_server(server, request, launch)
    write_authority(files.authority, cookie, number)
    launch = Launch(
        variables={**launch.variables, "DISPLAY": f":{number}"},
        log_file=files.first_log.rename(files.directory / f"display-{number}.log"),
    )
    async with trio.open_nursery() as nursery:
        desktop = Desktop(
            display_name=f":{number}",
            authority_file=str(files.authority),
            is_attached=False,
            description=server.program,
            config=config,
            launch=launch,
            nursery=nursery,
        )
        nursery.start_soon(_watch_x_server, process, f":{number}", launch.log_file)
        try:
            yield desktop
        finally:
            nursery.cancel_scope.cancel()
            with trio.CancelScope(shield=True):
                # Programs first, while the display still runs: they may have something to save.
                await end_marked(files.mark, _PATIENCE_S, spared_pid=process.pid)
                await end_process(process, _PATIENCE_S)


def _attached(config: ServerConfig, name: str) -> Desktop:
    if not re.fullmatch(r"[\w.-]*:\d+(\.\d+)?", name):
        raise ConfigError(
            f"desktop.attach is {name!r}, which is not the name of an X display",
            remedy="Write it like :0.",
        )
    authority = config.server.advanced.x_authority_file
    return Desktop(
        display_name=name,
        authority_file=str(authority) if authority is not None else "",
        is_attached=True,
        description="a display that already ran",
        config=config,
    )


@attrs.frozen
class _Files:
    """The files of one display of ours."""

    directory: Path
    mark: str

    @property
    def authority(self) -> Path:
        """Its Xauthority file."""
        return self.directory / f"xauthority-{self.mark}"

    @property
    def first_log(self) -> Path:
        """The log until the display's number is known."""
        return self.directory / f"display-{self.mark}.log"

    @property
    def runtime(self) -> Path:
        """Sockets of its programs; short, since a socket's path may have 107 bytes."""
        return Path(tempfile.gettempdir()) / f"kasmcore-{self.mark}"

    def remove(self) -> None:
        """Remove what is of no use once the display has ended."""
        self.authority.unlink(missing_ok=True)
        self.first_log.unlink(missing_ok=True)
        shutil.rmtree(self.runtime, ignore_errors=True)


def _variables(files: _Files) -> dict[str, str]:
    """The environment of everything on the display: ours, without what points at another one."""
    variables = {
        name: value
        for name, value in os.environ.items()
        if name not in ("DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "SESSION_MANAGER")
        and not name.startswith("KASMCORE_")
    }
    variables.setdefault("XDG_SESSION_TYPE", "x11")
    if not any(variables.get(name) for name in ("LC_ALL", "LC_CTYPE", "LANG")):
        variables["LANG"] = "C.UTF-8"  # else terminals take ASCII alone
    if not variables.get("XDG_RUNTIME_DIR"):  # as on a machine where nobody has logged in
        files.runtime.mkdir(mode=0o700)
        variables["XDG_RUNTIME_DIR"] = str(files.runtime)
    return {**variables, "XAUTHORITY": str(files.authority), MARK: files.mark}


async def _watch(process: trio.Process, name: str, log_file: Path) -> None:
    """Say when the desktop's main program ends; the display goes on."""
    status = await process.wait()
    _LOG.warning(
        "%s has ended (status %d); the display goes on. Its log: %s", name, status, log_file
    )


async def _watch_x_server(process: trio.Process, name: str, log_file: Path) -> None:
    status = await process.wait()
    _LOG.error("the X server %s has ended (status %d). Its log: %s", name, status, log_file)
