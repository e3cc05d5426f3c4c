"""Write who came, who left and what a policy refused to a log of its own: ``kasmcore.events``.

Use it:  kasmcore run --set 'plugins.files=[event_log.py]'
"""

from __future__ import annotations

import logging

from kasmcore.api import Size, ViewerInfo, hookimpl

_log = logging.getLogger("kasmcore.events")


@hookimpl
def kasmcore_session_started(display: str, size: Size) -> None:
    """Log the start."""
    _log.info("session on %s started, %s", display, size)


@hookimpl
def kasmcore_session_ended(display: str, reason: str) -> None:
    """Log the end."""
    _log.info("session on %s ended: %s", display, reason)


@hookimpl
def kasmcore_viewer_joined(viewer: ViewerInfo) -> None:
    """Log who came."""
    _log.info("%s joined from %s over %s", viewer.user.name, viewer.address, viewer.transport)


@hookimpl
def kasmcore_viewer_left(viewer: ViewerInfo, reason: str) -> None:
    """Log who left."""
    _log.info("%s from %s left: %s", viewer.user.name, viewer.address, reason)


@hookimpl
def kasmcore_policy_refused(viewer: ViewerInfo, filter_name: str, topic: str) -> None:
    """Log what was refused, but not what it contained."""
    _log.info("%s stopped %s of %s", filter_name, topic, viewer.user.name)
