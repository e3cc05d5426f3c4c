"""The settings page and the JSON Schema say what the schema says."""

from __future__ import annotations

import json
import re

import attrs
import pytest

from kasmcore.config.describe import describe, json_schema, settings_page
from kasmcore.config.fields import core_settings
from kasmcore.config.sections import SettingsSection, setting
from tests.unit.config.reading import config_of


@attrs.frozen(kw_only=True)
class ExampleConfig:
    """Settings of an example plugin."""

    pattern: str = setting("a|b", "What to look for.")


EXAMPLE = (SettingsSection(name="example", settings_class=ExampleConfig),)


def schema_of(path: str) -> dict[str, object]:
    schema = json.loads(json_schema(EXAMPLE))
    for key in path.split("."):
        schema = schema["properties"][key]
    assert isinstance(schema, dict)
    return schema


def forms_of(path: str) -> list[dict[str, object]]:
    forms = schema_of(path)["anyOf"]
    assert isinstance(forms, list)
    return forms


def test_every_setting_has_help_that_is_a_sentence() -> None:
    for description in describe():
        assert re.fullmatch(r"[A-Za-z0-9].*\.", description.help), description.path


def test_every_default_can_be_written_as_it_is_described() -> None:
    for field in core_settings():
        if field.default is None and not field.none_words:
            assert field.default_text == "not set"
        else:
            overrides = [f"{field.path}={field.default_text}"]
            assert config_of(*overrides) == config_of(), field.path


def test_the_page_has_a_row_for_every_setting() -> None:
    page = settings_page(EXAMPLE)
    for description in describe(EXAMPLE):
        assert f"\n| `{description.path}` | {description.help}" in page


def test_the_page_says_what_has_no_effect_yet() -> None:
    rows = [row for row in settings_page().splitlines() if row.startswith("| `")]
    idle = [row for row in rows if "*No effect yet.*" in row]
    assert len(idle) == sum(not field.effective for field in core_settings())
    assert any("`desktop.gpu.hw3d`" in row for row in idle)
    assert not any("`encoding.max_frame_rate`" in row for row in idle)


def test_a_bar_in_a_text_does_not_end_its_cell() -> None:
    assert "`a\\|b`" in settings_page(EXAMPLE)


def test_plugins_have_a_heading_of_their_own() -> None:
    page = settings_page(EXAMPLE)
    assert "## plugin_settings.example\n\nSettings of an example plugin.\n" in page


def test_the_schema_holds_every_setting_with_default_and_help() -> None:
    for field in core_settings():
        schema = schema_of(field.path)
        assert str(schema["description"]).startswith(field.help)
        assert ("default" in schema) == (field.default is not None or bool(field.none_words))


def test_the_schema_has_limits_words_and_choices() -> None:
    assert {"type": "integer", "minimum": 1, "maximum": 500} in forms_of("encoding.max_frame_rate")
    assert {"const": "never"} in forms_of("user_session.idle_timeout")
    assert {"enum": ["xvfb", "xvnc", "xorg_dummy"]} in forms_of("desktop.server")
    assert {"enum": [16, 24, 32]} in forms_of("desktop.pixel_depth")
    assert schema_of("plugins.encoders")["default"] == [
        *("h264", "deflate", "webp", "jpeg", "qoi"),
    ]
    assert schema_of("network.websocket_port")["default"] == "auto"


@pytest.mark.parametrize("group", ["desktop", "desktop.gpu", "plugins", "plugin_settings.example"])
def test_the_schema_refuses_unknown_keys(group: str) -> None:
    assert schema_of(group)["additionalProperties"] is False


def test_the_schema_leaves_plugins_settings_open_when_it_knows_no_plugin() -> None:
    schema = json.loads(json_schema())
    assert schema["properties"]["plugin_settings"]["additionalProperties"] is True
    assert schema["additionalProperties"] is False
