"""Typed settings, and what is said about those that cannot be used."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import attrs
import pytest

from kasmcore.config.schema import ServerConfig
from kasmcore.config.sections import SettingsSection, setting
from kasmcore.config.structure import (
    settings_without_effect,
    structure,
    structure_plugins,
)
from kasmcore.config.units import EdgeDistance
from kasmcore.errors import ConfigErrors, PluginError
from tests.unit.config.reading import config_of, tree_of


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


def problems_of(*overrides: str, sections: tuple[SettingsSection, ...] = ()) -> list[str]:
    with pytest.raises(ConfigErrors) as caught:
        config_of(*overrides, sections=sections)
    return str(caught.value).splitlines()


def test_nothing_set_gives_every_default() -> None:
    assert config_of() == ServerConfig()


def test_the_settings_can_be_compared_and_hashed() -> None:
    assert hash(config_of("desktop.allow_resize=false")) != hash(ServerConfig())


@pytest.mark.parametrize(
    ("override", "problem"),
    [
        (
            "encoding.max_frame_rate=900",
            "encoding.max_frame_rate is 900, the most is 500 (--set encoding.max_frame_rate). "
            "Lower it, or leave it out for the default of 60.",
        ),
        (
            "encoding.max_frame_rate=0",
            "encoding.max_frame_rate is 0, the least is 1 (--set encoding.max_frame_rate). "
            "Raise it, or leave it out for the default of 60.",
        ),
        (
            "encoding.max_frame_rate=fast",
            "encoding.max_frame_rate is 'fast', which is not a whole number "
            "(--set encoding.max_frame_rate). "
            "Write a whole number from 1 to 500, or leave it out for the default of 60.",
        ),
        (
            "encoding.scrolling.scroll_detect_threshold=120%",
            "encoding.scrolling.scroll_detect_threshold is 120%, the most is 100% "
            "(--set encoding.scrolling.scroll_detect_threshold). "
            "Lower it, or leave it out for the default of 25%.",
        ),
        (
            "desktop.allow_resize=truexyz",
            "desktop.allow_resize is 'truexyz', which is neither true nor false "
            "(--set desktop.allow_resize). "
            "Write true or false, or leave it out for the default of true.",
        ),
        (
            "desktop.server=wayland",
            "desktop.server is 'wayland', which is not one of its words (--set desktop.server). "
            "Write xvfb, xvnc or xorg_dummy, or leave it out for the default of xvfb.",
        ),
        (
            "user_session.session_type=none",
            "user_session.session_type is 'none', which is not one of its words "
            "(--set user_session.session_type). Write shared or exclusive, or leave it out.",
        ),
        (
            "network.websocket_port=-1",
            "network.websocket_port is -1, the least is 0 (--set network.websocket_port). "
            "Raise it, or leave it out for the default of auto.",
        ),
        (
            "network.websocket_port=8443.0",
            "network.websocket_port is '8443.0', which is not a whole number "
            "(--set network.websocket_port). Write auto or a whole number from 0 to 65535, "
            "or leave it out for the default of auto.",
        ),
        (
            "network.trusted_proxies=[10.0.0.1/8]",
            "network.trusted_proxies has '10.0.0.1/8', which is not an IP address, nor a network "
            "such as 10.0.0.0/8 (--set network.trusted_proxies). Write a list, each an IP address "
            "or network, or leave it out for the default of [].",
        ),
        (
            "plugins.encoders=[jpeg, webp, jpeg]",
            "plugins.encoders names jpeg twice (--set plugins.encoders). Delete one of them.",
        ),
        (
            "plugins.encoders=[jpeg",
            "the YAML cannot be read: expected ',' or ']', but got '<stream end>' "
            "(--set plugins.encoders)",
        ),
        (
            "plugins.encoders=jpeg,,webp",
            "plugins.encoders has an empty entry (--set plugins.encoders). Write a list, each "
            "text, or leave it out for the default of [deflate, webp, jpeg, qoi].",
        ),
        (
            "plugins.encoders=[[jpeg]]",
            "plugins.encoders has an entry that is not one value (--set plugins.encoders). "
            "Write a list, each text, or leave it out for the default of "
            "[deflate, webp, jpeg, qoi].",
        ),
        (
            "plugins.encoders={jpeg: 1}",
            "plugins.encoders is a group of keys, not a list (--set plugins.encoders). "
            "Write a list, each text, or leave it out for the default of "
            "[deflate, webp, jpeg, qoi].",
        ),
        (
            "desktop.allow_resize=[true]",
            "desktop.allow_resize is a list, not one value (--set desktop.allow_resize). "
            "Write true or false, or leave it out for the default of true.",
        ),
        (
            "desktop.allow_resize.always=true",
            "desktop.allow_resize is a group of keys, not one value "
            "(--set desktop.allow_resize.always). "
            "Write true or false, or leave it out for the default of true.",
        ),
        (
            "desktop.resolution=800x600",
            "desktop.resolution is a group of keys, but has a value of its own "
            "(--set desktop.resolution). Write its keys below it, indented; "
            "kasmcore explain desktop.resolution lists them.",
        ),
        (
            "server.http.headers=[plain]",
            "server.http.headers has 'plain', which is not a header such as X-Frame-Options=DENY "
            "(--set server.http.headers). Write a list, each a header such as "
            "X-Frame-Options=DENY, or leave it out for the default of "
            "[Cross-Origin-Embedder-Policy=require-corp, Cross-Origin-Opener-Policy=same-origin].",
        ),
    ],
)
def test_each_problem_says_what_where_and_what_to_do(override: str, problem: str) -> None:
    assert problems_of(override) == [problem]


@pytest.mark.parametrize(
    ("key", "remedy"),
    [
        ("encoding.max_framerate", "Did you mean encoding.max_frame_rate?"),
        ("max_frame_rate", "Did you mean encoding.max_frame_rate?"),
        ("desktop.max_quality", "Did you mean encoding.rect_encoding_mode.max_quality?"),
        ("encodings", "Did you mean encoding?"),
        ("xyzzy", "Delete it; kasmcore explain lists what is known."),
        ("desktop.xyzzy", "Delete it; kasmcore explain desktop lists what is known."),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_known(key: str, remedy: str) -> None:
    assert problems_of(f"{key}=1") == [f"{key} is not a known key (--set {key}). {remedy}"]


def test_an_unknown_key_without_a_value_is_refused_too(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("desktop:\n  colour:\n")
    with pytest.raises(ConfigErrors, match=r"desktop\.colour is not a known key"):
        structure(tree_of(path), ())


def test_a_dotted_key_in_a_file_is_explained(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("encoding.max_frame_rate: 30\n")
    with pytest.raises(ConfigErrors) as caught:
        structure(tree_of(path), ())
    assert str(caught.value) == (
        f"encoding.max_frame_rate is not a known key ({path} line 1). "
        "Write one group inside the other; a key holds no dots."
    )


def test_every_problem_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(
        """\
desktop:
  allow_resize: yes
  colour: red
encoding:
  max_frame_rate: 9999
plugins:
  encoders:
    - jpeg
    - jpeg
plugin_settings:
  nobody: {a: 1}
"""
    )
    with pytest.raises(ConfigErrors) as caught:
        structure(tree_of(path, environment={"KASMCORE_NOPE": "1"}), ())
    lines = {f"{path} line {line}" for line in (2, 3, 5, 9, 11)}
    assert {problem.where for problem in caught.value.problems} == {"environment", *lines}
    assert len(caught.value.problems) == 6
    assert caught.value.exit_status == 2


def test_problems_in_the_plugins_group_bring_all_others_that_can_be_told() -> None:
    tree = tree_of(
        overrides=[
            "plugins.encoder=jpeg",
            "encoding.max_frame_rate=0",
            "plugin_settings.example.speed=fast",
        ],
        environment={"KASMCORE_NOPE": "1", "KASMCORE_PLUGIN_SETTINGS_EXAMPLE_SPEED": "2"},
    )
    with pytest.raises(ConfigErrors) as caught:
        structure_plugins(tree)
    assert [problem.what for problem in caught.value.problems] == [
        "plugins.encoder is not a known key",
        "encoding.max_frame_rate is 0, the least is 1",
        "KASMCORE_NOPE names no setting",
    ]


def test_problems_elsewhere_do_not_keep_plugins_from_loading() -> None:
    tree = tree_of(overrides=["plugins.encoders=jpeg", "encoding.max_frame_rate=0"])
    assert structure_plugins(tree).encoders == ("jpeg",)


def test_values_take_their_types() -> None:
    config = config_of(
        "network.trusted_proxies=[10.0.0.0/8, '::1']",
        "plugins.files=[~/a.py]",
        "data_loss_prevention.visible_region={top: 10, left: -20, right: 0, bottom: -5}",
        "desktop.pixel_depth=32",
        "desktop.attach=:0",
    )
    assert config.network.trusted_proxies == (ip_network("10.0.0.0/8"), ip_network("::1/128"))
    assert config.plugins.files == (Path.home() / "a.py",)
    assert config.data_loss_prevention.visible_region.left == EdgeDistance(-20)
    assert config.desktop.pixel_depth == 32
    assert config.desktop.attach == ":0"


@pytest.mark.parametrize(
    ("overrides", "problem"),
    [
        (
            [
                "data_loss_prevention.visible_region.left=10",
                "data_loss_prevention.visible_region.top=1",
            ],
            "data_loss_prevention.visible_region has top and left, but no right and no bottom "
            "(--set data_loss_prevention.visible_region.top, "
            "--set data_loss_prevention.visible_region.left). Set all four sides, or none.",
        ),
        (
            ["data_loss_prevention.visible_region={top: 0, left: 0, right: 5, bottom: 5%}"],
            "data_loss_prevention.visible_region mixes pixels and percent "
            "(--set data_loss_prevention.visible_region). "
            "Write all four sides in pixels, or all in percent.",
        ),
        (
            ["network.unix_relay.name=sound"],
            "network.unix_relay has name, but no path (--set network.unix_relay.name). "
            "Set both, or none.",
        ),
        (
            ["desktop.resolution.width=5000"],
            "desktop.resolution.width is 5000, desktop.maximum_resolution.width is less with 3840 "
            "(--set desktop.resolution.width). Lower the one or raise the other.",
        ),
        (
            ["desktop.maximum_resolution.height=700"],
            "desktop.resolution.height is 768, desktop.maximum_resolution.height is less with 700 "
            "(--set desktop.maximum_resolution.height). Lower the one or raise the other.",
        ),
        (
            ["data_loss_prevention.watermark={image: a.png, text: {template: hi}}"],
            "data_loss_prevention.watermark has both an image and a text "
            "(--set data_loss_prevention.watermark). Delete one of them.",
        ),
        (
            ["data_loss_prevention.watermark={location: '1,2', repeat_spacing: 5}"],
            "data_loss_prevention.watermark has both location and repeat_spacing "
            "(--set data_loss_prevention.watermark). Delete one of them.",
        ),
        (
            ["encoding.scrolling.detect_horizontal_scrolling=true"],
            "encoding.scrolling.detect_horizontal_scrolling is on without "
            "detect_vertical_scrolling (--set encoding.scrolling.detect_horizontal_scrolling). "
            "Switch both on.",
        ),
        (
            ["network.ssl.pem_key=/k.pem"],
            "network.ssl.pem_key is set without network.ssl.pem_certificate "
            "(--set network.ssl.pem_key). Set the certificate that belongs to the key, too.",
        ),
        (
            ["network={use_ipv4: false, use_ipv6: false}"],
            "network.use_ipv4 and network.use_ipv6 are both off (--set network). "
            "Switch one of them on.",
        ),
        (
            ["network.base_path=desk"],
            "network.base_path is 'desk', which is not a path of a URL "
            "(--set network.base_path). Write a path such as / or /desk/.",
        ),
        (
            ["network.allowed_origins=[https://a.example, https://b.example/]"],
            "network.allowed_origins has 'https://b.example/', which is not an origin "
            "(--set network.allowed_origins). "
            "Write scheme and host, such as https://portal.example, and nothing after them.",
        ),
        (
            ["runtime_configuration.allow_override_list=[pointer]"],
            "runtime_configuration.allow_override_list has 'pointer', which is not a known key "
            "(--set runtime_configuration.allow_override_list). "
            "Write whole dotted keys, such as pointer.enabled.",
        ),
        (
            ["plugins.encoders=[]"],
            "plugins.encoders has no plugin (--set plugins.encoders). Name at least one.",
        ),
        (
            ["network.ssl.enabled=false"],
            "network.ssl.enabled is false, so that what travels can be read on the way, "
            "and others can reach network.interface 0.0.0.0 (--set network.ssl.enabled). "
            "Leave it on, set network.interface to 127.0.0.1, or set "
            "security.allow_insecure_exposure to true.",
        ),
        (
            ["network.ssl.require_ssl=false", "network.interface=::"],
            "network.ssl.require_ssl is false, so that what travels can be read on the way, and "
            "others can reach network.interface :: "
            "(--set network.ssl.require_ssl, --set network.interface). "
            "Leave it on, set network.interface to 127.0.0.1, or set "
            "security.allow_insecure_exposure to true.",
        ),
        (
            ["security.login_required=false", "network.interface=192.0.2.1"],
            "security.login_required is false, so that anybody may use the desktop, and "
            "others can reach network.interface 192.0.2.1 "
            "(--set security.login_required, --set network.interface). "
            "Leave it on, set network.interface to 127.0.0.1, or set "
            "security.allow_insecure_exposure to true.",
        ),
    ],
)
def test_settings_that_do_not_go_together_are_refused(overrides: list[str], problem: str) -> None:
    assert problems_of(*overrides) == [problem]


@pytest.mark.parametrize("interface", ["127.0.0.1", "127.1.2.3", "::1", "desk.example"])
def test_tls_and_login_may_be_off_on_loopback_and_where_only_listening_tells(
    interface: str,
) -> None:
    config = config_of(
        f"network.interface={interface}",
        "network.ssl.enabled=false",
        "security.login_required=false",
    )
    assert not config.network.ssl.enabled


def test_tls_and_login_may_be_off_elsewhere_when_that_is_allowed_explicitly() -> None:
    config = config_of(
        "network.ssl.enabled=false",
        "security.login_required=false",
        "security.allow_insecure_exposure=true",
    )
    assert not config.security.login_required


@pytest.mark.parametrize("path", ["/", "/desk", "/desk/", "/a/b.c/~d/"])
def test_base_paths_of_urls_are_taken(path: str) -> None:
    assert config_of(f"network.base_path={path}").network.base_path == path


@pytest.mark.parametrize("path", ["//", "/a//b", "/../x", "/a b", "/a?b", "https://a/"])
def test_other_base_paths_are_refused(path: str) -> None:
    (problem,) = problems_of(f"network.base_path={path}")
    assert "is not a path of a URL" in problem


def test_a_rule_is_silent_about_settings_that_could_not_be_read() -> None:
    problems = problems_of(
        "data_loss_prevention.visible_region={top: x, left: 1, right: 1, bottom: 1}"
    )
    assert len(problems) == 1
    assert "'x'" in problems[0]


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
