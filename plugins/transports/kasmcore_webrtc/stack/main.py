"""Runs the stack: takes records from the server, one asyncio task for each peer."""

from __future__ import annotations

import asyncio
import logging
import resource
import socket
import sys
from collections.abc import Coroutine
from functools import partial
from typing import Any

from kasmcore_webrtc.lanes import CHUNK_HEAD_BYTES
from kasmcore_webrtc.records import (
    FromStack,
    OpenRequest,
    Record,
    RecordReader,
    ToStack,
    record_bytes,
)
from kasmcore_webrtc.stack.interface import Stack
from kasmcore_webrtc.stack.peer import StackPeer

_LOG = logging.getLogger(__name__)
READ_BYTES = 256 * 1024
PACKET_HEAD_BYTES = 80
"""SCTP, its chunk and DTLS, around what a message carries."""
MOST_CHUNK_BYTES = 1100
MEMORY_LIMIT_BYTES = 2 * 2**30
"""Of address space: a peer that makes the stack grow ends the stack, not the machine."""


class StackProcess:
    """All peers of this process."""

    def __init__(self, stack: Stack, server: socket.socket) -> None:
        self._stack = stack
        self._server = server
        self._peers: dict[int, StackPeer] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._writer: asyncio.StreamWriter | None = None

    async def run(self) -> None:
        """Obey the server until it hangs up."""
        asyncio.get_running_loop().set_exception_handler(_log_briefly)
        reader, self._writer = await asyncio.open_connection(sock=self._server)
        records = RecordReader()
        while piece := await reader.read(READ_BYTES):
            for record in records.feed(piece):
                self._obey(record)
        for peer in self._peers.values():
            peer.link_ended("the server has ended")

    def _obey(self, record: Record) -> None:
        if record.kind == ToStack.OFFER:
            request = OpenRequest.of_json(bytes(record.data))
            self._start(self._serve(record.peer, request))
        elif record.peer not in self._peers:
            return  # it has just ended
        elif record.kind == ToStack.CLOSE:
            self._start(self._peers[record.peer].drain_and_end())
        else:
            self._peers[record.peer].obey(record)

    async def _serve(self, number: int, request: OpenRequest) -> None:
        tell = partial(self._tell, number)
        chunk_bytes = min(
            MOST_CHUNK_BYTES, request.payload_bytes - PACKET_HEAD_BYTES - CHUNK_HEAD_BYTES
        )
        peer = self._peers[number] = StackPeer(chunk_bytes, tell)
        reason = "the WebRTC library has failed"
        try:
            link = await self._stack.open_peer(request, peer)
            tell(FromStack.ANSWER, link.answer.encode())
            reason = await peer.run(link)
        except ValueError as error:
            reason = str(error)
        finally:
            del self._peers[number]
            tell(FromStack.ENDED, reason.encode())

    def _tell(self, peer: int, kind: FromStack, data: bytes) -> None:
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(record_bytes(kind, peer, data))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _log_briefly(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Keep what hostile packets raise from filling the log: the kind of error says enough."""
    error = context.get("exception")
    _LOG.debug("%s: %s", context.get("message"), type(error).__name__)


def open_stack(back_end: str, payload_bytes: int) -> tuple[Stack, asyncio.AbstractEventLoop]:
    """Load a library; ``back_end`` is ``libdatachannel`` or ``aiortc``."""
    if back_end == "libdatachannel":
        from kasmcore_webrtc.stack.libdatachannel_stack import LibdatachannelStack

        return LibdatachannelStack(payload_bytes), asyncio.SelectorEventLoop()
    from kasmcore_webrtc.stack.aiortc_stack import AiortcStack

    stack = AiortcStack(payload_bytes)
    return stack, stack.make_loop()


def main(arguments: list[str]) -> None:
    """Run it: number of the socket, name of the back-end, bytes of a datagram."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES))
    number, back_end, payload_bytes = arguments
    stack, loop = open_stack(back_end, int(payload_bytes))
    with socket.socket(fileno=int(number)) as server:
        loop.run_until_complete(StackProcess(stack, server).run())


if __name__ == "__main__":
    main(sys.argv[1:])
