"""A server that sends exactly the frames that a test says, to the real page."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.server
import json
import queue
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection

from kasmcore.protocol.codec import MessageDecoder, MessageEncoder
from kasmcore.protocol.counted import COUNTED
from kasmcore.protocol.frame_wire import CodecTable
from kasmcore.protocol.messages import Attach, Attached, Hello, Message, ResumeOffer, Welcome
from kasmcore.protocol.table import Sender
from kasmcore.protocol.version import FEATURE_RESUME, SUBPROTOCOL
from kasmcore.values.frames import EncodedFrame, FramePart, FrameTimes
from kasmcore.values.geometry import Size
from kasmcore.values.permissions import FULL_PERMISSIONS
from kasmcore.values.viewer_events import FrameFailed, FrameShown, KeyEvent, PictureSettings, Ping
from kasmcore.values.viewer_updates import Farewell, Pong

CLIENT = Path(__file__).resolve().parents[2] / "www"
ANSWER_LIMIT_S = 20.0
_WEBSOCKET_KEY = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
}
_STAGES_S = (0.0, 0.001, 0.0015, 0.002, 0.004)

Answer = FrameShown | FrameFailed


def _times(serial: int) -> FrameTimes:
    """A desktop that changes every second."""
    return FrameTimes(*(serial + stage_s for stage_s in _STAGES_S))


@attrs.define(eq=False)
class ScriptedViewer:
    """One session of the page: what the server says to it, and what it answered."""

    hello: Hello
    _socket: socket.socket
    _connection: Connection
    _encoder: MessageEncoder
    _serial: int = 0
    _answers: queue.SimpleQueue[Answer] = attrs.field(factory=queue.SimpleQueue)
    _wishes: queue.SimpleQueue[PictureSettings] = attrs.field(factory=queue.SimpleQueue)
    received: int = 0
    """Counted messages, over all connections."""
    moves: int = 0
    """How often the page went on over another connection."""
    pressed: list[str] = attrs.field(factory=list)
    """Keys in the order in which they were pressed, by their place on the keyboard."""
    is_deaf: bool = False
    """True: the network swallows what the page says on this connection."""

    def move(self, to: socket.socket, connection: Connection, token: str) -> None:
        """Go on over another connection."""
        old, self._socket, self._connection = self._socket, to, connection
        self.moves += 1
        self.is_deaf = False
        self.tell(Attached(self.received, self._serial + 1), ResumeOffer(token, 15))
        with contextlib.suppress(OSError):
            old.shutdown(socket.SHUT_RDWR)

    def uses(self, connected: socket.socket) -> bool:
        """True while the session runs over this connection."""
        return self._socket is connected

    def tell(self, *messages: Message) -> None:
        """Send messages in one piece."""
        data = b"".join(self._encoder.encode(message) for message in messages)
        self._socket.sendall(self._connection.send(BytesMessage(data)))

    def send(self, size: Size, *frames: tuple[FramePart, ...]) -> list[EncodedFrame]:
        """Send frames of these parts in one piece; their answers are not waited for."""
        sent = []
        for parts in frames:
            self._serial += 1
            sent.append(EncodedFrame(self._serial, size, parts, _times(self._serial)))
        self.tell(*sent)
        return sent

    def next_answer(self) -> Answer:
        """What the page said to the oldest frame that is not answered yet."""
        return self._answers.get(timeout=ANSWER_LIMIT_S)

    def next_wish(self) -> PictureSettings:
        """How the page wants the picture, as it said next."""
        return self._wishes.get(timeout=ANSWER_LIMIT_S)

    def show(self, size: Size, *parts: FramePart) -> EncodedFrame:
        """Send one frame and wait until it is shown."""
        (frame,) = self.send(size, parts)
        answer = self.next_answer()
        assert isinstance(answer, FrameShown), answer
        assert answer.serial == frame.serial
        return frame

    def take(self, message: Message) -> None:
        """Note what the page said."""
        if self.is_deaf:
            return
        self.received += isinstance(message, COUNTED)
        if isinstance(message, KeyEvent) and message.pressed:
            self.pressed.append(message.code)
        elif isinstance(message, Ping):
            self.tell(Pong(message.token))
        elif isinstance(message, FrameShown | FrameFailed):
            self._answers.put(message)
        elif isinstance(message, PictureSettings):
            self._wishes.put(message)

    def close(self) -> None:
        """Break the connection off."""
        self._socket.shutdown(socket.SHUT_RDWR)


@attrs.define(eq=False)
class ScriptedServer:
    """Serves the client's files, and whoever connects is ``next_viewer``."""

    codecs: tuple[str, ...]
    size: Size
    offers_resuming: bool = False
    is_closed: bool = False
    """True: no connection is accepted, but the page and what it asks are there."""
    url: str = ""
    _viewers: queue.SimpleQueue[ScriptedViewer] = attrs.field(factory=queue.SimpleQueue)
    _tokens: dict[str, ScriptedViewer] = attrs.field(factory=dict)
    close_codes: list[int] = attrs.field(factory=list)
    """With which the page closed its connections."""

    def forget_sessions(self) -> None:
        """No token is good any more."""
        self._tokens.clear()

    def next_viewer(self) -> ScriptedViewer:
        """The page's next connection; it is welcome already."""
        return self._viewers.get(timeout=ANSWER_LIMIT_S)

    def describe(self) -> bytes:
        """``api/client``."""
        info = {
            "version": "0",
            "desktop_name": "script",
            "user": {"name": "", "permissions": ["read", "write", "owner"]},
            "login_required": False,
            "transports": [{"name": "websocket", "path": "ws"}],
            "decoders": dict.fromkeys(self.codecs),
        }
        return json.dumps(info).encode()

    def serve(self, connected: socket.socket) -> None:
        """Welcome one connection, or let a session go on over it, and read it to its end."""
        connection = Connection(ConnectionType.SERVER)
        decoder: MessageDecoder[Message] = MessageDecoder(Sender.CLIENT)
        viewer: ScriptedViewer | None = None
        while data := connected.recv(65536):
            connection.receive_data(data)
            for event in connection.events():
                if isinstance(event, CloseConnection):
                    self.close_codes.append(int(event.code))
                    return
                if not isinstance(event, BytesMessage):
                    continue
                for message in decoder.decode(bytes(event.data)):
                    if isinstance(message, Hello):
                        viewer = self._welcome(message, connected, connection)
                    elif isinstance(message, Attach):
                        viewer = self._attach(message, connected, connection)
                    elif viewer is not None and viewer.uses(connected):
                        viewer.take(message)

    def _offer(self, viewer: ScriptedViewer) -> str:
        token = secrets.token_urlsafe()
        self._tokens[token] = viewer
        return token

    def _attach(
        self, attach: Attach, connected: socket.socket, connection: Connection
    ) -> ScriptedViewer | None:
        viewer = self._tokens.pop(attach.token, None)
        if viewer is not None:
            viewer.move(connected, connection, self._offer(viewer))
            return viewer
        farewell = MessageEncoder(Sender.SERVER).encode(Farewell("It is over.", may_reconnect=True))
        connected.sendall(connection.send(BytesMessage(farewell)))
        return None

    def _welcome(
        self, hello: Hello, connected: socket.socket, connection: Connection
    ) -> ScriptedViewer:
        encoder = MessageEncoder(Sender.SERVER)
        viewer = ScriptedViewer(hello, connected, connection, encoder)
        viewer.tell(
            Welcome("0", 1, "", FULL_PERMISSIONS, "script", self.codecs, self.size, 0),
        )
        encoder.codecs = CodecTable(self.codecs)
        if self.offers_resuming and FEATURE_RESUME in hello.features:
            viewer.tell(ResumeOffer(self._offer(viewer), 15))
        self._viewers.put(viewer)
        return viewer


def _handler(server: ScriptedServer) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path == "/ws" and not server.is_closed:
                self._upgrade()
                return
            if self.path == "/api/client":
                self._answer(server.describe(), "application/json")
                return
            file = CLIENT / (self.path.lstrip("/") or "index.html")
            if file.is_file():
                self._answer(file.read_bytes(), _TYPES.get(file.suffix, "text/plain"))
            else:
                self.send_error(404)

        def _answer(self, content: bytes, content_type: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def _upgrade(self) -> None:
            key = self.headers["Sec-WebSocket-Key"].encode()
            accept = base64.b64encode(hashlib.sha1(key + _WEBSOCKET_KEY).digest()).decode()
            self.send_response(101)
            self.send_header("Upgrade", "websocket")
            self.send_header("Connection", "Upgrade")
            self.send_header("Sec-WebSocket-Accept", accept)
            self.send_header("Sec-WebSocket-Protocol", SUBPROTOCOL)
            self.end_headers()
            self.close_connection = True
            try:
                server.serve(self.connection)
            except OSError:
                return  # the page was closed

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
            pass

    return Handler


@contextmanager
def scripted_server(codecs: tuple[str, ...], size: Size) -> Iterator[ScriptedServer]:
    """A server on a free loopback port, for a ``with`` block."""
    server = ScriptedServer(codecs, size)
    listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(server))
    listener.daemon_threads = True
    thread = threading.Thread(target=listener.serve_forever)
    thread.start()
    server.url = f"http://127.0.0.1:{listener.server_port}/"
    try:
        yield server
    finally:
        listener.shutdown()
        thread.join()
        listener.server_close()
