"""Which desktop environments there are, and how each is started. Pure: a look-up is passed in."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import attrs

from kasmcore.errors import ConfigError


@attrs.frozen
class Environment:
    """A desktop environment that can be started."""

    name: str
    """The word that ``desktop.environment`` uses."""
    program: str
    """What must be on PATH."""
    starter: tuple[str, ...] = ()
    """Words before it."""
    variables: tuple[tuple[str, str], ...] = ()

    @property
    def command(self) -> list[str]:
        """Words to run."""
        return [*self.starter, self.program]


#: In the order in which ``auto`` looks: light ones first, they serve a remote display best.
ENVIRONMENTS = (
    Environment("xfce", "startxfce4", variables=(("XDG_CURRENT_DESKTOP", "XFCE"),)),
    Environment("xfce", "xfce4-session", variables=(("XDG_CURRENT_DESKTOP", "XFCE"),)),
    Environment("mate", "mate-session", variables=(("XDG_CURRENT_DESKTOP", "MATE"),)),
    Environment("lxqt", "startlxqt", variables=(("XDG_CURRENT_DESKTOP", "LXQt"),)),
    Environment("lxde", "startlxde", variables=(("XDG_CURRENT_DESKTOP", "LXDE"),)),
    Environment("cinnamon", "cinnamon-session", variables=(("XDG_CURRENT_DESKTOP", "X-Cinnamon"),)),
    Environment("kde", "startplasma-x11", variables=(("XDG_CURRENT_DESKTOP", "KDE"),)),
    Environment("kde", "startkde", variables=(("XDG_CURRENT_DESKTOP", "KDE"),)),
    Environment("gnome", "gnome-session", variables=(("XDG_CURRENT_DESKTOP", "GNOME"),)),
    Environment("openbox", "openbox-session"),
    Environment("icewm", "icewm-session"),
    # Debian's names for whatever window manager and terminal there are: better than nothing.
    Environment(
        "window_manager", "x-window-manager", starter=("sh", "-c", "x-terminal-emulator & exec $0")
    ),
)

FindProgram = Callable[[str], str | None]
"""Path of a program, or None: ``shutil.which``."""


def choose_environment(wanted: str, find_program: FindProgram) -> Environment | None:
    """Choose what to start.

    Args:
        wanted: ``auto``, ``none`` or a name.
        find_program: tells what is installed.

    Returns: None when nothing is to be started, or nothing is installed for ``auto``.

    Raises:
        ConfigError: the named one is unknown or not installed.
    """
    if wanted == "none":
        return None
    candidates = [known for known in ENVIRONMENTS if wanted in ("auto", known.name)]
    if not candidates:
        names = ", ".join(dict.fromkeys(known.name for known in ENVIRONMENTS))
        raise ConfigError(
            f"desktop.environment is {wanted}, which is not known",
            remedy=f"Choose auto, none, {names}, or name a command in desktop.start_command.",
        )
    for candidate in candidates:
        if find_program(candidate.program):
            return candidate
    if wanted == "auto":
        return None
    raise ConfigError(
        f"desktop.environment is {wanted}, which is not installed",
        where=f"no {candidates[0].program} in PATH",
        remedy="Install it, or set desktop.environment to auto.",
    )


def with_session_bus(
    command: list[str], variables: Mapping[str, str], find_program: FindProgram
) -> list[str]:
    """Give a desktop a session bus of its own when there is none: without it many stay black."""
    if variables.get("DBUS_SESSION_BUS_ADDRESS"):
        return command
    for starter in (["dbus-run-session", "--"], ["dbus-launch", "--exit-with-session"]):
        if find_program(starter[0]):
            return [*starter, *command]
    return command
