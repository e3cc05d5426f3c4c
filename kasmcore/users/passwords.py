"""Passwords: hashing and checking (argon2id; KasmVNC's hashes are only checked), making new ones.

Hashing takes about 0.1 s and 64 MiB by intent: call it in a worker thread, few at a time.
"""

from __future__ import annotations

import hmac
import secrets
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from kasmcore.users.sha256_crypt import sha256_crypt

_HASHER = PasswordHasher()
_READABLE_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz0"
"""32 of them, 5 bits each, without letters that look like digits (i, l, o)."""
_NOBODYS_HASH = (
    "$argon2id$v=19$m=65536,t=3,p=4$a2FzbWNvcmUtbm9ib2R5cw"
    "$3WsaIxU3ZCVrOFFzkCnEYKQvgVdFmHmY0x1HzF5N0mI"
)
"""Well formed, of no known password, and as costly as the others."""


def hash_password(password: str) -> str:
    """Return an argon2id hash with a fresh salt, for the users file."""
    return _HASHER.hash(_normalised(password))


def check_password(password_hash: str | None, password: str) -> bool:
    """True when the password is the one behind the hash.

    Takes the time of one argon2id check whatever the hash is, so that neither an unknown user
    (None) nor a locked or a KasmVNC account can be told by the clock.
    """
    if password_hash is not None and password_hash.startswith("$argon2"):
        return _check_argon2(password_hash, password)
    _check_argon2(_NOBODYS_HASH, password)
    if password_hash is not None and password_hash.startswith("$5$"):
        computed = sha256_crypt(password.encode("utf-8", "surrogatepass"), password_hash)
        return hmac.compare_digest(computed.encode(), password_hash.encode())
    return False


def needs_new_hash(password_hash: str) -> bool:
    """True when the hash is KasmVNC's or weaker than new ones: replace it at the next login."""
    if not password_hash.startswith("$argon2id$"):
        return True
    return _HASHER.check_needs_rehash(password_hash)


def generate_password() -> str:
    """Return a new random password of 100 bits that can be read aloud: ``k7m2p-9xqwt-…``."""
    groups = ("".join(secrets.choice(_READABLE_LETTERS) for _ in range(5)) for _ in range(4))
    return "-".join(groups)


def _check_argon2(password_hash: str, password: str) -> bool:
    try:
        return _HASHER.verify(password_hash, _normalised(password))
    except (VerificationError, InvalidHashError):
        return False


def _normalised(password: str) -> bytes:
    """The same bytes for one text however a keyboard composed it."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
