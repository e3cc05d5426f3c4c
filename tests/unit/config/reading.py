"""Read settings in a test: files with these texts, flags and environment, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from kasmcore.config.load import find_layers, merge
from kasmcore.config.schema import ServerConfig
from kasmcore.config.sections import SettingsSection
from kasmcore.config.structure import structure
from kasmcore.config.tree import SettingsTree
from kasmcore.errors import ConfigErrors

NO_FILE = Path("/nonexistent/kasmcore.yaml")


def tree_of(
    *files: Path,
    overrides: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    system_file: Path = NO_FILE,
    user_file: Path = NO_FILE,
) -> SettingsTree:
    layers = find_layers(
        files, overrides, environment or {}, system_file=system_file, user_file=user_file
    )
    return merge(layers)


def config_of(
    *overrides: str,
    sections: Sequence[SettingsSection] = (),
    environment: Mapping[str, str] | None = None,
) -> ServerConfig:
    return structure(tree_of(overrides=overrides, environment=environment), sections)


def problems_of(*overrides: str, sections: tuple[SettingsSection, ...] = ()) -> list[str]:
    with pytest.raises(ConfigErrors) as caught:
        config_of(*overrides, sections=sections)
    return str(caught.value).splitlines()
