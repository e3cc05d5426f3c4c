"""The head of a request from an ASGI scope."""

from __future__ import annotations

import pytest

from kasmcore.config.schema_network import NetworkConfig
from kasmcore.interfaces.transport import AsgiScope
from kasmcore.server.requests import path_below, request_head


def scope(path: str = "/", *headers: tuple[bytes, bytes]) -> AsgiScope:
    raw_path, _, query = path.partition("?")
    return {
        "type": "http",
        "method": "GET",
        "scheme": "http",
        "raw_path": raw_path.encode(),
        "query_string": query.encode(),
        "headers": list(headers),
        "client": ("192.0.2.1", 5555),
    }


@pytest.mark.parametrize(
    ("path", "base", "below"),
    [
        ("/", "/", "/"),
        ("/a/b", "/", "/a/b"),
        ("/desk/", "/desk", "/"),
        ("/desk/a", "/desk/", "/a"),
        ("/desk/a", "desk", "/a"),
        ("/a", "/desk/", "/a"),  # the proxy took it off
        ("/desk", "/desk/", "/desk"),
        ("/desktop/a", "/desk/", "/desktop/a"),
        ("*", "/", "/*"),
        ("http://x/", "/", "/http://x/"),
        ("/desk/desk/a", "/desk/", "/desk/a"),
    ],
)
def test_the_base_path_comes_off_once(path: str, base: str, below: str) -> None:
    assert path_below(path, base) == below


def test_cookies_are_found_among_others_and_across_headers() -> None:
    head = request_head(
        scope("/", (b"Cookie", b"a=1; kasm=x=y;bad"), (b"cookie", b"b=2")), NetworkConfig()
    )
    assert (head.cookie("a"), head.cookie("kasm"), head.cookie("b")) == ("1", "x=y", "2")
    assert head.cookie("bad") is None
    assert head.cookie("none") is None


def test_a_query_is_decoded_and_does_not_show_when_logged() -> None:
    head = request_head(scope("/api?a=1%202&b=&secret=x"), NetworkConfig())
    assert head.query == {"a": "1 2", "b": "", "secret": "x"}
    assert "secret" not in repr(head)


def test_headers_with_any_bytes_are_read() -> None:
    head = request_head(scope("/", (b"X-Odd", b"\xff\xfe")), NetworkConfig())
    assert head.headers["x-odd"] == "\xff\xfe"
