"""YAML as text with lines: scalars keep their looks, and nothing that is written can crash it."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kasmcore.config.tree import (
    BlankNode,
    ListNode,
    Node,
    Origin,
    OriginKind,
    ScalarNode,
    SectionNode,
    SettingsTree,
)
from kasmcore.config.yaml_reader import YamlReader

ORIGIN = Origin(OriginKind.FILE, "a.yaml")


def read(text: str) -> tuple[Node, list[str]]:
    reader = YamlReader(ORIGIN, {"HOME": "/home/ada", "EMPTY": ""})
    return reader.read(text), [str(problem) for problem in reader.problems]


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("off", "off"),
        ("45%", "45%"),
        ("0x22->0x40", "0x22->0x40"),
        ("0x10", "0x10"),
        ("007", "007"),
        ("1_000", "1_000"),
        ("'true'", "true"),
        ("${HOME}/x", "/home/ada/x"),
        ("$HOME", "$HOME"),
        ("'null'", "null"),
    ],
)
def test_scalars_stay_as_they_are_written(written: str, text: str) -> None:
    node, problems = read(f"a: {written}\n")
    assert problems == []
    assert SettingsTree(root=_section(node)).find("a") == ScalarNode(
        text, Origin(OriginKind.FILE, "a.yaml", 1)
    )


@pytest.mark.parametrize("written", ["", "~", "null", "''", "${EMPTY}"])
def test_what_holds_nothing_is_blank(written: str) -> None:
    node, problems = read(f"a: {written}\n")
    assert problems == []
    assert isinstance(_section(node).entries["a"], BlankNode)


def test_every_entry_has_its_line() -> None:
    node, _ = read("a:\n  b: 1\n\n  c:\n    - x\n    - y\n")
    tree = SettingsTree(root=_section(node))
    list_node = tree.find("a.c")
    assert isinstance(list_node, ListNode)
    assert list_node.origin.line == 4
    assert [item.origin.line for item in list_node.items] == [5, 6]
    assert [line.origin.line for line in (tree.find("a"), tree.find("a.b")) if line] == [1, 2]


def test_anchors_and_aliases_are_taken() -> None:
    node, problems = read("a: &size {width: 5}\nb: *size\n")
    assert problems == []
    tree = SettingsTree(root=_section(node))
    width = tree.find("b.width")
    assert isinstance(width, ScalarNode)
    assert width.text == "5"


@pytest.mark.parametrize("text", ["::", "a: b", "#1", "- x", "*", "a # b", "%H:%M", "@home"])
def test_flags_and_variables_need_no_quotes(text: str) -> None:
    reader = YamlReader(ORIGIN, {})
    node = reader.read_value(f" {text} ")
    assert node == ScalarNode(text, ORIGIN)
    assert reader.problems == []


@pytest.mark.parametrize("text", ["[a, b]", "- a\n- b", "['a', \"b\"]"])
def test_flags_and_variables_take_lists(text: str) -> None:
    node = YamlReader(ORIGIN, {}).read_value(text)
    assert isinstance(node, ListNode)
    assert [item.text for item in node.items if isinstance(item, ScalarNode)] == ["a", "b"]


@given(st.text())
@example("\udcff")
def test_any_value_gives_a_node_or_a_problem(text: str) -> None:
    reader = YamlReader(ORIGIN, {})
    node = reader.read_value(text)
    assert isinstance(node, SectionNode | ListNode | ScalarNode | BlankNode)


@settings(deadline=None)
@given(st.text(alphabet="a: -\n[]{}\"'\\&*!%#|>?@,~xU01\t$\u2028\ufeff\x85\x00"))
@example('"\\U00110000"')
@example('"\\UFFFFFFFF"')
@example('"\\uD800"')
@example("[" * 500)
@example("- " * 500)
@example("a: &x\n b: *x")
@example("\ud800")
def test_any_text_gives_a_tree_or_a_problem(text: str) -> None:
    node, problems = read(text)
    assert isinstance(node, SectionNode | ListNode | ScalarNode | BlankNode)
    assert all(problem.isprintable() for problem in problems)


def _section(node: Node) -> SectionNode:
    assert isinstance(node, SectionNode)
    return node
