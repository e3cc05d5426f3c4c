"""Settings that plugins declare."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from kasmcore.config.schema import ServerConfig
from kasmcore.config.sections import SettingsSection, setting
from kasmcore.config.structure import (
    settings_without_effect,
    structure,
)
from kasmcore.errors import PluginError
from tests.unit.config.reading import config_of, problems_of, tree_of


@attrs.frozen(kw_only=True)
class LimitsConfig:
    """Limits of the example."""

    lowest: int = setting(1, "The lowest.", at_least=0)
    highest: int = setting(9, "The highest.", at_most=10)

    def __attrs_post_init__(self) -> None:
        if self.lowest > self.highest:
            raise ValueError(f"lowest {self.lowest} is above highest {self.highest}")


@attrs.frozen(kw_only=True)
class ExampleConfig:
    """Settings of an example plugin."""

    speed: float = setting(1.5, "How fast.", at_least=0, at_most=10)
    note: str | None = setting(None, "A note.", effective=False)
    limits: LimitsConfig = attrs.field(factory=LimitsConfig)


EXAMPLE = SettingsSection(name="example", settings_class=ExampleConfig)


def test_a_plugins_section_is_read_into_its_class() -> None:
    config = config_of(
        "plugin_settings.example.speed=2.5",
        "plugin_settings.example.limits.lowest=3",
        sections=(EXAMPLE,),
    )
    expected = ExampleConfig(speed=2.5, limits=LimitsConfig(lowest=3))
    assert config.plugin_settings.of(ExampleConfig) == expected


def test_a_plugins_section_that_is_not_set_has_its_defaults() -> None:
    assert config_of(sections=(EXAMPLE,)).plugin_settings.of(ExampleConfig) == ExampleConfig()
    assert ServerConfig().plugin_settings.of(ExampleConfig).speed == 1.5


def test_a_plugins_settings_take_variables_below_flags() -> None:
    environment = {"KASMCORE_PLUGIN_SETTINGS_EXAMPLE_SPEED": "3"}
    config = config_of(sections=(EXAMPLE,), environment=environment)
    assert config.plugin_settings.of(ExampleConfig).speed == 3
    config = config_of(
        "plugin_settings.example.speed=4", sections=(EXAMPLE,), environment=environment
    )
    assert config.plugin_settings.of(ExampleConfig).speed == 4


def test_a_plugins_variable_wins_over_files(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("plugin_settings: {example: {speed: 4}}\n")
    tree = tree_of(path, environment={"KASMCORE_PLUGIN_SETTINGS_EXAMPLE_SPEED": "3"})
    assert structure(tree, (EXAMPLE,)).plugin_settings.of(ExampleConfig).speed == 3


def test_a_plugins_settings_are_checked_like_our_own() -> None:
    assert problems_of(
        "plugin_settings.example.speed=fast",
        "plugin_settings.example.limits={lowest: -1, hihgest: 3}",
        "plugin_settings.exmaple.speed=1",
        sections=(EXAMPLE,),
    ) == [
        "plugin_settings.exmaple belongs to no plugin that is loaded "
        "(--set plugin_settings.exmaple.speed). Did you mean plugin_settings.example?",
        "plugin_settings.example.speed is 'fast', which is not a number "
        "(--set plugin_settings.example.speed). "
        "Write a number from 0 to 10, or leave it out for the default of 1.5.",
        "plugin_settings.example.limits.hihgest is not a known key "
        "(--set plugin_settings.example.limits). "
        "Did you mean plugin_settings.example.limits.highest?",
        "plugin_settings.example.limits.lowest is -1, the least is 0 "
        "(--set plugin_settings.example.limits). Raise it, or leave it out for the default of 1.",
    ]


def test_what_a_plugins_class_refuses_is_a_problem_of_its_section() -> None:
    assert problems_of("plugin_settings.example.limits.lowest=10", sections=(EXAMPLE,)) == [
        "plugin_settings.example.limits cannot be used: lowest 10 is above highest 9 "
        "(--set plugin_settings.example.limits.lowest)"
    ]


def test_settings_of_a_plugin_that_is_not_loaded_are_refused() -> None:
    assert problems_of("plugin_settings.gone.speed=1") == [
        "plugin_settings.gone belongs to no plugin that is loaded "
        "(--set plugin_settings.gone.speed). Install the plugin, name it under plugins.optional, "
        "or delete plugin_settings.gone."
    ]


@pytest.mark.parametrize("group", ["optional", "block"])
def test_settings_of_a_plugin_that_may_be_left_out_stay_unread(group: str) -> None:
    overrides = [f"plugins.{group}=[gone]", "plugin_settings.gone.speed=1"]
    environment = {"KASMCORE_PLUGIN_SETTINGS_GONE_SPEED": "1"}
    assert config_of(*overrides, environment=environment).plugin_settings.sections == ()
    assert settings_without_effect(tree_of(overrides=overrides), ()) == (
        ("plugin_settings.gone.speed", "--set plugin_settings.gone.speed"),
    )


@attrs.frozen(kw_only=True)
class OtherConfig:
    """Another plugin's settings."""


@attrs.frozen(kw_only=True)
class UndeclaredConfig:
    """A field without help."""

    speed: int = 5


@attrs.frozen(kw_only=True)
class OddTypeConfig:
    """A type that the YAML cannot give."""

    speed: complex = setting(1j, "Odd.")


@pytest.mark.parametrize(
    ("sections", "what"),
    [
        (
            (EXAMPLE, SettingsSection(name="example", settings_class=OtherConfig)),
            "two plugins offer the same settings section",
        ),
        (
            (EXAMPLE, SettingsSection(name="other", settings_class=ExampleConfig)),
            "two plugins offer the same settings section",
        ),
        (
            (SettingsSection(name="bare", settings_class=UndeclaredConfig),),
            r"UndeclaredConfig\.speed is not declared with setting\(\)",
        ),
        (
            (SettingsSection(name="odd", settings_class=OddTypeConfig),),
            r"OddTypeConfig\.speed has type .*complex.*, which a setting cannot have",
        ),
    ],
)
def test_sections_that_cannot_be_settings_stop_the_start(
    sections: tuple[SettingsSection, ...], what: str
) -> None:
    with pytest.raises(PluginError, match=what):
        config_of(sections=sections)


def test_a_mutable_default_is_refused() -> None:
    with pytest.raises(TypeError, match="immutable"):
        setting([], "Names.")


def test_what_is_set_without_effect_is_listed_with_its_origin() -> None:
    tree = tree_of(
        overrides=["desktop.gpu.hw3d=true", "encoding.max_frame_rate=30"],
        environment={"KASMCORE_PLUGIN_SETTINGS_EXAMPLE_NOTE": "x"},
    )
    assert settings_without_effect(tree, (EXAMPLE,)) == (
        ("desktop.gpu.hw3d", "--set desktop.gpu.hw3d"),
        (
            "plugin_settings.example.note",
            "environment variable KASMCORE_PLUGIN_SETTINGS_EXAMPLE_NOTE",
        ),
    )
