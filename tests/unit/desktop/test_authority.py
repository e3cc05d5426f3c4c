from __future__ import annotations

from pathlib import Path

import pytest

from kasmcore.desktop.authority import new_cookie, write_authority


def entries(content: bytes) -> list[list[bytes]]:
    """Fields of each entry: family, address, display number, name, data."""
    found = []
    while content:
        fields, content = [content[:2]], content[2:]
        for _ in range(4):
            length = int.from_bytes(content[:2])
            fields.append(content[2 : 2 + length])
            content = content[2 + length :]
        found.append(fields)
    return found


@pytest.mark.parametrize(("number", "expected"), [(41, b"41"), (None, b"")])
def test_the_file_lets_in_who_has_the_cookie(
    tmp_path: Path, number: int | None, expected: bytes
) -> None:
    path, cookie = tmp_path / "xauthority", new_cookie()
    write_authority(path, cookie, number)
    for _family, _address, display, name, data in entries(path.read_bytes()):
        assert (display, name, data) == (expected, b"MIT-MAGIC-COOKIE-1", cookie)


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "xauthority"
    path.touch(mode=0o644)
    write_authority(path, new_cookie(), 1)
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_no_two_cookies_are_the_same() -> None:
    assert len({new_cookie() for _ in range(100)}) == 100
    assert len(new_cookie()) == 16
