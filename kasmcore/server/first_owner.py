"""The account that the first start makes, so that somebody can log in."""

from __future__ import annotations

import os
import pwd

import attrs

from kasmcore.server.users_file import UsersFile
from kasmcore.users.passwords import generate_password, hash_password
from kasmcore.users.records import UserRecord, checked_name
from kasmcore.values.permissions import FULL_PERMISSIONS


@attrs.frozen
class FirstOwner:
    """The new account; the password is shown once and stands nowhere else."""

    name: str
    password: str = attrs.field(repr=False)


def create_first_owner(users: UsersFile) -> FirstOwner | None:
    """Make an account with all rights, named like the user of the system, if nobody can log in.

    Takes about 0.1 s for the hash. Of two servers that start at once, one makes it.

    Returns:
        The account to show once, or None when accounts exist.

    Raises:
        KasmcoreError: the users file cannot be read or written.
    """
    if users.has_users():
        return None
    owner = FirstOwner(_system_user_name(), generate_password())
    record = UserRecord(owner.name, hash_password(owner.password), FULL_PERMISSIONS)
    was_first = True

    def put_unless_taken(current: UserRecord | None) -> UserRecord:
        nonlocal was_first
        if current is not None and not current.is_locked:
            was_first = False
            return current
        return record

    users.edit(owner.name, put_unless_taken)
    return owner if was_first else None


def _system_user_name() -> str:
    try:
        return checked_name(pwd.getpwuid(os.getuid()).pw_name)
    except KeyError:  # a user id without a name, as in some containers
        return "owner"
