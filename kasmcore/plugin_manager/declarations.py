"""What plugins declare before any setting is read: settings sections and commands."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from kasmcore.config.sections import SettingsSection
from kasmcore.errors import ConfigError, KasmcoreError, PluginError
from kasmcore.interfaces.routes import CommandSpec
from kasmcore.plugin_manager.conflicts import refuse_same_items
from kasmcore.plugin_manager.ledger import Ledger
from kasmcore.plugin_manager.loading import LoadedPlugin

_log = logging.getLogger(__name__)


def gather_sections(loaded: Iterable[LoadedPlugin], ledger: Ledger) -> tuple[SettingsSection, ...]:
    """Join the settings of all plugins; a plugin that fails or repeats a name is broken."""
    offered = []
    for plugin in loaded:
        try:
            sections = plugin.offers_for_certain(
                "kasmcore_register_settings", (SettingsSection,), {}
            )
        except PluginError as error:
            ledger.broken(plugin.name, error)
        except ConfigError as error:
            ledger.misconfigured(plugin.name, error)
        else:
            offered += [(plugin.found, section) for section in sections]
    refuse_same_items(offered, lambda section: section.name, "settings section", ledger)
    return tuple(section for found, section in offered if ledger.is_sound(found.name))


def gather_commands(loaded: Iterable[LoadedPlugin]) -> tuple[CommandSpec, ...]:
    """Join the commands of all plugins; one that fails or repeats a name is logged, left out."""
    commands: dict[str, CommandSpec] = {}
    for plugin in loaded:
        try:
            offered = plugin.offers_for_certain("kasmcore_register_commands", (CommandSpec,), {})
        except KasmcoreError as error:
            _log.error("%s", error)
            continue
        for command in offered:
            if command.name in commands:
                _log.error("command %s of plugin %s is taken", command.name, plugin.name)
            commands.setdefault(command.name, command)
    return tuple(commands.values())
