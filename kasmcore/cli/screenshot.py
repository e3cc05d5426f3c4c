"""``kasmcore screenshot``: save what a viewer of a running server sees."""

from __future__ import annotations

import argparse
import getpass
import sys
from pathlib import Path

import trio

from kasmcore.cli.png import encode_png
from kasmcore.errors import KasmcoreError
from kasmcore.testing.client import connect
from kasmcore.testing.client_stream import Trust
from kasmcore.values.pixels import BgrxPixels

SUMMARY = "save what a viewer of a running server sees as a PNG file"
STANDARD_STREAM = "-"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare flags."""
    parser.add_argument("url", metavar="URL", help="address of the page: https://host:port/")
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        default="screenshot.png",
        help="where to save it; - for standard output (default: %(default)s)",
    )
    parser.add_argument("--username", default="", help="who logs in; leave out for no login")
    parser.add_argument(
        "--password-file",
        metavar="FILE",
        default="",
        help="file whose first line is the password; - for standard input (default: ask)",
    )
    _add_trust_arguments(parser)
    parser.add_argument(
        "--wait-exact",
        action="store_true",
        help="wait until every pixel is exact; the first picture may be coarse",
    )
    parser.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=float,
        default=15.0,
        help="how long to wait for the picture (default: %(default)s)",
    )


def _add_trust_arguments(parser: argparse.ArgumentParser) -> None:
    trust = parser.add_mutually_exclusive_group()
    trust.add_argument(
        "--fingerprint",
        metavar="SHA256",
        default="",
        help="trust the certificate with this fingerprint, as the server prints it at its start",
    )
    trust.add_argument(
        "--ca-file", metavar="FILE", type=Path, help="trust certificates that this CA signed (PEM)"
    )
    trust.add_argument(
        "--insecure",
        action="store_true",
        help="trust any certificate: whoever sits in between can read the password",
    )


def run(arguments: argparse.Namespace) -> int:
    """Save one picture."""
    trust = Trust(
        fingerprint=arguments.fingerprint,
        ca_file=arguments.ca_file,
        insecure=arguments.insecure,
    )
    login = (arguments.username, _password(arguments) if arguments.username else "")
    limits = (arguments.wait_exact, arguments.timeout)
    pixels = trio.run(_take_picture, arguments.url, login, trust, limits)
    _save(encode_png(pixels), arguments.output)
    return 0


async def _take_picture(
    url: str, login: tuple[str, str], trust: Trust, limits: tuple[bool, float]
) -> BgrxPixels:
    wait_exact, timeout_s = limits
    with trio.move_on_after(timeout_s):
        async with connect(url, *login, trust=trust) as client:
            if wait_exact:
                await client.wait_for_exact_picture()
            else:
                await client.wait_for_picture()
            return client.framebuffer
    raise KasmcoreError(
        f"no {'exact ' if wait_exact else ''}picture came in {timeout_s:g} s",
        where=url,
        remedy="Give it longer with --timeout; a desktop that moves all the time is never exact.",
    )


def _password(arguments: argparse.Namespace) -> str:
    try:
        if not arguments.password_file:
            return getpass.getpass(f"Password of {arguments.username}: ")
        if arguments.password_file == STANDARD_STREAM:
            return sys.stdin.readline().rstrip("\r\n")
        lines = Path(arguments.password_file).read_text(encoding="utf-8").splitlines()
    except (OSError, EOFError) as error:
        raise KasmcoreError(
            f"the password cannot be read: {error}", remedy="Name it with --password-file."
        ) from error
    return lines[0] if lines else ""


def _save(data: bytes, output: str) -> None:
    if output == STANDARD_STREAM:
        sys.stdout.buffer.write(data)
        return
    try:
        Path(output).write_bytes(data)
    except OSError as error:
        raise KasmcoreError(f"the picture cannot be saved: {error}", where=output) from error
    print(output)
