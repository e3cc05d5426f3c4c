"""One line for each request: who, what, how it ended; never a query, cookie or credential."""

from __future__ import annotations

import logging

import attrs
import trio

from kasmcore.server.gatekeeper import Visitor
from kasmcore.server.requests import RequestHead

_log = logging.getLogger("kasmcore.access")


@attrs.define
class AccessEntry:
    """What is known of a request so far."""

    head: RequestHead
    began_s: float
    user: str = attrs.field(default="-", init=False)

    def name(self, visitor: Visitor | None) -> None:
        """Note who sent it."""
        if visitor is not None:
            self.user = visitor.user.name


def log_access(entry: AccessEntry, status: int, body_bytes: int) -> None:
    """Write the line: ``address user "METHOD path" status bytes milliseconds``."""
    _log.info(
        '%s %s "%s %s" %d %d %.1fms',
        entry.head.source.address,
        ascii(entry.user)[1:-1],
        entry.head.method,
        entry.head.path,
        status,
        body_bytes,
        (trio.current_time() - entry.began_s) * 1000,
    )
