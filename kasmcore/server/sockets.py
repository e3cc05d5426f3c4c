"""The listening sockets: which addresses a setting means, and clear words when one is taken."""

from __future__ import annotations

import errno
import socket
from ipaddress import ip_address

import attrs

from kasmcore.config.schema import NetworkConfig
from kasmcore.errors import ListenError

_EVERYWHERE = ("all", "", "::")
_BACKLOG = 128
_PORT_ATTEMPTS = 20


@attrs.frozen
class BindAddress:
    """One address to bind."""

    family: socket.AddressFamily
    host: str

    @classmethod
    def of_text(cls, host: str) -> BindAddress:
        """Read an IP address."""
        is_ipv6 = ip_address(host).version == 6
        return cls(socket.AF_INET6 if is_ipv6 else socket.AF_INET, host)

    @property
    def is_loopback(self) -> bool:
        """True when only programs on this machine can reach it."""
        return ip_address(self.host.partition("%")[0]).is_loopback

    @property
    def is_everywhere(self) -> bool:
        """True when it stands for every address of this machine."""
        return ip_address(self.host.partition("%")[0]).is_unspecified

    @property
    def url_host(self) -> str:
        """The address as it stands in a URL."""
        return f"[{self.host}]" if self.family == socket.AF_INET6 else self.host


def bind_addresses(network: NetworkConfig) -> tuple[BindAddress, ...]:
    """Return the addresses that ``network.interface`` means.

    ``0.0.0.0`` is every IPv4 address, ``::`` and ``all`` are every address of both kinds; a name
    is what it resolves to. ``use_ipv4`` and ``use_ipv6`` leave one kind out.

    Raises:
        ListenError: nothing is left to listen on.
    """
    families = []
    if network.use_ipv4:
        families.append(socket.AF_INET)
    if network.use_ipv6 and socket.has_ipv6:
        families.append(socket.AF_INET6)
    if network.interface in _EVERYWHERE:
        wildcards = {socket.AF_INET: "0.0.0.0", socket.AF_INET6: "::"}  # noqa: S104 - as asked
        found = [BindAddress(family, wildcards[family]) for family in families]
    else:
        found = _resolved(network.interface, families)
    if not found:
        raise ListenError(
            "there is no address to listen on",
            where=f"network.interface {network.interface!r}",
            remedy="Check the name, and network.use_ipv4 and network.use_ipv6.",
        )
    return tuple(found)


def _resolved(host: str, families: list[socket.AddressFamily]) -> list[BindAddress]:
    try:
        infos = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return []
    found = (BindAddress(family, str(address[0])) for family, _, _, _, address in infos)
    return [address for address in dict.fromkeys(found) if address.family in families]


def open_listeners(addresses: tuple[BindAddress, ...], port: int) -> list[socket.socket]:
    """Bind all addresses to one port and listen.

    Args:
        addresses: from ``bind_addresses``.
        port: 0 takes one that is free on all of them.

    Raises:
        ListenError: the port is in use, not ours to take, or an address is not of this machine.
    """
    for attempts_left in reversed(range(_PORT_ATTEMPTS)):
        try:
            return _open_all(addresses, port)
        except ListenError:
            if port != 0 or len(addresses) == 1 or attempts_left == 0:
                raise
    raise AssertionError("the last attempt returns or raises")


def _open_all(addresses: tuple[BindAddress, ...], port: int) -> list[socket.socket]:
    listeners: list[socket.socket] = []
    try:
        for address in addresses:
            try:
                listeners.append(_open(address, port))
            except OSError as error:
                if error.errno == errno.EAFNOSUPPORT and len(addresses) > 1:
                    continue  # a kernel without IPv6
                raise _listen_error(error, address, port) from error
            port = listeners[-1].getsockname()[1]
    except BaseException:
        for listener in listeners:
            listener.close()
        raise
    return listeners


def _open(address: BindAddress, port: int) -> socket.socket:
    listener = socket.socket(address.family, socket.SOCK_STREAM)
    try:
        if address.family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setblocking(False)
        listener.bind((address.host, port))
        listener.listen(_BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


def _listen_error(error: OSError, address: BindAddress, port: int) -> ListenError:
    where = f"{address.url_host}:{port}"
    if error.errno == errno.EADDRINUSE:
        return ListenError(
            f"port {port} is in use",
            where=where,
            remedy=f"End the program that has it (`ss -ltnp 'sport = :{port}'` names it), or "
            "choose another one with --port or network.websocket_port.",
        )
    if error.errno == errno.EACCES:
        return ListenError(
            f"port {port} is for root only",
            where=where,
            remedy="Choose a port from 1024 up with --port or network.websocket_port.",
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return ListenError(
            f"{address.host} is no address of this machine",
            where="network.interface",
            remedy="`ip address` lists them; 0.0.0.0 stands for all.",
        )
    return ListenError(
        f"cannot listen: {error.strerror}", where=where, remedy="Check network.interface."
    )
