"""Files are found below the client's directory and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kasmcore.errors import ConfigError
from kasmcore.server.static_files import StaticFiles


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> StaticFiles:
    base = tmp_path_factory.mktemp("static")
    (base / "secret").write_text("outside")
    root = base / "www"
    (root / "src").mkdir(parents=True)
    (root / "index.html").write_text("index")
    (root / "src" / "a b.js").write_text("js")
    (root / ".hidden").write_text("hidden")
    (root / "__init__.py").write_text("python")
    (root / "link_out").symlink_to(base / "secret")
    (root / "link_in.js").symlink_to(root / "src" / "a b.js")
    return StaticFiles.of_config(root)


@pytest.mark.parametrize("path", ["/", "/index.html", "/src/a%20b.js", "/link_in.js"])
def test_the_clients_files_are_found(files: StaticFiles, path: str) -> None:
    assert files.locate(path) is not None


@pytest.mark.parametrize(
    "path",
    [
        "/../secret",
        "/src/../../secret",
        "/%2e%2e/secret",
        "/%2E%2E%2Fsecret",
        "/..%2fsecret",
        "/..%5csecret",
        "/src/..%00/index.html",
        "/index.html%00",
        "//secret",
        "//index.html",
        "/src//a%20b.js",
        "/./index.html",
        "/.hidden",
        "/__init__.py",
        "/link_out",
        "/src",
        "/src/",
        "/none.js",
        "/%ff%fe",
        "/" + "a" * 5000,
        "/%252e%252e/secret",
    ],
)
def test_nothing_else_is(files: StaticFiles, path: str) -> None:
    assert files.locate(path) is None


@given(st.lists(st.sampled_from(["..", ".", "%2e", "%2f", "/", "\\", "src", "secret", "%00", "%"])))
def test_no_path_leads_outside(files: StaticFiles, parts: list[str]) -> None:
    found = files.locate("/" + "".join(parts))
    assert found is None or found.is_relative_to(files.root)


def test_a_directory_without_a_client_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"index\.html"):
        StaticFiles.of_config(tmp_path)


def test_a_missing_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="httpd_directory"):
        StaticFiles.of_config(tmp_path / "none")


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("a.js", "text/javascript"),
        ("a.mjs", "text/javascript"),
        ("a.css", "text/css"),
        ("a.html", "text/html"),
        ("a.svg", "image/svg+xml"),
        ("a.png", "image/png"),
        ("a.wasm", "application/wasm"),
        ("a.json", "application/json"),
        ("a.WASM", "application/wasm"),
        ("a", "application/octet-stream"),
    ],
)
async def test_each_kind_of_file_bears_its_type(
    tmp_path: Path, name: str, content_type: str
) -> None:
    (tmp_path / "index.html").write_text("")
    (tmp_path / name).write_bytes(b"x")
    reply = await StaticFiles.of_config(tmp_path).respond(f"/{name}", "")
    assert reply.content_type.partition(";")[0] == content_type


async def test_a_browser_that_has_a_file_is_told_so(files: StaticFiles) -> None:
    reply = await files.respond("/index.html", "")
    etag = dict(reply.headers)["ETag"]
    for header in (etag, f'W/{etag}, "other"', "*"):
        assert (await files.respond("/index.html", header)).status == 304
    assert (await files.respond("/index.html", '"other"')).status == 200
