"""Accounts as lines of text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kasmcore.errors import ConfigError, KasmcoreError
from kasmcore.users.records import (
    UserRecord,
    changed_names,
    checked_name,
    format_users,
    letters_of_permissions,
    parse_users,
    permissions_of_letters,
)
from kasmcore.values.permissions import FULL_PERMISSIONS, VIEW_ONLY, Permission

KASM_LINE = "kasm_user:$5$kasm$kBGLuqvd.mrd7Wxxeljkbs/WaBeYIbDsmoXXxKtxAj1:rwo"


def is_name(text: str) -> bool:
    try:
        return checked_name(text) == text
    except KasmcoreError:
        return False


names = st.text(min_size=1, max_size=64).filter(is_name)
permissions = st.sampled_from(["", "r", "rw", "ro", "rwo", "o"]).map(permissions_of_letters)
hashes = st.text(alphabet="$./abcXYZ019=,+", min_size=1, max_size=90)
records = st.builds(UserRecord, names, hashes, permissions)


@given(st.lists(records, unique_by=lambda record: record.name))
def test_records_survive_the_file(several: list[UserRecord]) -> None:
    assert list(parse_users(format_users(several), "users").values()) == several


@given(st.text())
def test_any_text_is_read_or_refused_with_its_line(text: str) -> None:
    try:
        records = parse_users(text, "users")
    except ConfigError as error:
        where = error.where
    else:
        assert parse_users(format_users(records.values()), "users") == records
        return
    assert where.startswith("users line ")


def test_a_line_of_kasmvnc_is_read() -> None:
    record = parse_users(f"\n\n{KASM_LINE}\n", "kasmpasswd")["kasm_user"]
    assert record.permissions == FULL_PERMISSIONS
    assert record.password_hash == KASM_LINE.split(":")[1]


def test_a_name_that_stands_twice_is_refused_with_its_line() -> None:
    with pytest.raises(ConfigError, match=r"'a' stands twice \(users line 3\)"):
        parse_users("a:x:r\nb:x:r\na:y:w\n", "users")


@pytest.mark.parametrize("line", ["a", "a:b", "a:b:c:d", "a:b:x", ":b:r", " a:b:r", "a\x00:b:r"])
def test_a_line_that_is_no_account_is_refused(line: str) -> None:
    with pytest.raises(ConfigError, match="line 1"):
        parse_users(line, "users")


@pytest.mark.parametrize("name", ["", "a" * 65, "a:b", "#a", " a", "a\n", "a\u200b", "a\x7f"])
def test_a_name_that_would_break_the_file_or_deceive_is_refused(name: str) -> None:
    with pytest.raises(KasmcoreError):
        checked_name(name)


def test_one_name_typed_in_two_ways_is_one_account() -> None:
    assert checked_name("Jose\u0301") == checked_name("Jos\u00e9")


def test_write_includes_read_and_letters_return() -> None:
    assert permissions_of_letters("w") == Permission.READ | Permission.WRITE
    assert letters_of_permissions(permissions_of_letters("ow")) == "rwo"


def test_changes_are_told_by_name() -> None:
    a, b = UserRecord("a", "h", VIEW_ONLY), UserRecord("b", "h", VIEW_ONLY)
    assert changed_names({"a": a, "b": b}, {"a": a}) == ("b",)
    assert changed_names({"a": a}, {"a": UserRecord("a", "h2", VIEW_ONLY), "b": b}) == ("a", "b")


def test_a_hash_does_not_show_in_a_record_that_is_logged() -> None:
    assert "topsecret" not in repr(UserRecord("a", "topsecret", VIEW_ONLY))
