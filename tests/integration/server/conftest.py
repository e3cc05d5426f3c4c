"""A real server on a free port of 127.0.0.1, with accounts and one echoing transport."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import attrs
import pytest
import trio

from kasmcore.api import (
    AsgiReceive,
    AsgiScope,
    AsgiSend,
    AsgiWebSocketHandler,
    Connection,
    Lane,
    Permission,
    ServerConfig,
    TransportHost,
    TransportSpec,
    Visit,
)
from kasmcore.config.schema_network import (
    HttpConfig,
    NetworkConfig,
    SecurityConfig,
    ServerSectionConfig,
    SslConfig,
)
from kasmcore.server.listen import serve
from kasmcore.server.server_setup import Listening, ServerSetup
from kasmcore.server.users_file import UsersFile
from kasmcore.users.passwords import hash_password
from kasmcore.users.records import UserRecord
from kasmcore.values.permissions import Guest

PASSWORD = "correct horse"


@attrs.frozen
class EchoConnection:
    """A connection whose messages are the WebSocket's binary messages."""

    transport: str
    _receive: AsgiReceive
    _send: AsgiSend

    async def send(self, lane: Lane, message: bytes) -> None:
        await self._send({"type": "websocket.send", "bytes": message})

    async def receive(self) -> bytes:
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            raise EOFError
        content = message["bytes"]
        assert isinstance(content, bytes)
        return content

    async def aclose(self, reason: str) -> None:
        await self._send({"type": "websocket.close", "code": 1000, "reason": reason})


class EchoTransport:
    def websocket_routes(self) -> Mapping[str, AsgiWebSocketHandler]:
        return {"/transports/echo": self._handle}

    async def listen(
        self, host: TransportHost, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        task_status.started()

    async def _handle(
        self, scope: AsgiScope, receive: AsgiReceive, send: AsgiSend, visit: Visit
    ) -> None:
        assert (await receive())["type"] == "websocket.connect"
        await send({"type": "websocket.accept"})
        await visit.serve(EchoConnection("echo", receive, send))


ECHO = (TransportSpec(name="echo", factory=lambda config: EchoTransport()), EchoTransport())


def _words_of(guest: Guest) -> str:
    return f"{guest.user.name} {guest.user.permissions.value} {guest.address}"


async def echo_viewer(connection: Connection, guest: Guest) -> None:
    """Tell who was let in, then send every message back."""
    await connection.send(Lane.CONTROL, _words_of(guest).encode())
    while True:
        try:
            message = await connection.receive()
        except EOFError:
            return
        if message == b"raise":
            raise ValueError("as the test asked")
        await connection.send(Lane.CONTROL, message)


@pytest.fixture(scope="session")
def password_hash() -> str:
    return hash_password(PASSWORD)


@pytest.fixture
def users(tmp_path: Path, password_hash: str) -> UsersFile:
    """alice owns, victor only views, wanda reads and writes; all with PASSWORD."""
    file = UsersFile(tmp_path / "users", tmp_path / "kasmpasswd")
    for name, permissions in {
        "alice": Permission.READ | Permission.WRITE | Permission.OWNER,
        "wanda": Permission.READ | Permission.WRITE,
        "victor": Permission.READ,
    }.items():
        record = UserRecord(name, password_hash, permissions)
        file.edit(name, lambda _, record=record: record)  # type: ignore[misc]
    return file


@pytest.fixture
def client_directory(tmp_path: Path) -> Path:
    root = tmp_path / "www"
    (root / "src").mkdir(parents=True)
    (root / "index.html").write_text("<title>desktop</title>")
    (root / "login.html").write_text("<title>login</title>")
    (root / "src" / "app.js").write_text("export {};")
    (tmp_path / "secret.txt").write_text("outside")
    return root


@pytest.fixture
def setup(tmp_path: Path, users: UsersFile, client_directory: Path) -> ServerSetup:
    """Plain HTTP on loopback; tests evolve it."""
    config = ServerConfig(
        network=NetworkConfig(interface="127.0.0.1", ssl=SslConfig(enabled=False)),
        security=SecurityConfig(),
        server=ServerSectionConfig(
            state_directory=tmp_path / "state", http=HttpConfig(httpd_directory=client_directory)
        ),
    )
    return ServerSetup(
        config=config,
        port=0,
        desktop_name="test desk",
        users=users,
        serve_viewer=echo_viewer,
        transports=(ECHO,),
    )


StartServer = Callable[[ServerSetup], Awaitable[Listening]]


@pytest.fixture
def start_server(nursery: trio.Nursery) -> StartServer:
    async def start(setup: ServerSetup) -> Listening:
        listening = await nursery.start(serve, setup)
        assert isinstance(listening, Listening)
        return listening

    return start
