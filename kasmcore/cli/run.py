"""``kasmcore run``: a desktop in the browser until it is stopped."""

from __future__ import annotations

import argparse
import logging
import signal
from collections.abc import AsyncIterator

import trio

from kasmcore.cli.process_memory import keep_collections_short, return_unused_memory
from kasmcore.cli.settings_flags import add_settings_arguments, settings_from
from kasmcore.config.schema import ServerConfig
from kasmcore.config.structure import structure
from kasmcore.kernels import LIBRARY
from kasmcore.log_setup import setup_logging
from kasmcore.plugin_manager import load_plugins
from kasmcore.plugin_set import PluginSet
from kasmcore.server.run_server import Started, run_server

SUMMARY = "start a desktop and serve it to browsers"

_LOG = logging.getLogger("kasmcore")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare flags; each stands for a setting and wins over the files."""
    add_settings_arguments(parser)
    parser.add_argument(
        "--display", metavar=":N", help="number of the display to start (desktop.display)"
    )
    parser.add_argument(
        "--attach", metavar=":N", help="show this display that already runs (desktop.attach)"
    )
    parser.add_argument("--host", metavar="ADDR", help="address to listen on (network.interface)")
    parser.add_argument("--port", metavar="N", help="port to listen on (network.websocket_port)")


def run(arguments: argparse.Namespace) -> int:
    """Run until SIGINT or SIGTERM; return 0 after an orderly stop."""
    arguments.overrides = [*arguments.overrides, *_overrides(arguments)]
    loaded = settings_from(arguments)
    manager = load_plugins(loaded.plugins)
    config = structure(loaded.tree, manager.settings_sections())
    setup_logging(config.logging.level, config.logging.format)
    if LIBRARY.problem:
        _LOG.warning("frames are compared by numpy, which needs more CPU: %s", LIBRARY.problem)
    trio.run(_run_until_stopped, config, manager.plugin_set(config))
    return 0


def _overrides(arguments: argparse.Namespace) -> list[str]:
    given = {
        "desktop.display": arguments.display and arguments.display.removeprefix(":"),
        "desktop.attach": arguments.attach and f'"{arguments.attach}"',
        "network.interface": arguments.host and f'"{arguments.host}"',
        "network.websocket_port": arguments.port,
    }
    return [f"{key}={value}" for key, value in given.items() if value is not None]


async def _run_until_stopped(config: ServerConfig, plugins: PluginSet) -> None:
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_stop_on_signal, signals, nursery.cancel_scope)
            started: Started = await nursery.start(run_server, config, plugins)
            _tell(config, started)
            keep_collections_short()
            flow = started.session.frames
            nursery.start_soon(return_unused_memory, lambda: flow.captured_frames)


async def _stop_on_signal(signals: AsyncIterator[int], scope: trio.CancelScope) -> None:
    async for number in signals:
        _LOG.info("stopping (%s)", signal.Signals(number).name)
        scope.cancel()
        return


def _tell(config: ServerConfig, started: Started) -> None:
    """One line with the address, and at the first start the login; to standard output."""
    listening = started.listening
    print(f"kasmcore shows {started.desktop}. Open {listening.url}", flush=True)
    for url in listening.network_urls:
        print(f"  from other machines: {url}", flush=True)
    if listening.certificate_fingerprint is not None and config.network.ssl.pem_certificate is None:
        print(
            "  The browser will ask about the self-made certificate; its SHA-256 fingerprint is "
            f"{listening.certificate_fingerprint}",
            flush=True,
        )
    if started.first_owner is not None:
        owner = started.first_owner
        print(f"  Login (shown this once): {owner.name} / {owner.password}", flush=True)
