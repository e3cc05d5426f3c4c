"""One name through the stack, and every list of plugins names every plugin."""

from __future__ import annotations

import configparser
import re
from pathlib import Path

import pytest

from tests.project.tree import (
    PLUGIN_KINDS,
    ROOT,
    entry_points,
    files,
    files_below,
    plugin_packages,
    project,
    text_of,
)

EMPTY_WORDS = {"utils", "util", "helpers", "helper", "common", "misc"}
OPERATORS_PAGES = {"encoders": "docs/operators/encoders.md", "dlp": "docs/operators/dlp.md"}


def plugin_names(*kinds: str) -> list[str]:
    return sorted(
        name for name, package in entry_points().items() if plugin_packages().get(package) in kinds
    )


def test_no_module_is_named_by_an_empty_word():
    named = [path for path in files() if path.suffix in (".py", ".js")]
    assert [p for p in named if EMPTY_WORDS & {p.stem, *p.parts[:-1]}] == []


def test_every_plugin_package_is_an_entry_point_of_its_own_name():
    assert entry_points() == {p.removeprefix("kasmcore_"): p for p in sorted(plugin_packages())}


@pytest.mark.parametrize("name", plugin_names(*PLUGIN_KINDS))
def test_every_plugin_has_a_test_of_its_name(name):
    kind = plugin_packages()[entry_points()[name]]
    assert (ROOT / f"tests/plugins/{kind}/test_{name}.py").is_file()


@pytest.mark.parametrize("name", plugin_names("encoders"))
def test_every_encoder_has_a_browser_decoder_of_its_name(name):
    assert (ROOT / f"www/src/decoders/{name}.js").is_file()


@pytest.mark.parametrize("name", plugin_names("transports"))
def test_every_transport_has_a_browser_side_of_its_name(name):
    assert (ROOT / f"www/src/transports/{name}.js").is_file()


@pytest.mark.parametrize("name", plugin_names(*OPERATORS_PAGES))
def test_every_encoder_and_policy_has_a_section_on_its_operators_page(name):
    kind = plugin_packages()[entry_points()[name]]
    assert f"\n## {name}\n" in text_of(Path(OPERATORS_PAGES[kind]))


def import_contracts() -> configparser.ConfigParser:
    contracts = configparser.ConfigParser()
    contracts.read_string(text_of(Path(".importlinter")))
    return contracts


@pytest.mark.parametrize(
    ("section", "option"),
    [
        ("importlinter", "root_packages"),
        ("importlinter:contract:plugins", "source_modules"),
        ("importlinter:contract:independent", "modules"),
    ],
)
def test_the_import_contracts_name_every_plugin(section, option):
    named = set(import_contracts()[section][option].split()) - {"kasmcore"}
    assert named == set(plugin_packages())


def test_the_import_contract_of_plugins_forbids_all_but_the_api():
    forbidden = set(
        import_contracts()["importlinter:contract:plugins"]["forbidden_modules"].split()
    )
    parts = files_below("kasmcore", suffixes=(".py",))
    modules = {".".join(("kasmcore", path.parts[1].removesuffix(".py"))) for path in parts}
    allowed = {"kasmcore.api", "kasmcore.__init__", "kasmcore.__main__"}
    assert modules - allowed == forbidden


def test_type_checker_tests_and_wheel_know_every_folder_of_plugins():
    folders = {f"plugins/{kind}" for kind in set(plugin_packages().values())}
    tools = project()["tool"]
    assert folders <= set(tools["mypy"]["mypy_path"])
    assert folders <= set(tools["pytest"]["ini_options"]["pythonpath"])
    wheel = set(re.findall(r'"(plugins/[a-z]+)"', text_of(Path("setup.py"))))
    assert folders <= wheel
