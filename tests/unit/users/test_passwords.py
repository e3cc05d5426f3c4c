"""Hashes: ours, KasmVNC's, and none."""

from __future__ import annotations

import re

import pytest

from kasmcore.users.passwords import (
    check_password,
    generate_password,
    hash_password,
    needs_new_hash,
)
from kasmcore.users.sha256_crypt import sha256_crypt

# (password, setting, hash), computed by the C library's crypt().
VECTORS = [
    ("Hello world!", "$5$saltstring", "5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"),
    (
        "Hello world!",
        "$5$rounds=10000$saltstringsaltst",
        "3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA",
    ),
    (
        "we have a short salt string but not a short password",
        "$5$rounds=77777$short",
        "JiO1O3ZpDAxGJeaDIuqCoEFysAe1mZNJRs3pw0KQRd/",
    ),
    ("password", "$5$kasm", "M.z5TLjdOq8hLv4c3HJaD5mKBkD6uIV8a1mkEVonCq/"),
    ("", "$5$kasm", "4JYz1nEkFWruT12Ty8AxshVxpv8ypRYjilMXHdmmsx4"),
    ("Passwort mit Ümläuten 日本", "$5$kasm", "EnHsUsMnoFG5fXuv78OigZfy6SfzT9W7PNZL3i3BXF9"),
]


@pytest.mark.parametrize(("password", "setting", "encoded"), VECTORS)
def test_sha256_crypt_agrees_with_the_c_library(password: str, setting: str, encoded: str) -> None:
    expected = f"{setting}${encoded}"
    assert sha256_crypt(password.encode(), expected) == expected


@pytest.mark.parametrize("setting", ["", "$1$salt", "$6$salt$", "plain"])
def test_a_setting_of_another_kind_is_refused(setting: str) -> None:
    with pytest.raises(ValueError, match="SHA-256 crypt"):
        sha256_crypt(b"x", setting)


def test_a_new_hash_proves_its_password_and_no_other() -> None:
    password_hash = hash_password("correct horse")
    assert password_hash.startswith("$argon2id$")
    assert check_password(password_hash, "correct horse")
    assert not check_password(password_hash, "correct horse ")
    assert not needs_new_hash(password_hash)


def test_one_password_has_a_new_hash_each_time() -> None:
    assert hash_password("same") != hash_password("same")


def test_a_password_composed_in_two_ways_is_one_password() -> None:
    assert check_password(hash_password("Ju\u0308rgen"), "J\u00fcrgen")


def test_a_hash_of_kasmvnc_proves_its_password_and_wants_replacement() -> None:
    password, setting, encoded = VECTORS[3]
    password_hash = f"{setting}${encoded}"
    assert check_password(password_hash, password)
    assert not check_password(password_hash, "Password")
    assert needs_new_hash(password_hash)


@pytest.mark.parametrize("password_hash", [None, "!", "", "*", "$argon2id$broken", "$5$", "$1$a$b"])
@pytest.mark.parametrize("password", ["", "!", "x"])
def test_nothing_proves_an_unknown_locked_or_broken_account(
    password_hash: str | None, password: str
) -> None:
    assert not check_password(password_hash, password)


def test_made_up_passwords_are_readable_and_differ() -> None:
    passwords = {generate_password() for _ in range(200)}
    assert len(passwords) == 200
    assert all(re.fullmatch(r"([a-z0-9]{5}-){3}[a-z0-9]{5}", text) for text in passwords)
    assert not set("ilo1") & set("".join(passwords))
