"""One setting: from text to its typed value, or to a problem that says how to write it."""

from __future__ import annotations

from collections.abc import Iterator

from kasmcore.config.fields import SettingField
from kasmcore.config.tree import BlankNode, ListNode, Node, Origin, ScalarNode, SectionNode
from kasmcore.errors import ConfigError


class SettingReader:
    """Read the nodes of one setting; what is wrong goes to ``problems``."""

    def __init__(self, field: SettingField) -> None:
        self.problems: list[ConfigError] = []
        self._field = field
        self._has = "has" if field.is_list else "is"

    def read(self, node: Node) -> object:
        """Return the typed value; the default stands in for what is wrong."""
        if isinstance(node, ScalarNode) and node.text in self._field.none_words:
            return None
        if self._field.is_list:
            value: object = self._read_list(node)
        else:
            value = self._read_single(node)
        return self._field.default if self.problems else value

    def _read_single(self, node: Node) -> object:
        if isinstance(node, ListNode | SectionNode):
            kind = "a list" if isinstance(node, ListNode) else "a group of keys"
            self._add(f"is {kind}, not one value", node.origin)
            return None
        return self._read_item(node)

    def _read_list(self, node: Node) -> object:
        if isinstance(node, SectionNode):
            self._add("is a group of keys, not a list", node.origin)
            return None
        values: list[object] = []
        for item in self._items(node):
            value = self._read_item(item)
            if value is not None and value in values:
                self._add_whole(
                    f"{self._field.path} names {self._field.text_of(value)} twice",
                    item.origin,
                    "Delete one of them.",
                )
            values.append(value)
        return tuple(values)

    def _items(self, node: Node) -> Iterator[Node]:
        if isinstance(node, ListNode):
            yield from node.items
        elif isinstance(node, ScalarNode) and self._field.value_type.splits_at_commas:
            for part in node.text.split(","):
                text = part.strip()
                if text:
                    yield ScalarNode(text, node.origin, node.undefined_variables)
                else:
                    yield BlankNode(node.origin)
        else:
            yield node

    def _read_item(self, node: Node) -> object:
        """Return one value of the setting's type, None after a problem."""
        if isinstance(node, BlankNode):
            self._add("has an empty entry", node.origin)
            return None
        if not isinstance(node, ScalarNode):
            self._add("has an entry that is not one value", node.origin)
            return None
        if node.undefined_variables:
            name = node.undefined_variables[0]
            self._add_whole(
                f"{self._field.path} is '{node.text}', but the environment has no {name}",
                node.origin,
                f"Define {name}, or write the value itself.",
            )
            return None
        return self._read_text(node.text, node.origin)

    def _read_text(self, text: str, origin: Origin) -> object:
        if self._field.choices is not None and text not in self._field.choices:
            self._add(f"{self._has} '{text}', which is not one of its words", origin)
            return None
        plain = text.removesuffix("%") if self._field.unit == "%" else text
        try:
            value = self._field.value_type.read(plain)
        except ValueError as error:
            self._add(f"{self._has} '{text}', which {error}", origin)
            return None
        if isinstance(value, int | float) and not isinstance(value, bool):
            self._check_limits(value, origin)
        return value

    def _check_limits(self, value: float, origin: Origin) -> None:
        field = self._field
        written = f"{field.path} is {field.number_text(value)}"
        otherwise = f"or {self._leave_out()}."
        if field.at_most is not None and value > field.at_most:
            most = field.number_text(field.at_most)
            self._add_whole(f"{written}, the most is {most}", origin, f"Lower it, {otherwise}")
        if field.at_least is not None and value < field.at_least:
            least = field.number_text(field.at_least)
            self._add_whole(f"{written}, the least is {least}", origin, f"Raise it, {otherwise}")

    def _add(self, what: str, origin: Origin) -> None:
        remedy = f"Write {self._field.type_text}, or {self._leave_out()}."
        self._add_whole(f"{self._field.path} {what}", origin, remedy)

    def _leave_out(self) -> str:
        if self._field.default is None and not self._field.none_words:
            return "leave it out"
        return f"leave it out for the default of {self._field.default_text}"

    def _add_whole(self, what: str, origin: Origin, remedy: str) -> None:
        self.problems.append(ConfigError(what, where=str(origin), remedy=remedy))
