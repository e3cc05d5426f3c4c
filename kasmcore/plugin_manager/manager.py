"""The plugins of one server: what was found, what is used, what is wrong."""

from __future__ import annotations

from collections.abc import Sequence

import pluggy

from kasmcore import hookspecs
from kasmcore.config.schema import ServerConfig
from kasmcore.config.schema_plugins import PluginsConfig
from kasmcore.config.sections import SettingsSection
from kasmcore.errors import ConfigError, PluginError, PluginUnavailable
from kasmcore.interfaces.routes import CommandSpec
from kasmcore.plugin_manager.conflicts import refuse_same_names
from kasmcore.plugin_manager.declarations import gather_commands, gather_sections
from kasmcore.plugin_manager.discovery import FoundPlugin, find_plugins
from kasmcore.plugin_manager.kinds import all_listed
from kasmcore.plugin_manager.ledger import Ledger
from kasmcore.plugin_manager.loading import LoadedPlugin, load_plugin
from kasmcore.plugin_manager.resolution import Resolution, resolve
from kasmcore.plugin_manager.states import (
    UNLISTED_KINDS,
    PluginCondition,
    PluginState,
    kinds_of,
)
from kasmcore.plugin_set import PluginSet


def load_plugins(plugins: PluginsConfig) -> PluginManager:
    """Import every plugin that is installed or named under ``plugins.files`` and not blocked.

    Raises:
        PluginErrors: plugins are broken or conflict, and ``plugins.optional`` does not name them.
    """
    manager = discover_plugins(plugins)
    manager.require_sound()
    return manager


def discover_plugins(plugins: PluginsConfig) -> PluginManager:
    """Import them as ``load_plugins`` does, but only write down what is wrong."""
    return PluginManager(plugins, find_plugins(plugins.files))


class PluginManager:
    """Loads plugins one by one, so that a broken one never hides another."""

    def __init__(self, plugins: PluginsConfig, found: Sequence[FoundPlugin]) -> None:
        self._plugins = plugins
        self._found = found
        self._ledger = Ledger(frozenset(plugins.optional))
        self._loaded = self._load()
        self._sections = gather_sections(self._loaded.values(), self._ledger)
        self._commands = gather_commands(self._loaded.values())
        self._resolution: Resolution | None = None

    def require_sound(self) -> None:
        """Raise everything found so far that stops the start.

        Raises:
            PluginErrors: plugins are broken, missing or in conflict.
            ConfigErrors: only settings are to blame, which plugins refused.
        """
        self._ledger.require_sound()

    def settings_sections(self) -> tuple[SettingsSection, ...]:
        """Return the settings that plugins declare, in the order of the plugins' names."""
        return self._sections

    def commands(self) -> tuple[CommandSpec, ...]:
        """Return the subcommands that plugins offer."""
        return self._commands

    def plugin_set(self, config: ServerConfig) -> PluginSet:
        """Call the registering hooks, once for a manager, and choose by the YAML lists.

        Raises:
            PluginErrors: a plugin failed, conflicts with another one, or a listed one is missing.
            ConfigErrors: plugins refused their settings, and nothing else is wrong.
        """
        if self._resolution is None:
            loaded = tuple(self._loaded.values())
            self._resolution = resolve(loaded, config, self._commands, self._ledger)
        self.require_sound()
        return self._resolution.plugin_set

    @property
    def states(self) -> tuple[PluginState, ...]:
        """What became of each plugin; complete after ``plugin_set``, also when that raised."""
        missing = (
            PluginState(
                name=name,
                distribution="",
                version="",
                kinds=(kind,),
                hooks=(),
                condition=PluginCondition.MISSING,
                reason=reason,
            )
            for (kind, name), reason in self._ledger.not_offered.items()
        )
        return (*(self._state_of(found) for found in self._found), *missing)

    def _load(self) -> dict[str, LoadedPlugin]:
        for name in self._plugins.block:
            self._ledger.note(name, PluginCondition.BLOCKED, "plugins.block names it")
        refuse_same_names(
            [found for found in self._found if found.name not in self._plugins.block], self._ledger
        )
        checker = pluggy.PluginManager(hookspecs.PROJECT)
        checker.add_hookspecs(hookspecs)
        loaded = {}
        for found in self._found:
            if not self._ledger.is_sound(found.name):
                continue
            try:
                loaded[found.name] = load_plugin(found, checker)
            except PluginUnavailable as error:
                self._ledger.unavailable(found.name, error)
            except PluginError as error:
                self._ledger.broken(found.name, error)
            except ConfigError as error:
                self._ledger.misconfigured(found.name, error)
        return loaded

    def _state_of(self, found: FoundPlugin) -> PluginState:
        plugin = self._loaded.get(found.name)
        hooks = tuple(plugin.implementations) if plugin else ()
        condition = self._ledger.condition_of(found.name)
        reason = self._ledger.reason_of(found.name)
        if condition is None:
            condition, reason = self._use_of(found.name, hooks)
        return PluginState(
            name=found.name,
            distribution=found.distribution,
            version=found.version,
            kinds=kinds_of(hooks),
            hooks=hooks,
            condition=condition,
            reason=reason,
        )

    def _use_of(self, name: str, hooks: tuple[str, ...]) -> tuple[PluginCondition, str]:
        has_unlisted_kind = not UNLISTED_KINDS.isdisjoint(kinds_of(hooks))
        if self._resolution is None:
            takes_part = name in all_listed(self._plugins)
        else:
            takes_part = name in self._resolution.taking_part
        if takes_part or has_unlisted_kind:
            return PluginCondition.ACTIVE, ""
        offered = self._resolution.offered.get(name, "") if self._resolution else ""
        return PluginCondition.INACTIVE, f"no list names what it offers ({offered or 'nothing'})"
