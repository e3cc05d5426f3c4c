"""The schema as a flat list: every setting of a settings class with its dotted path."""

from __future__ import annotations

import operator
import types
import typing
from collections.abc import Iterator, Sequence
from functools import cache, reduce

import attrs

from kasmcore.config.schema import ServerConfig
from kasmcore.config.schema_plugins import PluginSettings
from kasmcore.config.sections import SettingsSection
from kasmcore.config.value_types import VALUE_TYPES, ValueType
from kasmcore.errors import PluginError

PLUGIN_SETTINGS = "plugin_settings"


@attrs.frozen(kw_only=True)
class SettingField:
    """One setting: its path, what it takes and what it is for."""

    path: str
    value_type: ValueType
    is_list: bool
    default: object
    help: str
    at_least: float | None
    at_most: float | None
    choices: tuple[str, ...] | None
    unit: str
    effective: bool
    none_words: tuple[str, ...]

    @property
    def type_text(self) -> str:
        """What may be written, e.g. ``auto or a whole number from 1 to 64``."""
        text = self.value_type.name
        if self.choices is not None:
            text = _either(self.choices)
        elif self.limits_text:
            text = f"{text} {self.limits_text}"
        if self.is_list:
            text = f"a list, each {text}"
        return f"{self.none_words[0]} or {text}" if self.none_words else text

    @property
    def limits_text(self) -> str:
        """The limits of a number, e.g. ``from 1 to 64``; empty without limits."""
        if self.at_least is not None and self.at_most is not None:
            return f"from {self.number_text(self.at_least)} to {self.number_text(self.at_most)}"
        if self.at_least is not None:
            return f"of at least {self.number_text(self.at_least)}"
        return f"of at most {self.number_text(self.at_most)}" if self.at_most is not None else ""

    def number_text(self, number: float) -> str:
        """Write a number with the sign of percent or with its unit."""
        if self.unit == "%":
            return f"{number:g}%"
        return str(number)

    def text_of(self, value: object) -> str:
        """Write a value as it may stand in the YAML."""
        if value is None:
            return self.none_words[0] if self.none_words else "not set"
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int | float):
            return self.number_text(value)
        if isinstance(value, tuple):
            return f"[{', '.join(self.text_of(item) for item in value)}]"
        return str(value)

    @property
    def default_text(self) -> str:
        """The default as it may stand in the YAML."""
        return self.text_of(self.default)


@cache
def settings_of(
    settings_class: type[attrs.AttrsInstance], prefix: str = ""
) -> tuple[SettingField, ...]:
    """List every setting below a settings class, groups flattened, in the order of the source.

    Raises: ``TypeError`` when a field is neither a group nor declared with ``setting``, or has a
        type that settings cannot have.
    """
    return tuple(_settings_of(settings_class, prefix))


def _settings_of(settings_class: type[attrs.AttrsInstance], prefix: str) -> Iterator[SettingField]:
    for name, kind in types_of(settings_class).items():
        path = f"{prefix}.{name}" if prefix else name
        if is_group(kind):
            if kind is not PluginSettings:
                yield from settings_of(kind, path)
            continue
        yield setting_of(settings_class, name, path)


@cache
def types_of(settings_class: type[attrs.AttrsInstance]) -> dict[str, typing.Any]:
    """Map each field of a settings class to its type."""
    hints = typing.get_type_hints(settings_class)
    return {field.name: hints[field.name] for field in attrs.fields(settings_class)}


def is_group(kind: object) -> typing.TypeGuard[type[attrs.AttrsInstance]]:
    """Say whether a field's type is a group of settings, not one setting."""
    return isinstance(kind, type) and attrs.has(kind) and kind not in VALUE_TYPES


@cache
def setting_of(settings_class: type[attrs.AttrsInstance], name: str, path: str) -> SettingField:
    """Describe one field of a settings class.

    Raises: ``TypeError`` as ``settings_of``.
    """
    field = attrs.fields_dict(settings_class)[name]
    if "help" not in field.metadata:
        raise TypeError(f"{settings_class.__name__}.{name} is not declared with setting()")
    value_type, is_list = _value_type(types_of(settings_class)[name])
    if value_type is None:
        raise TypeError(
            f"{settings_class.__name__}.{name} has type {types_of(settings_class)[name]}, "
            "which a setting cannot have"
        )
    return SettingField(
        path=path, value_type=value_type, is_list=is_list, default=field.default, **field.metadata
    )


def _value_type(kind: object) -> tuple[ValueType | None, bool]:
    """Return the type of one value, and whether the setting is a list of such."""
    if isinstance(kind, types.UnionType) or typing.get_origin(kind) is typing.Union:
        members = [member for member in typing.get_args(kind) if member is not types.NoneType]
        kind = reduce(operator.or_, members)
    if typing.get_origin(kind) is tuple:
        item, *rest = typing.get_args(kind)
        return (VALUE_TYPES.get(item) if rest == [...] else None), True
    return VALUE_TYPES.get(kind), False


def _either(words: tuple[str, ...]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else words[0]


def core_settings() -> tuple[SettingField, ...]:
    """List every setting of the server itself, without those of plugins."""
    return settings_of(ServerConfig)


def section_settings(sections: Sequence[SettingsSection]) -> tuple[SettingField, ...]:
    """List every setting of plugins' sections, with paths below ``plugin_settings``.

    Raises: ``PluginError`` when two sections share a name or a class, or a class is not made of
        settings.
    """
    names: set[str] = set()
    classes: set[type[attrs.AttrsInstance]] = set()
    settings: list[SettingField] = []
    for section in sections:
        where = f"settings section {section.name} of class {section.settings_class.__name__}"
        if section.name in names or section.settings_class in classes:
            raise PluginError(
                "two plugins offer the same settings section",
                where=where,
                remedy="Block one of them in plugins.block.",
            )
        names.add(section.name)
        classes.add(section.settings_class)
        try:
            settings += settings_of(section.settings_class, f"{PLUGIN_SETTINGS}.{section.name}")
        except TypeError as error:
            raise PluginError(
                f"a plugin's settings cannot be used: {error}",
                where=where,
                remedy="Tell its author, or block the plugin in plugins.block.",
            ) from error
    return tuple(settings)


def groups_of(settings: Sequence[SettingField]) -> tuple[str, ...]:
    """List the dotted paths of all groups that hold these settings, outer ones first."""
    groups = {PLUGIN_SETTINGS: None}
    for field in settings:
        keys = field.path.split(".")
        groups.update({".".join(keys[:depth]): None for depth in range(1, len(keys))})
    return tuple(groups)


def variable_name(path: str) -> str:
    """Name the environment variable of a dotted path: ``KASMCORE_ENCODING_MAX_FRAME_RATE``."""
    return f"KASMCORE_{path.upper().replace('.', '_')}"
