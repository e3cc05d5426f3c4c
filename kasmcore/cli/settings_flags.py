"""The flags ``--config`` and ``--set``, and what they lead to."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import attrs

from kasmcore.config.load import find_layers, merge
from kasmcore.config.schema import PluginsConfig
from kasmcore.config.structure import structure_plugins
from kasmcore.config.tree import SettingsTree


@attrs.frozen(kw_only=True)
class LoadedSettings:
    """All layers as one tree, not yet typed but for ``plugins:``, which says what to load."""

    tree: SettingsTree
    plugins: PluginsConfig


def add_settings_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``--config FILE`` and ``--set KEY=VALUE``, each of which may be repeated."""
    parser.add_argument(
        "--config",
        dest="config_files",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="read settings from this file, too; may be repeated, later files win",
    )
    parser.add_argument(
        "--set",
        dest="overrides",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="set one key, such as encoding.max_frame_rate=30; may be repeated, wins over files",
    )


def settings_from(arguments: argparse.Namespace) -> LoadedSettings:
    """Read all layers that the flags, the environment and the standing files give.

    Raises: ``ConfigErrors`` with every problem that can be told before plugins are loaded, when
        there is one in ``plugins:`` or a layer cannot be read.
    """
    layers = find_layers(arguments.config_files, arguments.overrides, os.environ)
    tree = merge(layers)
    return LoadedSettings(tree=tree, plugins=structure_plugins(tree))
