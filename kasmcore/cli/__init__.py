"""The ``kasmcore`` command: picks a subcommand, turns errors into a line and an exit status."""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from typing import Protocol, cast

from kasmcore.errors import KasmcoreError
from kasmcore.interfaces.routes import CommandSpec
from kasmcore.log_setup import setup_logging

COMMANDS = ("run", "check", "explain", "plugins", "user", "screenshot", "bench")
"""Each is a module of this package, imported only when it is needed."""
TRACE_VARIABLE = "KASMCORE_TRACE_HOOKS"
INTERRUPTED = 130


class CommandModule(Protocol):
    """What a module in ``kasmcore/cli`` offers."""

    SUMMARY: str

    @staticmethod
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        """Declare flags."""

    @staticmethod
    def run(arguments: argparse.Namespace) -> int:
        """Do the work; return the exit status."""


def main(words: Sequence[str] | None = None) -> int:
    """Run one command line; return its exit status.

    Args:
        words: what follows ``kasmcore``; None for this process's own.
    """
    setup_logging()
    if os.environ.get(TRACE_VARIABLE) == "1":
        logging.getLogger("kasmcore.hooks").setLevel(logging.DEBUG)
    try:
        return _run_command(list(sys.argv[1:] if words is None else words))
    except KasmcoreError as error:
        return _tell([error])
    except BaseExceptionGroup as group:
        errors = list(_leaves(group))
        known = [error for error in errors if isinstance(error, KasmcoreError)]
        if not all(isinstance(error, KasmcoreError | KeyboardInterrupt) for error in errors):
            raise
        return _tell(known) if known else INTERRUPTED
    except KeyboardInterrupt:
        return INTERRUPTED


def built_in(name: str) -> CommandSpec:
    """Import the module of a built-in command."""
    module = cast("CommandModule", importlib.import_module(f"kasmcore.cli.{name}"))
    return CommandSpec(
        name=name, summary=module.SUMMARY, add_arguments=module.add_arguments, run=module.run
    )


def _run_command(words: list[str]) -> int:
    command = _command_named(words[0]) if words else None
    if command is None:
        parser = _general_parser()
        parser.parse_args(words)
        parser.print_help()
        return 0
    parser = argparse.ArgumentParser(
        prog=f"kasmcore {command.name}",
        description=f"{command.summary[:1].upper()}{command.summary[1:]}.",
    )
    command.add_arguments(parser)
    return command.run(parser.parse_args(words[1:]))


def _command_named(name: str) -> CommandSpec | None:
    if name in COMMANDS:
        return built_in(name)
    if name.startswith("-"):
        return None
    return next((command for command in _plugin_commands() if command.name == name), None)


def _general_parser() -> argparse.ArgumentParser:
    """Return the parser that answers --help and --version and refuses what is no command."""
    parser = argparse.ArgumentParser(
        prog="kasmcore", description="A Linux desktop in the browser, every stage a plugin."
    )
    parser.add_argument("--version", action="version", version=f"kasmcore {version('kasmcore')}")
    commands = [built_in(name) for name in COMMANDS]
    subparsers = parser.add_subparsers(metavar="COMMAND", title="commands")
    for command in (*commands, *_plugin_commands()):
        subparsers.add_parser(command.name, help=command.summary)
    return parser


def _plugin_commands() -> tuple[CommandSpec, ...]:
    """Return the commands of the plugins that the standing settings and the environment name.

    Imports what that takes only here, so that built-in commands start without it.
    """
    from kasmcore.cli.settings_flags import add_settings_arguments, settings_from
    from kasmcore.plugin_manager import discover_plugins

    parser = argparse.ArgumentParser()
    add_settings_arguments(parser)
    try:
        offered = discover_plugins(settings_from(parser.parse_args([])).plugins).commands()
    except KasmcoreError as error:
        print(f"kasmcore: commands of plugins are left out: {error}", file=sys.stderr)
        return ()
    for command in offered:
        if command.name in COMMANDS:
            print(
                f"kasmcore: the name of a plugin's command {command.name} is taken", file=sys.stderr
            )
    return tuple(command for command in offered if command.name not in COMMANDS)


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


def _tell(errors: Sequence[KasmcoreError]) -> int:
    lines = [line for error in errors for line in str(error).splitlines()]
    for line in dict.fromkeys(lines):  # several tasks may have met the same end
        print(f"kasmcore: {line}", file=sys.stderr)
    return errors[0].exit_status
