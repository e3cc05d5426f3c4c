"""What is imported is declared, and the wheel carries all that the server needs."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.project.tree import ROOT, files, files_below, plugin_packages, project, syntax_of

NOT_SERVED = {"package.json", "package-lock.json", "tsconfig.json"}


def names_of(requirements: list[str]) -> set[str]:
    return {normalised(re.split(r"[<>=!~\[; ]", line)[0]) for line in requirements}


def normalised(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


def imported_distributions(paths: Iterable[Path]) -> dict[str, Path]:
    """Distributions of others that these modules import, with one module that does."""
    owners = packages_distributions()
    examples = {path.stem for path in files_below("examples", suffixes=(".py",))}
    ours = {"kasmcore", "tests", "docs", *plugin_packages(), *examples, *sys.stdlib_module_names}
    found = {}
    for path in paths:
        for top in imported_packages(syntax_of(path)) - ours:
            for owner in owners.get(top, [top]):
                found[normalised(owner)] = path
    return found


def imported_packages(module: ast.Module) -> set[str]:
    names = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.partition(".")[0])
    return names


def extras(*names: str) -> set[str]:
    optional = project()["project"]["optional-dependencies"]
    return set().union(*(names_of(optional[name]) for name in names))


DEPENDENCIES = names_of(project()["project"]["dependencies"])
SUITES = Path("kasmcore/testing/conformance")
"""Need what ``kasmcore[test]`` brings; the server never imports them."""

WEBRTC = Path("plugins/transports/kasmcore_webrtc/stack")
"""Needs what ``kasmcore[webrtc]`` brings; a process of its own imports it."""


def test_what_the_server_imports_are_its_dependencies_and_no_more():
    modules = files_below("kasmcore", "plugins", suffixes=(".py",))
    imported = imported_distributions(p for p in modules if {SUITES, WEBRTC}.isdisjoint(p.parents))
    assert {name: path for name, path in imported.items() if name not in DEPENDENCIES} == {}
    assert DEPENDENCIES - set(imported) == set()


def test_what_tests_import_are_dependencies_or_extras():
    declared = DEPENDENCIES | extras("test", "check", "fuzz")
    imported = imported_distributions(files_below("kasmcore", "tests", "docs", suffixes=(".py",)))
    assert {name: path for name, path in imported.items() if name not in declared} == {}


def test_what_webrtc_imports_is_its_extra():
    imported = imported_distributions(
        p for p in files_below("plugins", suffixes=(".py",)) if WEBRTC in p.parents
    )
    allowed = DEPENDENCIES | extras("webrtc")
    assert {name: path for name, path in imported.items() if name not in allowed} == {}


@pytest.fixture(scope="module")
def wheel_contents(tmp_path_factory) -> set[str]:
    """Names of all files in a wheel made from a copy of the repository's files."""
    copy = tmp_path_factory.mktemp("copy")
    for path in files():
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, copy / path)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    wheels = copy / "dist"
    done = subprocess.run(
        [*command, "--no-index", "--wheel-dir", str(wheels), str(copy)],
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = wheels.glob("kasmcore-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_wheel_carries_every_module(wheel_contents):
    modules = {str(p) for p in files_below("kasmcore", suffixes=(".py", ".typed"))}
    for path in files_below("plugins", suffixes=(".py",)):
        modules.add(str(path.relative_to(*path.parts[:2])))
    assert modules - wheel_contents == set()


def test_the_wheel_carries_every_file_that_browsers_ask_for(wheel_contents):
    served = {p for p in files() if p.parts[:1] == ("www",) and p.parts[1] not in ("test", "tools")}
    served = {p for p in served if p.name not in NOT_SERVED}
    assert {f"kasmcore/{p}" for p in served} - wheel_contents == set()


def test_the_wheel_carries_the_compiled_library_and_the_source_that_it_is_checked_by(
    wheel_contents,
):
    names = {f"kasmcore/kernels/pixels.{suffix}" for suffix in ("so", "h", "c")}
    assert names - wheel_contents == set()


def test_the_wheel_carries_nothing_else(wheel_contents):
    tops = {name.partition("/")[0] for name in wheel_contents}
    version = project()["project"]["version"]
    assert tops == {"kasmcore", f"kasmcore-{version}.dist-info", *plugin_packages()}
    assert {
        n for n in wheel_contents if "/test/" in n or "/tools/" in n or "node_modules" in n
    } == set()
