"""The accounts on disk, with real files and processes."""

from __future__ import annotations

import logging
import multiprocessing
import stat
from pathlib import Path

import attrs
import pytest
import trio

from kasmcore.errors import ConfigError, KasmcoreError
from kasmcore.interfaces.login import Credentials
from kasmcore.server.first_owner import create_first_owner
from kasmcore.server.users_file import UsersFile
from kasmcore.server.users_login import UsersFileLogin
from kasmcore.users.passwords import check_password
from kasmcore.users.records import UserRecord, parse_users
from kasmcore.users.sha256_crypt import sha256_crypt
from kasmcore.values.permissions import FULL_PERMISSIONS, VIEW_ONLY, Permission, User

KASM_HASH = sha256_crypt(b"kasmpass", "$5$kasm$")


@pytest.fixture
def users(tmp_path: Path) -> UsersFile:
    return UsersFile(tmp_path / "state" / "users", tmp_path / "kasmpasswd")


def put(users: UsersFile, name: str, permissions: Permission = VIEW_ONLY) -> None:
    users.edit(name, lambda _: UserRecord(name, "hash", permissions))


def write_kasm_file(users: UsersFile, text: str) -> None:
    assert users.kasm_password_file is not None
    users.kasm_password_file.write_text(text)
    users.kasm_password_file.chmod(0o600)


def test_without_files_there_are_no_accounts(users: UsersFile) -> None:
    assert users.records() == {}
    assert not users.has_users()


def test_an_account_is_kept_for_the_owner_of_the_file_only(users: UsersFile) -> None:
    put(users, "ann")
    again = UsersFile(users.path)
    assert again.user("ann") == User("ann", VIEW_ONLY)
    assert stat.S_IMODE(users.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(users.path.parent.stat().st_mode) == 0o700
    assert {path.name for path in users.path.parent.iterdir()} == {"users", "users.lock"}


def test_a_change_by_another_process_is_seen_at_once(users: UsersFile) -> None:
    put(users, "ann")
    assert users.user("ann") is not None
    other = UsersFile(users.path)
    put(other, "ann", FULL_PERMISSIONS)
    assert users.user("ann") == User("ann", FULL_PERMISSIONS)
    other.edit("ann", lambda _: None)
    assert users.user("ann") is None


def add_twenty(path: Path, prefix: str) -> None:
    for number in range(20):
        put(UsersFile(path), f"{prefix}{number}")


def test_writers_at_once_lose_nothing(users: UsersFile) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [
        context.Process(target=add_twenty, args=(users.path, prefix)) for prefix in ("a", "b", "c")
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    assert len(users.records()) == 60


def test_an_edit_that_fails_writes_nothing(users: UsersFile) -> None:
    put(users, "ann")
    before = users.path.read_bytes()

    def refuse(_: UserRecord | None) -> UserRecord:
        raise KasmcoreError("no")

    with pytest.raises(KasmcoreError):
        users.edit("ann", refuse)
    assert users.path.read_bytes() == before


def test_accounts_of_kasmvnc_count_and_ours_hide_them(users: UsersFile) -> None:
    write_kasm_file(users, f"ann:{KASM_HASH}:rwo\n\nbob:{KASM_HASH}:r\n")
    put(users, "bob", FULL_PERMISSIONS)
    assert users.user("ann") == User("ann", FULL_PERMISSIONS)
    assert users.user("bob") == User("bob", FULL_PERMISSIONS)
    assert users.has_users()


def test_a_removed_account_does_not_come_back_from_kasmvncs_file(users: UsersFile) -> None:
    write_kasm_file(users, f"ann:{KASM_HASH}:rwo\n")
    users.edit("ann", lambda _: None)
    assert users.user("ann") is None
    assert not users.has_users()
    put(users, "ann")
    assert users.user("ann") is not None


def test_a_broken_file_stops_the_start(users: UsersFile) -> None:
    put(users, "ann")
    users.path.write_text("nonsense\n")
    with pytest.raises(ConfigError, match="line 1"):
        UsersFile(users.path).records()


def test_a_file_that_breaks_later_changes_nothing_and_is_reported(
    users: UsersFile, caplog: pytest.LogCaptureFixture
) -> None:
    put(users, "ann")
    users.records()
    users.path.write_text("nonsense\n")
    assert users.user("ann") is not None
    assert [r.levelname for r in caplog.records if "stay as they were" in r.message] == ["ERROR"]
    users.user("ann")
    put_text = "ann:hash:rwo\n"
    users.path.write_text(put_text)
    assert users.user("ann") == User("ann", FULL_PERMISSIONS)


def test_a_file_that_is_no_text_is_refused(users: UsersFile) -> None:
    put(users, "ann")
    users.path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="UTF-8"):
        UsersFile(users.path).records()


def test_a_file_that_others_may_read_is_reported(
    users: UsersFile, caplog: pytest.LogCaptureFixture
) -> None:
    put(users, "ann")
    users.path.chmod(0o644)
    UsersFile(users.path).records()
    assert "chmod 600" in caplog.text


def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    users = UsersFile(tmp_path / "file" / "users")
    with pytest.raises(KasmcoreError, match=r"security\.users_file"):
        put(users, "ann")


async def test_a_watcher_is_told_of_each_change(
    users: UsersFile, nursery: trio.Nursery, autojump_clock: trio.testing.MockClock
) -> None:
    put(users, "ann")
    put(users, "bob")
    send, receive = trio.open_memory_channel[tuple[str, User | None]](10)
    nursery.start_soon(users.watch, lambda name, user: send.send_nowait((name, user)))
    await trio.testing.wait_all_tasks_blocked()
    put(users, "ann", FULL_PERMISSIONS)
    assert await receive.receive() == ("ann", User("ann", FULL_PERMISSIONS))
    users.edit("bob", lambda _: None)
    assert await receive.receive() == ("bob", None)


async def test_a_login_with_kasmvncs_hash_is_upgraded_in_our_file(users: UsersFile) -> None:
    write_kasm_file(users, f"ann:{KASM_HASH}:rw\n")
    login = UsersFileLogin(users)
    assert await login.authenticate(Credentials("ann", "wrong"), "::1") is None
    assert not users.path.exists()
    ann = User("ann", Permission.READ | Permission.WRITE)
    assert await login.authenticate(Credentials("ann", "kasmpass"), "::1") == ann
    ours = parse_users(users.path.read_text(), "")["ann"]
    assert ours.password_hash.startswith("$argon2id$")
    assert await login.authenticate(Credentials("ann", "kasmpass"), "::1") == ann


async def test_a_login_works_when_the_upgrade_cannot_be_written(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kasm_file = tmp_path / "kasmpasswd"
    kasm_file.write_text(f"ann:{KASM_HASH}:r\n")
    kasm_file.chmod(0o600)
    (tmp_path / "users.lock").mkdir()  # in the lock's way
    login = UsersFileLogin(UsersFile(tmp_path / "users", kasm_file))
    with caplog.at_level(logging.WARNING):
        assert await login.authenticate(Credentials("ann", "kasmpass"), "::1") is not None
    assert "old password hash" in caplog.text


@pytest.mark.parametrize("name", ["", "nobody", "ann:x", "ANN"])
async def test_unknown_names_prove_nobody(users: UsersFile, name: str) -> None:
    write_kasm_file(users, f"ann:{KASM_HASH}:r\n")
    login = UsersFileLogin(users)
    assert await login.authenticate(Credentials(name, "kasmpass"), "::1") is None


def test_the_first_start_makes_one_owner(users: UsersFile) -> None:
    owner = create_first_owner(users)
    assert owner is not None
    record = users.record(owner.name)
    assert record is not None
    assert record.permissions == FULL_PERMISSIONS
    assert check_password(record.password_hash, owner.password)
    assert owner.password not in users.path.read_text()
    assert owner.password not in repr(owner)
    assert create_first_owner(users) is None


def test_accounts_of_kasmvnc_are_enough_for_the_first_start(users: UsersFile) -> None:
    write_kasm_file(users, f"ann:{KASM_HASH}:rwo\n")
    assert create_first_owner(users) is None


def test_a_locked_account_does_not_count_as_somebody(users: UsersFile) -> None:
    users.edit("ann", lambda _: UserRecord("ann", "!", VIEW_ONLY))
    assert not users.has_users()
    assert attrs.asdict(users.records()["ann"])["password_hash"] == "!"
    assert create_first_owner(users) is not None
