"""The repository's files and what stands in them, read once for all tests of this folder."""

from __future__ import annotations

import ast
import functools
import subprocess
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PLUGIN_KINDS = ("capture", "encoders", "transports", "dlp")


@functools.cache
def files() -> tuple[Path, ...]:
    """Every file that git keeps or would keep, relative to the root."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    return tuple(
        sorted(path for path in map(Path, listed.split("\0")[:-1]) if (ROOT / path).is_file())
    )


def files_below(*folders: str, suffixes: tuple[str, ...]) -> tuple[Path, ...]:
    """The files in these folders, at any depth, with one of the suffixes."""
    return tuple(p for p in files() if p.suffix in suffixes and p.parts[0] in folders)


def text_of(path: Path) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


@functools.cache
def syntax_of(path: Path) -> ast.Module:
    return ast.parse(text_of(path), filename=str(path))


@functools.cache
def project() -> dict[str, Any]:
    """``pyproject.toml``."""
    return tomllib.loads(text_of(Path("pyproject.toml")))


@functools.cache
def plugin_packages() -> dict[str, str]:
    """Kind of every plugin package below ``plugins/``, by its name."""
    inits = [p for p in files_below("plugins", suffixes=(".py",)) if p.name == "__init__.py"]
    return {p.parts[2]: p.parts[1] for p in inits if len(p.parts) == 4}


def entry_points() -> dict[str, str]:
    """Package of every plugin by its name."""
    points: dict[str, str] = project()["project"]["entry-points"]["kasmcore"]
    return points
