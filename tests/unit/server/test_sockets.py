"""Which addresses a setting means, and clear words when one cannot be had."""

from __future__ import annotations

import socket

import pytest

from kasmcore.config.schema_network import NetworkConfig
from kasmcore.errors import ListenError
from kasmcore.server.sockets import BindAddress, bind_addresses, open_listeners

LOOPBACK = (BindAddress.of_text("127.0.0.1"),)


@pytest.mark.parametrize(
    ("interface", "ipv4", "ipv6", "hosts"),
    [
        ("0.0.0.0", True, True, ["0.0.0.0"]),
        ("::", True, True, ["0.0.0.0", "::"]),
        ("all", True, True, ["0.0.0.0", "::"]),
        ("all", True, False, ["0.0.0.0"]),
        ("::", False, True, ["::"]),
        ("127.0.0.1", True, True, ["127.0.0.1"]),
        ("::1", True, True, ["::1"]),
    ],
)
def test_an_interface_means_these_addresses(
    interface: str, ipv4: bool, ipv6: bool, hosts: list[str]
) -> None:
    network = NetworkConfig(interface=interface, use_ipv4=ipv4, use_ipv6=ipv6)
    assert [address.host for address in bind_addresses(network)] == hosts


@pytest.mark.parametrize(
    "network",
    [
        NetworkConfig(interface="0.0.0.0", use_ipv4=False),
        NetworkConfig(interface="all", use_ipv4=False, use_ipv6=False),
        NetworkConfig(interface="no such host"),
    ],
)
def test_an_interface_without_an_address_is_refused(network: NetworkConfig) -> None:
    with pytest.raises(ListenError, match=r"network\.interface"):
        bind_addresses(network)


def test_a_port_in_use_is_named_with_a_remedy() -> None:
    (first,) = open_listeners(LOOPBACK, 0)
    with first:
        port = first.getsockname()[1]
        with pytest.raises(ListenError, match=rf"port {port} is in use \(127\.0\.0\.1:{port}\)"):
            open_listeners(LOOPBACK, port)


def test_a_port_is_free_again_after_its_server() -> None:
    (first,) = open_listeners(LOOPBACK, 0)
    port = first.getsockname()[1]
    peer = socket.create_connection(("127.0.0.1", port))
    accepted, _ = first.accept()
    accepted.close()  # leaves a connection in TIME_WAIT
    first.close()
    peer.close()
    (again,) = open_listeners(LOOPBACK, port)
    again.close()


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(ListenError, match=r"192\.0\.2\.1 is no address of this machine"):
        open_listeners((BindAddress.of_text("192.0.2.1"),), 0)


def test_all_addresses_share_the_port() -> None:
    addresses = (BindAddress.of_text("127.0.0.1"), BindAddress.of_text("127.0.0.2"))
    listeners = open_listeners(addresses, 0)
    assert len({listener.getsockname()[1] for listener in listeners}) == 1
    for listener in listeners:
        listener.close()


def test_when_one_address_is_taken_the_others_are_let_go() -> None:
    taken_address = (BindAddress.of_text("127.0.0.2"),)
    (taken,) = open_listeners(taken_address, 0)
    port = taken.getsockname()[1]
    with taken, pytest.raises(ListenError, match="in use"):
        open_listeners((*LOOPBACK, *taken_address), port)
    (free,) = open_listeners(LOOPBACK, port)
    free.close()


def test_addresses_stand_in_urls_as_browsers_want_them() -> None:
    assert BindAddress.of_text("::1").url_host == "[::1]"
    assert BindAddress.of_text("127.0.0.1").url_host == "127.0.0.1"
