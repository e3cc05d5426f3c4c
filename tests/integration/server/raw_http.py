"""A small HTTP client over real sockets that sends what it is told, right or wrong."""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import Mapping

import attrs
import h11
import trio

Stream = trio.SocketStream | trio.SSLStream[trio.SocketStream]


@attrs.frozen
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes
    rest: bytes = b""
    """What came behind the handshake of a WebSocket."""

    @property
    def json(self) -> dict[str, object]:
        content = json.loads(self.body)
        assert isinstance(content, dict)
        return content

    @property
    def cookie(self) -> str:
        return self.headers["set-cookie"].partition(";")[0]


def basic(name: str, password: str) -> dict[str, str]:
    token = base64.b64encode(f"{name}:{password}".encode()).decode()
    return {"Authorization": f"Basic {token}"}


async def open_stream(port: int, *, tls: bool = False) -> Stream:
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    if not tls:
        return stream
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2", "http/1.1"])
    secure = trio.SSLStream(stream, context, https_compatible=True)
    await secure.do_handshake()
    return secure


async def request(
    port: int,
    method: str,
    path: str,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    *,
    tls: bool = False,
) -> Reply:
    """Send one request on a connection of its own and read the whole answer."""
    with trio.fail_after(20):
        stream = await open_stream(port, tls=tls)
        async with stream:
            return await exchange(stream, port, method, path, headers, body)


async def exchange(
    stream: Stream,
    port: int,
    method: str,
    path: str,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
) -> Reply:
    sent = {"Host": f"127.0.0.1:{port}", **(headers or {})}
    if body:
        sent.setdefault("Content-Length", str(len(body)))
    head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in sent.items())
    await stream.send_all(head.encode("latin-1") + b"\r\n" + body)
    return await read_reply(stream, method)


_ANY_REQUEST = [("Host", "x"), ("Connection", "Upgrade"), ("Upgrade", "websocket")]


async def read_reply(stream: Stream, method: str = "GET") -> Reply:
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method=method, target="/", headers=_ANY_REQUEST))
    connection.send(h11.EndOfMessage())
    response, content = None, b""
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(bytes(await stream.receive_some()))
        elif isinstance(event, h11.Response | h11.InformationalResponse):
            response = event
            if event.status_code == 101:
                break
        elif isinstance(event, h11.Data):
            content += event.data
        else:
            break
    rest = connection.trailing_data[0]
    assert response is not None, "the server closed the connection without an answer"
    headers = {k.decode().lower(): v.decode("latin-1") for k, v in response.headers}
    return Reply(response.status_code, headers, content, rest)


def login_body(name: str, password: str) -> bytes:
    return json.dumps({"username": name, "password": password}).encode()


JSON = {"Content-Type": "application/json"}


async def log_in(port: int, name: str, password: str, *, tls: bool = False) -> Reply:
    return await request(port, "POST", "/api/login", JSON, login_body(name, password), tls=tls)
