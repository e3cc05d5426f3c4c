"""Every error is caught by its name, but at the borders where one part must not end the rest."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.project.tree import files_below, syntax_of

BORDERS = {
    Path("kasmcore/plugin_manager/loading.py"): "code that a plugin runs at start",
    Path("kasmcore/plugin_set.py"): "a notification hook",
    Path("kasmcore/session/session.py"): "one viewer",
    Path("kasmcore/server/app.py"): "one HTTP request",
    Path("kasmcore/server/connections.py"): "one HTTP request that the server library refuses",
    Path("kasmcore/server/listen.py"): "one viewer that came by a transport's own listener",
    Path("plugins/transports/kasmcore_webtransport/endpoint.py"): "one viewer's QUIC connection",
    Path("kasmcore/server/visits.py"): "one HTTP request that became a WebSocket",
}
EVERYTHING = {"Exception", "BaseException"}


def caught_names(caught: ast.expr | None) -> set[str]:
    if caught is None:
        return {"BaseException"}
    parts = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return {part.id for part in parts if isinstance(part, ast.Name)}


def raises_again(handler: ast.ExceptHandler) -> bool:
    """True when the handler only cleans up: its last word is ``raise``."""
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def suppressed_names(call: ast.Call) -> set[str]:
    function = call.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return {a.id for a in call.args if isinstance(a, ast.Name)} if name == "suppress" else set()


def swallowing_places(path: Path) -> Iterator[int]:
    for node in ast.walk(syntax_of(path)):
        if isinstance(node, ast.ExceptHandler):
            if caught_names(node.type) & EVERYTHING and not raises_again(node):
                yield node.lineno
        elif isinstance(node, ast.Call) and suppressed_names(node) & EVERYTHING:
            yield node.lineno


def test_only_the_named_borders_swallow_every_error():
    sources = files_below("kasmcore", "plugins", "examples", "docs", suffixes=(".py",))
    places = {path: list(swallowing_places(path)) for path in sources}
    assert {path for path, lines in places.items() if lines} == set(BORDERS)


def test_each_border_stands_at_one_place():
    places = {path: list(swallowing_places(path)) for path in BORDERS}
    assert {path: lines for path, lines in places.items() if len(lines) > 1} == {}
