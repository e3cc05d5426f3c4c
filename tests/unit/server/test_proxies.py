"""Only trusted proxies steer what we believe about a request."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kasmcore.server.proxies import request_source

TRUSTED = (ip_network("10.0.0.0/8"), ip_network("2001:db8::/32"))


def client_of(peer: str, forwarded_for: str) -> str:
    headers = {"x-forwarded-for": forwarded_for, "host": "desk"}
    return request_source(peer, headers, False, TRUSTED).address


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "client"),
    [
        ("192.0.2.1", "", "192.0.2.1"),
        ("192.0.2.1", "198.51.100.9", "192.0.2.1"),  # nobody's proxy: not believed
        ("10.0.0.1", "198.51.100.9", "198.51.100.9"),
        ("10.0.0.1", "1.2.3.4, 198.51.100.9", "198.51.100.9"),  # the left one is a claim
        ("10.0.0.1", "1.2.3.4, 198.51.100.9, 10.0.0.2", "198.51.100.9"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "nonsense", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.9, nonsense", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.9:1234", "198.51.100.9"),
        ("10.0.0.1", "[2001:4860::1]:1234", "2001:4860::1"),
        ("10.0.0.1", "2001:4860::1", "2001:4860::1"),
        ("::ffff:10.0.0.1", "198.51.100.9", "198.51.100.9"),
        ("::ffff:192.0.2.1", "198.51.100.9", "192.0.2.1"),
        ("2001:db8::5", "::ffff:198.51.100.9", "198.51.100.9"),
        ("", "198.51.100.9", ""),
    ],
)
def test_the_client_is_the_rightmost_address_that_is_no_trusted_proxy(
    peer: str, forwarded_for: str, client: str
) -> None:
    assert client_of(peer, forwarded_for) == client


@given(st.text(max_size=80))
def test_a_stranger_cannot_steer_its_address(forwarded_for: str) -> None:
    assert client_of("192.0.2.1", forwarded_for) == "192.0.2.1"


@given(st.text(max_size=80))
def test_what_a_client_claims_left_of_itself_does_not_count(claim: str) -> None:
    assert client_of("10.0.0.1", f"{claim}, 198.51.100.9") == "198.51.100.9"


def test_host_and_scheme_are_believed_from_a_trusted_proxy_only() -> None:
    headers = {
        "host": "10.0.0.9:8443",
        "x-forwarded-host": "desk.example",
        "x-forwarded-proto": "https",
    }
    by_proxy = request_source("10.0.0.1", headers, False, TRUSTED)
    assert (by_proxy.host, by_proxy.is_secure, by_proxy.came_by_proxy) == (
        "desk.example",
        True,
        True,
    )
    direct = request_source("192.0.2.1", headers, False, TRUSTED)
    assert (direct.host, direct.is_secure, direct.came_by_proxy) == ("10.0.0.9:8443", False, False)
