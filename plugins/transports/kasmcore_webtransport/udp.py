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

_UDP_SEGMENT = 103
_MOST_SEGMENTS = 40
_MOST_RUN_BYTES = 60_000
_NOT_SEGMENTED = frozenset(
    (errno.EIO, errno.EINVAL, errno.EMSGSIZE, errno.ENOPROTOOPT, errno.EOPNOTSUPP)
)

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
        self._can_segment = True
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

    def send_all(self, packets: list[tuple[bytes, Address]]) -> None:
        """Send packets, those of one size to one address by one call of the kernel."""
        start = 0
        while start < len(packets):
            data, address = packets[start]
            end = start + 1
            if self._can_segment:
                end = _end_of_run(packets, start)
            if end - start == 1:
                self.send(data, address)
            else:
                self._send_run([each for each, _ in packets[start:end]], address)
            start = end

    def send(self, data: bytes, address: Address) -> None:
        """Send one packet; one that the kernel does not take is lost."""
        self._send([data], address, [])

    def _send_run(self, run: list[bytes], address: Address) -> None:
        size = struct.pack("=H", len(run[0]))
        if not self._send(run, address, [(socket.IPPROTO_UDP, _UDP_SEGMENT, size)]):
            self._can_segment = False  # an old kernel, or a device that cannot
            for data in run:
                self.send(data, address)

    def _send(
        self, parts: list[bytes], address: Address, ancillary: list[tuple[int, int, bytes]]
    ) -> bool:
        """Return False when the kernel does not take such a call."""
        host, port, own = address
        if own:
            ancillary.append(self._source(own))
        peer: tuple[object, ...] = (host, port)
        if self._is_ipv6:
            name, _, scope = host.partition("%")
            peer = (name, port, 0, int(scope or 0))
        try:
            self._socket.sendmsg(parts, ancillary, 0, peer)
        except BlockingIOError:
            return True
        except OSError as error:
            if len(parts) > 1 and error.errno in _NOT_SEGMENTED:
                return False
            if error.errno not in _PASSING_ERRORS:
                raise
        return True

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


def _end_of_run(packets: list[tuple[bytes, Address]], start: int) -> int:
    """Return the end of the packets that one call can send: all but the last of one size."""
    first, address = packets[start]
    size, total, end = len(first), len(first), start + 1
    while end < len(packets) and end - start < _MOST_SEGMENTS:
        data, other = packets[end]
        total += len(data)
        if other != address or len(data) > size or total > _MOST_RUN_BYTES:
            break
        end += 1
        if len(data) < size:
            break
    return end
