"""HTTP routes and commands that plugins add."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable, Mapping

import attrs

from kasmcore.values.permissions import Permission, User


@attrs.frozen
class HttpRequest:
    """One request whose body (at most 1 MiB) has arrived."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str] = attrs.field(repr=False)
    """Names in lower case."""
    body: bytes = attrs.field(repr=False)
    user: User
    address: str


@attrs.frozen
class HttpResponse:
    """The whole answer."""

    status: int = 200
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()


@attrs.frozen(kw_only=True)
class RouteSpec:
    """One HTTP route.

    Attributes:
        method: ``GET``, ``POST``, …
        path: below the site's root, e.g. ``/api/plugins/hello``.
        permission: what the user must have; others get 403.
        handler: makes the answer; what it raises becomes 500 for this request only.
        summary: one line for the API's description.
    """

    method: str
    path: str
    permission: Permission
    handler: Callable[[HttpRequest], Awaitable[HttpResponse]]
    summary: str


@attrs.frozen(kw_only=True)
class CommandSpec:
    """A subcommand of ``kasmcore``.

    Attributes:
        name: the word after ``kasmcore``.
        summary: one line for ``kasmcore --help``.
        add_arguments: declares its flags.
        run: does the work; returns the exit status.
    """

    name: str
    summary: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]
