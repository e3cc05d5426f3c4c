"""Which pages may use the server, and what names it answers to without a login."""

from __future__ import annotations

import pytest

from kasmcore.server.origins import host_name, is_origin_allowed, is_own_name

PORTAL = ("https://portal.example",)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://desk.example:8443", "desk.example:8443"),
        ("https://DESK.example:8443", "desk.EXAMPLE:8443"),
        ("https://desk.example", "desk.example"),
        ("https://desk.example", "desk.example:443"),
        ("http://desk.example", "desk.example:80"),
        ("https://192.0.2.7:8443", "192.0.2.7:8443"),
        ("https://[2001:db8::1]:8443", "[2001:db8::1]:8443"),
        ("https://portal.example", "desk.example:8443"),
        ("https://portal.example:443", "desk.example:8443"),
    ],
)
def test_our_own_pages_and_named_ones_may(origin: str, host: str) -> None:
    assert is_origin_allowed(origin, host, PORTAL)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://evil.example", "desk.example:8443"),
        ("https://desk.example", "desk.example:8443"),
        ("https://desk.example:8443.evil.example", "desk.example:8443"),
        ("https://desk.example:8443@evil.example", "desk.example:8443"),
        ("https://evil.example/desk.example:8443", "desk.example:8443"),
        ("https://sub.portal.example", "desk.example:8443"),
        ("http://portal.example", "desk.example:8443"),
        ("https://portal.example.evil.example", "desk.example:8443"),
        ("null", "desk.example:8443"),
        ("", "desk.example:8443"),
        ("", ""),
        ("null", ""),
        ("null", "null"),
        ("file://", "desk.example:8443"),
        ("https://", ""),
        ("https://desk.example:8443 https://evil.example", "desk.example:8443"),
        ("https://evil.example", "evil.example, desk.example"),
    ],
)
def test_other_pages_may_not(origin: str, host: str) -> None:
    assert not is_origin_allowed(origin, host, PORTAL)


def test_a_malformed_setting_allows_nobody() -> None:
    assert not is_origin_allowed("null", "desk.example", ("null", "", "*", "portal"))


@pytest.mark.parametrize(
    "host",
    [
        "localhost:8443",
        "a.localhost",
        "127.0.0.1:8443",
        "[::1]:8443",
        "192.0.2.7",
        "DESK:8443",
        "portal.example",
    ],
)
def test_names_that_no_foreign_dns_controls_are_ours(host: str) -> None:
    assert is_own_name(host, {"desk"}, PORTAL)


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8443", "localhost.evil.example", "", "desk.evil", "a b"]
)
def test_other_names_are_not(host: str) -> None:
    assert not is_own_name(host, {"desk"}, PORTAL)


def test_the_name_is_cut_from_a_host_header() -> None:
    assert host_name("Desk.Example:8443") == "desk.example"
    assert host_name("[::1]:8443") == "[::1]"
    assert host_name("evil.example/..") == ""
