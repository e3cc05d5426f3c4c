"""The pages tell what is there: generated ones are current, nothing public goes unnamed."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pluggy
import pytest

import kasmcore.api
from docs.generate import DOCS, PAGES, built_in_sections
from kasmcore import hookspecs
from kasmcore.cli import COMMANDS
from kasmcore.config.describe import describe
from kasmcore.protocol.table import LAYOUTS
from kasmcore.server import endpoints
from tests.project.tree import ROOT, files, files_below, syntax_of, text_of

LABELS = ("Called:", "Returns:", "Combined:", "Raises:", "Since:")
LINK = re.compile(r"(?<!`)\[[^\]\n]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
CODE_BLOCK = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def pages(*folder: str) -> tuple[Path, ...]:
    start = Path(*folder)
    return tuple(
        p for p in files() if p.suffix == ".md" and (p.parent == start or start in p.parents)
    )


def text_below(*folder: str) -> str:
    return "\n".join(map(text_of, pages(*folder)))


@pytest.mark.parametrize("page", PAGES, ids=[str(path.relative_to(DOCS)) for path, _ in PAGES])
def test_a_generated_page_is_current(page):
    path, make = page
    assert path.read_text(encoding="utf-8") == make(), "run: make fix"


def test_every_setting_is_on_a_page_for_operators():
    text = text_below("docs", "operators")
    assert [s.path for s in describe(built_in_sections()) if f"`{s.path}`" not in text] == []


def hooks() -> list[str]:
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    return sorted(name for name in vars(manager.hook) if name.startswith("kasmcore_"))


@pytest.mark.parametrize("hook", hooks())
def test_every_hook_states_its_contract(hook):
    contract = getattr(hookspecs, hook).__doc__
    assert [label for label in LABELS if label not in contract] == []
    example = re.search(r"Example: ``([^`]+)``", contract)
    assert example is not None
    assert (ROOT / example[1]).exists()


def test_every_hook_and_name_of_the_api_is_on_a_page_for_plugin_authors():
    words = set(re.findall(r"\w+", text_below("docs", "plugins")))
    assert {*hooks(), *kasmcore.api.__all__} - words == set()


def test_the_api_offers_just_what_it_lists():
    imported = {
        alias.asname or alias.name
        for node in syntax_of(Path("kasmcore/api.py")).body
        if isinstance(node, ast.ImportFrom) and node.module != "__future__"
        for alias in node.names
    }
    assert imported | {"API_VERSION"} == set(kasmcore.api.__all__)


def test_every_wire_message_is_on_the_protocol_page():
    text = text_of(Path("docs/maintainers/protocol.md"))
    rows = [row for layouts in LAYOUTS.values() for row in layouts]
    assert [row.name for row in rows if f"| 0x{row.kind:02X} | {row.name} |" not in text] == []


def routes() -> Iterator[tuple[str, str]]:
    """Method and path of every ``Endpoint(...)`` in the server whose path is written out."""
    for path in files_below("kasmcore", suffixes=(".py",)):
        for node in ast.walk(syntax_of(path)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == endpoints.Endpoint.__name__:
                values = {k.arg: getattr(k.value, "value", None) for k in node.keywords}
                if isinstance(values["method"], str) and isinstance(values["path"], str):
                    yield values["method"], values["path"]


@pytest.mark.parametrize("route", sorted(routes()), ids=" ".join)
def test_every_http_route_is_on_a_page_for_operators(route):
    assert "{} `{}`".format(*route) in text_below("docs", "operators")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_on_a_page_for_operators(command):
    assert f"kasmcore {command}" in text_below("docs", "operators")


def links() -> Iterator[tuple[Path, str]]:
    for page in pages():
        for target in LINK.findall(CODE_BLOCK.sub("", text_of(page))):
            if not re.match(r"[a-z]+:", target):
                yield page, target


def anchors(page: Path) -> set[str]:
    titles = HEADING.findall(CODE_BLOCK.sub("", text_of(page)))
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def test_links_between_pages_lead_somewhere():
    broken = []
    for page, target in links():
        name, _, anchor = unquote(target).partition("#")
        goal = (ROOT / page.parent / name).resolve() if name else ROOT / page
        is_page = goal.suffix == ".md"
        if not goal.exists() or (
            anchor and is_page and anchor not in anchors(goal.relative_to(ROOT))
        ):
            broken.append(f"{page}: {target}")
    assert broken == []


NAMED_PATH = re.compile(
    r"(?:^|[`│├└]) *((?:kasmcore|plugins|www|tests|docs|tools|examples)/[\w./-]*\w)", re.MULTILINE
)
NAMED_STAGE = re.compile(r"^[ │├└]*((?:session|pipeline)/\w+\.py)", re.MULTILINE)


def test_files_that_pages_name_are_there():
    gone = []
    for page in pages():
        text = text_of(page)
        named = [*NAMED_PATH.findall(text), *(f"kasmcore/{n}" for n in NAMED_STAGE.findall(text))]
        kept = [name for name in named if not name.endswith("node_modules")]
        gone += [f"{page}: {name}" for name in kept if not (ROOT / name).exists()]
    assert gone == []


@pytest.mark.parametrize("folder", ["", "operators", "plugins", "maintainers"])
def test_every_page_can_be_reached_from_its_index(folder):
    index = Path("docs", folder, "index.md")
    linked = {
        (ROOT / index.parent / t.partition("#")[0]).resolve() for p, t in links() if p == index
    }
    expected = {ROOT / p for p in pages("docs", folder) if p.parent == index.parent and p != index}
    assert expected - linked == set()


def test_the_readme_gives_two_commands_that_exist():
    commands = re.findall(
        r"^(?:    |\$ )?make ([a-z]+)\b", text_of(Path("README.md")), re.MULTILINE
    )
    targets = re.findall(r"^([a-z]+):", text_of(Path("Makefile")), re.MULTILINE)
    assert set(commands) >= {"run", "test"}
    assert set(commands) <= set(targets)
