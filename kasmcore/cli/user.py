"""``kasmcore user``: add, remove, change and list the accounts that may log in."""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Callable

from kasmcore.cli.settings_flags import add_settings_arguments, settings_from
from kasmcore.config.structure import structure
from kasmcore.errors import KasmcoreError
from kasmcore.plugin_manager import discover_plugins
from kasmcore.server.users_file import UsersFile
from kasmcore.users.passwords import generate_password, hash_password
from kasmcore.users.records import UserRecord, checked_name, normalised_name
from kasmcore.values.permissions import Permission

SUMMARY = "add, remove, change and list the accounts that may log in"
SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = 1024
_WORDS = (
    ("read", Permission.READ),
    ("write", Permission.WRITE),
    ("owner", Permission.OWNER),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions and their flags."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    add = actions.add_parser("add", help="add an account (without flags: read and write)")
    change = actions.add_parser("set", help="change the permissions or the password")
    remove = actions.add_parser("remove", help="remove an account")
    listing = actions.add_parser("list", help="list the accounts")
    for action in (add, change, remove):
        action.add_argument("name", metavar="NAME")
    for action in (add, change):
        action.add_argument("--read", action="store_true", help="may see the desktop")
        action.add_argument("--write", action="store_true", help="may use it; includes read")
        action.add_argument("--owner", action="store_true", help="may use the web API")
        source = action.add_mutually_exclusive_group()
        source.add_argument(
            "--password-stdin", action="store_true", help="read the password from standard input"
        )
        source.add_argument(
            "--generate-password", action="store_true", help="make a password and print it"
        )
    change.add_argument("--password", action="store_true", help="ask for a new password")
    for action in (add, change, remove, listing):
        add_settings_arguments(action)


def run(arguments: argparse.Namespace) -> int:
    """Do the action; returns the exit status.

    Raises:
        KasmcoreError: it cannot be done.
    """
    loaded = settings_from(arguments)
    sections = discover_plugins(loaded.plugins).settings_sections()
    users = UsersFile.of_config(structure(loaded.tree, sections))
    actions: dict[str, Callable[[UsersFile, argparse.Namespace], None]] = {
        "add": _add,
        "set": _set,
        "remove": _remove,
        "list": _list,
    }
    actions[arguments.action](users, arguments)
    return 0


def _add(users: UsersFile, arguments: argparse.Namespace) -> None:
    name = checked_name(arguments.name)
    taken = KasmcoreError(
        f"there is an account {name!r} already",
        where=str(users.path),
        remedy="Change it with `kasmcore user set`.",
    )
    if users.user(name) is not None:
        raise taken  # before anybody types a password
    permissions = _permissions(arguments) or Permission.READ | Permission.WRITE
    record = UserRecord(name, hash_password(_password(arguments)), permissions)

    def put(current: UserRecord | None) -> UserRecord:
        if current is not None and not current.is_locked:
            raise taken
        return record

    users.edit(name, put)
    print(f"added {name}: {_words(permissions)}")


def _set(users: UsersFile, arguments: argparse.Namespace) -> None:
    known = _known(users, arguments.name)
    permissions = _permissions(arguments)
    wants_password = arguments.password or arguments.password_stdin or arguments.generate_password
    if not permissions and not wants_password:
        raise KasmcoreError(
            "nothing to change",
            remedy="Give the permissions it shall have (--read, --write, --owner) or --password.",
        )
    new_hash = hash_password(_password(arguments)) if wants_password else None

    def put(current: UserRecord | None) -> UserRecord:
        if current is None or current.is_locked:
            raise _unknown(users, known.name)
        return UserRecord(
            known.name, new_hash or current.password_hash, permissions or current.permissions
        )

    users.edit(known.name, put)
    print(f"changed {known.name}: {_words(permissions or known.permissions)}")


def _remove(users: UsersFile, arguments: argparse.Namespace) -> None:
    name = _known(users, arguments.name).name
    users.edit(name, lambda _: None)
    print(f"removed {name}")
    if not any(Permission.OWNER in record.permissions for record in users.records().values()):
        print("Now nobody is an owner.", file=sys.stderr)


def _list(users: UsersFile, arguments: argparse.Namespace) -> None:  # noqa: ARG001 - as the others
    for record in users.records().values():
        if not record.is_locked:
            print(f"{record.name}: {_words(record.permissions)}")


def _known(users: UsersFile, name: str) -> UserRecord:
    record = users.record(name)
    if record is None or record.is_locked:
        raise _unknown(users, normalised_name(name))
    return record


def _unknown(users: UsersFile, name: str) -> KasmcoreError:
    return KasmcoreError(
        f"there is no account {name!r}",
        where=str(users.path),
        remedy="`kasmcore user list` names them.",
    )


def _permissions(arguments: argparse.Namespace) -> Permission:
    permissions = Permission.NONE
    for word, permission in _WORDS:
        if getattr(arguments, word):
            permissions |= permission
    if Permission.WRITE in permissions:
        permissions |= Permission.READ
    return permissions


def _words(permissions: Permission) -> str:
    return ", ".join(word for word, one in _WORDS if one in permissions) or "no permissions"


def _password(arguments: argparse.Namespace) -> str:
    if arguments.generate_password:
        password = generate_password()
        print(f"password: {password}")
        return password
    if arguments.password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    elif sys.stdin.isatty():
        password = getpass.getpass("Password: ")
        if getpass.getpass("Once more: ") != password:
            raise KasmcoreError("the two passwords differ", remedy="Try again.")
    else:
        raise KasmcoreError(
            "there is nobody to ask for the password",
            where="standard input is no terminal",
            remedy="Use --password-stdin or --generate-password.",
        )
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise KasmcoreError(
            f"a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters",
            remedy="Choose another one.",
        )
    return password
