"""Clipboard contents in both directions."""

from __future__ import annotations

import enum

import attrs

TEXT_MIME = "text/plain"


class ClipboardDirection(enum.Enum):
    """Which way clipboard contents travel."""

    TO_VIEWER = "server_to_client"
    FROM_VIEWER = "client_to_server"


@attrs.frozen
class ClipboardItem:
    """One representation of the clipboard; text is UTF-8."""

    mime: str
    data: bytes = attrs.field(repr=lambda data: f"<{len(data)} bytes>")


@attrs.frozen
class ClipboardOffer:
    """Contents as one side has them, all representations of one thing; not yet allowed to pass."""

    items: tuple[ClipboardItem, ...]


@attrs.frozen
class AllowedClipboard:
    """Contents that every DLP filter let pass: the only ones that may leave or enter."""

    items: tuple[ClipboardItem, ...]
