"""Layers: which are read, in which order, and what each value remembers of its origin."""

from __future__ import annotations

from pathlib import Path

import pytest

from kasmcore.config.fields import core_settings, variable_name
from kasmcore.config.load import default_user_file, find_layers
from kasmcore.config.structure import structure, structure_plugins
from kasmcore.config.tree import SettingsTree
from kasmcore.errors import ConfigErrors
from tests.unit.config.reading import NO_FILE, config_of, tree_of

FRAME_RATE = "encoding.max_frame_rate"
VARIABLE = "KASMCORE_ENCODING_MAX_FRAME_RATE"


def frame_rate_file(directory: Path, name: str, frames: int) -> Path:
    path = directory / name
    path.write_text(f"# the rate\nencoding:\n  max_frame_rate: {frames}\n")
    return path


def origin_of(tree: SettingsTree, path: str) -> str:
    node = tree.find(path)
    assert node is not None
    return str(node.origin)


def problems_of(tree: SettingsTree) -> list[str]:
    with pytest.raises(ConfigErrors) as caught:
        structure(tree, ())
    return str(caught.value).splitlines()


def test_each_layer_wins_over_those_before(tmp_path: Path) -> None:
    system = frame_rate_file(tmp_path, "system.yaml", 11)
    user = frame_rate_file(tmp_path, "user.yaml", 12)
    first = frame_rate_file(tmp_path, "first.yaml", 13)
    second = frame_rate_file(tmp_path, "second.yaml", 14)
    environment = {VARIABLE: "15"}

    def rate(tree: SettingsTree) -> int:
        return structure(tree, ()).encoding.max_frame_rate

    assert rate(tree_of()) == 60
    assert rate(tree_of(system_file=system)) == 11
    assert rate(tree_of(system_file=system, user_file=user)) == 12
    assert rate(tree_of(first, system_file=system, user_file=user)) == 13
    assert rate(tree_of(first, second, system_file=system, user_file=user)) == 14
    assert rate(tree_of(first, second, environment=environment)) == 15
    overrides = [f"{FRAME_RATE}=16", f"{FRAME_RATE}=17"]
    assert rate(tree_of(first, environment=environment, overrides=overrides)) == 17


def test_a_value_knows_file_and_line_variable_or_flag(tmp_path: Path) -> None:
    path = frame_rate_file(tmp_path, "a.yaml", 30)
    assert origin_of(tree_of(path), FRAME_RATE) == f"{path} line 3"
    assert origin_of(tree_of(environment={VARIABLE: "1"}), FRAME_RATE) == (
        f"environment variable {VARIABLE}"
    )
    assert origin_of(tree_of(overrides=[f"{FRAME_RATE}=1"]), FRAME_RATE) == f"--set {FRAME_RATE}"


def test_a_standing_file_may_be_missing_a_named_one_may_not(tmp_path: Path) -> None:
    missing = tmp_path / "missing.yaml"
    assert structure(tree_of(system_file=missing, user_file=missing), ()).desktop.allow_resize
    assert problems_of(tree_of(missing)) == [
        f"the file cannot be read: No such file or directory ({missing}). "
        "Check the path and its permissions."
    ]


def test_a_standing_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    loop = tmp_path / "loop.yaml"
    loop.symlink_to(loop)
    assert problems_of(tree_of(user_file=loop)) == [
        f"the file cannot be read: Too many levels of symbolic links ({loop}). "
        "Check the path and its permissions."
    ]
    assert problems_of(tree_of(system_file=tmp_path)) == [
        f"the file cannot be read: Is a directory ({tmp_path}). Check the path and its permissions."
    ]


def test_a_missing_file_is_told_before_plugins_are_loaded(tmp_path: Path) -> None:
    with pytest.raises(ConfigErrors, match="cannot be read"):
        structure_plugins(tree_of(tmp_path / "missing.yaml"))


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("desktop:\n  resolution: [1\n", 3, "expected ',' or ']', but got '<stream end>'"),
        ("a: 1\n\tb: 2\n", 2, "found character '\\t' that cannot start any token"),
        ("---\na: 1\n---\nb: 2\n", 3, "but found another document"),
    ],
)
def test_bad_yaml_is_told_with_its_line(tmp_path: Path, text: str, line: int, what: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    (problem,) = problems_of(tree_of(path))
    assert problem == f"the YAML cannot be read: {what} ({path} line {line})"


@pytest.mark.parametrize("content", [b"legacy: {desktop_name: \xff}\n", b"\xff\xfe"])
def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "latin.yaml"
    path.write_bytes(content)
    assert problems_of(tree_of(path)) == [f"the file is not text in UTF-8 ({path})"]


def test_control_characters_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "nul.yaml"
    path.write_bytes(b"legacy: {desktop_name: a\0b}\n")
    (problem,) = problems_of(tree_of(path))
    assert problem.startswith("the YAML cannot be read: unacceptable character")


@pytest.mark.parametrize("text", ["- a\n", "encoding\n"])
def test_a_file_without_keys_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "list.yaml"
    path.write_text(text)
    (problem,) = problems_of(tree_of(path))
    assert problem.startswith(f"the file holds no keys ({path} line 1). Write keys and values")


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "~\n"])
def test_an_empty_file_changes_nothing(tmp_path: Path, text: str) -> None:
    path = tmp_path / "empty.yaml"
    path.write_text(text)
    assert structure(tree_of(path), ()) == config_of()


def test_a_key_set_twice_in_one_group_is_told_with_both_lines(tmp_path: Path) -> None:
    path = tmp_path / "twice.yaml"
    path.write_text("desktop:\n  allow_resize: true\n  attach: none\n  allow_resize: false\n")
    assert problems_of(tree_of(path)) == [
        f"desktop.allow_resize is set twice, first in {path} line 2 ({path} line 4). "
        "Delete one of them."
    ]


def test_a_key_that_is_no_word_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "odd.yaml"
    path.write_text("[a, b]: 1\n")
    assert problems_of(tree_of(path)) == [
        f"a key is not a word ({path} line 1). Write one word before the colon."
    ]


def test_an_anchor_that_holds_itself_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "loop.yaml"
    path.write_text("desktop: &loop\n  gpu: *loop\n")
    problems = problems_of(tree_of(path))
    assert any("nested deeper than 16 levels" in problem for problem in problems)


def test_an_empty_section_erases_nothing(tmp_path: Path) -> None:
    lower = frame_rate_file(tmp_path, "lower.yaml", 30)
    higher = tmp_path / "higher.yaml"
    higher.write_text("encoding:\ndesktop: {}\n")
    assert structure(tree_of(lower, higher), ()).encoding.max_frame_rate == 30
    higher.write_text("encoding:\n  max_frame_rate:\n")
    assert structure(tree_of(lower, higher), ()).encoding.max_frame_rate == 30


def test_lists_are_replaced_not_joined(tmp_path: Path) -> None:
    lower, higher = tmp_path / "lower.yaml", tmp_path / "higher.yaml"
    lower.write_text("plugins: {encoders: [jpeg, webp], block: [a]}\n")
    higher.write_text("plugins: {encoders: [qoi]}\n")
    plugins = structure_plugins(tree_of(lower, higher))
    assert plugins.encoders == ("qoi",)
    assert plugins.block == ("a",)


def test_an_empty_list_replaces_too() -> None:
    assert config_of("plugins.dlp=[]").plugins.dlp == ()


def test_variables_in_values_are_replaced_from_the_environment() -> None:
    config = config_of(
        "legacy.desktop_name=${WHO} at ${WHERE}", environment={"WHO": "Ada", "WHERE": "home"}
    )
    assert config.legacy.desktop_name == "Ada at home"


def test_a_variable_that_is_not_defined_is_told() -> None:
    tree = tree_of(overrides=["legacy.desktop_name=${WHO} at home"])
    assert problems_of(tree) == [
        "legacy.desktop_name is '${WHO} at home', but the environment has no WHO "
        "(--set legacy.desktop_name). Define WHO, or write the value itself."
    ]


def test_an_undefined_variable_in_a_value_that_does_not_count_is_no_problem(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("legacy: {desktop_name: '${WHO}'}\n")
    tree = tree_of(path, overrides=["legacy.desktop_name=Ada"])
    assert structure(tree, ()).legacy.desktop_name == "Ada"


def test_variables_take_lists_and_words() -> None:
    config = config_of(
        environment={
            "KASMCORE_PLUGINS_ENCODERS": "webp, jpeg",
            "KASMCORE_NETWORK_WEBSOCKET_PORT": "auto",
            "KASMCORE_DESKTOP_ALLOW_RESIZE": "false",
        }
    )
    assert config.plugins.encoders == ("webp", "jpeg")
    assert config.network.websocket_port is None
    assert not config.desktop.allow_resize


def test_an_unknown_variable_is_refused_with_the_nearest_known() -> None:
    tree = tree_of(environment={"KASMCORE_ENCODING_MAX_FRAMERATE": "30"})
    assert problems_of(tree) == [
        f"KASMCORE_ENCODING_MAX_FRAMERATE names no setting (environment). Did you mean {VARIABLE}?"
    ]
    tree = tree_of(environment={"KASMCORE_XYZ": "30"})
    assert problems_of(tree) == ["KASMCORE_XYZ names no setting (environment). Unset KASMCORE_XYZ."]


def test_control_variables_and_those_of_others_are_no_settings() -> None:
    environment = {"KASMCORE_TRACE_HOOKS": "1", "KVNC_DESKTOP_ALLOW_RESIZE": "false", "PATH": "/"}
    assert config_of(environment=environment) == config_of()


def test_every_setting_has_a_variable_of_its_own() -> None:
    names = [variable_name(field.path) for field in core_settings()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("override", ["encoding", "=5", ".a=5", "encoding..x=5", ""])
def test_a_flag_that_sets_nothing_is_refused(override: str) -> None:
    assert problems_of(tree_of(overrides=[override])) == [
        f"'{override}' does not set anything (--set). "
        "Write a.b.c=value, such as --set encoding.max_frame_rate=30."
    ]


def test_a_flag_without_a_value_is_refused() -> None:
    assert problems_of(tree_of(overrides=[f"{FRAME_RATE}="])) == [
        f"{FRAME_RATE} is given no value (--set {FRAME_RATE}). Write {FRAME_RATE}=value."
    ]


def test_a_flag_may_set_a_whole_group() -> None:
    config = config_of("desktop.resolution={width: 800, height: 600}")
    assert (config.desktop.resolution.width, config.desktop.resolution.height) == (800, 600)


def test_the_user_file_follows_xdg_and_home() -> None:
    assert default_user_file({"HOME": "/home/ada"}) == Path(
        "/home/ada/.config/kasmcore/kasmcore.yaml"
    )
    assert default_user_file({"HOME": "/home/ada", "XDG_CONFIG_HOME": "/c"}) == Path(
        "/c/kasmcore/kasmcore.yaml"
    )
    assert default_user_file({}) is None


def test_the_user_file_is_found_by_the_environment(tmp_path: Path) -> None:
    (tmp_path / ".config" / "kasmcore").mkdir(parents=True)
    frame_rate_file(tmp_path / ".config" / "kasmcore", "kasmcore.yaml", 25)
    layers = find_layers([], [], {"HOME": str(tmp_path)}, system_file=NO_FILE)
    assert [layer.name for layer in layers] == [
        str(tmp_path / ".config/kasmcore/kasmcore.yaml"),
        "environment",
    ]
