"""Holding selections: answering the programs that ask for their contents.

Source: "Inter-Client Communication Conventions Manual" 2.0, sections 2.2 and 2.7 (INCR).
"""

from __future__ import annotations

import logging

import attrs
import trio
from Xlib import X, Xatom
from Xlib.display import Display
from Xlib.protocol import event as xevent
from Xlib.protocol import rq
from Xlib.xobject.drawable import Window

from kasmcore_x11.selection_targets import Representation

LOG = logging.getLogger("kasmcore.x11.clipboard")

#: Larger contents go piece by piece, so that no one request blocks the connection.
PIECE_BYTES = 64 * 1024
#: A requestor that takes no piece for this long is given up.
REQUESTOR_PATIENCE_S = 10.0


@attrs.define
class _Transfer:
    """Contents on their way to one requestor's property."""

    requestor: Window
    type_atom: int
    data: bytes
    sent_bytes: int
    moved_s: float


class SelectionOwner:
    """Serves what was put here, to any number of requestors at once. Never waits.

    Args:
        display: the connection that owns the selections; the caller hands its events over.
    """

    def __init__(self, display: Display) -> None:
        self._display = display
        self._targets = display.intern_atom("TARGETS")
        self._timestamp = display.intern_atom("TIMESTAMP")
        self._incr = display.intern_atom("INCR")
        self._contents: dict[int, tuple[int, bytes]] = {}
        self._since_ms = X.CurrentTime
        self._transfers: dict[tuple[int, int], _Transfer] = {}

    def hold(self, contents: list[Representation], since_ms: int) -> None:
        """Serve these from now on.

        Args:
            contents: what can be asked for.
            since_ms: the server's time at which the selections were taken.
        """
        atom = self._display.get_atom
        self._contents = {atom(one.target): (atom(one.type_name), one.data) for one in contents}
        self._since_ms = since_ms

    def answer(self, request: rq.Event) -> None:
        """Give a requestor what it asks for, or tell it that it cannot have it."""
        prop = request.property or request.target  # ancient programs name no property
        too_old = X.CurrentTime < request.time < self._since_ms
        is_given = not too_old and self._give(request.requestor, request.target, prop)
        request.requestor.send_event(
            xevent.SelectionNotify(
                time=request.time,
                requestor=request.requestor,
                selection=request.selection,
                target=request.target,
                property=prop if is_given else X.NONE,
            )
        )

    def continue_transfer(self, taken: rq.Event) -> None:
        """Send the next piece: the requestor has deleted, hence read, the one before."""
        transfer = self._transfers.get((taken.window.id, taken.atom))
        if transfer is None or taken.state != X.PropertyDelete:
            return
        piece = transfer.data[transfer.sent_bytes : transfer.sent_bytes + PIECE_BYTES]
        transfer.requestor.change_property(taken.atom, transfer.type_atom, 8, piece)
        transfer.sent_bytes += len(piece)
        transfer.moved_s = trio.current_time()
        if not piece:  # an empty piece is the end
            self._forget((taken.window.id, taken.atom))

    def _give(self, requestor: Window, target: int, prop: int) -> bool:
        if target == self._targets:
            offered = [self._targets, self._timestamp, *self._contents]
            requestor.change_property(prop, Xatom.ATOM, 32, offered)
        elif target == self._timestamp:
            requestor.change_property(prop, Xatom.INTEGER, 32, [self._since_ms])
        elif target in self._contents:
            self._give_data(requestor, prop, *self._contents[target])
        else:
            return False
        return True

    def _give_data(self, requestor: Window, prop: int, type_atom: int, data: bytes) -> None:
        if len(data) <= PIECE_BYTES:
            requestor.change_property(prop, type_atom, 8, data)
            return
        self._drop_stalled()
        requestor.change_attributes(event_mask=X.PropertyChangeMask)
        requestor.change_property(prop, self._incr, 32, [len(data)])
        self._transfers[requestor.id, prop] = _Transfer(
            requestor, type_atom, data, sent_bytes=0, moved_s=trio.current_time()
        )

    def _drop_stalled(self) -> None:
        oldest_s = trio.current_time() - REQUESTOR_PATIENCE_S
        for key, transfer in list(self._transfers.items()):
            if transfer.moved_s < oldest_s:
                LOG.info("window 0x%x took no more of the clipboard", key[0])
                self._forget(key)

    def _forget(self, key: tuple[int, int]) -> None:
        requestor = self._transfers.pop(key).requestor
        if not any(window_id == requestor.id for window_id, _ in self._transfers):
            requestor.change_attributes(event_mask=X.NoEventMask)
