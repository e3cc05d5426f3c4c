"""Write ``messages.json``: bytes of the wire protocol that Python and JavaScript both read.

Run ``python -m tests.vectors.generate`` from the repository's root after a change of the protocol.

The file holds ``codecs`` (those that Welcome agreed on), ``messages`` (one message each: its name,
who sends it, its fields by the names of the protocol page, its bytes), ``streams`` (several
messages in one go, optional ones that nobody knows among them) and ``refused`` (bytes that end the
connection, with the reason). Bytes are hex; a field of bytes is hex too.
"""

from __future__ import annotations

import enum
import json
from pathlib import Path
from typing import Any

from kasmcore.protocol.codec import MessageEncoder
from kasmcore.protocol.fields import FieldType, ListOf, Record
from kasmcore.protocol.frame_wire import RECTANGLE_FIELDS, CodecTable, RectangleList
from kasmcore.protocol.messages import (
    AnnouncedItem,
    Attach,
    Attached,
    ClipboardChunk,
    ClipboardStart,
    Hello,
    Message,
    ResumeOffer,
    Welcome,
)
from kasmcore.protocol.table import LAYOUTS, Sender
from kasmcore.values.cursors import HIDDEN_CURSOR, CursorImage
from kasmcore.values.frames import (
    CopiedRectangle,
    EncodedFrame,
    EncodedRectangle,
    FrameOrder,
    FrameTimes,
    VideoRectangle,
)
from kasmcore.values.geometry import Rectangle, Size
from kasmcore.values.permissions import FULL_PERMISSIONS, Permission
from kasmcore.values.viewer_events import (
    FrameFailed,
    FrameShown,
    KeyEvent,
    KeysReleased,
    Locks,
    PictureSettings,
    Ping,
    PointerButton,
    PointerMoved,
    RefreshRequested,
    ResizeRequested,
    TextTyped,
    VideoPreference,
    WheelTurned,
)
from kasmcore.values.viewer_updates import (
    Farewell,
    FramesDropped,
    Notice,
    PermissionsChanged,
    Pong,
    Severity,
    ViewerStatistics,
)
from tests.vectors.refused import REFUSED, whole

VECTORS_FILE = Path(__file__).with_name("messages.json")
CODECS = CodecTable(("deflate", "jpeg", "webp"))
U32_MOST = 2**32 - 1
U16_MOST = 2**16 - 1

FROM_CLIENT: list[tuple[str, Message]] = [
    (
        "a browser",
        Hello(
            client_name="kasmcore web 0.1",
            codecs=("deflate", "webp", "jpeg"),
            features=("clipboard",),
            viewport_width=1920,
            viewport_height=1080,
            pixel_ratio_percent=150,
            wants_resize=True,
        ),
    ),
    ("nothing but what must be", Hello(client_name="", codecs=())),
    ("a name outside ASCII", Hello(client_name="Bürö 🖥", codecs=("jpeg",))),
    ("shown", FrameShown(serial=7, decode_us=2100, present_us=16_600, queued=0)),
    ("greatest numbers", FrameShown(U32_MOST, U32_MOST, U32_MOST, 255)),
    ("a codec failed", FrameFailed(serial=8, codec="webp", reason="truncated image")),
    ("no codec to blame", FrameFailed(serial=9, codec="", reason="out of memory")),
    ("texts of 255 bytes", FrameFailed(serial=1, codec="c" * 255, reason="ä" * 127 + "!")),
    ("refresh", RefreshRequested()),
    ("ping", Ping(token=0x01020304)),
    ("a token", Attach(token="x9_Zk3-0123456789abcd")),
    ("no token", Attach(token="")),
    ("a pressed", KeyEvent(pressed=True, keysym=0x61, code="KeyA", locks=Locks.NONE)),
    ("ä released", KeyEvent(False, 0xE4, "Quote", Locks.CAPS | Locks.NUM)),
    ("a Unicode keysym without a key", KeyEvent(True, 0x0101F600, "", Locks.SCROLL)),
    ("the longest code", KeyEvent(True, U32_MOST, "x" * 57, Locks(7))),
    ("composed text", TextTyped(text="漢字 🙂 é")),
    ("no text", TextTyped(text="")),
    ("the longest text", TextTyped(text="a" * 4094)),
    ("keys released", KeysReleased()),
    ("top left", PointerMoved(x=0, y=0)),
    ("moved", PointerMoved(x=640, y=360)),
    ("bottom right", PointerMoved(x=U16_MOST, y=U16_MOST)),
    ("left button down", PointerButton(button=1, pressed=True, x=10, y=20)),
    ("forward button up", PointerButton(button=9, pressed=False, x=300, y=400)),
    ("one notch down", WheelTurned(dx=0, dy=120, x=5, y=6)),
    ("least and greatest turn", WheelTurned(dx=-32768, dy=32767, x=1, y=2)),
    ("resize", ResizeRequested(Size(1280, 720))),
    ("smallest", ResizeRequested(Size(1, 1))),
    ("as the server is set", PictureSettings()),
    (
        "all of its own",
        PictureSettings(
            max_frame_rate=30,
            min_quality=0,
            max_quality=100,
            video=VideoPreference.WHOLE_SCREEN,
            exact_at_rest=False,
        ),
    ),
    ("text", ClipboardStart(transfer=1, items=(AnnouncedItem("text/plain", 5),))),
    (
        "two representations",
        ClipboardStart(
            transfer=U32_MOST,
            items=(AnnouncedItem("text/plain", 0), AnnouncedItem("image/png", 70_000)),
        ),
    ),
    ("cleared", ClipboardStart(transfer=2, items=())),
    ("text chunk", ClipboardChunk(transfer=1, item=0, data=b"hello")),
    ("no bytes", ClipboardChunk(transfer=1, item=0, data=b"")),
]

TIMES = FrameTimes(
    changed_s=12.5, captured_s=12.5012, damaged_s=12.502, planned_s=12.5025, encoded_s=12.5061
)
FROM_SERVER: list[tuple[str, Message]] = [
    (
        "welcome",
        Welcome(
            server_version="0.1.0",
            viewer_id=3,
            user_name="owner",
            permissions=FULL_PERMISSIONS,
            desktop_name=":1 on büro",
            codecs=("deflate", "jpeg", "webp"),
            size=Size(1920, 1080),
            maximum_clipboard_bytes=10_000_000,
            features=("clipboard", "resize"),
        ),
    ),
    (
        "least welcome",
        Welcome("", 0, "", Permission.NONE, "", (), Size(1, 1), maximum_clipboard_bytes=0),
    ),
    (
        "two rectangles",
        EncodedFrame(
            serial=1,
            size=Size(64, 48),
            rectangles=(
                EncodedRectangle(Rectangle(0, 0, 64, 32), "deflate", 100, b"\x01\x02\x03"),
                EncodedRectangle(Rectangle(16, 32, 8, 16), "webp", 73, b"\xff" * 5),
            ),
            times=TIMES,
        ),
    ),
    ("no rectangle", EncodedFrame(U32_MOST, Size(U16_MOST, U16_MOST), (), TIMES)),
    (
        "an empty payload in the last pixel",
        EncodedFrame(
            2, Size(2, 2), (EncodedRectangle(Rectangle(1, 1, 1, 1), "jpeg", 0, b""),), TIMES
        ),
    ),
    (
        "an image smaller than its rectangle",
        EncodedFrame(
            3,
            Size(64, 48),
            (EncodedRectangle(Rectangle(0, 0, 64, 48), "jpeg", 10, b"\x01\x02", Size(32, 24)),),
            TIMES,
        ),
    ),
    (
        "copies and packets of a video stream",
        EncodedFrame(
            4,
            Size(64, 48),
            (
                CopiedRectangle(Rectangle(0, 0, 60, 40), source_x=4, source_y=8),
                VideoRectangle(Rectangle(8, 8, 32, 32), "webp", 60, 258, True, False, b"\x01"),
                VideoRectangle(Rectangle(8, 8, 32, 32), "webp", 60, U16_MOST, False, True, b""),
            ),
            TIMES,
        ),
    ),
    ("a cursor", CursorImage(2, 1, 1, 0, bytes.fromhex("ff0000ff 00ff0080"))),
    ("hidden cursor", HIDDEN_CURSOR),
    ("notice", Notice(Severity.WARNING, "clipboard_refused", "Das dürfen Sie nicht.")),
    ("error", Notice(Severity.ERROR, "", "")),
    ("view only", PermissionsChanged(Permission.READ)),
    ("nothing", PermissionsChanged(Permission.NONE)),
    ("stopping", Farewell(reason="The server stops.", may_reconnect=True)),
    ("signed out", Farewell(reason="", may_reconnect=False)),
    ("pong", Pong(token=0x01020304)),
    ("goes on", Attached(received=258, next_serial=17)),
    ("after two", FrameOrder(serial=9, after_all=False, after=(3, U32_MOST))),
    ("after none", FrameOrder(serial=1, after_all=False)),
    ("after all before it", FrameOrder(serial=10, after_all=True)),
    ("after as many as there is room for", FrameOrder(300, False, tuple(range(255)))),
    ("three dropped", FramesDropped(serials=(4, 6, 7))),
    ("as many dropped as there is room for", FramesDropped(tuple(range(256)))),
    ("an offer to go on", ResumeOffer(token="x9_Zk3-0123456789abcd", grace_s=15)),
    ("statistics", ViewerStatistics(59.94, 1.25e6, 0.8, 4.5, skipped_frames=3, viewers=2)),
    ("text", ClipboardStart(transfer=1, items=(AnnouncedItem("text/plain", 3),))),
    ("chunk", ClipboardChunk(transfer=1, item=0, data=b"\x00\xff\x80")),
]


def lowered(value: Any, kind: FieldType) -> Any:
    """A wire field as JSON has it."""
    if isinstance(kind, RectangleList):
        return [
            {
                name: item.hex() if isinstance(item, bytes) else item
                for (name, _), item in zip(RECTANGLE_FIELDS, rectangle, strict=True)
            }
            for rectangle in value
        ]
    if isinstance(kind, Record):
        return {
            name: lowered(item, field)
            for item, (name, field) in zip(value, kind.fields, strict=True)
        }
    if isinstance(kind, ListOf):
        return [lowered(item, kind.item) for item in value]
    if isinstance(value, bytes):
        return value.hex()
    return value.value if isinstance(value, enum.Enum) else value


def fields_of(message: Message, sender: Sender) -> tuple[str, dict[str, Any]]:
    """A message's name and its fields as JSON has them."""
    row = next(row for row in LAYOUTS[sender] if row.message is type(message))
    values = row.take(message, CODECS) if row.needs_codecs else row.take(message)
    fields = {
        name: lowered(value, kind) for value, (name, kind) in zip(values, row.fields, strict=True)
    }
    return row.name, fields


def _entry(description: str, message: Message, sender: Sender) -> dict[str, Any]:
    encoder = MessageEncoder(sender)
    encoder.codecs = CODECS
    name, fields = fields_of(message, sender)
    return {
        "name": name,
        "description": description,
        "sender": sender.value,
        "fields": fields,
        "hex": encoder.encode(message).hex(),
    }


def _streams() -> list[dict[str, Any]]:
    encoder = MessageEncoder(Sender.CLIENT)
    moved = encoder.encode(PointerMoved(1, 2))
    ping = encoder.encode(Ping(5))
    unknown = whole(0xFE, b"from the future")
    return [
        {
            "description": description,
            "sender": Sender.CLIENT.value,
            "hex": b"".join(parts).hex(),
            "names": names,
        }
        for description, parts, names in (
            ("two messages", [moved, ping], ["PointerMoved", "Ping"]),
            (
                "an optional message that nobody knows",
                [moved, unknown, ping],
                ["PointerMoved", "Ping"],
            ),
            ("an empty optional message", [whole(0xFD, b""), ping], ["Ping"]),
            ("a message that has not wholly arrived", [ping, moved[:-1]], ["Ping"]),
            ("nothing", [], []),
        )
    ]


def vectors() -> dict[str, Any]:
    """The whole file."""
    messages = [_entry(text, message, Sender.CLIENT) for text, message in FROM_CLIENT]
    messages += [_entry(text, message, Sender.SERVER) for text, message in FROM_SERVER]
    refused = [
        {"description": text, "sender": sender.value, "hex": wire.hex()}
        for text, sender, wire in REFUSED
    ]
    return {
        "codecs": list(CODECS.names),
        "messages": messages,
        "streams": _streams(),
        "refused": refused,
    }


def as_text() -> str:
    """The file's text."""
    return json.dumps(vectors(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    VECTORS_FILE.write_text(as_text(), encoding="utf-8")
