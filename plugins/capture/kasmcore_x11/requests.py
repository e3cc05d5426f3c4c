"""X requests that python-xlib lacks (MIT-SHM, XFixes regions) or is slow at (cursor image)."""

from __future__ import annotations

from typing import ClassVar

from Xlib.protocol import rq

MIT_SHM = "MIT-SHM"
XFIXES = "XFIXES"
DAMAGE = "DAMAGE"
RANDR = "RANDR"
XTEST = "XTEST"


class ShmAttach(rq.Request):
    """Let the server map a System V shared memory segment; BadAccess when it may not."""

    _request: ClassVar[rq.Struct] = rq.Struct(
        rq.Card8("opcode"),
        rq.Opcode(1),
        rq.RequestLength(),
        rq.Card32("shmseg"),
        rq.Card32("shmid"),
        rq.Bool("read_only"),
        rq.Pad(3),
    )


class ShmDetach(rq.Request):
    """Let the server unmap the segment."""

    _request: ClassVar[rq.Struct] = rq.Struct(
        rq.Card8("opcode"), rq.Opcode(2), rq.RequestLength(), rq.Card32("shmseg")
    )


class ShmGetImage(rq.ReplyRequest):
    """Copy a rectangle of a drawable into the segment, rows packed, from the offset on."""

    _request: ClassVar[rq.Struct] = rq.Struct(
        rq.Card8("opcode"),
        rq.Opcode(4),
        rq.RequestLength(),
        rq.Drawable("drawable"),
        rq.Int16("x"),
        rq.Int16("y"),
        rq.Card16("width"),
        rq.Card16("height"),
        rq.Card32("plane_mask"),
        rq.Card8("format"),
        rq.Pad(3),
        rq.Card32("shmseg"),
        rq.Card32("offset"),
    )
    _reply: ClassVar[rq.Struct] = rq.Struct(
        rq.ReplyCode(),
        rq.Card8("depth"),
        rq.Card16("sequence_number"),
        rq.ReplyLength(),
        rq.Card32("visual"),
        rq.Card32("size"),
        rq.Pad(16),
    )


class CreateRegion(rq.Request):
    """Make an empty region on the server."""

    _request: ClassVar[rq.Struct] = rq.Struct(
        rq.Card8("opcode"), rq.Opcode(5), rq.RequestLength(), rq.Card32("region")
    )


class FetchRegion(rq.ReplyRequest):
    """Read a region; ``rectangles`` are 8 bytes each: x, y int16, width, height uint16."""

    _request: ClassVar[rq.Struct] = rq.Struct(
        rq.Card8("opcode"), rq.Opcode(19), rq.RequestLength(), rq.Card32("region")
    )
    _reply: ClassVar[rq.Struct] = rq.Struct(
        rq.ReplyCode(),
        rq.Pad(1),
        rq.Card16("sequence_number"),
        rq.ReplyLength(),
        rq.Pad(24),
        rq.Binary("rectangles"),
    )


class GetCursorImage(rq.ReplyRequest):
    """Read the cursor; ``pixels`` are 4 bytes each: premultiplied blue, green, red, alpha."""

    _request: ClassVar[rq.Struct] = rq.Struct(rq.Card8("opcode"), rq.Opcode(4), rq.RequestLength())
    _reply: ClassVar[rq.Struct] = rq.Struct(
        rq.ReplyCode(),
        rq.Pad(1),
        rq.Card16("sequence_number"),
        rq.ReplyLength(),
        rq.Int16("x"),
        rq.Int16("y"),
        rq.Card16("width"),
        rq.Card16("height"),
        rq.Card16("hotspot_x"),
        rq.Card16("hotspot_y"),
        rq.Card32("cursor_serial"),
        rq.Pad(8),
        rq.Binary("pixels"),
    )
