"""A login from a file of names and password hashes, beside the users that kasmcore keeps.

Use it:  kasmcore run --set 'plugins.files=[static_login.py]' \
                      --set plugin_settings.static_login.file=/etc/kasmcore/static_login

The file has lines ``name:salt:hash``; make one with  python static_login.py NAME
"""

from __future__ import annotations

import getpass
import hashlib
import hmac
import os
import sys
from pathlib import Path

import attrs
import trio

from kasmcore.api import (
    Authenticator,
    ConfigError,
    Credentials,
    Permission,
    ServerConfig,
    SettingsSection,
    User,
    hookimpl,
    setting,
)


@attrs.frozen(kw_only=True)
class StaticLoginSettings:
    """Where the file is, and what its users may do. YAML: ``plugin_settings.static_login``."""

    file: str = setting("", "File with lines name:salt:hash. Empty: nobody logs in this way.")
    view_only: bool = setting(True, "Its users see the desktop but cannot use it.")


@attrs.frozen
class StaticLogin:
    """Knows the users in the file."""

    hashes: dict[str, tuple[bytes, bytes]] = attrs.field(repr=False)
    permissions: Permission
    name: str = "static_login"

    async def authenticate(self, credentials: Credentials, address: str) -> User | None:
        """Return the user whose password this is, or None; takes as long for unknown names."""
        salt, expected = self.hashes.get(credentials.username, (bytes(16), b""))
        found = await trio.to_thread.run_sync(hash_of, credentials.password, salt)
        if not hmac.compare_digest(found, expected):
            return None
        return User(credentials.username, self.permissions)


def hash_of(password: str, salt: bytes) -> bytes:
    """Return the slow hash of a password."""
    return hashlib.scrypt(password.encode(), salt=salt, n=2**14, r=8, p=1)


@hookimpl
def kasmcore_register_settings() -> list[SettingsSection]:
    """Declare where the file is."""
    return [SettingsSection(name="static_login", settings_class=StaticLoginSettings)]


@hookimpl
def kasmcore_register_authenticators(config: ServerConfig) -> list[Authenticator]:
    """Offer the login, if a file is set."""
    settings = config.plugin_settings.of(StaticLoginSettings)
    if not settings.file:
        return []
    allowed = Permission.READ if settings.view_only else Permission.READ | Permission.WRITE
    return [StaticLogin(read_hashes(Path(settings.file)), allowed)]


def read_hashes(file: Path) -> dict[str, tuple[bytes, bytes]]:
    """Return (salt, hash) by name.

    Raises:
        ConfigError: the file cannot be read, or a line is not ``name:salt:hash``.
    """
    hashes = {}
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ConfigError(
            f"the file cannot be read: {error.strerror}", where=f"{file}, static_login"
        ) from error
    for number, line in enumerate(lines, start=1):
        try:
            name, salt, digest = line.split(":")
            hashes[name] = bytes.fromhex(salt), bytes.fromhex(digest)
        except ValueError as error:
            raise ConfigError(
                "the line is not name:salt:hash",
                where=f"{file} line {number}",
                remedy="Make lines with: python static_login.py NAME",
            ) from error
    return hashes


if __name__ == "__main__":
    new_salt = os.urandom(16)
    new_hash = hash_of(getpass.getpass(), new_salt)
    print(f"{sys.argv[1]}:{new_salt.hex()}:{new_hash.hex()}")
