"""A python-xlib connection whose requests and events wait in trio: no thread, no blocking read.

Everything that needs an order stays on one connection. The server writes replies and events in the
order in which things happened, so once the reply to a grab is here, so is the notice of every
change that the grab may show. A second connection for grabs would lose that.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import attrs
import trio
from Xlib.display import Display
from Xlib.error import XError
from Xlib.protocol import request, rq

from kasmcore_x11.connection import CONNECTION_LOST, close_display, ended_error

EventHandler = Callable[[rq.Event], None]
ErrorHandler = Callable[[XError, rq.Request | None], int]


def is_answered(sent: rq.ReplyRequest) -> bool:
    """True once the reply or the error to a deferred request has been read."""
    return sent._data is not None or sent._error is not None


def _class_key(kind: type) -> tuple[str, str]:
    """Module and name: python-xlib copies the classes of extensions for each connection."""
    return kind.__module__, kind.__name__


@attrs.define(eq=False)
class AsyncDisplay:
    """One connection, shared by tasks: each makes requests, one task (`run`) reads.

    Requests are made by `ask` and `tell`, and sent by whatever waits next.
    """

    display: Display
    _handlers: dict[tuple[str, str], EventHandler] = attrs.field(factory=dict, init=False)
    _unanswered: deque[tuple[rq.ReplyRequest, Callable[[], None]]] = attrs.field(
        factory=deque, init=False
    )
    _progress: trio.Event = attrs.field(factory=trio.Event, init=False)
    _has_ended: bool = attrs.field(default=False, init=False)

    @property
    def name(self) -> str:
        """X display name, e.g. ``:41``."""
        return self.display.get_display_name()

    @property
    def has_ended(self) -> bool:
        """True once the connection is lost or closed; nothing can be sent any more."""
        return self._has_ended

    def on_event(self, handlers: Mapping[type[rq.Event], EventHandler]) -> None:
        """Call these with each event of their class, in order, before any waiting task resumes."""
        self._handlers.update((_class_key(kind), handler) for kind, handler in handlers.items())

    def ask(
        self, kind: type[rq.ReplyRequest], extension: str | None, /, **fields: object
    ) -> rq.ReplyRequest:
        """Queue a request of this extension, None for the core; `replies` waits for its answer.

        Raises:
            CaptureEnded: the X server is gone.
        """
        with self._may_be_lost():
            return kind(self.display.display, True, **self._opcode(extension), **fields)

    def tell(
        self,
        kind: type[rq.Request],
        extension: str | None,
        /,
        on_error: ErrorHandler | None = None,
        **fields: object,
    ) -> None:
        """Queue a request that has no answer; an error is logged if nobody handles it.

        Raises:
            CaptureEnded: the X server is gone.
        """
        with self._may_be_lost():
            kind(self.display.display, on_error, **self._opcode(extension), **fields)

    def when_answered(self, sent: rq.ReplyRequest, action: Callable[[], None]) -> None:
        """Call the action in order with the events, even if the task that asked was cancelled."""
        self._unanswered.append((sent, action))

    async def replies(self, *sent: rq.ReplyRequest) -> None:
        """Send what is queued and wait until the server has answered all of these.

        Raises:
            Xlib.error.XError: the server refused one of them.
            CaptureEnded: the X server is gone.
        """
        await self.wait_until(lambda: all(map(is_answered, sent)))
        for answered in sent:
            answered.reply()  # returns at once, or raises the server's error

    async def settled(self) -> None:
        """Wait until the server has done everything that was asked, and its events are here."""
        await self.replies(self.ask(request.GetInputFocus, None))

    async def wait_until(self, is_true: Callable[[], bool]) -> None:
        """Wait until events or replies have made this true; costs nothing meanwhile.

        Raises:
            CaptureEnded: the X server is gone.
        """
        self.exchange()
        await trio.lowlevel.checkpoint()
        while True:
            if self._has_ended:
                raise ended_error(self.name)
            if is_true():
                return
            await self._progress.wait()

    async def run(self) -> None:
        """Read until the connection ends; returns then, and every waiting call raises."""
        while True:
            self.exchange()
            if self._has_ended:
                return
            try:
                await trio.lowlevel.wait_readable(self.display.fileno())
            except (*CONNECTION_LOST, trio.ClosedResourceError):
                self._end()
                return

    def exchange(self) -> None:
        """Send what is queued, read what has arrived, call the handlers. Never blocks."""
        while not self._has_ended:
            try:
                self.display.flush()  # may read events into the queue, so it comes before the count
                events = [self.display.next_event() for _ in range(self.display.pending_events())]
            except CONNECTION_LOST:
                self._end()
                return
            self._dispatch(events)
            if not self.display.display.request_queue:  # else a handler has more to send
                break
        self._wake()

    def _dispatch(self, events: list[rq.Event]) -> None:
        for event in events:
            for kind in type(event).__mro__:
                handler = self._handlers.get(_class_key(kind))
                if handler is not None:
                    handler(event)
                    break
        while self._unanswered and is_answered(self._unanswered[0][0]):
            self._unanswered.popleft()[1]()

    def close(self) -> None:
        """Close the connection; its resources on the server go away. Stop `run` before."""
        self._end()
        close_display(self.display)

    def _opcode(self, extension: str | None) -> dict[str, int]:
        if extension is None:
            return {}
        return {"opcode": self.display.display.get_extension_major(extension)}

    @contextmanager
    def _may_be_lost(self) -> Iterator[None]:
        try:
            yield
        except CONNECTION_LOST as problem:
            self._end()
            raise ended_error(self.name) from problem

    def _end(self) -> None:
        self._has_ended = True
        self._wake()

    def _wake(self) -> None:
        self._progress.set()
        self._progress = trio.Event()
