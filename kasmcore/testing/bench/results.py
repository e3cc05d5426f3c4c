"""Results as values, each field with its heading; tables for people, JSON for programs."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from kasmcore.kernels import LIBRARY

NOT_MEASURED = "-"


def column(heading: str, format_spec: str = "", default: Any = attrs.NOTHING) -> Any:
    """Declare a result's field: its heading, with the unit, and how its value is printed."""
    return attrs.field(default=default, metadata={"heading": heading, "format": format_spec})


def as_table(results: Sequence[attrs.AttrsInstance]) -> str:
    """Return results of one class as a table in Markdown; None is printed as ``-``."""
    if not results:
        return "nothing measured"
    fields = attrs.fields(type(results[0]))
    rows = [[field.metadata["heading"] for field in fields]]
    rows += [[_cell(result, field) for field in fields] for result in results]
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    rows.insert(1, ["-" * width for width in widths])
    return "\n".join(_line(row, widths) for row in rows)


def _cell(result: attrs.AttrsInstance, field: attrs.Attribute[Any]) -> str:
    value = getattr(result, field.name)
    return NOT_MEASURED if value is None else format(value, field.metadata["format"])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [f"{cell:{width}}" for cell, width in zip(cells, widths, strict=True)]
    return f"| {' | '.join(padded)} |"


def as_json_values(results: Sequence[attrs.AttrsInstance]) -> list[Mapping[str, object]]:
    """Return results as objects for JSON; names of the fields end with their units."""
    return [attrs.asdict(result) for result in results]


def machine() -> Mapping[str, object]:
    """What the figures depend on besides the code."""
    return {
        "processors": len(os.sched_getaffinity(0)),
        "model": _processor_model(),
        "python": platform.python_version(),
        "kernel": platform.release(),
        "pixels": "numpy" if LIBRARY.functions is None else "compiled",
    }


def _processor_model() -> str:
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()
