"""A subcommand of one's own: ``kasmcore hello``.

Use it:  KASMCORE_PLUGINS_FILES='[hello_command.py]' kasmcore hello --name Ada
(or name the file under ``plugins.files`` in your kasmcore.yaml)
"""

from __future__ import annotations

import argparse

from kasmcore.api import CommandSpec, hookimpl


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("--name", default="you", help="whom to greet")


def say_hello(arguments: argparse.Namespace) -> int:
    """Greet; the exit status is 0."""
    print(f"Hello {arguments.name}")
    return 0


@hookimpl
def kasmcore_register_commands() -> list[CommandSpec]:
    """Offer the command."""
    return [
        CommandSpec(
            name="hello", summary="greet somebody", add_arguments=add_arguments, run=say_hello
        )
    ]
