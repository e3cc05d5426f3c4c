"""``kasmcore plugins``: every plugin, whether it takes part, and if not, why."""

from __future__ import annotations

import argparse
import json
import sys

import attrs

from kasmcore.cli.settings_flags import LoadedSettings, add_settings_arguments, settings_from
from kasmcore.config.structure import structure
from kasmcore.errors import KasmcoreError
from kasmcore.plugin_manager import PluginManager, PluginState, discover_plugins

SUMMARY = "list plugins with version, hooks, state and reason"
HEADINGS = ("name", "state", "kinds", "distribution", "version")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of this command."""
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    add_settings_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print all plugins; the exit status is not 0 when they would stop the server's start.

    Raises: ``ConfigErrors`` when ``plugins:`` or a layer cannot be read.
    """
    loaded = settings_from(arguments)
    manager = discover_plugins(loaded.plugins)
    problem = _problem(loaded, manager)
    print(as_json(manager.states) if arguments.json else as_table(manager.states))
    if problem is None:
        return 0
    print(f"\nThe server would not start:\n{problem}", file=sys.stderr)
    return problem.exit_status


def _problem(loaded: LoadedSettings, manager: PluginManager) -> KasmcoreError | None:
    try:
        manager.require_sound()
        manager.plugin_set(structure(loaded.tree, manager.settings_sections()))
    except KasmcoreError as error:
        return error
    return None


def as_json(states: tuple[PluginState, ...]) -> str:
    """Return a JSON list with one object for each plugin."""
    plugins = [
        attrs.asdict(state) | {"condition": state.condition.value, "hooks": list(state.hooks)}
        for state in states
    ]
    return json.dumps(plugins, indent=2)


def as_table(states: tuple[PluginState, ...]) -> str:
    """Return a table; hooks and reason stand below the line of their plugin."""
    rows = [
        (
            state.name,
            state.condition.value,
            " ".join(state.kinds),
            state.distribution,
            state.version,
        )
        for state in states
    ]
    widths = [max(map(len, column)) for column in zip(HEADINGS, *rows, strict=True)]
    lines = [_line(HEADINGS, widths)]
    for row, state in zip(rows, states, strict=True):
        lines.append(_line(row, widths))
        lines += [f"    {hook}" for hook in state.hooks]
        lines += [f"    ({state.reason})"] if state.reason else []
    return "\n".join(lines)


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    return "  ".join(f"{cell:{width}}" for cell, width in zip(cells, widths, strict=True)).rstrip()
