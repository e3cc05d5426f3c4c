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

A thread is in one namespace at a time; sockets stay where they were made. What the link does to
packets is ``tests/links/model.py``; the process that they pass is ``tests/links/relay.py``.
"""

from __future__ import annotations

import contextlib
import ctypes
import enum
import fcntl
import json
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import attrs

from tests.links.model import LinkChange, LinkQuality, Rebinding, Way
from tests.links.relay import as_words

__all__ = (
    "CLIENT_ADDRESS",
    "SERVER_ADDRESS",
    "ImpairedLink",
    "LinkChange",
    "LinkQuality",
    "Side",
    "Way",
    "impaired_link",
)

SERVER_ADDRESS = "198.18.0.1"
CLIENT_ADDRESS = "198.18.0.2"
"""Addresses kept for measurements of networks (RFC 2544)."""

_REPOSITORY = Path(__file__).resolve().parents[1]
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
        """Make both directions faster, slower, longer; what waits in them stays."""
        self.follow(LinkChange.both_ways(quality))

    def cut(self, seconds: float, *ways: Way) -> None:
        """Let nothing through for so long, in these directions or in both."""
        self.follow(LinkChange(cut_s=seconds, cut_ways=ways or tuple(Way)))

    def rebind(self, address: str | None = None, port_shift: int = 0) -> None:
        """Give the client another outside address or other ports, unknown to itself."""
        self.follow(LinkChange(rebinding=Rebinding(address=address, port_shift=port_shift)))

    def renumber_client(self, address: str) -> None:
        """Give the client's own interface another address, as in another network."""
        with self.entered(Side.CLIENT):
            _configure("link0", address, "255.255.255.0")

    def follow(self, *script: LinkChange) -> None:
        """Let these things happen at their times, counted from now."""
        self._ask({"script": [as_words(change) for change in script]})

    def counts(self, *, reset: bool = False) -> dict[str, dict[str, float]]:
        """What each direction has done since the last reset: ``to_client`` and ``to_server``.

        The numbers are those of ``WayCounts``, and the waits in the queue that half and 95 % of the
        packets kept to.
        """
        return self._ask({"counts": True} | ({"reset": True} if reset else {}))

    def _ask(self, order: Mapping[str, object]) -> dict[str, dict[str, float]]:
        """Tell the relay, and wait until it has done it."""
        assert self._relay.stdin is not None
        assert self._relay.stdout is not None
        self._relay.stdin.write(json.dumps(order) + "\n")
        self._relay.stdin.flush()
        answer: dict[str, dict[str, float]] = json.loads(self._relay.stdout.readline())
        return answer


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
            [sys.executable, "-m", "tests.links.relay", *ends, str(seed), CLIENT_ADDRESS],
            cwd=_REPOSITORY,
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
