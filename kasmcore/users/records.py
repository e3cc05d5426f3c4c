"""Accounts and the lines that hold them in a file: ``name:hash:permissions``.

KasmVNC's ``.kasmpasswd`` has the same lines, so one reader serves both files. Ours holds argon2id
hashes where KasmVNC's holds SHA-256 crypt; ``!`` in place of a hash locks an account.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping

import attrs

from kasmcore.errors import ConfigError, KasmcoreError
from kasmcore.values.permissions import Permission, User

LOCKED = "!"
"""Stands where a hash stands; no password proves such an account."""
MAXIMUM_NAME_LENGTH = 64
_LETTERS = {"r": Permission.READ, "w": Permission.WRITE, "o": Permission.OWNER}
_HEADER = (
    "# Accounts of kasmcore. One line each: name:hash:permissions (r read, w write, o owner).\n"
    "# Change them with `kasmcore user`; a running server notices.\n"
)


@attrs.frozen
class UserRecord:
    """One account as the file holds it."""

    name: str
    password_hash: str = attrs.field(repr=False)
    permissions: Permission

    @property
    def is_locked(self) -> bool:
        """True when no password proves this account."""
        return self.password_hash == LOCKED

    @property
    def user(self) -> User:
        """The account without its secret."""
        return User(name=self.name, permissions=self.permissions)


def normalised_name(name: str) -> str:
    """Return the form under which a name is stored and looked up (Unicode NFC)."""
    return unicodedata.normalize("NFC", name)


def checked_name(name: str) -> str:
    """Return the name in its stored form.

    Raises:
        KasmcoreError: it cannot be the name of an account.
    """
    name = normalised_name(name)
    remedy = "Choose another name."
    if not 1 <= len(name) <= MAXIMUM_NAME_LENGTH:
        raise KasmcoreError(
            f"the name of an account has 1 to {MAXIMUM_NAME_LENGTH} characters", remedy=remedy
        )
    if name != name.strip() or name.startswith("#") or ":" in name or not name.isprintable():
        raise KasmcoreError(
            f"{name!r} cannot be the name of an account: no colon, no # in front, no blank at its "
            "ends, no control characters",
            remedy=remedy,
        )
    return name


def permissions_of_letters(letters: str) -> Permission:
    """Read letters such as ``rw``; write includes read, as in KasmVNC.

    Raises:
        ValueError: another letter than r, w and o.
    """
    permissions = Permission.NONE
    for letter in letters:
        if letter not in _LETTERS:
            raise ValueError(f"{letter!r} is none of r, w and o")
        permissions |= _LETTERS[letter]
    if Permission.WRITE in permissions:
        permissions |= Permission.READ
    return permissions


def letters_of_permissions(permissions: Permission) -> str:
    """Return the letters that ``permissions_of_letters`` reads."""
    return "".join(letter for letter, one in _LETTERS.items() if one in permissions)


def parse_users(text: str, file: str) -> dict[str, UserRecord]:
    """Read a users file, ours or KasmVNC's; blank lines and lines from ``#`` are left out.

    Args:
        text: the whole file.
        file: its path, for errors.

    Raises:
        ConfigError: a line that is no account, or a name that stands twice.
    """
    records: dict[str, UserRecord] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        where = f"{file} line {number}"
        record = _parse_line(line.rstrip(), where)
        if record.name in records:
            raise ConfigError(
                f"the account {record.name!r} stands twice",
                where=where,
                remedy="Delete one of the lines.",
            )
        records[record.name] = record
    return records


def _parse_line(line: str, where: str) -> UserRecord:
    remedy = "Mend the line, or delete it and add the account with `kasmcore user add NAME`."
    parts = line.split(":")
    if len(parts) != 3:
        raise ConfigError("this is no account (name:hash:permissions)", where=where, remedy=remedy)
    name, password_hash, letters = parts
    try:
        return UserRecord(checked_name(name), password_hash, permissions_of_letters(letters))
    except (ValueError, KasmcoreError) as error:
        raise ConfigError(f"this is no account: {error}", where=where, remedy=remedy) from error


def format_users(records: Iterable[UserRecord]) -> str:
    """Return the text of a users file; ``parse_users`` gives the same records back."""
    lines = (f"{r.name}:{r.password_hash}:{letters_of_permissions(r.permissions)}" for r in records)
    return _HEADER + "".join(f"{line}\n" for line in lines)


def changed_names(
    before: Mapping[str, UserRecord], after: Mapping[str, UserRecord]
) -> tuple[str, ...]:
    """Return the names that were added, removed or have other permissions or another password."""
    names = sorted({*before, *after})
    return tuple(name for name in names if before.get(name) != after.get(name))
