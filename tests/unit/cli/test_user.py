"""``kasmcore user``, as a person types it."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from kasmcore.cli import main
from kasmcore.server.users_file import UsersFile
from kasmcore.users.passwords import check_password
from kasmcore.values.permissions import FULL_PERMISSIONS, Permission


class Accounts:
    """Runs the command on a users file of its own."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.users = UsersFile(directory / "users", directory / "kasmpasswd")
        self._monkeypatch = monkeypatch
        self._settings = [
            f"--set=security.users_file={self.users.path}",
            f"--set=server.advanced.kasm_password_file={self.users.kasm_password_file}",
        ]

    def run(self, *words: str, typed: str = "") -> int:
        self._monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        return main(["user", *words, *self._settings])


@pytest.fixture
def accounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Accounts:
    monkeypatch.setenv("HOME", str(tmp_path))
    return Accounts(tmp_path, monkeypatch)


def test_an_account_is_added_with_a_password_from_standard_input(accounts: Accounts) -> None:
    assert accounts.run("add", "ann", "--password-stdin", typed="correct horse\nmore") == 0
    record = accounts.users.record("ann")
    assert record is not None
    assert record.permissions == Permission.READ | Permission.WRITE
    assert check_password(record.password_hash, "correct horse")


def test_a_made_up_password_is_printed_and_works(
    accounts: Accounts, capsys: pytest.CaptureFixture[str]
) -> None:
    assert accounts.run("add", "ann", "--write", "--owner", "--generate-password") == 0
    password = capsys.readouterr().out.splitlines()[0].removeprefix("password: ")
    record = accounts.users.record("ann")
    assert record is not None
    assert record.permissions == FULL_PERMISSIONS
    assert check_password(record.password_hash, password)


def test_permissions_and_password_change_apart(accounts: Accounts) -> None:
    accounts.run("add", "ann", "--password-stdin", typed="correct horse\n")
    assert accounts.run("set", "ann", "--read") == 0
    record = accounts.users.record("ann")
    assert record is not None
    assert record.permissions == Permission.READ
    assert check_password(record.password_hash, "correct horse")
    assert accounts.run("set", "ann", "--password-stdin", typed="another horse\n") == 0
    record = accounts.users.record("ann")
    assert record is not None
    assert record.permissions == Permission.READ
    assert check_password(record.password_hash, "another horse")


def test_accounts_are_listed_without_their_secrets(
    accounts: Accounts, capsys: pytest.CaptureFixture[str]
) -> None:
    accounts.run("add", "ann", "--read", "--password-stdin", typed="correct horse\n")
    accounts.run("add", "bob", "--owner", "--password-stdin", typed="correct horse\n")
    capsys.readouterr()
    assert accounts.run("list") == 0
    assert capsys.readouterr().out == "ann: read\nbob: owner\n"


def test_an_account_is_removed_and_a_lack_of_owners_is_told(
    accounts: Accounts, capsys: pytest.CaptureFixture[str]
) -> None:
    accounts.run("add", "ann", "--owner", "--password-stdin", typed="correct horse\n")
    assert accounts.run("remove", "ann") == 0
    assert not accounts.users.has_users()
    assert "nobody is an owner" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "typed", "message"),
    [
        (("add", "ann", "--password-stdin"), "correct horse\n", "already"),
        (("add", "x:y", "--password-stdin"), "correct horse\n", "cannot be the name"),
        (("add", "bob", "--password-stdin"), "short\n", "8 to 1024 characters"),
        (("add", "bob", "--password-stdin"), "", "8 to 1024 characters"),
        (("add", "bob"), "", "nobody to ask"),
        (("set", "ann"), "", "nothing to change"),
        (("set", "nobody", "--read"), "", "no account 'nobody'"),
        (("remove", "nobody"), "", "no account 'nobody'"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(
    accounts: Accounts,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    typed: str,
    message: str,
) -> None:
    accounts.run("add", "ann", "--password-stdin", typed="correct horse\n")
    before = accounts.users.path.read_bytes()
    assert accounts.run(*words, typed=typed) == 1
    assert message in capsys.readouterr().err
    assert accounts.users.path.read_bytes() == before
