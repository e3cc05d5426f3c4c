"""The process between two TUN devices: packets wait, vanish and are passed on in it.

    python -m tests.links.relay SERVER_TUN CLIENT_TUN SEED CLIENT_ADDRESS

The devices are open file descriptors. Standard input takes lines of JSON: ``{"script": [...]}`` of
changes as ``as_words`` writes them, ``{"counts": true}`` and ``{"reset": true}``; each is answered
by a line of JSON on standard output once it has been done.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import sys
import time
from collections.abc import Mapping
from typing import Any

import attrs

from tests.links.model import (
    LARGEST_PACKET_BYTES,
    Direction,
    LinkChange,
    LinkQuality,
    Rebinding,
    TwoWayLink,
    Way,
)
from tests.links.packets import Translation, protocol_of

_PACKETS_AT_ONCE = 128
_LONGEST_WAIT_S = 1.0


def as_words(change: LinkChange) -> dict[str, Any]:
    """A change for JSON."""
    words: dict[str, Any] = attrs.asdict(change)
    return words | {"cut_ways": [way.value for way in change.cut_ways]}


def from_words(words: Mapping[str, Any]) -> LinkChange:
    """The opposite."""
    qualities = {
        way.value: None if words[way.value] is None else LinkQuality(**words[way.value])
        for way in Way
    }
    rebinding = words["rebinding"]
    return LinkChange(
        after_s=words["after_s"],
        to_client=qualities["to_client"],
        to_server=qualities["to_server"],
        cut_s=words["cut_s"],
        cut_ways=tuple(map(Way, words["cut_ways"])),
        rebinding=None if rebinding is None else Rebinding(**rebinding),
    )


@attrs.define
class Relay:
    """Passes packets on between two devices."""

    server_tun: int
    client_tun: int
    link: TwoWayLink[bytes]
    translation: Translation
    _rebindings: int = 0
    _told: bytes = b""

    def run(self) -> None:
        """Until standard input ends."""
        told = sys.stdin.fileno()
        ends = [self.server_tun, self.client_tun, told]
        while True:
            due_s = self.link.next_due_s()
            wait_s = _LONGEST_WAIT_S if due_s is None else due_s - time.monotonic()
            # Not a selector: epoll counts in milliseconds.
            ready, _, _ = select.select(ends, [], [], min(max(wait_s, 0.0), _LONGEST_WAIT_S))
            now_s = time.monotonic()
            self.link.advance(now_s)
            if self._rebindings != self.link.rebindings:
                self._rebindings = self.link.rebindings
                self.translation.rebind(self.link.rebinding)
            if self.server_tun in ready:
                self._read_server(now_s)
            if self.client_tun in ready:
                self._read_client(now_s)
            if told in ready and not self._obey(os.read(told, 65536), now_s):
                return
            self._write_due(now_s)

    def _read_server(self, now_s: float) -> None:
        way, tun = self.link.ways[Way.TO_CLIENT], self.server_tun
        with contextlib.suppress(BlockingIOError):
            for _ in range(_PACKETS_AT_ONCE):
                packet = os.read(tun, LARGEST_PACKET_BYTES)
                way.take(packet, len(packet), now_s, protocol_of(packet))

    def _read_client(self, now_s: float) -> None:
        way, tun = self.link.ways[Way.TO_SERVER], self.client_tun
        with contextlib.suppress(BlockingIOError):
            for _ in range(_PACKETS_AT_ONCE):
                packet = self.translation.outward(os.read(tun, LARGEST_PACKET_BYTES))
                way.take(packet, len(packet), now_s, protocol_of(packet))

    def _write_due(self, now_s: float) -> None:
        for packet in self.link.ways[Way.TO_SERVER].due(now_s):
            _write(self.server_tun, packet)
        for packet in self.link.ways[Way.TO_CLIENT].due(now_s):
            inside = self.translation.inward(packet)
            if inside is not None:
                _write(self.client_tun, inside)

    def _obey(self, told: bytes, now_s: float) -> bool:
        """Do what whole lines say; return False at the end."""
        *lines, self._told = (self._told + told).split(b"\n")
        for line in lines:
            order = json.loads(line)
            answer: Mapping[str, object] = {}
            if "script" in order:
                self.link.follow([from_words(words) for words in order["script"]], now_s)
            if "counts" in order:
                answer = self.link.counts()
            if "reset" in order:
                self.link.reset_counts()
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()
        return bool(told)


def _write(tun: int, packet: bytes) -> None:
    with contextlib.suppress(OSError):  # the device's own queue is full
        os.write(tun, packet)


def main() -> None:
    """Relay as the command line says."""
    server_tun, client_tun, seed = map(int, sys.argv[1:4])
    with contextlib.suppress(OSError):  # what is measured shall not wait for who measures
        os.setpriority(os.PRIO_PROCESS, 0, -10)
    link: TwoWayLink[bytes] = TwoWayLink(
        {way: Direction(LinkQuality(), seed + place) for place, way in enumerate(Way)}
    )
    Relay(server_tun, client_tun, link, Translation(sys.argv[4])).run()


if __name__ == "__main__":
    main()
