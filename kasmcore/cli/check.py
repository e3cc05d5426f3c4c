"""``kasmcore check``: would the server start with these settings?"""

from __future__ import annotations

import argparse

from kasmcore.cli.settings_flags import LoadedSettings, add_settings_arguments, settings_from
from kasmcore.config.structure import settings_without_effect, structure
from kasmcore.errors import KasmcoreError
from kasmcore.kernels import LIBRARY
from kasmcore.plugin_manager import PluginManager, discover_plugins

SUMMARY = "check all settings and plugins, and tell every problem at once"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of this command."""
    add_settings_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print ``ok`` and what is set without effect; return the exit status 0.

    Raises: ``ConfigErrors`` or an ``ExceptionGroup`` of ``KasmcoreError`` with every problem, those
        of the settings first.
    """
    loaded = settings_from(arguments)
    manager = discover_plugins(loaded.plugins)
    if problems := _problems(loaded, manager):
        raise ExceptionGroup("the server would not start", problems)
    print("ok")
    if LIBRARY.problem:
        print(f"Frames are compared by numpy, which needs more CPU: {LIBRARY.problem}")
    if idle := settings_without_effect(loaded.tree, manager.settings_sections()):
        print("These are set and have no effect yet:")
        for path, origin in idle:
            print(f"  {path} ({origin})")
    return 0


def _problems(loaded: LoadedSettings, manager: PluginManager) -> list[KasmcoreError]:
    """Return what is wrong with the settings and with the plugins, both."""
    problems: list[KasmcoreError] = []
    try:
        config = structure(loaded.tree, manager.settings_sections())
    except KasmcoreError as error:
        problems.append(error)
    try:
        if problems:
            manager.require_sound()
        else:
            manager.plugin_set(config)
    except KasmcoreError as error:
        problems.append(error)
    return problems
