"""Where the server keeps what must outlive it: the certificate and the accounts."""

from __future__ import annotations

import os
from pathlib import Path

from kasmcore.config.schema import ServerConfig
from kasmcore.errors import ConfigError


def state_directory(config: ServerConfig) -> Path:
    """Return the directory, made if it is missing, that only its owner may enter.

    Raises:
        ConfigError: it cannot be made.
    """
    directory = config.server.state_directory or _default_directory()
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"the directory for certificate and accounts cannot be made: {error.strerror}",
            where=str(directory),
            remedy="Make it for the user who runs kasmcore, or set server.state_directory.",
        ) from error
    return directory


def users_file_path(config: ServerConfig) -> Path:
    """Return the path of the accounts; the file need not exist yet."""
    return config.security.users_file or state_directory(config) / "users"


def kasm_password_file_path(config: ServerConfig) -> Path:
    """Return the path of KasmVNC's accounts; the file need not exist."""
    return config.server.advanced.kasm_password_file or Path.home() / ".kasmpasswd"


def _default_directory() -> Path:
    state_home = os.environ.get("XDG_STATE_HOME", "")
    base = Path(state_home) if state_home.startswith("/") else Path.home() / ".local" / "state"
    return base / "kasmcore"
