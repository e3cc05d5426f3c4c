"""Bytes that end a connection, each with who sends them and why they are refused."""

from __future__ import annotations

import struct

from kasmcore.protocol.table import Sender


def _header(kind: int, length: int) -> bytes:
    return struct.pack(">BI", kind, length)


def whole(kind: int, payload: bytes) -> bytes:
    """A message with its header."""
    return _header(kind, len(payload)) + payload


def _frame(rectangle: bytes, size: bytes = b"\0\x40\0\x30") -> bytes:
    head = bytes(4) + size + struct.pack(">d", 1.0) + bytes(16)
    return whole(0x42, head + b"\0\1" + rectangle)


def _rectangle(
    operation: int = 0,
    *,
    x: int = 0,
    width: int = 1,
    codec: int = 0,
    quality: int = 100,
    payload: bytes = b"",
) -> bytes:
    """A frame of one rectangle, one pixel high, at the top."""
    numbers = (operation, x, 0, width, 1, codec, quality, len(payload))
    return _frame(struct.pack(">BHHHHBBI", *numbers) + payload)


REFUSED: list[tuple[str, Sender, bytes]] = [
    ("an unknown kind", Sender.CLIENT, whole(0x7F, b"")),
    ("kind 0", Sender.CLIENT, whole(0, b"")),
    ("a server's message from the client", Sender.CLIENT, whole(0x47, bytes(4))),
    ("a client's message from the server", Sender.SERVER, whole(0x13, bytes(4))),
    ("too long for its kind, header only", Sender.CLIENT, _header(0x11, 4097)),
    ("a frame over 16 MiB, header only", Sender.SERVER, _header(0x42, 2**24 + 1)),
    ("an unknown optional message over 16 MiB", Sender.CLIENT, _header(0xFF, 2**24 + 1)),
    ("a payload where there is none", Sender.CLIENT, whole(0x04, b"\0")),
    ("fixed fields too short", Sender.CLIENT, whole(0x13, bytes(3))),
    ("bytes left over after a text", Sender.CLIENT, whole(0x11, b"\0\1ab")),
    ("a text longer than the message", Sender.CLIENT, whole(0x11, b"\0\5abc")),
    ("a text that is not UTF-8", Sender.CLIENT, whole(0x11, b"\0\2\xc3\x28")),
    ("a text with a surrogate", Sender.CLIENT, whole(0x11, b"\0\3\xed\xa0\x80")),
    ("a text with NUL", Sender.CLIENT, whole(0x11, b"\0\3a\0b")),
    ("a bool of 2", Sender.CLIENT, whole(0x14, b"\1\2\0\0\0\0")),
    ("an unknown lock", Sender.CLIENT, whole(0x10, b"\1\0\0\0\x61\0\x08")),
    ("a width of 0", Sender.CLIENT, whole(0x20, b"\0\0\0\5")),
    ("a list longer than the message", Sender.CLIENT, whole(0x30, b"\0\0\0\1\2\1a\0\0\0\1")),
    ("a blob longer than the message", Sender.CLIENT, whole(0x31, bytes(5) + b"\xff" * 4)),
    ("another protocol version", Sender.CLIENT, whole(0x01, b"\0\2future layout")),
    ("a quality over 100 in settings", Sender.CLIENT, whole(0x80, b"\0\0\x65\xff\0\1")),
    ("an unknown video preference", Sender.CLIENT, whole(0x80, b"\0\0\xff\xff\3\1")),
    ("an unknown severity", Sender.SERVER, whole(0x44, b"\3\0\0\0")),
    ("an unknown permission", Sender.SERVER, whole(0x45, b"\x08")),
    ("an f64 that is not a number", Sender.SERVER, whole(0xC0, b"\x7f\xf8" + bytes(36))),
    ("an infinite f64", Sender.SERVER, whole(0xC0, b"\x7f\xf0" + bytes(36))),
    ("a cursor with too few pixels", Sender.SERVER, whole(0x43, b"\0\2\0\1" + bytes(8))),
    ("a codec that was not agreed on", Sender.SERVER, _rectangle(codec=3)),
    ("an unknown operation", Sender.SERVER, _rectangle(4)),
    ("a copy without its source", Sender.SERVER, _rectangle(1, quality=0, payload=bytes(3))),
    (
        "a copy from beyond the framebuffer",
        Sender.SERVER,
        _rectangle(1, width=2, quality=0, payload=b"\0\x3f\0\0"),
    ),
    ("a video packet without its head", Sender.SERVER, _rectangle(2, payload=bytes(2))),
    ("a scaled image without its size", Sender.SERVER, _rectangle(3, payload=bytes(3))),
    ("a scaled image without a pixel", Sender.SERVER, _rectangle(3, payload=bytes(4))),
    ("a rectangle that leaves the framebuffer", Sender.SERVER, _rectangle(x=60, width=5)),
    ("a rectangle without a pixel", Sender.SERVER, _rectangle(width=0)),
    ("a quality over 100", Sender.SERVER, _rectangle(quality=101)),
    ("a framebuffer without a pixel", Sender.SERVER, whole(0x42, bytes(16) + bytes(16) + b"\0\0")),
    ("fewer rectangles than announced", Sender.SERVER, _frame(b"")),
]
