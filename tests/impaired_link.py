"""A slow, long, lossy link between two network namespaces, made of two TUN devices and a relay.

The kernel's own impairment (netem) is often missing, and it never sees what a user's process does.
Here IP packets go from one TUN device to the other through a process that lets them wait, drops
them and passes them on at a rate. It needs root and ``/dev/net/tun``; nothing outside the two
namespaces sees any of it.

    with impaired_link(LinkQuality(bytes_per_s=625e3, delay_s=0.04, loss=0.01)) as link:
        with link.entered(Side.SERVER):
            ...  # processes and sockets made here belong to SERVER_ADDRESS
        with link.entered(Side.CLIENT):
            ...
        link.change(LinkQuality(bytes_per_s=250e3, delay_s=0.04))

A thread is in one namespace at a time; sockets stay where they were made. Run as a program, this
file is the relay: ``impaired_link.py TUN TUN`` with two open file descriptors, settings as lines of
JSON on standard input, counts on standard output.
"""

from __future__ import annotations

import contextlib
import ctypes
import enum
import fcntl
import heapq
import json
import os
import random
import selectors
import socket
import struct
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import attrs

SERVER_ADDRESS = "198.18.0.1"
CLIENT_ADDRESS = "198.18.0.2"
"""Addresses kept for measurements of networks (RFC 2544)."""
LARGEST_PACKET_BYTES = 1500

_CLONE_NEWNET = 0x40000000
_TUNSETIFF = 0x400454CA
_IFF_TUN_NO_PI = 0x0001 | 0x1000
_IFF_UP_RUNNING = 0x0001 | 0x0040
_SIOCSIFFLAGS, _SIOCSIFADDR, _SIOCSIFNETMASK = 0x8914, 0x8916, 0x891C
_SIOCSIFTXQLEN = 0x8943
_LIBC = ctypes.CDLL(None, use_errno=True)


class Side(enum.Enum):
    """The two ends, by their addresses."""

    SERVER = SERVER_ADDRESS
    CLIENT = CLIENT_ADDRESS


@attrs.frozen(kw_only=True)
class LinkQuality:
    """What both directions of a link are like.

    Attributes:
        bytes_per_s: of IP packets, in each direction.
        delay_s: one way, beside the wait in the queue.
        loss: share of packets that vanish behind the queue.
        queue_s: how long a packet may have to wait at this rate; one that would wait longer is
            dropped.
    """

    bytes_per_s: float = 1e9
    delay_s: float = 0.0
    loss: float = 0.0
    queue_s: float = 0.1


@attrs.define
class Direction:
    """One direction of the link, driven by the clock of its caller."""

    quality: LinkQuality
    seed: int
    passed_packets: int = 0
    passed_bytes: int = 0
    lost_packets: int = 0
    overflowed_packets: int = 0
    longest_queue_s: float = 0.0
    _waiting: deque[tuple[float, bytes]] = attrs.field(factory=deque, init=False)
    _waiting_bytes: int = attrs.field(default=0, init=False)
    _free_s: float = attrs.field(default=0.0, init=False)
    _under_way: list[tuple[float, int, bytes]] = attrs.field(factory=list, init=False)
    _random: random.Random = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def take(self, packet: bytes, now_s: float) -> None:
        """A packet arrives at the queue."""
        self._serve(now_s)
        limit_bytes = self.quality.bytes_per_s * self.quality.queue_s + LARGEST_PACKET_BYTES
        if self._waiting_bytes + len(packet) > limit_bytes:
            self.overflowed_packets += 1
            return
        self._waiting.append((now_s, packet))
        self._waiting_bytes += len(packet)
        self._serve(now_s)

    def due(self, now_s: float) -> Iterator[bytes]:
        """Packets that have arrived at the other end by now."""
        self._serve(now_s)
        while self._under_way and self._under_way[0][0] <= now_s:
            yield heapq.heappop(self._under_way)[2]

    def next_due_s(self) -> float | None:
        """When to look again."""
        times = [self._under_way[0][0]] if self._under_way else []
        if self._waiting:
            times.append(self._free_s)
        return min(times, default=None)

    def counts(self) -> dict[str, float]:
        """What has happened since the start."""
        return {
            field.name: getattr(self, field.name)
            for field in attrs.fields(Direction)
            if field.name.endswith(("_packets", "_bytes", "_s")) and not field.name.startswith("_")
        }

    def _serve(self, now_s: float) -> None:
        while self._waiting and self._free_s <= now_s:
            came_s, packet = self._waiting.popleft()
            self._waiting_bytes -= len(packet)
            started_s = max(self._free_s, came_s)
            self.longest_queue_s = max(self.longest_queue_s, started_s - came_s)
            self._free_s = started_s + len(packet) / self.quality.bytes_per_s
            if self._random.random() < self.quality.loss:
                self.lost_packets += 1
                continue
            self.passed_packets += 1
            self.passed_bytes += len(packet)
            arrival = (self._free_s + self.quality.delay_s, self.passed_packets, packet)
            heapq.heappush(self._under_way, arrival)


@attrs.define(eq=False)
class ImpairedLink:
    """A link that runs; ``impaired_link`` makes it."""

    _namespaces: dict[Side, int]
    _relay: subprocess.Popen[str]

    @contextlib.contextmanager
    def entered(self, side: Side) -> Iterator[None]:
        """Be on one side: sockets made and processes started by this thread belong to it."""
        before = _open_own_namespace()
        _enter(self._namespaces[side])
        try:
            yield
        finally:
            _enter(before)
            os.close(before)

    def change(self, quality: LinkQuality) -> None:
        """Make the link faster, slower, longer; what waits in it stays."""
        self._say(attrs.asdict(quality))
        self.counts()  # the relay has read both when it answers

    def counts(self) -> dict[str, dict[str, float]]:
        """What each direction has done: ``to_client`` and ``to_server``."""
        self._say({})
        assert self._relay.stdout is not None
        answer: dict[str, dict[str, float]] = json.loads(self._relay.stdout.readline())
        return answer

    def _say(self, settings: dict[str, float]) -> None:
        assert self._relay.stdin is not None
        self._relay.stdin.write(json.dumps(settings) + "\n")
        self._relay.stdin.flush()


@contextlib.contextmanager
def impaired_link(quality: LinkQuality, seed: int = 1) -> Iterator[ImpairedLink]:
    """Make two namespaces and the link between them; both end with the block.

    Raises:
        PermissionError: not root, or the container may not make namespaces and TUN devices.
    """
    with contextlib.ExitStack() as stack:
        namespaces, tuns = {}, {}
        for side in Side:
            namespaces[side], tuns[side] = _new_side(side)
            stack.callback(os.close, namespaces[side])
            stack.callback(os.close, tuns[side])
        ends = [str(tuns[side]) for side in Side]
        relay = subprocess.Popen(
            [sys.executable, str(Path(__file__).resolve()), *ends, str(seed)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            pass_fds=tuple(tuns.values()),
        )
        stack.callback(relay.wait)
        stack.callback(relay.terminate)
        link = ImpairedLink(namespaces, relay)
        link.change(quality)
        yield link


def _new_side(side: Side) -> tuple[int, int]:
    """A namespace with a TUN device that has the side's address; file descriptors of both."""
    before = _open_own_namespace()
    try:
        if _LIBC.unshare(_CLONE_NEWNET) != 0:
            raise _refused("make a network namespace")
        namespace = _open_own_namespace()
        try:
            return namespace, _open_tun(side)
        finally:
            _enter(before)
    finally:
        os.close(before)


def _open_tun(side: Side) -> int:
    _configure("lo", "127.0.0.1", "255.0.0.0")
    try:
        tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(tun, _TUNSETIFF, struct.pack("16sH22x", b"link0", _IFF_TUN_NO_PI))
    except OSError as error:
        raise PermissionError(
            f"cannot open a TUN device: {error}. Tests of impaired links need root and "
            "/dev/net/tun (in a container: --cap-add NET_ADMIN --device /dev/net/tun)."
        ) from error
    _configure("link0", side.value, "255.255.255.0")
    return tun


def _configure(name: str, address: str, mask: str) -> None:
    """Give an interface its address, a short queue of its own, and switch it on."""
    encoded = name.encode()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        for request, value in ((_SIOCSIFADDR, address), (_SIOCSIFNETMASK, mask)):
            inet = struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(value))
            fcntl.ioctl(control, request, struct.pack("16s16s8x", encoded, inet))
        if name != "lo":
            fcntl.ioctl(control, _SIOCSIFTXQLEN, struct.pack("16si20x", encoded, 1000))
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sH22x", encoded, _IFF_UP_RUNNING))


def _open_own_namespace() -> int:
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def _enter(namespace: int) -> None:
    if _LIBC.setns(namespace, _CLONE_NEWNET) != 0:
        raise _refused("enter a network namespace")


def _refused(what: str) -> PermissionError:
    reason = os.strerror(ctypes.get_errno())
    return PermissionError(f"cannot {what}: {reason}. Tests of impaired links need to run as root.")


def relay(server_tun: int, client_tun: int, seed: int) -> None:
    """Pass packets on until standard input ends."""
    to_client = Direction(LinkQuality(), seed)
    to_server = Direction(LinkQuality(), seed + 1)
    ways = {server_tun: (to_client, client_tun), client_tun: (to_server, server_tun)}
    selector = selectors.DefaultSelector()
    for end in (server_tun, client_tun, sys.stdin.fileno()):
        selector.register(end, selectors.EVENT_READ)
    while True:
        due = [s for way, _ in ways.values() if (s := way.next_due_s()) is not None]
        wait_s = max(0.0, min(due) - time.monotonic()) if due else None
        for key, _ in selector.select(wait_s):
            if key.fd in ways:
                _read_packets(key.fd, ways[key.fd][0])
            elif not _obey_all(os.read(key.fd, 4096), to_client, to_server):
                return
        now_s = time.monotonic()
        for way, end in ways.values():
            for packet in way.due(now_s):
                with contextlib.suppress(OSError):  # the device's own queue is full
                    os.write(end, packet)


def _read_packets(end: int, way: Direction) -> None:
    with contextlib.suppress(BlockingIOError):
        for _ in range(64):
            way.take(os.read(end, LARGEST_PACKET_BYTES), time.monotonic())


def _obey_all(lines: bytes, to_client: Direction, to_server: Direction) -> bool:
    """Take new settings, tell the counts for a line without any; False at the end."""
    for line in lines.splitlines():
        settings = json.loads(line)
        if settings:
            to_client.quality = to_server.quality = LinkQuality(**settings)
        else:
            counts = {"to_client": to_client.counts(), "to_server": to_server.counts()}
            print(json.dumps(counts), flush=True)  # noqa: T201
    return bool(lines)


if __name__ == "__main__":
    relay(*map(int, sys.argv[1:4]))
