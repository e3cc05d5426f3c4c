"""Where settings come from: files, environment, flags; read as layers and merged into one tree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import attrs

from kasmcore.config.fields import core_settings, variable_name
from kasmcore.config.tree import (
    BlankNode,
    Layer,
    Origin,
    OriginKind,
    SectionNode,
    SettingsTree,
    Variable,
    merge_sections,
    section_of,
)
from kasmcore.config.yaml_reader import YamlReader
from kasmcore.errors import ConfigError

SYSTEM_FILE = Path("/etc/kasmcore/kasmcore.yaml")
VARIABLE_PREFIX = "KASMCORE_"
CONTROL_VARIABLES = frozenset({"KASMCORE_PIXEL_KERNEL", "KASMCORE_TRACE_HOOKS"})


def find_layers(
    files: Sequence[Path],
    overrides: Sequence[str],
    environment: Mapping[str, str],
    *,
    system_file: Path = SYSTEM_FILE,
    user_file: Path | None = None,
) -> tuple[Layer, ...]:
    """Read every place that settings come from, lowest first.

    Args:
        files: the files of ``--config``, each must exist.
        overrides: the texts of ``--set``, each ``a.b.c=value``; see ``YamlReader.read_value``.
        environment: ``KASMCORE_*`` variables are settings; ``${NAME}`` in values is replaced.
        system_file: the machine's settings; may be missing.
        user_file: the user's settings; may be missing. None is ``default_user_file``.

    What cannot be read does not stop here: its problems travel in the layers and ``structure``
    raises them together with all others.
    """
    user_file = user_file or default_user_file(environment)
    standing = [path for path in (system_file, user_file) if path is not None]
    return (
        *(_read_file(path, environment) for path in standing if not _is_missing(path)),
        *(_read_file(path, environment) for path in files),
        _read_environment(environment),
        *(_read_override(override, environment) for override in overrides),
    )


def merge(layers: Sequence[Layer]) -> SettingsTree:
    """Lay the layers over each other, lowest first; every value keeps its origin."""
    tree = SettingsTree(root=SectionNode({}, Origin(OriginKind.FILE, "no layer")))
    for layer in layers:
        tree = attrs.evolve(
            tree,
            root=merge_sections(tree.root, layer.root),
            variables=tree.variables + layer.variables,
            problems=tree.problems + layer.problems,
        )
    return tree


def default_user_file(environment: Mapping[str, str]) -> Path | None:
    """Return the user's ``kasmcore/kasmcore.yaml``; None when nothing tells the home directory."""
    if directory := environment.get("XDG_CONFIG_HOME"):
        return Path(directory) / "kasmcore" / "kasmcore.yaml"
    if home := environment.get("HOME"):
        return Path(home) / ".config" / "kasmcore" / "kasmcore.yaml"
    return None


def _is_missing(path: Path) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False  # reading it tells what is wrong
    return False


def _read_file(path: Path, environment: Mapping[str, str]) -> Layer:
    origin = Origin(OriginKind.FILE, str(path))
    empty = SectionNode({}, origin)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        problem = ConfigError("the file is not text in UTF-8", where=str(path))
        return Layer(name=str(path), root=empty, problems=(problem,))
    except OSError as error:
        problem = ConfigError(
            f"the file cannot be read: {error.strerror}",
            where=str(path),
            remedy="Check the path and its permissions.",
        )
        return Layer(name=str(path), root=empty, problems=(problem,))
    reader = YamlReader(origin, environment)
    root = reader.read(text)
    problems = reader.problems
    if not isinstance(root, SectionNode | BlankNode):
        problems.append(
            ConfigError(
                "the file holds no keys",
                where=str(root.origin),
                remedy="Write keys and values, such as  desktop:  and below it  allow_resize: true",
            )
        )
    root = root if isinstance(root, SectionNode) else empty
    return Layer(name=str(path), root=root, problems=tuple(problems))


def _read_environment(environment: Mapping[str, str]) -> Layer:
    paths = {variable_name(field.path): field.path for field in core_settings()}
    root = SectionNode({}, Origin(OriginKind.ENVIRONMENT, "environment"))
    variables: list[Variable] = []
    problems: list[ConfigError] = []
    for name in sorted(environment):
        if not name.startswith(VARIABLE_PREFIX) or name in CONTROL_VARIABLES:
            continue
        origin = Origin(OriginKind.ENVIRONMENT, f"environment variable {name}")
        reader = YamlReader(origin, environment)
        value = reader.read_value(environment[name])
        problems += reader.problems
        if name in paths:
            root = merge_sections(root, section_of(paths[name], value))
        else:
            variables.append(Variable(name, value))
    return Layer(
        name="environment", root=root, variables=tuple(variables), problems=tuple(problems)
    )


def _read_override(override: str, environment: Mapping[str, str]) -> Layer:
    path, separator, text = override.partition("=")
    path = path.strip()
    name = f"--set {path}"
    origin = Origin(OriginKind.FLAG, name)
    empty = SectionNode({}, origin)
    if not separator or not all(path.split(".")):
        problem = ConfigError(
            f"'{override}' does not set anything",
            where="--set",
            remedy="Write a.b.c=value, such as --set encoding.max_frame_rate=30.",
        )
        return Layer(name=name, root=empty, problems=(problem,))
    reader = YamlReader(origin, environment)
    value = reader.read_value(text)
    problems = reader.problems
    if isinstance(value, BlankNode) and not problems:
        problems.append(
            ConfigError(f"{path} is given no value", where=name, remedy=f"Write {path}=value.")
        )
    return Layer(name=name, root=section_of(path, value), problems=tuple(problems))
