"""One connection to the X server: opened with clear errors, repaired, and waited on from trio."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import trio
from Xlib import error
from Xlib.display import Display
from Xlib.protocol import display as protocol_display
from Xlib.protocol import event, rq

from kasmcore.api import CaptureEnded, PluginUnavailable

LOG = logging.getLogger("kasmcore.x11")

#: What python-xlib raises when the server closed the connection, or was never there.
CONNECTION_LOST = (error.ConnectionClosedError, OSError)

_EXTENSION_ERRORS = {
    "RANDR": ("BadRROutput", "BadRRCrtc", "BadRRMode"),
    "DAMAGE": ("BadDamage",),
    "XFIXES": ("BadRegion",),
    "MIT-SHM": ("BadShmSeg",),
}
#: python-xlib keeps its tables in the class and the key's place in the environment: one at a time.
_opening = threading.Lock()


def open_display(name: str, authority_file: str) -> Display:
    """Connect to the X server. Blocks for some 20 ms: call it in a worker thread.

    One connection belongs to one task: a request made by another task may read the events that
    the first one waits for.

    Args:
        name: X display name, e.g. ``:41``.
        authority_file: Xauthority file with its key; empty for the user's default.

    Raises:
        PluginUnavailable: there is no such display, or it refuses us.
    """
    try:
        with _opening, _authority(authority_file):
            display = _new_display(name)
    except error.DisplayNameError as problem:
        raise PluginUnavailable(
            f"{name!r} is not the name of an X display", remedy="Write it like :1 or host:10.0."
        ) from problem
    except error.DisplayConnectionError as problem:
        raise _refused(name, authority_file, problem.msg) from problem
    except CONNECTION_LOST as problem:
        raise _refused(name, authority_file, str(problem)) from problem
    display.set_error_handler(_log_error)
    return display


def close_display(display: Display) -> None:
    """Close the connection; what it owns on the server goes away. Safe when it is lost already."""
    try:
        display.close()
    except CONNECTION_LOST:
        LOG.debug("the connection to %s was lost before it was closed", display.get_display_name())


def ended_error(display_name: str) -> CaptureEnded:
    """The error that every waiting call raises once the X server is gone."""
    return CaptureEnded(
        f"the X server {display_name} has ended",
        remedy="Start it again, then start kasmcore again; its own log tells why it ended.",
    )


async def next_events(display: Display) -> list[rq.Event]:
    """Send what is queued, then wait until at least one event is there and return all of them.

    Returns at once when events were read already (a request reads them too). Cancelling loses
    nothing.

    Raises:
        CaptureEnded: the X server is gone.
    """
    name = display.get_display_name()
    await trio.lowlevel.checkpoint_if_cancelled()
    while True:
        try:
            display.flush()  # may read events into the queue, so it comes before the count
            waiting = display.pending_events()
            if waiting:
                return [display.next_event() for _ in range(waiting)]
            await trio.lowlevel.wait_readable(display.fileno())
        except (*CONNECTION_LOST, trio.ClosedResourceError) as problem:
            raise ended_error(name) from problem


@contextmanager
def _authority(authority_file: str) -> Iterator[None]:
    """Let python-xlib find the key: it looks nowhere but in ``XAUTHORITY``."""
    if not authority_file:
        yield
        return
    before = os.environ.get("XAUTHORITY")
    os.environ["XAUTHORITY"] = authority_file
    try:
        yield
    finally:
        if before is None:
            del os.environ["XAUTHORITY"]
        else:
            os.environ["XAUTHORITY"] = before


def _refused(name: str, authority_file: str, reason: object) -> PluginUnavailable:
    text = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
    return PluginUnavailable(
        f"the X display {name} cannot be opened: {text.strip()}",
        where=f"authority file {authority_file}" if authority_file else "",
        remedy="Check that it runs and that this user may connect to it.",
    )


def _new_display(name: str) -> Display:
    """Connect, with tables of events and errors that are right and this connection's own.

    python-xlib 0.33 keeps them in the class, where two servers' extensions collide, and registers
    extension errors at the core errors' codes: then any BadRequest or BadValue reply stops the
    connection for good.
    """
    tables = protocol_display.Display
    tables.event_classes = {**event.event_class}
    tables.error_classes = error.xerror_class.copy()
    tables.extension_major_opcodes = {}
    display = Display(name)
    inner = display.display
    inner.event_classes = tables.event_classes
    inner.extension_major_opcodes = tables.extension_major_opcodes
    inner.error_classes = error.xerror_class.copy()
    for extension, error_names in _EXTENSION_ERRORS.items():
        found = display.query_extension(extension)
        if found is not None:
            for offset, error_name in enumerate(error_names):
                kind = type(error_name, (error.XError,), {})
                inner.error_classes[found.first_error + offset] = kind
    return display


def _log_error(problem: error.XError, _request: rq.Request | None) -> int:
    LOG.warning("the X server refused a request: %s", problem)
    return 1
