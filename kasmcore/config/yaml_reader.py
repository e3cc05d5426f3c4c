"""YAML text to a tree of text with line numbers.

Scalars stay text: the schema says what a value is, not its looks, so ``off``, ``0x22->0x40`` and
``45%`` mean what KasmVNC's configuration means by them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import attrs
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from kasmcore.config.tree import (
    BlankNode,
    ListNode,
    Node,
    Origin,
    OriginKind,
    ScalarNode,
    SectionNode,
)
from kasmcore.errors import ConfigError

_MAXIMUM_DEPTH = 16
_SURROGATE = re.compile("[\ud800-\udfff]")
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class YamlReader:
    """Read one text; collect what is wrong with it in ``problems``."""

    def __init__(self, origin: Origin, environment: Mapping[str, str]) -> None:
        self.problems: list[ConfigError] = []
        self._origin = origin
        self._environment = environment

    def read(self, text: str) -> Node:
        """Return the tree of one YAML document; a blank when it is empty or cannot be read.

        ``${NAME}`` in scalars is replaced from the environment.
        """
        try:
            node = YAML(typ="safe", pure=True).compose(text)
        except MarkedYAMLError as error:
            self._add(f"the YAML cannot be read: {error.problem or error.context}", _line(error))
            return BlankNode(self._origin)
        except YAMLError as error:
            self._add(f"the YAML cannot be read: {str(error).splitlines()[0]}", None)
            return BlankNode(self._origin)
        except (ValueError, OverflowError):  # the parser's answer to "\U00110000"
            self._add("the YAML cannot be read: a \\U escape is no character", None)
            return BlankNode(self._origin)
        except RecursionError:
            self._refuse_depth(None)
            return BlankNode(self._origin)
        if node is None:
            return BlankNode(self._origin)
        return self._convert(node, self._at(node), ())

    def read_value(self, text: str) -> Node:
        """Return what a flag or a variable gives.

        A list, a group and what is quoted or has several lines is YAML; all else is a text as it
        stands, so that ``::`` and ``a: b`` need no quotes.
        """
        text = text.strip()
        if text.startswith(("[", "{", "'", '"')) or "\n" in text:
            return self.read(text)
        return self._scalar(text, self._origin, is_plain=True)

    def _add(self, what: str, line: int | None, remedy: str = "") -> None:
        where = attrs.evolve(
            self._origin, line=line if self._origin.kind is OriginKind.FILE else None
        )
        self.problems.append(ConfigError(what, where=str(where), remedy=remedy))

    def _refuse_depth(self, line: int | None) -> None:
        self._add(
            f"the YAML is nested deeper than {_MAXIMUM_DEPTH} levels",
            line,
            "Check the indentation, and that no alias leads back to its own anchor.",
        )

    def _at(self, node: Any) -> Origin:
        if self._origin.kind is not OriginKind.FILE:
            return self._origin
        return Origin(self._origin.kind, self._origin.place, node.start_mark.line + 1)

    def _convert(self, node: Any, origin: Origin, path: tuple[str, ...]) -> Node:
        if len(path) > _MAXIMUM_DEPTH:
            self._refuse_depth(origin.line)
            return BlankNode(origin)
        if node.id == "mapping":
            return self._convert_mapping(node, origin, path)
        if node.id == "sequence":
            items = (self._convert(item, self._at(item), (*path, "-")) for item in node.value)
            return ListNode(tuple(items), origin)
        return self._scalar(str(node.value), origin, is_plain=node.style is None)

    def _convert_mapping(self, node: Any, origin: Origin, path: tuple[str, ...]) -> SectionNode:
        entries: dict[str, Node] = {}
        lines: dict[str, Origin] = {}
        for key, value in node.value:
            place = self._at(key)
            if key.id != "scalar":
                self._add("a key is not a word", place.line, "Write one word before the colon.")
            elif key.value in entries:
                self._add(
                    f"{'.'.join((*path, key.value))} is set twice, first in {lines[key.value]}",
                    place.line,
                    "Delete one of them.",
                )
            else:
                lines[key.value] = place
                entries[key.value] = self._convert(value, place, (*path, key.value))
        return SectionNode(entries, origin)

    def _scalar(self, written: str, origin: Origin, *, is_plain: bool) -> Node:
        if written == "" or (is_plain and written in ("~", "null")):
            return BlankNode(origin)
        if _SURROGATE.search(written):
            self._add("half a character stands alone", origin.line, "Write it in UTF-8.")
            return BlankNode(origin)
        undefined = tuple(
            name for name in _VARIABLE.findall(written) if name not in self._environment
        )
        text = _VARIABLE.sub(lambda match: self._environment.get(match[1], match[0]), written)
        return ScalarNode(text, origin, undefined) if text else BlankNode(origin)


def _line(error: MarkedYAMLError) -> int | None:
    mark = error.problem_mark or error.context_mark
    return None if mark is None else mark.line + 1
