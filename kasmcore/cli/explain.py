"""``kasmcore explain KEY``: the value of a setting, what set it, and what it is for."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from kasmcore.cli.settings_flags import add_settings_arguments, settings_from
from kasmcore.config.fields import (
    SettingField,
    core_settings,
    groups_of,
    section_settings,
    variable_name,
)
from kasmcore.config.nearest import remedy_for_unknown_key
from kasmcore.config.setting_reader import SettingReader
from kasmcore.config.structure import with_plugin_variables
from kasmcore.config.tree import SettingsTree
from kasmcore.errors import ConfigError, ConfigErrors
from kasmcore.plugin_manager import discover_plugins

SUMMARY = "tell the value of a setting, what set it, and what it is for"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of this command."""
    parser.add_argument(
        "key",
        nargs="?",
        default="",
        metavar="KEY",
        help="a setting or a group, such as encoding.max_frame_rate; without it, all of them",
    )
    add_settings_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print what is known about the key; return the exit status.

    Raises: ``ConfigErrors`` when the key's value, ``plugins:`` or a layer cannot be read;
        ``ConfigError`` for a key that is not known.
    """
    loaded = settings_from(arguments)
    sections = discover_plugins(loaded.plugins).settings_sections()
    settings = core_settings() + section_settings(sections)
    tree = with_plugin_variables(loaded.tree, settings)
    print(explanation(arguments.key, settings, tree))
    return 0


def explanation(key: str, settings: Sequence[SettingField], tree: SettingsTree) -> str:
    """Say everything about a setting, or list the settings of a group with their values.

    Raises: as ``run``.
    """
    by_path = {field.path: field for field in settings}
    if key in by_path:
        return _of_setting(by_path[key], tree)
    below = [field for field in settings if not key or field.path.startswith(f"{key}.")]
    if below:
        return "\n".join(f"{field.path}: {_value_text(field, tree)}" for field in below)
    groups = groups_of(settings)
    if key in groups:
        return f"{key} holds no settings: no plugin that is loaded has any."
    raise ConfigError(
        f"{key} is not a known key", remedy=remedy_for_unknown_key(key, [*by_path, *groups])
    )


def _of_setting(field: SettingField, tree: SettingsTree) -> str:
    takes = f"{field.type_text} ({field.unit})" if field.unit else field.type_text
    lines = [
        f"{field.path}: {_value_text(field, tree)}",
        f"  set by    {_origin_text(field.path, tree)}",
        f"  default   {field.default_text}",
        f"  takes     {takes}",
        f"  variable  {variable_name(field.path)}",
        f"  {field.help}",
    ]
    if not field.effective:
        lines.append("  It has no effect yet: the feature behind it is not built.")
    return "\n".join(lines)


def _value_text(field: SettingField, tree: SettingsTree) -> str:
    node = tree.find(field.path)
    if node is None or not tree.is_set(field.path):
        return field.default_text
    reader = SettingReader(field)
    value = reader.read(node)
    if reader.problems:
        raise ConfigErrors(reader.problems)
    return field.text_of(value)


def _origin_text(path: str, tree: SettingsTree) -> str:
    node = tree.find(path)
    if node is None or not tree.is_set(path):
        return "nothing; this is the default"
    return str(node.origin)
