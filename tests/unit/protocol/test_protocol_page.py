"""The protocol page and the table in the code say the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kasmcore.protocol.frame_wire import RECTANGLE_FIELDS
from kasmcore.protocol.layout import MessageLayout
from kasmcore.protocol.table import LAYOUTS, Sender

PAGE = Path(__file__).parents[3] / "docs/maintainers/protocol.md"
TITLES = {Sender.CLIENT: "From client to server", Sender.SERVER: "From server to client"}
UNITS = {"B": 1, "KiB": 2**10, "MiB": 2**20}
SAME = "as above"


def rows_of(sender: Sender) -> dict[str, tuple[str, str, str]]:
    """Name to kind, payload and limit, as the page has them."""
    section = PAGE.read_text(encoding="utf-8").split(f"## {TITLES[sender]}")[1].split("\n## ")[0]
    found = {}
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| 0x"):
            kind, name, _, payload, limit = cells
            found[name] = (kind, payload.replace("\\", ""), limit)
    return found


def bytes_of(limit: str) -> int:
    """``64 KiB + 9 B`` as a number."""
    terms = (re.fullmatch(r"(\d+) ?(\w*)", term) for term in limit.split(" + "))
    return sum(int(term[1]) * UNITS[term[2] or "B"] for term in terms if term)


def payload_of(row: MessageLayout) -> str:
    text = "; ".join(f"{kind.name} {name}" for name, kind in row.fields) or "–"
    return text.replace("list16<rectangle> rectangles", "list16<rectangle>")


@pytest.mark.parametrize("sender", Sender)
def test_the_page_lists_every_message(sender: Sender) -> None:
    assert set(rows_of(sender)) == {row.name for row in LAYOUTS[sender]}


@pytest.mark.parametrize(
    ("sender", "row"),
    [(sender, row) for sender in Sender for row in LAYOUTS[sender]],
    ids=lambda value: getattr(value, "name", ""),
)
def test_kind_payload_and_limit_are_those_of_the_page(sender: Sender, row: MessageLayout) -> None:
    kind, payload, limit = rows_of(sender)[row.name]
    assert int(kind, 16) == row.kind
    assert bytes_of(limit) == row.maximum_bytes
    without_remarks = re.sub(r" \((≤|\d)[^)]*\)", "", payload)
    assert without_remarks in (payload_of(row), SAME)


def test_a_rectangle_is_that_of_the_page() -> None:
    text = re.sub(r"\s+", " ", PAGE.read_text(encoding="utf-8"))
    described = re.search(r"A \*\*rectangle\*\* is: (.*?)\.", text)
    assert described is not None
    fields = re.sub(r" \([^)]*\)", "", described[1])
    assert fields == "; ".join(f"{kind} {name}" for name, kind in RECTANGLE_FIELDS)


@pytest.mark.parametrize("sender", Sender)
def test_kinds_are_used_once(sender: Sender) -> None:
    kinds = [row.kind for row in LAYOUTS[sender]]
    assert len(set(kinds)) == len(kinds)
