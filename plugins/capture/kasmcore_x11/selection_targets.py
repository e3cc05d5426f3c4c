"""MIME types and the target names that X programs know them by. Pure.

Source: "Inter-Client Communication Conventions Manual" 2.0, section 2.6.2, for the text targets.
"""

from __future__ import annotations

import codecs
from collections.abc import Collection, Iterable

import attrs

from kasmcore.api import TEXT_MIME, ClipboardItem

#: What is carried, in the order in which it is offered.
MIME_TYPES = (TEXT_MIME, "text/html", "image/png", "chromium/x-web-custom-data")
_HTML = "text/html"

#: Names of text, the surest to be read rightly first.
_TEXT_TARGETS = (
    "UTF8_STRING",
    "text/plain;charset=utf-8",
    "text/plain;charset=UTF-8",
    "text/plain",
    "STRING",
    "TEXT",
)

#: Every name of a target or a property type that means something here.
KNOWN_NAMES = frozenset({*MIME_TYPES, *_TEXT_TARGETS, "COMPOUND_TEXT", "C_STRING"})


@attrs.frozen
class Representation:
    """Bytes as a requestor gets them for one target."""

    target: str
    type_name: str
    data: bytes = attrs.field(repr=lambda data: f"<{len(data)} bytes>")


def representations(items: Iterable[ClipboardItem]) -> list[Representation]:
    """Everything that these items can be asked for as."""
    found = []
    for item in items:
        if item.mime == TEXT_MIME:
            found += _text_representations(item.data)
        else:
            found.append(Representation(item.mime, item.mime, item.data))
    return found


def target_for(mime: str, offered: Collection[str]) -> str | None:
    """The target to ask an owner for; None when it does not offer this MIME type.

    Args:
        mime: one of `MIME_TYPES`.
        offered: names of the targets that the owner offers.
    """
    names = _TEXT_TARGETS if mime == TEXT_MIME else (mime,)
    return next((name for name in names if name in offered), None)


def item_from(mime: str, type_name: str, data: bytes) -> ClipboardItem | None:
    """The item that an owner sent; None when it is of an encoding that we do not read.

    Args:
        mime: what it was asked for as.
        type_name: type of the property in which it came.
        data: as it came.
    """
    if mime == TEXT_MIME:
        if type_name in ("COMPOUND_TEXT", "C_STRING"):
            return None
        text = _decoded(data, "latin-1" if type_name == "STRING" else "utf-8")
        return ClipboardItem(mime, text.encode()) if text else None
    if mime == _HTML:
        data = _decoded(data, "utf-8").encode()
    return ClipboardItem(mime, data) if data else None


def _text_representations(data: bytes) -> list[Representation]:
    text = data.decode("utf-8", errors="replace").replace("\r\n", "\n")
    utf8, latin1 = text.encode(), text.encode("latin-1", errors="replace")
    return [
        Representation(target, type_name, latin1 if type_name == "STRING" else utf8)
        for target, type_name in (
            ("UTF8_STRING", "UTF8_STRING"),
            ("text/plain;charset=utf-8", "text/plain;charset=utf-8"),
            ("text/plain", "text/plain"),
            ("TEXT", "UTF8_STRING"),
            ("STRING", "STRING"),
        )
    ]


def _decoded(data: bytes, encoding: str) -> str:
    """Text of bytes whose encoding is only probable; a byte order mark decides (Firefox's HTML)."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", errors="replace")
    return data.removeprefix(codecs.BOM_UTF8).decode(encoding, errors="replace").rstrip("\0")
