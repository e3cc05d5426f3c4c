"""SHA-256 crypt (``$5$``), as KasmVNC hashes passwords; only to check old hashes, never for new.

Written from Ulrich Drepper's specification "Unix crypt using SHA-256 and SHA-512", because
Python's own ``crypt`` module is gone since 3.13. The numbers of steps below are the
specification's.
"""

from __future__ import annotations

import hashlib
import re

_SETTING = re.compile(r"\$5\$(?:rounds=(\d{1,9})\$)?([^$]{0,16})[^$]*(?:\$|$)")
_DEFAULT_ROUNDS, _LEAST_ROUNDS, _MOST_ROUNDS = 5000, 1000, 999_999_999
_ALPHABET = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def sha256_crypt(password: bytes, setting: str) -> str:
    """Return the whole hash of the password with the salt and rounds that ``setting`` names.

    Args:
        password: as the person typed it.
        setting: ``$5$[rounds=N$]salt``, or a whole hash, which begins with it.

    Raises:
        ValueError: the setting is not one of SHA-256 crypt.
    """
    match = _SETTING.match(setting)
    if match is None:
        raise ValueError("not a setting of SHA-256 crypt")
    salt = match[2].encode()[:16]
    rounds, shown_rounds = _DEFAULT_ROUNDS, ""
    if match[1] is not None:
        rounds = min(max(int(match[1]), _LEAST_ROUNDS), _MOST_ROUNDS)
        shown_rounds = f"rounds={rounds}$"
    digest = _stretched(password, salt, rounds)
    return f"$5${shown_rounds}{salt.decode()}${_encoded(digest)}"


def _first_digest(password: bytes, salt: bytes) -> bytes:
    """Steps 1 to 12: mix password and salt once."""
    inner = hashlib.sha256(password + salt + password).digest()
    outer = hashlib.sha256(password + salt + _repeated(inner, len(password)))
    bits = len(password)
    while bits:
        outer.update(inner if bits & 1 else password)
        bits >>= 1
    return outer.digest()


def _stretched(password: bytes, salt: bytes, rounds: int) -> bytes:
    """Steps 13 to 21: the rounds that make guessing slow."""
    digest = _first_digest(password, salt)
    password_bytes = _repeated(hashlib.sha256(password * len(password)).digest(), len(password))
    salt_bytes = _repeated(hashlib.sha256(salt * (16 + digest[0])).digest(), len(salt))
    for number in range(rounds):
        mixed = password_bytes if number % 2 else digest
        if number % 3:
            mixed += salt_bytes
        if number % 7:
            mixed += password_bytes
        mixed += digest if number % 2 else password_bytes
        digest = hashlib.sha256(mixed).digest()
    return digest


def _repeated(digest: bytes, length: int) -> bytes:
    return (digest * (length // len(digest) + 1))[:length]


def _encoded(digest: bytes) -> str:
    """Step 22: bytes in the specification's order, 6 bits a character, low bits first."""
    groups = []
    first, second, third = 0, 10, 20
    for _ in range(10):
        groups.append((digest[first] << 16 | digest[second] << 8 | digest[third], 4))
        first, second, third = third + 1, first + 1, second + 1
    groups.append((digest[31] << 8 | digest[30], 3))
    return "".join(_ALPHABET[value >> 6 * k & 63] for value, count in groups for k in range(count))
