"""The schema for people and for editors: a list, a page in Markdown, a JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

import attrs

from kasmcore.config.fields import (
    PLUGIN_SETTINGS,
    SettingField,
    core_settings,
    groups_of,
    section_settings,
    types_of,
)
from kasmcore.config.schema import ServerConfig
from kasmcore.config.sections import SettingsSection

_INTERPOLATED: Mapping[str, object] = {"$ref": "#/$defs/interpolated"}
_DEFINITIONS: Mapping[str, object] = {
    "interpolated": {
        "description": "A text with ${NAME}, which the environment variable NAME replaces.",
        "type": "string",
        "pattern": r"\$\{[A-Za-z_][A-Za-z0-9_]*\}",
    }
}
_PREFACE = """\
# Settings

Made by `docs/generate.py` from the schema; do not edit it here.

Settings come in layers; where two set the same key, the later one counts:

1. the defaults below,
2. `/etc/kasmcore/kasmcore.yaml`,
3. `~/.config/kasmcore/kasmcore.yaml` (or below `$XDG_CONFIG_HOME`),
4. each `--config FILE`, in order,
5. environment variables: `encoding.max_frame_rate` is `KASMCORE_ENCODING_MAX_FRAME_RATE`,
6. each `--set a.b.c=value`.

The value of a variable or a flag is a text as it stands; a list is `[a, b]`, or `a,b` where no
entry can hold a comma.

Groups are joined, lists are replaced as a whole, and a key with nothing behind it changes nothing.
`${NAME}` in a value is replaced by the environment variable `NAME`. The tree of keys is KasmVNC's,
so that its `kasmvnc.yaml` can be used unchanged. Keys marked *no effect yet* are read and checked,
but the feature behind them is not built.

`kasmcore check` tells every problem at once; `kasmcore explain KEY` tells the value of a key and
what set it.
"""


@attrs.frozen(kw_only=True)
class SettingDescription:
    """One setting in words."""

    path: str
    type_text: str
    default: str
    limits: str
    help: str
    unit: str
    effective: bool


def describe(sections: Sequence[SettingsSection] = ()) -> tuple[SettingDescription, ...]:
    """List every setting of the server and of these plugins' sections."""
    return tuple(
        SettingDescription(
            path=field.path,
            type_text=field.type_text,
            default=field.default_text,
            limits=field.limits_text,
            help=field.help,
            unit=field.unit,
            effective=field.effective,
        )
        for field in core_settings() + section_settings(sections)
    )


def settings_page(sections: Sequence[SettingsSection] = ()) -> str:
    """Return the operators' page of all settings, in Markdown."""
    by_top: dict[str, list[SettingDescription]] = {}
    for setting in describe(sections):
        by_top.setdefault(_top_of(setting.path), []).append(setting)
    summaries = _summaries(sections)
    parts = [_PREFACE]
    for top, settings in by_top.items():
        parts.append(f"## {top}\n\n{summaries[top]}\n")
        parts.append("\n".join(_rows(settings)) + "\n")
    return "\n".join(parts)


def _top_of(path: str) -> str:
    keys = path.split(".")
    return ".".join(keys[:2]) if keys[0] == PLUGIN_SETTINGS else keys[0]


def _summaries(sections: Sequence[SettingsSection]) -> dict[str, str]:
    classes = dict(types_of(ServerConfig))
    classes |= {f"{PLUGIN_SETTINGS}.{section.name}": section.settings_class for section in sections}
    return {
        path: (settings_class.__doc__ or "").partition("YAML:")[0].split("\n\n")[0].strip()
        for path, settings_class in classes.items()
    }


def _rows(settings: Sequence[SettingDescription]) -> Iterator[str]:
    yield "| Key | What it is | Takes | Default |"
    yield "|---|---|---|---|"
    for setting in settings:
        help_text = setting.help if setting.effective else f"{setting.help} *No effect yet.*"
        takes = f"{setting.type_text} ({setting.unit})" if setting.unit else setting.type_text
        cells = (f"`{setting.path}`", help_text, takes, f"`{setting.default}`")
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def json_schema(sections: Sequence[SettingsSection] = ()) -> str:
    """Return the JSON Schema (draft 2020-12) of the YAML files, for editors."""
    settings = core_settings() + section_settings(sections)
    objects: dict[str, dict[str, object]] = {"": _object()}
    for group in groups_of(settings):
        objects[group] = _object()
        parent, _, name = group.rpartition(".")
        _properties(objects[parent])[name] = objects[group]
    for field in settings:
        parent, _, name = field.path.rpartition(".")
        _properties(objects[parent])[name] = _schema_of(field)
    if not sections:
        objects[PLUGIN_SETTINGS]["additionalProperties"] = True
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Settings of kasmcore",
        **objects[""],
        "$defs": _DEFINITIONS,
    }
    return json.dumps(document, indent=2) + "\n"


def _object() -> dict[str, object]:
    return {"type": ["object", "null"], "properties": {}, "additionalProperties": False}


def _properties(schema: Mapping[str, object]) -> dict[str, object]:
    properties = schema["properties"]
    if not isinstance(properties, dict):
        raise TypeError("an object's schema has no properties")
    return properties


def _schema_of(field: SettingField) -> dict[str, object]:
    item = _item_schema(field)
    forms: list[Mapping[str, object]] = [item]
    if field.is_list:
        forms = [{"type": "array", "items": item, "uniqueItems": True}, item]
        if field.value_type.splits_at_commas:
            forms.append({"type": "string", "pattern": ","})
    forms += [{"const": word} for word in field.none_words]
    if field.unit == "%":
        forms.append({"type": "string", "pattern": "^-?[0-9]+%$"})
    help_text = field.help if field.effective else f"{field.help} No effect yet."
    described: dict[str, object] = {
        "description": help_text,
        "anyOf": [*forms, _INTERPOLATED, {"type": "null"}],
    }
    if not field.none_words and field.default is None:
        return described
    return described | {"default": _json_value(field, field.default)}


def _item_schema(field: SettingField) -> Mapping[str, object]:
    schema = dict(field.value_type.schema)
    if field.choices is not None:
        choices = [_json_scalar(field, field.value_type.read(word)) for word in field.choices]
        return {"enum": choices}
    if field.at_least is not None:
        schema["minimum"] = field.at_least
    if field.at_most is not None:
        schema["maximum"] = field.at_most
    return schema


def _json_value(field: SettingField, value: object) -> object:
    if isinstance(value, tuple):
        return [_json_scalar(field, item) for item in value]
    return _json_scalar(field, value)


def _json_scalar(field: SettingField, value: object) -> object:
    return value if isinstance(value, bool | int | float) else field.text_of(value)
