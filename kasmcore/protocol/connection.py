"""Both sides of a connection: what may be said when. No I/O, clock or task; the caller has those.

Bytes of all lanes go into one ``receive_data``; a transport that cuts messages keeps a decoder for
each lane of its own.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar

from kasmcore.errors import ConnectionEnded, RemoteProtocolError
from kasmcore.protocol.clipboard_transfer import TransferAssembler, TransferRefused, cut_transfer
from kasmcore.protocol.codec import MessageDecoder, MessageEncoder
from kasmcore.protocol.messages import (
    Attach,
    Attached,
    ClientMessage,
    ClipboardChunk,
    ClipboardStart,
    Hello,
    Message,
    ResumeOffer,
    ServerMessage,
    Welcome,
)
from kasmcore.protocol.table import Sender
from kasmcore.values.clipboard import AllowedClipboard, ClipboardItem, ClipboardOffer
from kasmcore.values.frames import FrameOrder
from kasmcore.values.viewer_events import ClipboardReceived, ViewerEvent
from kasmcore.values.viewer_updates import Farewell, ViewerUpdate

T = TypeVar("T")
Incoming = TypeVar("Incoming", bound=Message)
_U32 = 2**32


class Phase(enum.Enum):
    """How far a connection is."""

    BEFORE_HELLO = "before Hello"
    BEFORE_WELCOME = "before Welcome"
    BEFORE_ATTACHED = "before Attached"
    OPEN = "while the connection was open"
    ENDED = "after Farewell"


class _Side(Generic[Incoming]):
    """What both sides share: phase, codec and clipboard transfers."""

    def __init__(self, sender: Sender, peer: Sender, maximum_clipboard_bytes: int) -> None:
        self.phase = Phase.BEFORE_HELLO
        self._encoder = MessageEncoder(sender)
        self._decoder = MessageDecoder[Incoming](peer)
        self._assembler = TransferAssembler(maximum_clipboard_bytes)
        self._next_transfer = 0

    @property
    def kept_bytes(self) -> int:
        """Bytes held of messages and transfers that have not wholly arrived."""
        return self._decoder.kept_bytes + self._assembler.kept_bytes

    def clipboard_messages(self, items: Sequence[ClipboardItem]) -> Iterator[bytes]:
        """The messages of one clipboard transfer, made as they are sent.

        Beginning another one makes the peer forget this one: then stop sending it.

        Raises:
            ValueError: an item's MIME type is too long, or there are too many items.
            ConnectionEnded: the connection is not open.
        """
        transfer, self._next_transfer = self._next_transfer, (self._next_transfer + 1) % _U32
        for message in cut_transfer(transfer, items):
            yield self._encode_open(message)

    def _encode_open(self, message: Message) -> bytes:
        if self.phase is not Phase.OPEN:
            raise ConnectionEnded(f"{type(message).__name__} cannot be sent {self.phase.value}")
        return self._encoder.encode(message)

    def _assemble(
        self,
        message: ClipboardStart | ClipboardChunk,
        wrap: Callable[[tuple[ClipboardItem, ...]], T],
    ) -> list[T | TransferRefused]:
        """What the message completes: nothing, a transfer's contents or a refusal."""
        if isinstance(message, ClipboardStart):
            result = self._assembler.begin(message)
        else:
            result = self._assembler.add(message)
        if result is None:
            return []
        return [result if isinstance(result, TransferRefused) else wrap(result)]

    def _refuse(self, message: Message) -> RemoteProtocolError:
        return RemoteProtocolError(f"{type(message).__name__} came {self.phase.value}")


def _received_clipboard(items: tuple[ClipboardItem, ...]) -> ClipboardReceived:
    return ClipboardReceived(ClipboardOffer(items))


ServerReceived = Hello | Attach | ViewerEvent | TransferRefused
ClientReceived = Welcome | ResumeOffer | Attached | FrameOrder | ViewerUpdate | TransferRefused


class ServerConnection(_Side[ClientMessage]):
    """The server's side: Hello comes in, Welcome or Farewell answers it, then all else."""

    def __init__(self) -> None:
        super().__init__(Sender.SERVER, Sender.CLIENT, maximum_clipboard_bytes=0)
        self._was_attached = False

    def receive_data(self, data: bytes) -> list[ServerReceived]:
        """What the client said, as far as it has wholly arrived.

        Raises:
            RemoteProtocolError: it broke the protocol; the connection is to be ended.
        """
        received: list[ServerReceived] = []
        for message in self._decoder.decode(data):
            if isinstance(message, Attach):
                if self.phase is not Phase.BEFORE_HELLO or self._was_attached:
                    raise self._refuse(message)
                self._was_attached = True
                received.append(message)
            elif isinstance(message, Hello):
                if self.phase is not Phase.BEFORE_HELLO:
                    raise self._refuse(message)
                self.phase = Phase.BEFORE_WELCOME
                received.append(message)
            elif self.phase is not Phase.OPEN:
                raise self._refuse(message)
            elif isinstance(message, ClipboardStart | ClipboardChunk):
                received += self._assemble(message, _received_clipboard)
            else:
                received.append(message)
        return received

    def welcome(self, welcome: Welcome) -> bytes:
        """The answer to Hello: the connection is open.

        Raises:
            ConnectionEnded: there was no Hello, or it was answered.
        """
        if self.phase is not Phase.BEFORE_WELCOME:
            raise ConnectionEnded(f"Welcome cannot be sent {self.phase.value}")
        self.phase = Phase.OPEN
        self._assembler = TransferAssembler(welcome.maximum_clipboard_bytes)
        return self._encoder.encode(welcome)

    def attached(self, answer: Attached) -> bytes:
        """Go on with another connection: what had not wholly arrived is forgotten.

        Raises:
            ConnectionEnded: the connection is not open.
        """
        answered = self._encode_open(answer)
        self._decoder = MessageDecoder[ClientMessage](Sender.CLIENT)
        self._assembler = TransferAssembler(self._assembler.maximum_bytes)
        return answered

    def send(self, message: ServerMessage) -> bytes:
        """Any other message; after Farewell, which may come at any time, nothing can be sent.

        Raises:
            ConnectionEnded: the connection is not open.
            ValueError: a field does not fit its type.
        """
        if isinstance(message, Farewell) and self.phase is not Phase.ENDED:
            self.phase = Phase.ENDED
            return self._encoder.encode(message)
        return self._encode_open(message)


class ClientConnection(_Side[ServerMessage]):
    """The client's side: Hello goes out, Welcome or Farewell comes in, then all else."""

    def __init__(self, maximum_clipboard_bytes: int) -> None:
        super().__init__(Sender.CLIENT, Sender.SERVER, maximum_clipboard_bytes)
        self._codecs: tuple[str, ...] = ()

    def ticket(self, token: str) -> bytes:
        """What comes before Hello where the connection was not let in by a login.

        Raises:
            ConnectionEnded: Hello was sent.
        """
        if self.phase is not Phase.BEFORE_HELLO:
            raise ConnectionEnded(f"Attach cannot be sent {self.phase.value}")
        return self._encoder.encode(Attach(token))

    def attach(self, token: str) -> tuple[ClientConnection, bytes]:
        """Go on with this session on another connection.

        Returns: its side there, which is open once Attached has arrived, and the first message.
        """
        other = ClientConnection(self._assembler.maximum_bytes)
        other.phase = Phase.BEFORE_ATTACHED
        other._codecs = self._codecs
        other._next_transfer = self._next_transfer
        other._encoder.codecs = self._encoder.codecs
        other._decoder.codecs = self._decoder.codecs
        return other, other._encoder.encode(Attach(token))

    def hello(self, hello: Hello) -> bytes:
        """The first message.

        Raises:
            ConnectionEnded: it was sent before.
        """
        if self.phase is not Phase.BEFORE_HELLO:
            raise ConnectionEnded(f"Hello cannot be sent {self.phase.value}")
        self.phase = Phase.BEFORE_WELCOME
        self._codecs = hello.codecs
        return self._encoder.encode(hello)

    def send(self, message: ClientMessage) -> bytes:
        """Any other message.

        Raises:
            ConnectionEnded: the connection is not open.
            ValueError: a field does not fit its type.
        """
        return self._encode_open(message)

    def receive_data(self, data: bytes) -> list[ClientReceived]:
        """What the server said, as far as it has wholly arrived.

        Raises:
            RemoteProtocolError: it broke the protocol; the connection is to be ended.
        """
        received: list[ClientReceived] = []
        for message in self._decoder.decode(data):
            if isinstance(message, Welcome):
                self._accept(message)
                received.append(message)
            elif isinstance(message, Attached):
                if self.phase is not Phase.BEFORE_ATTACHED:
                    raise self._refuse(message)
                self.phase = Phase.OPEN
                received.append(message)
            elif isinstance(message, Farewell) and self.phase is not Phase.ENDED:
                self.phase = Phase.ENDED
                received.append(message)
            elif self.phase is not Phase.OPEN:
                raise self._refuse(message)
            elif isinstance(message, ClipboardStart | ClipboardChunk):
                received += self._assemble(message, AllowedClipboard)
            else:
                received.append(message)
        return received

    def _accept(self, welcome: Welcome) -> None:
        if self.phase is not Phase.BEFORE_WELCOME:
            raise self._refuse(welcome)
        unknown = set(welcome.codecs) - set(self._codecs)
        if unknown:
            raise RemoteProtocolError(f"Welcome names codecs that were not offered: {unknown}")
        self.phase = Phase.OPEN
