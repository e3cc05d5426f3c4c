"""From the tree of text to typed settings, with every problem reported at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from difflib import get_close_matches
from typing import TypeVar

import attrs

from kasmcore.config.fields import (
    PLUGIN_SETTINGS,
    SettingField,
    core_settings,
    groups_of,
    is_group,
    section_settings,
    setting_of,
    types_of,
    variable_name,
)
from kasmcore.config.nearest import nearest_path, remedy_for_unknown_key
from kasmcore.config.rules import broken_rules
from kasmcore.config.schema import ServerConfig
from kasmcore.config.schema_plugins import PluginsConfig, PluginSettings
from kasmcore.config.sections import SettingsSection
from kasmcore.config.setting_reader import SettingReader
from kasmcore.config.tree import (
    BlankNode,
    Node,
    OriginKind,
    SectionNode,
    SettingsTree,
    Variable,
    values_of,
)
from kasmcore.errors import ConfigError, ConfigErrors

SettingsT = TypeVar("SettingsT", bound=attrs.AttrsInstance)


def structure_plugins(tree: SettingsTree) -> PluginsConfig:
    """Read ``plugins:`` alone, so that plugins can be loaded before their settings are read.

    Raises: ``ConfigErrors`` when ``plugins:`` or a whole layer cannot be read; then with every
        problem that can be told without the plugins.
    """
    reader = _TreeReader(tree, core_settings())
    plugins = reader.read_group(PluginsConfig, tree.root.entries.get("plugins"), "plugins")
    if reader.problems:
        reader = _TreeReader(tree, core_settings())
        reader.read_core()
        reader.refuse_variables(
            variable
            for variable in tree.variables
            if not variable.name.startswith(variable_name(PLUGIN_SETTINGS))
        )
        raise ConfigErrors(reader.problems)
    return plugins


def structure(tree: SettingsTree, sections: Sequence[SettingsSection]) -> ServerConfig:
    """Read everything: the server's settings and those of the plugins that were loaded.

    Raises: ``ConfigErrors`` with every problem; ``PluginError`` when plugins' sections collide or
        are not made of settings.
    """
    known = core_settings() + section_settings(sections)
    tree = with_plugin_variables(tree, known)
    reader = _TreeReader(tree, known)
    config = reader.read_core()
    left_out = {*config.plugins.optional, *config.plugins.block}
    plugin_settings = reader.read_plugin_settings(sections, left_out)
    unread = tuple(f"{variable_name(f'{PLUGIN_SETTINGS}.{name}')}_" for name in left_out)
    reader.refuse_variables(
        variable for variable in tree.variables if not variable.name.startswith(unread)
    )
    if reader.problems:
        raise ConfigErrors(reader.problems)
    return attrs.evolve(config, plugin_settings=plugin_settings)


def with_plugin_variables(tree: SettingsTree, known: Iterable[SettingField]) -> SettingsTree:
    """Give the environment variables that name settings of plugins their place in the tree."""
    paths = {variable_name(field.path): field.path for field in known}
    unknown: list[Variable] = []
    for variable in tree.variables:
        path = paths.get(variable.name)
        if path is None:
            unknown.append(variable)
            continue
        present = tree.find(path)
        if present is None or present.origin.kind is not OriginKind.FLAG:
            tree = tree.with_value(path, variable.value)
    return attrs.evolve(tree, variables=tuple(unknown))


def settings_without_effect(
    tree: SettingsTree, sections: Sequence[SettingsSection]
) -> tuple[tuple[str, str], ...]:
    """List (dotted path, origin) of what is set and changes nothing.

    That is: what its feature is not built yet for, and settings of plugins that are left out.
    """
    known = {field.path: field for field in core_settings() + section_settings(sections)}
    tree = with_plugin_variables(tree, known.values())
    return tuple(
        (path, str(node.origin))
        for path, node in values_of(tree.root)
        if path not in known or not known[path].effective
    )


def _remedy_for_unknown_section(name: str, known: Collection[str]) -> str:
    if close := get_close_matches(name, known, n=1):
        return f"Did you mean {PLUGIN_SETTINGS}.{close[0]}?"
    return (
        f"Install the plugin, name it under plugins.optional, or delete {PLUGIN_SETTINGS}.{name}."
    )


class _TreeReader:
    """Walks settings classes and tree side by side; what is wrong goes to ``problems``."""

    def __init__(self, tree: SettingsTree, known: Sequence[SettingField]) -> None:
        self.problems: list[ConfigError] = list(tree.problems)
        self._tree = tree
        self._known_settings = [field.path for field in known]
        self._known_keys = [*self._known_settings, *groups_of(known)]
        self._unreadable: set[str] = set()

    def read_core(self) -> ServerConfig:
        """Read everything but ``plugin_settings``."""
        config = self.read_group(ServerConfig, self._tree.root, "")
        self.problems += broken_rules(config, self._tree, self._unreadable)
        return config

    def read_plugin_settings(
        self, sections: Sequence[SettingsSection], left_out: Collection[str]
    ) -> PluginSettings:
        """Read ``plugin_settings``, where each plugin's section has its name.

        The sections of plugins ``left_out`` stay unread, as there is nothing to read them with.
        """
        classes = {section.name: section.settings_class for section in sections}
        node = self._section(self._tree.root.entries.get(PLUGIN_SETTINGS), PLUGIN_SETTINGS)
        if node is None:
            return PluginSettings()
        for name, child in node.entries.items():
            if name not in classes and name not in left_out:
                self._add(
                    f"{PLUGIN_SETTINGS}.{name} belongs to no plugin that is loaded",
                    child,
                    _remedy_for_unknown_section(name, classes),
                )
        return PluginSettings(
            tuple(
                self.read_group(classes[name], child, f"{PLUGIN_SETTINGS}.{name}")
                for name, child in node.entries.items()
                if name in classes
            )
        )

    def read_group(
        self, settings_class: type[SettingsT], node: Node | None, path: str
    ) -> SettingsT:
        """Read one group; defaults stand in for what is wrong."""
        section = self._section(node, path)
        if section is None:
            return settings_class()
        kinds = types_of(settings_class)
        self._refuse_unknown_keys(section, path, kinds)
        values: dict[str, object] = {}
        for name, child in section.entries.items():
            kind = kinds.get(name)
            child_path = f"{path}.{name}" if path else name
            if kind is None or kind is PluginSettings or isinstance(child, BlankNode):
                continue
            if is_group(kind):
                values[name] = self.read_group(kind, child, child_path)
            else:
                values[name] = self._read_setting(settings_class, name, child_path, child)
        try:
            return settings_class(**values)
        except ValueError as error:
            self._add(f"{path} cannot be used: {error}", section)
            return settings_class()

    def refuse_variables(self, variables: Iterable[Variable]) -> None:
        """Add a problem for each environment variable that names no setting."""
        names = {variable_name(path): path for path in self._known_settings}
        for variable in variables:
            nearest = nearest_path(variable.name, tuple(names))
            self.problems.append(
                ConfigError(
                    f"{variable.name} names no setting",
                    where="environment",
                    remedy=f"Did you mean {nearest}?" if nearest else f"Unset {variable.name}.",
                )
            )

    def _read_setting(
        self, settings_class: type[attrs.AttrsInstance], name: str, path: str, node: Node
    ) -> object:
        reader = SettingReader(setting_of(settings_class, name, path))
        value = reader.read(node)
        if reader.problems:
            self.problems += reader.problems
            self._unreadable.add(path)
        return value

    def _section(self, node: Node | None, path: str) -> SectionNode | None:
        """Return the node when it is a group of keys; None, with a problem if it is a value."""
        if node is None or isinstance(node, BlankNode):
            return None
        if isinstance(node, SectionNode):
            return node
        self._add(
            f"{path} is a group of keys, but has a value of its own",
            node,
            f"Write its keys below it, indented; kasmcore explain {path} lists them.",
        )
        return None

    def _refuse_unknown_keys(self, section: SectionNode, path: str, known: Collection[str]) -> None:
        for name in [key for key in section.entries if key not in known]:
            child_path = f"{path}.{name}" if path else name
            self._add(
                f"{child_path} is not a known key",
                section.entries[name],
                remedy_for_unknown_key(child_path, self._known_keys),
            )

    def _add(self, what: str, node: Node, remedy: str = "") -> None:
        self.problems.append(ConfigError(what, where=str(node.origin), remedy=remedy))
