"""The last authenticator of the chain: names and passwords from the users file."""

from __future__ import annotations

import logging

import attrs
import trio

from kasmcore.errors import KasmcoreError
from kasmcore.interfaces.login import Credentials
from kasmcore.server.users_file import UsersFile
from kasmcore.users.passwords import check_password, hash_password, needs_new_hash
from kasmcore.users.records import UserRecord
from kasmcore.values.permissions import User

_log = logging.getLogger(__name__)


@attrs.define(eq=False)
class UsersFileLogin:
    """Checks passwords in worker threads, one at a time: each check takes 64 MiB."""

    users: UsersFile
    name: str = "users_file"
    _hashing: trio.CapacityLimiter = attrs.field(
        factory=lambda: trio.CapacityLimiter(1), init=False
    )

    async def authenticate(self, credentials: Credentials, address: str) -> User | None:  # noqa: ARG002 - the interface's
        """Return the user when name and password are right; upgrades an old hash on the way."""
        if not credentials.username:
            return None
        record = self.users.record(credentials.username)
        is_right = await trio.to_thread.run_sync(
            check_password,
            None if record is None else record.password_hash,
            credentials.password,
            limiter=self._hashing,
        )
        if record is None or not is_right:
            return None
        if needs_new_hash(record.password_hash):
            await trio.to_thread.run_sync(
                self._upgrade, record, credentials.password, limiter=self._hashing
            )
        return record.user

    def _upgrade(self, record: UserRecord, password: str) -> None:
        new_hash = hash_password(password)

        def put_new_hash(current: UserRecord | None) -> UserRecord | None:
            return attrs.evolve(record, password_hash=new_hash) if current == record else current

        try:
            self.users.edit(record.name, put_new_hash)
        except KasmcoreError as error:
            _log.warning("%s logs in with an old password hash: %s", record.name, error)
