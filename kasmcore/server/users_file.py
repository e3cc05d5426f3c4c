"""The accounts on disk: read when they change, written whole and only by one process at a time."""

from __future__ import annotations

import fcntl
import logging
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import attrs
import trio

from kasmcore.config.schema import ServerConfig
from kasmcore.errors import ConfigError, KasmcoreError
from kasmcore.server.state_directory import kasm_password_file_path, users_file_path
from kasmcore.users.records import (
    LOCKED,
    UserRecord,
    changed_names,
    format_users,
    normalised_name,
    parse_users,
)
from kasmcore.values.permissions import Permission, User

_log = logging.getLogger(__name__)
_Signature = tuple[tuple[int, int, int] | None, ...]

UserChanged = Callable[[str, User | None], None]
"""Told the name of an account that changed, and the account, or None when it is gone."""


@attrs.define(eq=False)
class UsersFile:
    """Our users file, and KasmVNC's below it: a name in ours hides the same name in KasmVNC's.

    Every look-up first asks the file system whether a file changed (a few microseconds), so
    changes by ``kasmcore user`` or an editor count at once.

    Raises (every method): ``ConfigError`` when a file cannot be read, but only until it was read
    once; later the accounts stay as they were and the fault is logged.
    """

    path: Path
    kasm_password_file: Path | None = None
    _records: dict[str, UserRecord] = attrs.field(factory=dict, init=False)
    _signature: _Signature | None = attrs.field(default=None, init=False)
    _is_loaded: bool = attrs.field(default=False, init=False)

    @classmethod
    def of_config(cls, config: ServerConfig) -> UsersFile:
        """The files that the settings name."""
        return cls(users_file_path(config), kasm_password_file_path(config))

    def records(self) -> Mapping[str, UserRecord]:
        """Return all accounts by name, as the files hold them now; locked ones too."""
        signature = tuple(_signature_of(path) for path in self._paths())
        if signature != self._signature:
            self._signature = signature
            try:
                self._records = self._read()
                self._is_loaded = True
            except ConfigError as error:
                if not self._is_loaded:
                    self._signature = None
                    raise
                _log.error("the accounts stay as they were: %s", error)
        return self._records

    def record(self, name: str) -> UserRecord | None:
        """Return the account of this name, also a locked one, or None."""
        return self.records().get(normalised_name(name))

    def user(self, name: str) -> User | None:
        """Return the account of this name without its secret; None when it cannot log in."""
        record = self.record(name)
        return None if record is None or record.is_locked else record.user

    def has_users(self) -> bool:
        """True when at least one account can log in."""
        return any(not record.is_locked for record in self.records().values())

    def edit(self, name: str, change: Callable[[UserRecord | None], UserRecord | None]) -> None:
        """Replace one account while no other process writes.

        Args:
            name: of the account.
            change: gets the account as it is now (None: there is none), returns what it shall be
                (None: none). What it raises passes through and nothing is written.

        Raises:
            KasmcoreError: the file cannot be written.
        """
        name = normalised_name(name)
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with _locked(self.path.with_name(f"{self.path.name}.lock")):
                ours = _read_users(self.path)
                theirs = _read_users(self.kasm_password_file)
                changed = change(ours.get(name, theirs.get(name)))
                if changed is not None:
                    ours[name] = changed
                elif name in theirs:  # a locked account in ours hides the one in theirs
                    ours[name] = UserRecord(name, LOCKED, Permission.NONE)
                else:
                    ours.pop(name, None)
                _write_whole(self.path, format_users(ours.values()))
        except OSError as error:
            raise KasmcoreError(
                f"the accounts cannot be written: {error.strerror}",
                where=str(self.path),
                remedy="Mend the rights of the file and its directory, or set security.users_file.",
            ) from error

    async def watch(self, notify: UserChanged, *, interval_s: float = 1.0) -> None:
        """Call ``notify`` for every account that changes, until cancelled."""
        known = dict(self.records())
        while True:
            await trio.sleep(interval_s)
            current = dict(self.records())
            for name in changed_names(known, current):
                notify(name, self.user(name))
            known = current

    def _paths(self) -> tuple[Path, ...]:
        if self.kasm_password_file is None:
            return (self.path,)
        return (self.path, self.kasm_password_file)

    def _read(self) -> dict[str, UserRecord]:
        try:
            return _read_users(self.kasm_password_file) | _read_users(self.path)
        except OSError as error:
            raise ConfigError(
                f"the accounts cannot be read: {error.strerror}",
                where=str(error.filename),
                remedy="Let the user who runs kasmcore read the file, or name another one in "
                "security.users_file or server.advanced.kasm_password_file.",
            ) from error


def _signature_of(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_ino, status.st_mtime_ns, status.st_size)


def _read_users(path: Path | None) -> dict[str, UserRecord]:
    if path is None:
        return {}
    try:
        with path.open(encoding="utf-8") as file:
            if os.fstat(file.fileno()).st_mode & 0o077:
                _log.warning("others than its owner may open %s: chmod 600 it", path)
            return parse_users(file.read(), str(path))
    except FileNotFoundError:
        return {}
    except UnicodeDecodeError as error:
        raise ConfigError(
            "the accounts are not UTF-8 text",
            where=str(path),
            remedy="Save the file as UTF-8, or restore it from a copy.",
        ) from error


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock that ends with the process, whatever happens to it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _write_whole(path: Path, text: str) -> None:
    """Put the text in the file's place in one step; a crash leaves the old file or the new one."""
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:  # mkstemp made it 0600
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
