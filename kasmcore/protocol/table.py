"""All messages, for each direction: the protocol page in Python; a test compares the two."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any, cast

import attrs

from kasmcore.errors import RemoteProtocolError
from kasmcore.protocol.fields import (
    BLOB32,
    BOOL,
    F64,
    I16,
    TEXT8,
    TEXT16,
    U8,
    U16,
    U32,
    Enumerated,
    FieldType,
    ListOf,
    Record,
)
from kasmcore.protocol.frame_wire import FRAME_FIELDS, frame_from_wire, frame_to_wire
from kasmcore.protocol.layout import MessageLayout, Values, layout
from kasmcore.protocol.messages import (
    AnnouncedItem,
    Attach,
    Attached,
    ClipboardChunk,
    ClipboardStart,
    Hello,
    ResumeOffer,
    Welcome,
)
from kasmcore.protocol.version import MAXIMUM_CHUNK_BYTES, MAXIMUM_FRAME_BYTES, PROTOCOL_VERSION
from kasmcore.values.cursors import CursorImage
from kasmcore.values.frames import EncodedFrame, FrameOrder
from kasmcore.values.geometry import Size
from kasmcore.values.permissions import Permission
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

KIB = 2**10
MIB = 2**20
CHUNK_HEAD_BYTES = 9
CURSOR_HEAD_BYTES = 12
TEXTS8 = ListOf(U8, TEXT8)
PERMISSIONS = Enumerated(Permission, most=7)
LOCKS = Enumerated(Locks, most=7)
SEVERITY = Enumerated(Severity, most=2)
VIDEO_PREFERENCE = Enumerated(VideoPreference, most=2)
MOST_QUALITY = 100
SERVERS_QUALITY = 255
"""Stands for the quality that the server is set to."""


class Sender(enum.Enum):
    """The side that a message comes from."""

    CLIENT = "client"
    SERVER = "server"


def _check_version(payload: memoryview) -> None:
    version = int.from_bytes(payload[: U16.layout.size], "big")
    if len(payload) >= U16.layout.size and version != PROTOCOL_VERSION:
        raise RemoteProtocolError(
            f"the peer speaks protocol version {version}, this side {PROTOCOL_VERSION}",
            remedy="Reload the page, or update the older side.",
        )


def _make_size(width: Any, height: Any) -> Size:
    if not width or not height:
        raise RemoteProtocolError(f"a size is {width}x{height}")
    return Size(width, height)


def _make_resize(values: Values) -> ResizeRequested:
    return ResizeRequested(_make_size(*values))


def _make_welcome(values: Values) -> Welcome:
    fields: dict[str, Any] = dict(zip(_WELCOME_FIELDS, values, strict=True))
    return Welcome(size=_make_size(fields.pop("width"), fields.pop("height")), **fields)


def _make_cursor(values: Values) -> CursorImage:
    width, height, hotspot_x, hotspot_y, rgba = cast("tuple[int, int, int, int, bytes]", values)
    if len(rgba) != width * height * 4:
        raise RemoteProtocolError(f"{len(rgba)} bytes are no RGBA image of {width}x{height}")
    return CursorImage(width, height, hotspot_x, hotspot_y, rgba)


def _take_clipboard_start(start: ClipboardStart) -> Values:
    return start.transfer, tuple((item.mime, item.size) for item in start.items)


def _make_clipboard_start(values: Values) -> ClipboardStart:
    transfer, items = cast("tuple[int, tuple[tuple[str, int], ...]]", values)
    return ClipboardStart(transfer, tuple(AnnouncedItem(*item) for item in items))


def _take_picture_settings(settings: PictureSettings) -> Values:
    qualities = (settings.min_quality, settings.max_quality)
    return (
        settings.max_frame_rate or 0,
        *(SERVERS_QUALITY if quality is None else quality for quality in qualities),
        settings.video,
        settings.exact_at_rest,
    )


def _make_picture_settings(values: Values) -> PictureSettings:
    rate, least, most, video, exact = cast("tuple[int, int, int, VideoPreference, bool]", values)
    return PictureSettings(
        max_frame_rate=rate or None,
        min_quality=_make_quality(least),
        max_quality=_make_quality(most),
        video=video,
        exact_at_rest=exact,
    )


def _make_quality(number: int) -> int | None:
    if MOST_QUALITY < number < SERVERS_QUALITY:
        raise RemoteProtocolError(f"a quality is {number}")
    return None if number == SERVERS_QUALITY else number


_WELCOME_FIELDS: Mapping[str, FieldType] = {
    "protocol_version": U16,
    "server_version": TEXT8,
    "viewer_id": U32,
    "user_name": TEXT8,
    "permissions": PERMISSIONS,
    "desktop_name": TEXT8,
    "codecs": TEXTS8,
    "features": TEXTS8,
    "width": U16,
    "height": U16,
    "maximum_clipboard_bytes": U32,
}

_HELLO = layout(
    0x01,
    Hello,
    8 * KIB,
    ("protocol_version", U16),
    ("client_name", TEXT8),
    ("codecs", TEXTS8),
    ("features", TEXTS8),
    ("viewport_width", U16),
    ("viewport_height", U16),
    ("pixel_ratio_percent", U16),
    ("wants_resize", BOOL),
)
_WELCOME = layout(0x41, Welcome, 16 * KIB, *_WELCOME_FIELDS.items(), make=_make_welcome)
_FRAME = MessageLayout(
    0x42,
    "Frame",
    EncodedFrame,
    MAXIMUM_FRAME_BYTES,
    FRAME_FIELDS,
    frame_to_wire,
    frame_from_wire,
    needs_codecs=True,
)
_CLIPBOARD = (
    MessageLayout(
        0x30,
        "ClipboardStart",
        ClipboardStart,
        4 * KIB,
        (("transfer", U32), ("items", ListOf(U8, Record((("mime", TEXT8), ("size", U32)))))),
        _take_clipboard_start,
        _make_clipboard_start,
    ),
    layout(
        0x31,
        ClipboardChunk,
        MAXIMUM_CHUNK_BYTES + CHUNK_HEAD_BYTES,
        ("transfer", U32),
        ("item", U8),
        ("data", BLOB32),
    ),
)

LAYOUTS: Mapping[Sender, tuple[MessageLayout, ...]] = {
    Sender.CLIENT: (
        attrs.evolve(_HELLO, check_start=_check_version),
        layout(
            0x02,
            FrameShown,
            13,
            ("serial", U32),
            ("decode_us", U32),
            ("present_us", U32),
            ("queued", U8),
        ),
        layout(0x03, FrameFailed, 516, ("serial", U32), ("codec", TEXT8), ("reason", TEXT8)),
        layout(0x04, RefreshRequested, 0),
        layout(0x05, Ping, 4, ("token", U32)),
        layout(0x06, Attach, 256, ("token", TEXT8)),
        layout(
            0x10,
            KeyEvent,
            64,
            ("pressed", BOOL),
            ("keysym", U32),
            ("code", TEXT8),
            ("locks", LOCKS),
        ),
        layout(0x11, TextTyped, 4 * KIB, ("text", TEXT16)),
        layout(0x12, KeysReleased, 0),
        layout(0x13, PointerMoved, 4, ("x", U16), ("y", U16)),
        layout(0x14, PointerButton, 6, ("button", U8), ("pressed", BOOL), ("x", U16), ("y", U16)),
        layout(0x15, WheelTurned, 8, ("dx", I16), ("dy", I16), ("x", U16), ("y", U16)),
        layout(0x20, ResizeRequested, 4, ("width", U16), ("height", U16), make=_make_resize),
        MessageLayout(
            0x80,
            "PictureSettings",
            PictureSettings,
            6,
            (
                ("max_frame_rate", U16),
                ("min_quality", U8),
                ("max_quality", U8),
                ("video", VIDEO_PREFERENCE),
                ("exact_at_rest", BOOL),
            ),
            _take_picture_settings,
            _make_picture_settings,
        ),
        *_CLIPBOARD,
    ),
    Sender.SERVER: (
        attrs.evolve(_WELCOME, check_start=_check_version),
        _FRAME,
        layout(
            0x43,
            CursorImage,
            MIB + CURSOR_HEAD_BYTES,
            ("width", U16),
            ("height", U16),
            ("hotspot_x", U16),
            ("hotspot_y", U16),
            ("rgba", BLOB32),
            make=_make_cursor,
        ),
        layout(0x44, Notice, 4 * KIB, ("severity", SEVERITY), ("topic", TEXT8), ("text", TEXT16)),
        layout(0x45, PermissionsChanged, 1, ("permissions", PERMISSIONS)),
        layout(0x46, Farewell, 4 * KIB, ("reason", TEXT16), ("may_reconnect", BOOL)),
        layout(0x47, Pong, 4, ("token", U32)),
        layout(0x48, Attached, 8, ("received", U32), ("next_serial", U32)),
        layout(
            0x49,
            FrameOrder,
            5 + 1 + 255 * 4,
            ("serial", U32),
            ("after_all", BOOL),
            ("after", ListOf(U8, U32)),
        ),
        layout(0x4A, FramesDropped, KIB + 2, ("serials", ListOf(U16, U32))),
        layout(
            0xC0,
            ViewerStatistics,
            38,
            ("frames_per_s", F64),
            ("bytes_per_s", F64),
            ("round_trip_ms", F64),
            ("encode_ms", F64),
            ("skipped_frames", U32),
            ("viewers", U16),
        ),
        layout(0xC1, ResumeOffer, 258, ("token", TEXT8), ("grace_s", U16)),
        *_CLIPBOARD,
    ),
}


def layouts_by_kind(sender: Sender) -> dict[int, MessageLayout]:
    """The messages that this side may send, by kind."""
    return {row.kind: row for row in LAYOUTS[sender]}


def layouts_by_message(sender: Sender) -> dict[type, MessageLayout]:
    """The messages that this side may send, by class."""
    return {row.message: row for row in LAYOUTS[sender]}
