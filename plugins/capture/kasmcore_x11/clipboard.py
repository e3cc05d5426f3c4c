"""The clipboard of an X display: what programs copy, and what viewers put there."""

from __future__ import annotations

import logging
from array import array
from collections.abc import Collection

import trio
from Xlib import X, Xatom
from Xlib.error import BadWindow, XError
from Xlib.ext import xfixes
from Xlib.protocol import event as xevent
from Xlib.protocol import request, rq

from kasmcore.api import (
    AllowedClipboard,
    CaptureEnded,
    ClipboardItem,
    ClipboardOffer,
    PluginUnavailable,
)
from kasmcore_x11.async_display import AsyncDisplay
from kasmcore_x11.connection import CONNECTION_LOST, close_display, ended_error, open_display
from kasmcore_x11.selection_owner import SelectionOwner
from kasmcore_x11.selection_reader import SelectionReader
from kasmcore_x11.selection_targets import (
    KNOWN_NAMES,
    MIME_TYPES,
    item_from,
    representations,
    target_for,
)

LOG = logging.getLogger("kasmcore.x11.clipboard")


class X11Clipboard:
    """CLIPBOARD as it changes hands; what viewers put there is PRIMARY as well.

    `run` must run while the other methods are used. Opens a connection of its own and blocks for
    some 30 ms while it does.

    Args:
        display_name: X display, e.g. ``:41``.
        authority_file: Xauthority file for it; empty for the user's default.
        maximum_bytes: larger contents are left where they are, either way.
        offers_primary: text selected with the mouse is offered like what was copied.

    Raises:
        PluginUnavailable: the display cannot be opened, or lacks XFIXES.
    """

    def __init__(
        self,
        display_name: str,
        authority_file: str,
        *,
        maximum_bytes: int,
        offers_primary: bool = False,
    ) -> None:
        display = open_display(display_name, authority_file)
        if not display.has_extension("XFIXES"):
            close_display(display)
            raise PluginUnavailable(
                "the X server has no XFIXES extension, so nothing tells that something was copied",
                where=display_name,
                remedy="Use a newer X server.",
            )
        display.set_error_handler(_note_error)
        display.xfixes_query_version()
        self._x = AsyncDisplay(display)
        self._maximum_bytes = maximum_bytes
        self._window = display.screen().root.create_window(
            -1, -1, 1, 1, 0, X.CopyFromParent, X.InputOnly, event_mask=X.PropertyChangeMask
        )
        self._clipboard = display.intern_atom("CLIPBOARD")
        self._stamp_atom = display.intern_atom("KASMCORE_STAMP")
        self._targets = display.intern_atom("TARGETS")
        self._names = {display.intern_atom(name): name for name in KNOWN_NAMES}
        self._owner = SelectionOwner(display)
        self._reader = SelectionReader(self._x, self._window, maximum_bytes)
        self._stamp_ms = X.CurrentTime
        self._taken: rq.Event | None = None
        self._placed: tuple[ClipboardItem, ...] = ()
        self._offers, self._next_offers = trio.open_memory_channel[ClipboardOffer](1)
        self._put_lock = trio.Lock()
        self._watch((self._clipboard, Xatom.PRIMARY) if offers_primary else (self._clipboard,))

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve the display's programs and read what they copy; returns when the display ends."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._keep_sending)
                nursery.start_soon(self._keep_reading)
                task_status.started()
                await self._x.run()
                nursery.cancel_scope.cancel()
        except* (CaptureEnded, *CONNECTION_LOST):
            LOG.debug("the clipboard of %s ended with its display", self._x.name)
        finally:
            self._offers.close()

    async def next_offer(self) -> ClipboardOffer:
        """Wait until a program took the clipboard, and give what it offers.

        A program that takes it again before this is called replaces its offer.

        Raises:
            CaptureEnded: the display is gone.
        """
        try:
            return await self._next_offers.receive()
        except trio.EndOfChannel as problem:
            raise ended_error(self._x.name) from problem

    async def put(self, contents: AllowedClipboard) -> None:
        """Take CLIPBOARD and PRIMARY and hold these contents; without any, let them go.

        Raises:
            CaptureEnded: the display is gone.
        """
        items = tuple(item for item in contents.items if len(item.data) <= self._maximum_bytes)
        if len(items) < len(contents.items):
            LOG.warning("contents of more than %d bytes were not put", self._maximum_bytes)
        async with self._put_lock:
            try:
                await self._take_over(items)
            except CONNECTION_LOST as problem:
                raise ended_error(self._x.name) from problem

    async def aclose(self) -> None:
        """Give the clipboard up and disconnect. End `run` before."""
        self._offers.close()
        self._x.close()

    # -- events, in the order of the server

    def _watch(self, selections: tuple[int, ...]) -> None:
        for selection in selections:
            self._x.display.xfixes_select_selection_input(
                self._window, selection, xfixes.XFixesSetSelectionOwnerNotifyMask
            )
        self._x.on_event(
            {
                xfixes.SelectionNotify: self._note_owner,
                xevent.SelectionRequest: self._owner.answer,
                xevent.SelectionNotify: self._reader.note_answer,
                xevent.PropertyNotify: self._note_property,
            }
        )

    def _note_owner(self, event: rq.Event) -> None:
        if event.owner == self._window or event.owner == X.NONE:
            self._taken = None
        else:
            self._taken = event

    def _note_property(self, event: rq.Event) -> None:
        if event.atom == self._stamp_atom:
            self._stamp_ms = event.time
        self._reader.note_property(event)
        self._owner.continue_transfer(event)

    # -- tasks

    async def _keep_sending(self) -> None:
        """Send what the socket had no room for when it was written."""
        while True:
            await self._x.wait_until(lambda: bool(self._x.display.display.data_send))
            await trio.lowlevel.wait_writable(self._x.display.fileno())
            self._x.exchange()

    async def _keep_reading(self) -> None:
        while True:
            await self._x.wait_until(lambda: self._taken is not None)
            taken, self._taken = self._taken, None
            if taken is None:
                continue
            async with trio.open_nursery() as nursery:  # a newer owner ends the reading of this one
                nursery.start_soon(self._offer, taken, nursery.cancel_scope)
                await self._x.wait_until(lambda: self._taken is not None)
                nursery.cancel_scope.cancel()

    async def _offer(self, taken: rq.Event, done: trio.CancelScope) -> None:
        items = await self._read(taken)
        if items and not set(items) <= set(self._placed):
            self._placed = ()
            self._replace_offer(ClipboardOffer(items))
        done.cancel()

    async def _read(self, taken: rq.Event) -> tuple[ClipboardItem, ...]:
        offered = await self._reader.read(taken.selection, self._targets, taken.timestamp)
        if offered is None:
            return ()
        names = {self._names[atom] for atom in _atoms(offered.data) if atom in self._names}
        items = [await self._read_item(taken, mime, names) for mime in MIME_TYPES]
        return tuple(item for item in items if item is not None)

    async def _read_item(
        self, taken: rq.Event, mime: str, offered: Collection[str]
    ) -> ClipboardItem | None:
        target = target_for(mime, offered)
        if target is None:
            return None
        atom = self._x.display.get_atom(target)
        found = await self._reader.read(taken.selection, atom, taken.timestamp)
        if found is None:
            return None
        return item_from(mime, self._names.get(found.type_atom, ""), found.data)

    def _replace_offer(self, offer: ClipboardOffer) -> None:
        try:
            self._offers.send_nowait(offer)
        except trio.WouldBlock:
            self._next_offers.receive_nowait()
            self._offers.send_nowait(offer)

    async def _take_over(self, items: tuple[ClipboardItem, ...]) -> None:
        now_ms = await self._server_time_ms()
        self._placed = items
        self._owner.hold(representations(items), now_ms)
        owner = self._window if items else X.NONE
        for selection in (self._clipboard, Xatom.PRIMARY):
            request.SetSelectionOwner(
                display=self._x.display.display, window=owner, selection=selection, time=now_ms
            )
        await self._x.settled()

    async def _server_time_ms(self) -> int:
        self._stamp_ms = X.CurrentTime
        self._window.change_property(self._stamp_atom, Xatom.STRING, 8, b"")
        await self._x.wait_until(lambda: self._stamp_ms != X.CurrentTime)
        return self._stamp_ms


def _atoms(data: bytes) -> array[int]:
    return array("I", data[: len(data) // 4 * 4])


def _note_error(problem: XError, _request: rq.Request | None) -> int:
    """Windows of programs that ask and leave are gone when they are answered: no fault of ours."""
    level = logging.DEBUG if isinstance(problem, BadWindow) else logging.WARNING
    LOG.log(level, "the X server refused a request: %s", problem)
    return 1
