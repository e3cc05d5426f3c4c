"""The server's side of the process that runs the WebRTC stack."""

from __future__ import annotations

import itertools
import logging
import os
import socket
import struct
import subprocess
import sys
from collections import deque
from typing import Protocol

import trio

from kasmcore.api import ConnectionEnded
from kasmcore_webrtc.records import (
    FromStack,
    OpenRequest,
    Record,
    RecordReader,
    ToStack,
    record_head,
)

_LOG = logging.getLogger(__name__)
ENDED = "the WebRTC process has ended"
READ_BYTES = 256 * 1024
GOODBYE_LIMIT_S = 3.0
_KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH")


class PeerListener(Protocol):
    """Who is told what the stack says of one peer."""

    def take(self, kind: FromStack, data: memoryview) -> None:
        """Take one record; must not block. ``ENDED`` is the last one."""


class StackProcess:
    """One process with all peers. It holds no secret but what its peers' ICE needs."""

    def __init__(self, back_end: str, payload_bytes: int) -> None:
        self._back_end = back_end
        self._payload_bytes = payload_bytes
        self._stream: trio.SocketStream | None = None
        self._peers: dict[int, PeerListener] = {}
        self._numbers = itertools.count(1)
        self._outgoing: deque[bytes] = deque()
        self._posted = trio.Event()
        self._scope = trio.CancelScope()
        self.pid = 0

    @property
    def is_running(self) -> bool:
        """True from the start to the end of ``run``."""
        return self._stream is not None

    @property
    def peer_count(self) -> int:
        """Peers that have not ended."""
        return len(self._peers)

    def stop(self) -> None:
        """Let ``run`` end."""
        self._scope.cancel()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Run the process until it or the task ends; its peers end with it."""
        ours, theirs = socket.socketpair()
        with theirs:
            process = await self._start(theirs.fileno())
        self.pid = process.pid
        stream = self._stream = trio.SocketStream(trio.socket.from_stdlib_socket(ours))
        try:
            async with trio.open_nursery() as nursery:
                self._scope = nursery.cancel_scope
                nursery.start_soon(self._write, stream)
                task_status.started()
                await self._read(stream)
                _LOG.warning("%s by itself; its viewers have to connect again", ENDED)
                nursery.cancel_scope.cancel()
        finally:
            self._stream = None
            for peer in list(self._peers.values()):
                peer.take(FromStack.ENDED, memoryview(ENDED.encode()))
            self._peers.clear()
            with trio.CancelScope(shield=True):
                await stream.aclose()  # tells it to end
                with trio.move_on_after(GOODBYE_LIMIT_S):
                    await process.wait()
                if process.returncode is None:
                    process.kill()
                    await process.wait()

    def open_peer(self, request: OpenRequest, listener: PeerListener) -> int:
        """Hand an offer over; what comes of it is told to the listener. Returns its number.

        Raises:
            ConnectionEnded: the process has ended.
        """
        number = next(self._numbers)
        self.post(ToStack.OFFER, number, b"", request.to_json())
        self._peers[number] = listener
        return number

    def post(self, kind: ToStack, peer: int, head: bytes = b"", unit: bytes = b"") -> None:
        """Queue a record; whoever posts much waits for ``TAKEN`` before the next one.

        Raises:
            ConnectionEnded: the process has ended.
        """
        if self._stream is None:
            raise ConnectionEnded(ENDED)
        self._outgoing.append(record_head(kind, peer, len(head) + len(unit)) + head)
        if unit:
            self._outgoing.append(unit)
        self._posted.set()

    async def _write(self, stream: trio.SocketStream) -> None:
        try:
            while True:
                while self._outgoing:
                    await stream.send_all(self._outgoing.popleft())
                self._posted = trio.Event()
                await self._posted.wait()
        except trio.BrokenResourceError:
            return  # the reader sees it too

    async def _start(self, number: int) -> trio.Process:
        """Start it without the server's environment, which may hold secrets, or its terminal."""
        variables = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
        variables["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
        arguments = [str(number), self._back_end, str(self._payload_bytes)]
        return await trio.lowlevel.open_process(
            [sys.executable, "-m", "kasmcore_webrtc.stack.main", *arguments],
            stdin=subprocess.DEVNULL,
            pass_fds=(number,),
            env=variables,
            start_new_session=True,
        )

    async def _read(self, stream: trio.SocketStream) -> None:
        reader = RecordReader()
        try:
            while piece := await stream.receive_some(READ_BYTES):
                for record in reader.feed(bytes(piece)):
                    self._dispatch(record)
        except trio.BrokenResourceError:
            return
        except (ValueError, LookupError, struct.error):
            _LOG.exception("the WebRTC process sent what it must not; it is ended")

    def _dispatch(self, record: Record) -> None:
        peer = self._peers.get(record.peer)
        if peer is None:
            return
        kind = FromStack(record.kind)
        if kind is FromStack.ENDED:
            del self._peers[record.peer]
        peer.take(kind, record.data)
