from __future__ import annotations

from collections.abc import Callable

import pytest

from kasmcore.desktop.environments import choose_environment, with_session_bus
from kasmcore.errors import ConfigError


def installed(*programs: str) -> Callable[[str], str | None]:
    return lambda program: f"/usr/bin/{program}" if program in programs else None


def test_auto_takes_a_light_desktop_before_a_heavy_one() -> None:
    chosen = choose_environment("auto", installed("gnome-session", "startplasma-x11", "startxfce4"))
    assert chosen is not None
    assert (chosen.name, chosen.command) == ("xfce", ["startxfce4"])


def test_auto_is_content_with_a_window_manager() -> None:
    chosen = choose_environment("auto", installed("x-window-manager"))
    assert chosen is not None
    assert chosen.command[-1] == "x-window-manager"
    assert "x-terminal-emulator" in " ".join(chosen.command)


def test_auto_starts_nothing_where_nothing_is_installed() -> None:
    assert choose_environment("auto", installed()) is None


def test_none_starts_nothing_though_much_is_installed() -> None:
    assert choose_environment("none", installed("startxfce4")) is None


def test_the_named_desktop_is_taken() -> None:
    chosen = choose_environment("kde", installed("startxfce4", "startkde"))
    assert chosen is not None
    assert chosen.command == ["startkde"]


def test_a_named_desktop_that_is_not_installed_stops_the_start() -> None:
    with pytest.raises(ConfigError, match=r"xfce, which is not installed .*startxfce4.*auto"):
        choose_environment("xfce", installed("startkde"))


def test_an_unknown_desktop_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"cde, which is not known.*xfce.*start_command"):
        choose_environment("cde", installed("startxfce4"))


@pytest.mark.parametrize(
    ("variables", "programs", "expected"),
    [
        ({}, ("dbus-run-session", "dbus-launch"), ["dbus-run-session", "--", "xfce4-session"]),
        ({}, ("dbus-launch",), ["dbus-launch", "--exit-with-session", "xfce4-session"]),
        ({}, (), ["xfce4-session"]),
        ({"DBUS_SESSION_BUS_ADDRESS": "unix:path=/run/bus"}, ("dbus-launch",), ["xfce4-session"]),
        ({"DBUS_SESSION_BUS_ADDRESS": ""}, ("dbus-run-session",),
         ["dbus-run-session", "--", "xfce4-session"]),
    ],
)  # fmt: skip
def test_a_desktop_gets_a_session_bus_where_there_is_none(
    variables: dict[str, str], programs: tuple[str, ...], expected: list[str]
) -> None:
    assert with_session_bus(["xfce4-session"], variables, installed(*programs)) == expected
