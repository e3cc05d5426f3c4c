"""Modules, functions and classes stay small enough to be read at once."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.project.tree import files_below, syntax_of, text_of

MOST_MODULE_LINES = 400
MOST_FUNCTION_LINES = 40
MOST_PUBLIC_METHODS = 15
MOST_POSITIONAL_PARAMETERS = 5

SHIPPED = ("kasmcore", "plugins", "examples", "docs")
Function = ast.FunctionDef | ast.AsyncFunctionDef


def nodes_of(kind: type[ast.AST] | tuple[type[ast.AST], ...]) -> Iterator[tuple[Path, ast.AST]]:
    for path in files_below(*SHIPPED, suffixes=(".py",)):
        for node in ast.walk(syntax_of(path)):
            if isinstance(node, kind):
                yield path, node


def functions() -> Iterator[tuple[str, Function]]:
    for path, node in nodes_of((ast.FunctionDef, ast.AsyncFunctionDef)):
        assert isinstance(node, Function)
        yield f"{path}:{node.lineno} {node.name}", node


def test_no_module_is_longer_than_400_lines():
    sources = files_below(*SHIPPED, "tests", "www", suffixes=(".py", ".js"))
    lengths = {str(path): text_of(path).count("\n") for path in sources}
    assert {path: n for path, n in lengths.items() if n > MOST_MODULE_LINES} == {}


def test_no_function_is_longer_than_40_lines():
    lengths = {where: length_of(function) for where, function in functions()}
    assert {where: n for where, n in lengths.items() if n > MOST_FUNCTION_LINES} == {}


def length_of(function: Function) -> int:
    """Lines from ``def`` to the end, those of the docstring aside."""
    assert function.end_lineno is not None
    length = function.end_lineno - function.lineno + 1
    if ast.get_docstring(function) is not None:
        documentation = function.body[0]
        assert documentation.end_lineno is not None
        length -= documentation.end_lineno - documentation.lineno + 1
    return length


def test_no_function_takes_more_than_5_positional_parameters():
    counts = {where: positional_parameters(function) for where, function in functions()}
    assert {where: n for where, n in counts.items() if n > MOST_POSITIONAL_PARAMETERS} == {}


def positional_parameters(function: Function) -> int:
    names = [argument.arg for argument in function.args.posonlyargs + function.args.args]
    return len(names) - (names[:1] in (["self"], ["cls"]))


def test_no_class_has_more_than_15_public_methods():
    counts = {}
    for path, node in nodes_of(ast.ClassDef):
        assert isinstance(node, ast.ClassDef)
        methods = [part for part in node.body if isinstance(part, Function)]
        public = {method.name for method in methods if not method.name.startswith("_")}
        counts[f"{path}:{node.lineno} {node.name}"] = len(public)
    assert {where: n for where, n in counts.items() if n > MOST_PUBLIC_METHODS} == {}
