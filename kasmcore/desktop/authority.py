"""The Xauthority file of a display of ours: who has its cookie may connect."""

from __future__ import annotations

import os
import secrets
import socket
import struct
from pathlib import Path

_FAMILY_LOCAL = 256
_FAMILY_WILD = 65535
_COOKIE_NAME = b"MIT-MAGIC-COOKIE-1"
_COOKIE_BYTES = 16


def new_cookie() -> bytes:
    """Make a secret that nobody can guess."""
    return secrets.token_bytes(_COOKIE_BYTES)


def write_authority(path: Path, cookie: bytes, number: int | None) -> None:
    """Write the file whole, for its owner only.

    Args:
        path: is replaced.
        cookie: 16 bytes.
        number: the display's number; None before the server has chosen one (an entry for any
            display, which is enough for the server itself).
    """
    display = b"" if number is None else str(number).encode()
    host = socket.gethostname().encode()
    entries = [(_FAMILY_LOCAL, host), (_FAMILY_WILD, b"")]
    content = b"".join(_entry(family, address, display, cookie) for family, address in entries)
    unfinished = path.with_name(f"{path.name}.new")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "wb") as file:
        file.write(content)
    unfinished.replace(path)


def _entry(family: int, address: bytes, display: bytes, cookie: bytes) -> bytes:
    fields = (address, display, _COOKIE_NAME, cookie)
    counted = b"".join(struct.pack(">H", len(field)) + field for field in fields)
    return struct.pack(">H", family) + counted
