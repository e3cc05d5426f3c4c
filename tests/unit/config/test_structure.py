"""Typed settings, and what is said about those that cannot be used."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest

from kasmcore.config.schema import ServerConfig
from kasmcore.config.structure import (
    structure,
    structure_plugins,
)
from kasmcore.config.units import EdgeDistance
from kasmcore.errors import ConfigErrors
from tests.unit.config.reading import config_of, problems_of, tree_of


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
            "Lower it, or leave it out for the default of 1%.",
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
            "text, or leave it out for the default of [h264, deflate, webp, jpeg, qoi].",
        ),
        (
            "plugins.encoders=[[jpeg]]",
            "plugins.encoders has an entry that is not one value (--set plugins.encoders). "
            "Write a list, each text, or leave it out for the default of "
            "[h264, deflate, webp, jpeg, qoi].",
        ),
        (
            "plugins.encoders={jpeg: 1}",
            "plugins.encoders is a group of keys, not a list (--set plugins.encoders). "
            "Write a list, each text, or leave it out for the default of "
            "[h264, deflate, webp, jpeg, qoi].",
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
