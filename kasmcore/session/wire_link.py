"""A viewer that speaks our protocol over a transport's connection: one kind of ViewerLink."""

from __future__ import annotations

import collections
from collections.abc import Sequence
from typing import Protocol

import attrs
import trio

from kasmcore.errors import ConnectionEnded
from kasmcore.interfaces.transport import Connection, Lane
from kasmcore.interfaces.viewer_link import LinkAttached, LinkBroken, LinkChange, ViewerAbilities
from kasmcore.protocol.clipboard_transfer import TransferRefused
from kasmcore.protocol.connection import ServerConnection, ServerReceived
from kasmcore.protocol.counted import COUNT_RANGE, COUNTED
from kasmcore.protocol.messages import Attach, Attached, Hello, ResumeOffer
from kasmcore.session.wire_path import WirePath
from kasmcore.values.clipboard import AllowedClipboard
from kasmcore.values.frames import EncodedFrame
from kasmcore.values.permissions import ViewerInfo
from kasmcore.values.viewer_events import ClipboardReceived, FrameFailed, FrameShown, ViewerEvent
from kasmcore.values.viewer_updates import (
    Farewell,
    FramesDropped,
    Notice,
    Severity,
    ViewerUpdate,
)

_CLIPBOARD_ARRIVES_IN_S = 5.0
"""Contents that the connection took so long ago have arrived, if the client still talks."""
_DROPPED_AT_ONCE = 256
"""As many as fit into one message."""


class Resuming(Protocol):
    """How viewers may go on with their session on another connection."""

    @property
    def grace_s(self) -> int:
        """How long one whose connection broke may take to come back."""

    def issue(self, link: WireLink) -> str:
        """Return a new token of a viewer."""

    def confirm(self, link: WireLink) -> None:
        """The viewer has its newest token: the others are void."""


class WireLink:
    """A viewer behind the protocol; implements ViewerLink and UnorderedLink.

    It may go on with another connection. Only ``receive`` changes from one to the other, so that
    all that was received before has been handled by then.
    """

    def __init__(
        self,
        connection: Connection,
        protocol: ServerConnection,
        viewer: ViewerInfo,
        abilities: ViewerAbilities,
        resuming: Resuming | None = None,
    ) -> None:
        """Take over after Welcome.

        Args:
            connection: the one that Hello came by.
            protocol: its state.
            viewer: who it is.
            abilities: what it can do.
            resuming: how it may go on elsewhere; None: not at all.
        """
        self._path: WirePath | None = WirePath(connection)
        self._path.open()
        self._protocol = protocol
        self._viewer = viewer
        self._abilities = abilities
        self._resuming = resuming
        self._offered: WirePath | None = None
        self._received: collections.deque[ServerReceived] = collections.deque()
        self._count = 0
        self._last_serial = 0
        self._broken_at_s: float | None = None
        self._was_heard = True
        self._end: ConnectionEnded | None = None
        self._changed = trio.Event()
        self._newest_clipboard: AllowedClipboard | None = None
        self._doubtful: tuple[AllowedClipboard, float] | None = None
        """Clipboard contents that have perhaps not arrived, and when the connection took them."""

    @property
    def viewer(self) -> ViewerInfo:
        """Who it is."""
        return self._viewer

    @property
    def abilities(self) -> ViewerAbilities:
        """What it can do."""
        return self._abilities

    @property
    def is_away(self) -> bool:
        """True while its connection is broken."""
        return self._path is None

    @property
    def is_unordered(self) -> bool:
        """True while frames may arrive in any order."""
        return self._path is not None and self._path.ordering is not None

    @property
    def may_lose_frames(self) -> bool:
        """True while frames may vanish in the network."""
        return self._path is not None and self._path.may_lose_frames

    async def run_first(self) -> None:
        """Let the client know how to go on elsewhere; return when it needs its first connection
        no more. After this was cancelled, or the connection broke, it may still come back.
        """
        path = self._path
        if path is not None:
            await self._run(path, self._offer())

    async def attach(self, connection: Connection, address: str) -> None:
        """Go on with a connection that has brought this viewer's token; return as ``run_first``.

        Args:
            connection: has just opened.
            address: the client's IP address.
        """
        if self._end is not None:
            return
        if self._offered is not None:
            self._offered.release()
        path = self._offered = WirePath(connection, address)
        if self._path is not None:
            self._path.interrupt()
        self._wake()
        try:
            await path.taken.wait()
        except trio.Cancelled:
            self._lose(path, ConnectionEnded("the connection was ended"))
            raise
        await self._run(path, path.greeting)

    def end(self, reason: str) -> None:
        """The viewer has left, or has to; safe to repeat."""
        self._end = self._end or ConnectionEnded(reason, is_in_order=True)
        for path in (self._path, self._offered):
            if path is not None:
                path.release()
        self._path = self._offered = None
        self._wake()

    async def send(self, update: ViewerUpdate) -> None:
        """Send one update on its lane; waits while the link is busy, or the connection broken.

        Frames that meet a broken connection are lost. Clipboard contents go in chunks, between
        which the other lanes pass; newer contents end the transfer of older ones.

        Raises:
            ConnectionEnded: the viewer is gone, or got its Farewell.
            ValueError: a field does not fit its type on the wire.
        """
        if isinstance(update, EncodedFrame):
            await self._send_frame(update)
        elif isinstance(update, AllowedClipboard):
            await self._send_clipboard(update)
        elif isinstance(update, FramesDropped):
            await self._drop(update)
        else:
            if isinstance(update, Farewell) and self._path is None:
                self.end(update.reason)
            await self._send_on(Lane.CONTROL, self._protocol.send(update))

    async def receive(self) -> ViewerEvent | LinkChange:
        """Wait for what the viewer does next, or what becomes of its connection.

        Raises:
            ConnectionEnded: the viewer is gone.
            RemoteProtocolError: it broke the protocol.
        """
        while True:
            while self._received:
                event = self._received.popleft()
                if isinstance(event, TransferRefused):
                    await self._try_to_tell(_notice_of(event))
                elif not isinstance(event, Hello | Attach):
                    self._note_answer(event)
                    return event
            if self._end is not None:
                raise self._end
            if self._offered is not None:
                return self._go_on(self._offered)
            if self._path is not None:
                await self._receive_more(self._path)
            elif self._broken_at_s is None:
                self._broken_at_s = trio.current_time()
                return LinkBroken()
            else:
                await self._wait_for_return(self._broken_at_s)

    async def _receive_more(self, path: WirePath) -> None:
        try:
            data = await path.receive()
        except ConnectionEnded as error:
            self._lose(path, error)
            return
        if data is None or path is not self._path:  # what was cut off is sent again elsewhere
            return
        if not self._was_heard and self._resuming is not None:
            self._was_heard = True
            self._resuming.confirm(self)
        received = self._protocol.receive_data(data)
        self._count += sum(isinstance(message, COUNTED) for message in received)
        self._settle_clipboard(received)
        self._received += received

    def _go_on(self, path: WirePath) -> LinkAttached:
        """Change to a connection that was offered."""
        old, self._path, self._offered = self._path, path, None
        if old is not None:
            old.release()
        self._broken_at_s, self._was_heard = None, False
        self._viewer = attrs.evolve(
            self._viewer, address=path.address, transport=path.connection.transport
        )
        attached = Attached(self._count % COUNT_RANGE, self._last_serial + 1)
        path.greeting = self._protocol.attached(attached) + self._offer()
        path.taken.set()
        self._wake()
        clipboard = None if self._doubtful is None else self._doubtful[0]
        return LinkAttached(attached.next_serial, path.round_trip_s, clipboard)

    async def _run(self, path: WirePath, greeting: bytes) -> None:
        """Say the first words on a connection and wait until it is needed no more."""
        try:
            if greeting and not path.released.is_set():
                await path.connection.send(Lane.CONTROL, greeting)
            path.open()
            await path.released.wait()
        except ConnectionEnded as error:
            self._lose(path, error)
        except trio.Cancelled:
            self._lose(path, ConnectionEnded("the connection was ended"))
            raise

    def _lose(self, path: WirePath, error: ConnectionEnded) -> None:
        """A connection broke, or was closed; the client may come back unless it said goodbye."""
        path.release()
        path.taken.set()
        if path is self._offered:
            self._offered = None
        if path is self._path:
            self._path = None
            if self._resuming is None or error.is_in_order:
                self._end = self._end or error
        self._wake()

    async def _wait_for_return(self, broken_at_s: float) -> None:
        """Wait until something has changed; when the time is over the viewer has left."""
        grace_s = 0 if self._resuming is None else self._resuming.grace_s
        changed = self._changed
        with trio.move_on_at(broken_at_s + grace_s) as patience:
            await changed.wait()
        if patience.cancelled_caught:
            self.end(f"the connection broke, and nobody was back in {grace_s} s")

    def _offer(self) -> bytes:
        """The message that lets the client go on elsewhere; empty when it may not."""
        if self._resuming is None:
            return b""
        token = self._resuming.issue(self)
        return self._protocol.send(ResumeOffer(token, self._resuming.grace_s))

    def _note_answer(self, event: ViewerEvent) -> None:
        ordering = None if self._path is None else self._path.ordering
        if ordering is not None and isinstance(event, FrameShown | FrameFailed):
            ordering.settle(event.serial, was_shown=isinstance(event, FrameShown))

    async def _send_frame(self, frame: EncodedFrame) -> None:
        """Send a frame, if there is a connection; else it comes again when there is one."""
        self._last_serial = frame.serial
        message, path = self._protocol.send(frame), self._path
        if path is None:
            self._check()
            await trio.lowlevel.checkpoint()
            return
        order = b"" if path.ordering is None else self._protocol.send(path.ordering.order(frame))
        try:
            await path.send_frame(frame.serial, order, message)
        except ConnectionEnded as error:
            self._lose(path, error)
            self._check()

    async def _drop(self, dropped: FramesDropped) -> None:
        path = self._path
        if path is None:
            return
        serials = dropped.serials
        for serial in serials:
            path.drop_frame(serial)
            if path.ordering is not None:
                path.ordering.settle(serial, was_shown=False)
        for start in range(0, len(serials), _DROPPED_AT_ONCE):
            part = FramesDropped(serials[start : start + _DROPPED_AT_ONCE])
            if not await self._try(path, Lane.CONTROL, self._protocol.send(part)):
                return

    async def _send_clipboard(self, contents: AllowedClipboard) -> None:
        """Send clipboard contents; from the start again when the connection changed on the way."""
        self._newest_clipboard, self._doubtful = contents, None
        is_sent = False
        while not is_sent and self._newest_clipboard is contents:
            path = await self._path_to_send_on()
            for message in self._protocol.clipboard_messages(contents.items):
                is_sent = self._newest_clipboard is contents and await self._try(
                    path, Lane.BULK, message
                )
                if not is_sent:
                    break
            else:
                if self._newest_clipboard is contents:
                    self._doubtful = contents, trio.current_time()
                return

    def _settle_clipboard(self, received: Sequence[ServerReceived]) -> None:
        """Note whether what was sent has arrived, or the client has newer contents by now."""
        if self._doubtful is not None:
            age_s = trio.current_time() - self._doubtful[1]
            is_older = any(isinstance(event, ClipboardReceived) for event in received)
            if is_older or age_s > _CLIPBOARD_ARRIVES_IN_S:
                self._doubtful = None

    async def _send_on(self, lane: Lane, message: bytes) -> None:
        """Send a message, again where the connection changed on the way."""
        while not await self._try(await self._path_to_send_on(), lane, message):
            pass

    async def _try(self, path: WirePath, lane: Lane, message: bytes) -> bool:
        try:
            return await path.send(lane, message)
        except ConnectionEnded as error:
            self._lose(path, error)
            self._check()
            return False

    async def _path_to_send_on(self) -> WirePath:
        """Wait for a connection if there is none."""
        while True:
            self._check()
            if self._path is not None:
                return self._path
            await self._changed.wait()

    async def _try_to_tell(self, notice: Notice) -> None:
        """Send a notice if it can be sent now: whoever receives must not wait for a connection."""
        if self._path is not None:
            await self._try(self._path, Lane.CONTROL, self._protocol.send(notice))

    def _check(self) -> None:
        """Raise ConnectionEnded when the viewer is gone."""
        if self._end is not None:
            raise self._end

    def _wake(self) -> None:
        self._changed.set()
        self._changed = trio.Event()


def _notice_of(refused: TransferRefused) -> Notice:
    if refused.maximum_bytes == 0:
        text = "The server does not take your clipboard."
    else:
        text = (
            f"Your clipboard holds {refused.announced_bytes} bytes; "
            f"the server takes at most {refused.maximum_bytes}."
        )
    return Notice(Severity.WARNING, "clipboard_too_large", text)
