"""One UDP socket: packets in batches, each answered from the address that it was sent to."""

from __future__ import annotations

import errno
import socket
import struct

import trio

_BUFFER_BYTES = 2**21
_BATCH = 64
"""Datagrams that are read before others get a turn."""
_MOST_DATAGRAM_BYTES = 2048
"""Longer ones are none of ours: QUIC is told 1472 at most; they arrive cut and are refused."""
_ANCILLARY_BYTES = 128
_IP_PKTINFO = 8
_IPV6_MTU_DISCOVER = 23
_IP_MTU_DISCOVER = 10
_PMTUDISC_PROBE = 3
"""Never fragment, and ignore what routers report: anybody can report it."""
_PASSING_ERRORS = frozenset(
    (
        errno.ECONNREFUSED,
        errno.EHOSTUNREACH,
        errno.EINVAL,
        errno.EMSGSIZE,
        errno.ENETDOWN,
        errno.ENETUNREACH,
        errno.ENOBUFS,
        errno.ENOMEM,
        errno.EPERM,
    )
)
"""Of one packet: it is lost, as in any network."""

Address = tuple[str, int, bytes]
"""A peer's IP address and port, and which of our addresses it has called (as the kernel says)."""


class UdpSocket:
    """A bound socket.

    Raises:
        OSError: it cannot be bound.
    """

    def __init__(self, host: str, port: int) -> None:
        is_ipv6 = ":" in host
        self._is_ipv6 = is_ipv6
        family = socket.AF_INET6 if is_ipv6 else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            self._prepare()
            self._socket.bind((host, port))
        except OSError:
            self._socket.close()
            raise

    @property
    def port(self) -> int:
        """The port that it has."""
        return int(self._socket.getsockname()[1])

    def close(self) -> None:
        """Close it."""
        self._socket.close()

    async def wait_readable(self) -> None:
        """Wait until something has arrived."""
        await trio.lowlevel.wait_readable(self._socket)

    def receive(self) -> list[tuple[bytes, Address]]:
        """Return what has arrived, up to a batch."""
        found: list[tuple[bytes, Address]] = []
        receive = self._socket.recvmsg
        while len(found) < _BATCH:
            try:
                data, ancillary, _, peer = receive(_MOST_DATAGRAM_BYTES, _ANCILLARY_BYTES)
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno not in _PASSING_ERRORS:
                    raise
                continue  # the kernel reports what became of an earlier packet
            own = ancillary[0][2] if ancillary else b""
            host = peer[0]
            if self._is_ipv6 and len(peer) > 3 and peer[3]:
                host = f"{host.partition('%')[0]}%{peer[3]}"
            found.append((data, (host, peer[1], own)))
        return found

    def send(self, data: bytes, address: Address) -> None:
        """Send one packet; one that the kernel does not take is lost."""
        host, port, own = address
        ancillary = []
        if own:
            ancillary = [self._source(own)]
        try:
            if self._is_ipv6:
                name, _, scope = host.partition("%")
                peer: tuple[object, ...] = (name, port, 0, int(scope or 0))
            else:
                peer = (host, port)
            self._socket.sendmsg((data,), ancillary, 0, peer)
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno not in _PASSING_ERRORS:
                raise

    def _source(self, own: bytes) -> tuple[int, int, bytes]:
        if self._is_ipv6:
            return (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, own)
        # struct in_pktinfo: the interface is the kernel's choice, the source address is not.
        return (socket.IPPROTO_IP, _IP_PKTINFO, struct.pack("=i4s4s", 0, own[4:8], bytes(4)))

    def _prepare(self) -> None:
        udp = self._socket
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            udp.setsockopt(socket.SOL_SOCKET, option, _BUFFER_BYTES)
        if self._is_ipv6:
            udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
            udp.setsockopt(socket.IPPROTO_IPV6, _IPV6_MTU_DISCOVER, _PMTUDISC_PROBE)
        else:
            udp.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
            udp.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, _PMTUDISC_PROBE)
