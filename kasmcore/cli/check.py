"""``kasmcore check``: would the server start with these settings?"""

from __future__ import annotations

import argparse
import sys

from kasmcore.cli.settings_flags import LoadedSettings, add_settings_arguments, settings_from
from kasmcore.config.structure import settings_without_effect, structure
from kasmcore.errors import KasmcoreError
from kasmcore.plugin_manager import PluginManager, discover_plugins

SUMMARY = "check all settings and plugins, and tell every problem at once"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of this command."""
    add_settings_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print every problem, or ``ok`` and what is set without effect; return the exit status."""
    try:
        loaded = settings_from(arguments)
    except KasmcoreError as error:
        print(error, file=sys.stderr)
        return error.exit_status
    manager = discover_plugins(loaded.plugins)
    problems = _problems(loaded, manager)
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        return problems[0].exit_status
    print("ok")
    if idle := settings_without_effect(loaded.tree, manager.settings_sections()):
        print("These are set and have no effect yet:")
        for path, origin in idle:
            print(f"  {path} ({origin})")
    return 0


def _problems(loaded: LoadedSettings, manager: PluginManager) -> list[KasmcoreError]:
    """Return what is wrong with the settings and with the plugins, both."""
    try:
        config = structure(loaded.tree, manager.settings_sections())
    except KasmcoreError as settings_error:
        try:
            manager.require_sound()
        except KasmcoreError as plugins_error:
            return [settings_error, plugins_error]
        return [settings_error]
    try:
        manager.plugin_set(config)
    except KasmcoreError as plugins_error:
        return [plugins_error]
    return []
