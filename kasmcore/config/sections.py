"""How a setting is declared: type, default, limits and help in one place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs


def setting(
    default: Any,
    help: str,  # noqa: A002 - the word that the pages use
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    choices: Sequence[str] | None = None,
    unit: str = "",
    effective: bool = True,
    none_words: Sequence[str] = (),
) -> Any:
    """Declare one setting of an ``attrs.frozen(kw_only=True)`` settings class.

    Args:
        default: value when no layer sets it.
        help: one or two sentences for the operator.
        at_least: least number allowed.
        at_most: greatest number allowed.
        choices: the words allowed, for strings.
        unit: what a number counts, e.g. ``ms``.
        effective: False while the feature behind it is not built; ``kasmcore check`` says so.
        none_words: for ``X | None``: the words that mean None, e.g. ``("auto",)``; the first one
            is shown in the documentation.
    """
    metadata = {
        "help": help,
        "at_least": at_least,
        "at_most": at_most,
        "choices": tuple(choices) if choices is not None else None,
        "unit": unit,
        "effective": effective,
        "none_words": tuple(none_words),
    }
    if isinstance(default, list | dict):
        raise TypeError("a setting's default must be immutable: use a tuple")
    return attrs.field(default=default, metadata=metadata)


@attrs.frozen(kw_only=True)
class SettingsSection:
    """A plugin's settings: ``plugin_settings.<name>`` in the YAML, read into ``settings_class``.

    ``settings_class`` is an ``attrs.frozen(kw_only=True)`` class whose fields are declared with
    ``setting`` (or are such classes themselves, for groups). A ``ValueError`` of its constructor
    is reported to the operator as a problem of the section.
    """

    name: str
    settings_class: type[attrs.AttrsInstance]
