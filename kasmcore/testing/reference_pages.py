"""Pages for authors of plugins, made from the source: every hook, and every name of the API."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterator, Mapping
from types import ModuleType

import kasmcore.api
from kasmcore import hookspecs

LABELS = ("Called", "Returns", "Combined", "Raises", "Since")
GENERATED = "<!-- Made by docs/generate.py from the source; edit that, then run: make fix -->\n"
HEADINGS = {
    "kasmcore.config.schema": "Settings",
    "kasmcore.config.sections": "Settings",
    "kasmcore.errors": "Errors",
    "kasmcore.hookspecs": "Hooks",
    "kasmcore.interfaces.capture": "Capture sources",
    "kasmcore.interfaces.encoder": "Encoders",
    "kasmcore.interfaces.stream_encoder": "Video streams",
    "kasmcore.interfaces.transport": "Transports",
    "kasmcore.interfaces.dlp": "DLP filters",
    "kasmcore.interfaces.login": "Logins",
    "kasmcore.interfaces.routes": "Routes and commands",
    "kasmcore.values.viewer_events": "What viewers do",
    "kasmcore.values.frames": "Frames",
    "kasmcore.values.pixels": "Pixels",
    "kasmcore.values.geometry": "Sizes and rectangles",
    "kasmcore.values.cursors": "Cursors",
    "kasmcore.values.clipboard": "Clipboard",
    "kasmcore.values.permissions": "People",
}
"""Where a name is defined, and the heading that it stands under; in the order of the page."""


def hooks_page() -> str:
    """Return ``docs/plugins/hooks.md``: every hook with its contract."""
    parts = [
        GENERATED,
        "# Hooks\n",
        "A plugin implements those that it needs, marked with `@hookimpl`, and names only the "
        "arguments that it uses. Hooks are called at start and at rare events, always in the main "
        "task; frames and input pass through the objects that hooks returned.\n",
    ]
    for name, function in _functions(hookspecs):
        parts += [f"## {name}\n", _code(_signature(name, function)), _contract(function), ""]
    return "\n".join(parts)


def interfaces_page() -> str:
    """Return ``docs/plugins/interfaces.md``: every name that ``kasmcore.api`` offers."""
    parts = [
        GENERATED,
        "# Interfaces\n",
        "All that a plugin may import from kasmcore: `from kasmcore.api import …`. This page shows "
        f"version {kasmcore.api.API_VERSION} of it (`API_VERSION`). The names keep their meaning "
        "within a version.\n",
    ]
    heading = ""
    for module_name, names in _names_by_module().items():
        if HEADINGS[module_name] != heading:
            heading = HEADINGS[module_name]
            parts.append(f"## {heading}\n")
        module = importlib.import_module(module_name)
        for name in names:
            parts += [f"### {name}\n", _definition(module, name)]
    return "\n".join(parts)


def _functions(module: ModuleType) -> Iterator[tuple[str, object]]:
    for name, member in vars(module).items():
        if name.startswith("kasmcore_") and inspect.isfunction(member):
            yield name, member


def _contract(function: object) -> str:
    """The docstring as text and a table with one row for each label."""
    text = inspect.getdoc(function) or ""
    summary, *rest = re.split(rf"^({'|'.join(LABELS)}): ", text, flags=re.MULTILINE)
    rows = ["| | |", "| --- | --- |"]
    for label, value in zip(rest[::2], rest[1::2], strict=True):
        value = " ".join(value.split()).replace("|", "\\|")
        rows.append(f"| {label} | {_marked(value)} |")
    return "\n".join([_marked(summary.strip()), "", *rows])


def _names_by_module() -> Mapping[str, list[str]]:
    """Names of the API under the module that defines them, in the order of ``HEADINGS``."""
    found: dict[str, list[str]] = {module: [] for module in HEADINGS}
    for node in ast.parse(inspect.getsource(kasmcore.api)).body:
        if isinstance(node, ast.ImportFrom) and node.module in found:
            found[node.module] += [alias.name for alias in node.names]
    listed = {name for names in found.values() for name in names}
    left_out = set(kasmcore.api.__all__) - listed - {"API_VERSION"}
    if left_out:
        raise LookupError(f"HEADINGS lacks the modules of {sorted(left_out)}")
    return found


def _definition(module: ModuleType, name: str) -> str:
    """What the source says about a name: a class without its code, a signature, an assignment."""
    if name == "ServerConfig":
        return "All settings, checked: [the settings page](../operators/settings.md).\n"
    if name == "hookimpl":
        return "Marks a function as the implementation of a [hook](hooks.md).\n"
    source = inspect.getsource(module)
    lines = source.splitlines()
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            return _code(_class_outline(node, lines))
        if isinstance(node, ast.FunctionDef) and node.name == name:
            doc = inspect.getdoc(getattr(module, name)) or ""
            return f"{_code(_signature(name, getattr(module, name)))}\n{_code(doc, 'text')}"
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            return _code(_assignment(node, lines))
    raise LookupError(f"{name} is not defined in {module.__name__}")


def _assignment(node: ast.Assign, lines: list[str]) -> str:
    first = node.lineno - 1
    while lines[first - 1].startswith("#:"):
        first -= 1
    return "\n".join(lines[first : node.end_lineno])


def _class_outline(node: ast.ClassDef, lines: list[str]) -> str:
    """The class's source without private parts and without what functions do."""
    kept = dict(enumerate(lines[: node.end_lineno], start=1))
    for member in ast.walk(node):
        if isinstance(member, ast.FunctionDef | ast.AsyncFunctionDef):
            first, last = member.lineno, member.end_lineno or member.lineno
            documented = ast.get_docstring(member) is not None
            if member.name.startswith("_"):
                first = min([d.lineno for d in member.decorator_list], default=first)
                cut = range(first, last + 1)
            elif documented:
                cut = range((member.body[0].end_lineno or last) + 1, last + 1)
            else:
                continue
            for number in cut:
                kept.pop(number, None)
    first = min([d.lineno for d in node.decorator_list], default=node.lineno)
    text = "\n".join(line for number, line in kept.items() if number >= first)
    return re.sub(r"\n{3,}", "\n\n", text).rstrip()


def _signature(name: str, function: object) -> str:
    text = f"def {name}{inspect.signature(function)}"  # type: ignore[arg-type]
    return re.sub(r": '([^']*)'", r": \1", text).replace("-> '", "-> ").rstrip("'")


def _marked(text: str) -> str:
    return text.replace("``", "`")


def _code(text: str, language: str = "python") -> str:
    return f"```{language}\n{text}\n```\n"
