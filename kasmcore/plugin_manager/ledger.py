"""The book of what became of each plugin, and of what stops the start."""

from __future__ import annotations

import logging

import attrs

from kasmcore.errors import ConfigError, ConfigErrors, KasmcoreError, PluginError, PluginErrors
from kasmcore.plugin_manager.states import PluginCondition

_log = logging.getLogger(__name__)


@attrs.define
class Ledger:
    """Faults stop the start, unless ``plugins.optional`` names the plugin: then they are warnings.

    Attributes:
        optional: names under ``plugins.optional``.
        problems: what stops the start.
        not_offered: reason by kind and name, for what a list names and nothing offers.
    """

    optional: frozenset[str]
    problems: list[KasmcoreError] = attrs.field(factory=list, init=False)
    not_offered: dict[tuple[str, str], str] = attrs.field(factory=dict, init=False)
    _notes: dict[str, tuple[PluginCondition, str]] = attrs.field(factory=dict, init=False)

    def note(self, plugin: str, condition: PluginCondition, reason: str) -> None:
        """Write down what became of a plugin."""
        self._notes[plugin] = (condition, reason)

    def condition_of(self, plugin: str) -> PluginCondition | None:
        """Return what became of a plugin; None while nothing hinders it."""
        return self._notes[plugin][0] if plugin in self._notes else None

    def is_sound(self, plugin: str) -> bool:
        """True while nothing hinders a plugin."""
        return plugin not in self._notes

    def reason_of(self, plugin: str) -> str:
        """Return why it does not take part; empty while nothing hinders it."""
        return self._notes[plugin][1] if plugin in self._notes else ""

    def broken(self, plugin: str, error: PluginError) -> None:
        """Leave a plugin out as broken; stops the start unless it is optional."""
        self.note(plugin, PluginCondition.BROKEN, error.what)
        self._stop_or_warn(plugin, error)

    def missing(self, kind: str, name: str, error: PluginError) -> None:
        """A list names what nothing offers; stops the start unless the name is optional."""
        self.not_offered[kind, name] = error.what
        self._stop_or_warn(name, error)

    def unavailable(self, plugin: str, error: Exception) -> None:
        """Leave out, with a warning, a plugin that says it cannot work here."""
        self.note(plugin, PluginCondition.UNAVAILABLE, str(error))
        _log.warning("plugin %s is left out: %s", plugin, error)

    def misconfigured(self, plugin: str, error: ConfigError) -> None:
        """A plugin refuses its settings; stops the start, optional or not."""
        self.note(plugin, PluginCondition.BROKEN, str(error))
        self.problems.append(error)

    def require_sound(self) -> None:
        """Raise everything that stops the start.

        Raises:
            ConfigErrors: settings are wrong, and nothing else.
            PluginErrors: plugins are wrong; settings may be, too.
        """
        settings = [error for error in self.problems if isinstance(error, ConfigError)]
        if self.problems and len(settings) == len(self.problems):
            raise ConfigErrors(settings)
        if self.problems:
            raise PluginErrors(self.problems)

    def _stop_or_warn(self, name: str, error: PluginError) -> None:
        if name in self.optional:
            _log.warning("%s (left out: plugins.optional names it)", error)
        else:
            self.problems.append(error)
