"""``kasmcore bench``: measure encoders, stages and whole scenes on this machine."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from functools import partial

import attrs
import trio

from kasmcore.cli.settings_flags import add_settings_arguments, settings_from
from kasmcore.config.structure import structure
from kasmcore.kernels import LIBRARY, without_library
from kasmcore.plugin_manager import load_plugins
from kasmcore.plugin_set import PluginSet
from kasmcore.testing.bench.encoder_costs import encoder_costs
from kasmcore.testing.bench.results import as_json_values, as_table, machine
from kasmcore.testing.bench.scene_costs import measure_scenes
from kasmcore.testing.bench.scenes import SCENES
from kasmcore.testing.bench.stage_costs import stage_costs
from kasmcore.testing.bench.stream_costs import stream_costs

SUMMARY = "measure encoders, stages and whole scenes on this machine"
PARTS = ("encoders", "stages", "scenes")
ALL = "all"

Results = Mapping[str, Sequence[attrs.AttrsInstance]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of this command."""
    parser.add_argument(
        "parts",
        nargs="*",
        choices=(*PARTS, ALL),
        default=ALL,
        metavar="PART",
        help=f"what to measure: {', '.join(PARTS)} or {ALL} (default)",
    )
    parser.add_argument(
        "--scene",
        dest="scenes",
        action="append",
        choices=list(SCENES),
        help="play only this scene; may be repeated",
    )
    parser.add_argument(
        "--seconds", type=float, default=5.0, help="how long each scene is played (default: 5)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    add_settings_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Measure and print; return 0.

    Raises: ``KasmcoreError`` when the settings cannot be used or the server for the scenes does not
        start.
    """
    loaded = settings_from(arguments)
    manager = load_plugins(loaded.plugins)
    plugins = manager.plugin_set(structure(loaded.tree, manager.settings_sections()))
    measured: dict[str, Results] = {}
    for part in PARTS if ALL in arguments.parts else arguments.parts:
        measured[part] = _measure(part, plugins, arguments)
        if not arguments.json:
            for heading, results in measured[part].items():
                print(f"\n{heading}\n\n{as_table(results)}", flush=True)
    if arguments.json:
        values = {
            heading: as_json_values(results)
            for part in measured.values()
            for heading, results in part.items()
        }
        print(json.dumps({"machine": machine(), **values}, indent=2))
    return 0


def _measure(part: str, plugins: PluginSet, arguments: argparse.Namespace) -> Results:
    if part == "encoders":
        return {
            "encoders": list(encoder_costs(plugins.encoders)),
            "stream_encoders": list(stream_costs(plugins.stream_encoders)),
        }
    if part == "stages":
        measured = {"stages": list(stage_costs(plugins.encoders))}
        if LIBRARY.functions is not None:
            with without_library():
                measured["stages_in_numpy"] = list(stage_costs(plugins.encoders))
        return measured
    scenes = arguments.scenes or list(SCENES)
    flags = [word for file in arguments.config_files for word in ("--config", str(file))]
    flags += [word for override in arguments.overrides for word in ("--set", override)]
    results = trio.run(partial(measure_scenes, scenes, arguments.seconds, flags))
    return {
        "scenes": [result.cost for result in results],
        "scene_stages": [stage for result in results for stage in result.stages],
    }
