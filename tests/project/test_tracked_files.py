"""Nothing in the files that belongs to one machine or one day, and no test that does not run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests.project.tree import files, files_below, syntax_of, text_of

OF_ONE_MACHINE = re.compile(
    r"(?<![\w.)}])/(?:work|root|tmp/k|home/(?!ada/)[a-z]\w*)[/-]"
    r"|\bregistry[.][a-z0-9-]+[.][a-z]{2}|[i]ndex-url|_[a]uthToken|\"[r]esolved\":"
)
OF_ONE_DAY = re.compile(
    r"\b(?:T[O]DO|F[I]XME|X{3}|H[A]CK)\b|\bA[I]\b|\bL{2}Ms?\b|language[ ]model|chat[ ]?bot"
    r"|\bthis[ ]work(?:place|shop)\b|\bco-?authored-by\b",
)
SKIPPING = {"skip", "skipif", "skipIf", "skipUnless", "xfail", "importorskip", "SkipTest"}
SKIPPING_JS = re.compile(r"\b(?:test|it|describe)\.(?:skip|todo|only)\b|\b(?:skip|todo): *true")


def places(pattern: re.Pattern[str]) -> Iterator[str]:
    for path in files():
        try:
            text = text_of(path)
        except UnicodeDecodeError:  # a picture
            continue
        for number, line in enumerate(text.splitlines(), start=1):
            if pattern.search(line):
                yield f"{path}:{number}: {line.strip()[:100]}"


def test_no_file_names_a_path_or_a_registry_of_one_machine():
    assert list(places(OF_ONE_MACHINE)) == []


def test_no_file_speaks_of_how_it_came_to_be():
    assert list(places(OF_ONE_DAY)) == []


def skipping_names(module: ast.Module) -> Iterator[int]:
    for node in ast.walk(module):
        name = getattr(node, "attr", None) or getattr(node, "id", None)
        if isinstance(node, ast.Attribute | ast.Name) and name in SKIPPING:
            yield node.lineno


def test_no_test_is_skipped_or_expected_to_fail():
    tests = files_below("tests", "examples", suffixes=(".py",))
    tests += files_below("kasmcore", suffixes=(".py",))
    found = [f"{path}:{line}" for path in tests for line in skipping_names(syntax_of(path))]
    assert found == []


def test_no_browser_test_is_skipped_or_runs_alone():
    tests = [p for p in files_below("www", "tests", suffixes=(".js",)) if "test" in str(p)]
    assert [str(p) for p in tests if SKIPPING_JS.search(text_of(p))] == []
