"""Messages to bytes and bytes to messages, for one direction of one connection."""

from __future__ import annotations

from typing import Generic, TypeVar, cast

from kasmcore.errors import RemoteProtocolError
from kasmcore.protocol.frame_wire import CodecTable
from kasmcore.protocol.layout import FIRST_OPTIONAL_KIND, HEADER, MessageLayout
from kasmcore.protocol.messages import Message, Welcome
from kasmcore.protocol.table import Sender, layouts_by_kind, layouts_by_message
from kasmcore.protocol.version import MAXIMUM_FRAME_BYTES

M = TypeVar("M", bound=Message)

_LAYOUTS_BY_KIND = {sender: layouts_by_kind(sender) for sender in Sender}
_LAYOUTS_BY_MESSAGE = {sender: layouts_by_message(sender) for sender in Sender}


class MessageEncoder:
    """Turns messages of one side into bytes. Frames need the codecs of a Welcome before them."""

    def __init__(self, sender: Sender) -> None:
        self.codecs = CodecTable()
        """What the last Welcome agreed on."""
        self._layouts = _LAYOUTS_BY_MESSAGE[sender]

    def encode(self, message: Message) -> bytes:
        """The whole message with its header; a frame's payloads are copied once.

        Raises:
            ValueError: this side does not send such messages, or a field does not fit its type.
        """
        layout = self._layouts.get(type(message))
        if layout is None:
            raise ValueError(f"{type(message).__name__} is not for this side to send")
        if isinstance(message, Welcome):
            self.codecs = CodecTable(message.codecs)
        return layout.write(message, self.codecs)


class MessageDecoder(Generic[M]):
    """Turns a byte stream of one side, cut anywhere, into messages.

    Holds at most one message that has not wholly arrived: its length is checked against its kind
    before any of it is kept. After an error it must not be used again.
    """

    def __init__(self, sender: Sender) -> None:
        self.codecs = CodecTable()
        """What the last Welcome agreed on; Frames name these."""
        self._layouts = _LAYOUTS_BY_KIND[sender]
        self._kept = bytearray()
        self._to_skip = 0

    @property
    def kept_bytes(self) -> int:
        """Bytes held of a message that has not wholly arrived."""
        return len(self._kept)

    def decode(self, data: bytes) -> list[M]:
        """The messages that ``data`` completes, in their order.

        Raises:
            RemoteProtocolError: an unknown kind, a message that is too long or malformed.
        """
        if not self._kept:
            messages, used = self._decode_whole(memoryview(data))
            self._kept += memoryview(data)[used:]
            return messages
        self._kept += data
        with memoryview(self._kept) as view:
            messages, used = self._decode_whole(view)
        del self._kept[:used]
        return messages

    def _decode_whole(self, view: memoryview) -> tuple[list[M], int]:
        """Decode all whole messages; return them and how many bytes are done with."""
        messages: list[M] = []
        position = 0
        while True:
            if self._to_skip:
                skipped = min(self._to_skip, len(view) - position)
                self._to_skip -= skipped
                position += skipped
            if len(view) - position < HEADER.size:
                return messages, position
            kind, length = HEADER.unpack_from(view, position)
            layout = self._layout_for(kind, length)
            start = position + HEADER.size
            if layout is None:
                self._to_skip = length
                position = start
            elif len(view) - start < length:
                return messages, position
            else:
                position = start + length
                message = layout.read(view[start:position], self.codecs)
                if isinstance(message, Welcome):
                    self.codecs = CodecTable(message.codecs)
                messages.append(cast("M", message))

    def _layout_for(self, kind: int, length: int) -> MessageLayout | None:
        """The layout of a kind, None to skip it, an error when it must not come or is too long."""
        layout = self._layouts.get(kind)
        if layout is None and kind < FIRST_OPTIONAL_KIND:
            raise RemoteProtocolError(f"message kind 0x{kind:02x} is unknown")
        maximum_bytes = MAXIMUM_FRAME_BYTES if layout is None else layout.maximum_bytes
        if length > maximum_bytes:
            name = f"message 0x{kind:02x}" if layout is None else layout.name
            raise RemoteProtocolError(f"{name} of {length} bytes, the most is {maximum_bytes}")
        return layout
