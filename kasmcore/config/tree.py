"""Settings as they were written: a tree of text, where every value knows its file and line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum

import attrs

from kasmcore.errors import ConfigError


class OriginKind(Enum):
    """What kind of layer set a value."""

    FILE = "file"
    ENVIRONMENT = "environment"
    FLAG = "flag"


@attrs.frozen
class Origin:
    """Where a value was set, for a person to find."""

    kind: OriginKind
    place: str
    line: int | None = None

    def __str__(self) -> str:
        return self.place if self.line is None else f"{self.place} line {self.line}"


@attrs.frozen
class ScalarNode:
    """One value as text, ``${NAME}`` already replaced.

    ``undefined_variables`` names those that the environment lacks; they stand as they were written.
    """

    text: str
    origin: Origin
    undefined_variables: tuple[str, ...] = ()


@attrs.frozen
class BlankNode:
    """A key with nothing behind it: as if it were not there, but for being a known key."""

    origin: Origin


@attrs.frozen
class ListNode:
    """Several values in order."""

    items: tuple[Node, ...]
    origin: Origin


@attrs.frozen
class SectionNode:
    """Keys and what stands behind them."""

    entries: Mapping[str, Node]
    origin: Origin


Node = ScalarNode | BlankNode | ListNode | SectionNode


@attrs.frozen
class Variable:
    """An environment variable that is no setting of the server itself: a plugin's, or wrong."""

    name: str
    value: Node


@attrs.frozen(kw_only=True)
class Layer:
    """What one file, the environment, or one flag sets."""

    name: str
    root: SectionNode
    variables: tuple[Variable, ...] = ()
    problems: tuple[ConfigError, ...] = ()


@attrs.frozen(kw_only=True)
class SettingsTree:
    """All layers as one; where two set the same key, the higher one counts."""

    root: SectionNode
    variables: tuple[Variable, ...] = ()
    problems: tuple[ConfigError, ...] = ()

    def find(self, path: str) -> Node | None:
        """Return what is set at a dotted path, or None."""
        node: Node | None = self.root
        for key in path.split("."):
            if not isinstance(node, SectionNode):
                return None
            node = node.entries.get(key)
        return node

    def is_set(self, path: str) -> bool:
        """Say whether some layer gives this dotted path a value."""
        return not isinstance(self.find(path), BlankNode | None)

    def with_value(self, path: str, value: Node) -> SettingsTree:
        """Return the tree with this value at this dotted path."""
        return attrs.evolve(self, root=merge_sections(self.root, section_of(path, value)))


def section_of(path: str, value: Node) -> SectionNode:
    """Return the section that sets one dotted path and nothing else."""
    node = value
    for key in reversed(path.split(".")):
        node = SectionNode(entries={key: node}, origin=value.origin)
    assert isinstance(node, SectionNode)  # noqa: S101 - a path has at least one key
    return node


def merge_sections(lower: SectionNode, higher: SectionNode) -> SectionNode:
    """Lay a section over another: groups join, lists and values replace, blanks do nothing."""
    entries = dict(lower.entries)
    for key, node in higher.entries.items():
        below = entries.get(key)
        if below is None:
            entries[key] = node
        elif isinstance(below, SectionNode) and isinstance(node, SectionNode):
            entries[key] = merge_sections(below, node)
        elif not isinstance(node, BlankNode):
            entries[key] = node
    return SectionNode(entries=entries, origin=higher.origin)


def values_of(section: SectionNode, prefix: str = "") -> Iterator[tuple[str, Node]]:
    """Yield every dotted path that has a value or a list, in order."""
    for key, node in section.entries.items():
        path = f"{prefix}.{key}" if prefix else key
        if isinstance(node, SectionNode):
            yield from values_of(node, path)
        elif not isinstance(node, BlankNode):
            yield path, node
