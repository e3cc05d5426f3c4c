"""Where plugins come from: entry points of installed distributions, and single files."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import attrs

from kasmcore.errors import PluginError

ENTRY_POINT_GROUP = "kasmcore"
FILE_DISTRIBUTION = "file"


@attrs.frozen
class FoundPlugin:
    """A plugin before it is imported."""

    name: str
    distribution: str
    version: str
    origin: str
    """The entry point's value, or the file's path."""
    load: Callable[[], object] = attrs.field(repr=False, eq=False)
    """Imports it; raises whatever its code raises."""

    def __str__(self) -> str:
        if self.distribution == FILE_DISTRIBUTION:
            return self.origin
        return f"{self.distribution} {self.version}, {self.origin}"


def find_plugins(files: Sequence[Path]) -> tuple[FoundPlugin, ...]:
    """Return all installed plugins and those in the files, sorted by name; imports none."""
    found = [_of_entry_point(point) for point in entry_points(group=ENTRY_POINT_GROUP)]
    found += [_of_file(file.expanduser()) for file in files]
    return tuple(sorted(found, key=lambda plugin: plugin.name))


def _of_entry_point(point: EntryPoint) -> FoundPlugin:
    distribution = point.dist
    return FoundPlugin(
        name=point.name,
        distribution=distribution.name if distribution else "unknown",
        version=distribution.version if distribution else "",
        origin=point.value,
        load=point.load,
    )


def _of_file(path: Path) -> FoundPlugin:
    return FoundPlugin(
        name=path.stem,
        distribution=FILE_DISTRIBUTION,
        version="",
        origin=str(path),
        load=partial(_import_file, path),
    )


def _import_file(path: Path) -> object:
    if not path.is_file():
        raise PluginError(
            f"plugins.files names {path}, which is no file",
            remedy="Correct the path, or delete it from plugins.files.",
        )
    module_name = f"kasmcore_file_{path.stem}"
    specification = importlib.util.spec_from_file_location(module_name, path)
    if specification is None or specification.loader is None:
        raise PluginError(
            f"plugins.files names {path}, which is no Python file",
            remedy="Its name must end in .py.",
        )
    module = importlib.util.module_from_spec(specification)
    sys.modules[module_name] = module
    specification.loader.exec_module(module)
    return module
