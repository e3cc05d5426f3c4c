"""The client's way to a server: address, TLS with the trust that the caller chose, WebSocket."""

from __future__ import annotations

import base64
import hashlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import attrs
import trio
import trio_websocket
from wsproto.utilities import LocalProtocolError

from kasmcore.errors import ConnectionEnded, KasmcoreError, RemoteProtocolError
from kasmcore.interfaces.transport import Connection, Lane
from kasmcore.protocol.version import HANDSHAKE_LIMIT_S, MAXIMUM_FRAME_BYTES, SUBPROTOCOL

WEBSOCKET_PATH = "transports/websocket"
RECEIVE_BYTES = 2**18
CLOSE_LIMIT_S = 1.0
_MESSAGE_BYTES = MAXIMUM_FRAME_BYTES + 5
_UNAUTHORIZED = 401

Stream = trio.SocketStream | trio.SSLStream[trio.SocketStream]


@attrs.frozen(kw_only=True)
class Trust:
    """Which certificate of the server is good; by default one that this machine's CAs signed."""

    fingerprint: str = ""
    """SHA-256 of the only good certificate, in hex, colons allowed; its name does not matter."""
    ca_file: Path | None = None
    """CA certificates, PEM, in place of this machine's."""
    insecure: bool = False
    """True takes any certificate: whoever sits in between can read the password."""

    def context(self) -> ssl.SSLContext:
        """A context for TLS; a fingerprint is checked later."""
        context = ssl.create_default_context(cafile=self.ca_file)
        if self.fingerprint or self.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def check_fingerprint(self, certificate: bytes, where: str) -> None:
        """Compare with the certificate that came (DER).

        Raises:
            KasmcoreError: it is another one.
        """
        expected = self.fingerprint.replace(":", "").lower()
        found = hashlib.sha256(certificate).hexdigest()
        if expected and found != expected:
            raise KasmcoreError(
                f"the server's certificate has the fingerprint {found}, not {expected}",
                where=where,
                remedy="Compare with the fingerprint that the server prints at its start.",
            )


@attrs.frozen
class Address:
    """Where a server is, from the address of its page."""

    host: str
    port: int
    is_secure: bool
    path: str
    """Ends with a slash; behind a proxy the page may lie below a path."""

    @classmethod
    def of_url(cls, url: str) -> Address:
        """Read ``https://host:port/path/``.

        Raises:
            KasmcoreError: it is no such address.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise KasmcoreError(f"{url!r} is no address: {error}") from error
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise KasmcoreError(
                f"{url!r} is no address of a page",
                remedy="Write it as the browser does: https://host:port/",
            )
        is_secure = parts.scheme == "https"
        path = parts.path if parts.path.endswith("/") else f"{parts.path}/"
        return cls(parts.hostname, port or (443 if is_secure else 80), is_secure, path)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


class MessageStream(Protocol):
    """Whole messages both ways, in order."""

    async def send(self, message: bytes) -> None:
        """Send one message. Raises ConnectionEnded when the server is gone."""

    async def receive(self) -> bytes:
        """Wait for the next one. Raises ConnectionEnded when the server is gone."""


@attrs.frozen(eq=False)
class ConnectionMessages:
    """A MessageStream over the client's end of any transport's connection."""

    connection: Connection

    async def send(self, message: bytes) -> None:
        """Send one message."""
        await self.connection.send(Lane.CONTROL, message)

    async def receive(self) -> bytes:
        """Wait for the next message."""
        return await self.connection.receive()


@attrs.frozen(eq=False)
class WebSocketMessages:
    """A MessageStream over a WebSocket."""

    websocket: trio_websocket.WebSocketConnection

    async def send(self, message: bytes) -> None:
        """Send one message."""
        try:
            await self.websocket.send_message(message)
        except trio_websocket.ConnectionClosed as closed:
            raise _ended(closed) from closed

    async def receive(self) -> bytes:
        """Wait for the next message."""
        try:
            message = await self.websocket.get_message()
        except trio_websocket.ConnectionClosed as closed:
            raise _ended(closed) from closed
        if isinstance(message, str):
            raise RemoteProtocolError("the server sent a text message")
        return message


@asynccontextmanager
async def open_websocket(
    url: str, username: str, password: str, trust: Trust
) -> AsyncIterator[MessageStream]:
    """Open the server's WebSocket with HTTP Basic login; close it at the end.

    Raises:
        KasmcoreError: no server there, its certificate is not trusted, or it refused. Like errors
            of the block it may come inside an ExceptionGroup.
    """
    address = Address.of_url(url)
    is_closing = False
    headers = []
    if username:
        token = base64.b64encode(f"{username}:{password}".encode())
        headers.append((b"authorization", b"Basic " + token))
    try:
        async with trio.open_nursery() as nursery:
            websocket = await _upgrade(nursery, address, headers, trust)
            try:
                yield WebSocketMessages(websocket)
            finally:
                is_closing = True
                with trio.move_on_after(CLOSE_LIMIT_S, shield=True):
                    await websocket.aclose()
                nursery.cancel_scope.cancel()
    except* trio_websocket.ConnectionRejected as group:
        raise _refused(group, address) from group
    except* LocalProtocolError as group:
        # trio-websocket's reader answers pings also when the close was already sent
        if not is_closing:
            raise ConnectionEnded("the connection broke") from group


async def _upgrade(
    nursery: trio.Nursery, address: Address, headers: list[tuple[bytes, bytes]], trust: Trust
) -> trio_websocket.WebSocketConnection:
    try:
        with trio.fail_after(HANDSHAKE_LIMIT_S):
            return await trio_websocket.wrap_client_stream(
                nursery,
                await _open_stream(address, trust),
                str(address),
                address.path + WEBSOCKET_PATH,
                subprotocols=[SUBPROTOCOL],
                extra_headers=headers,
                max_message_size=_MESSAGE_BYTES,
                receive_buffer_size=RECEIVE_BYTES,
            )
    except (trio_websocket.HandshakeError, trio.TooSlowError) as error:
        raise KasmcoreError("the server did not open a WebSocket", where=str(address)) from error


async def _open_stream(address: Address, trust: Trust) -> Stream:
    try:
        tcp = await trio.open_tcp_stream(address.host, address.port)
    except OSError as error:
        raise KasmcoreError(
            f"no server answers: {error}", where=str(address), remedy="Is it running?"
        ) from error
    if not address.is_secure:
        return tcp
    tls = trio.SSLStream(tcp, trust.context(), server_hostname=address.host, https_compatible=True)
    try:
        await tls.do_handshake()
        trust.check_fingerprint(tls.getpeercert(binary_form=True) or b"", str(address))
    except trio.BrokenResourceError as error:
        await trio.aclose_forcefully(tls)
        raise KasmcoreError(
            f"the server's certificate is not trusted: {error.__cause__}",
            where=str(address),
            remedy="Give its fingerprint, which the server prints at its start.",
        ) from error
    except KasmcoreError:
        await trio.aclose_forcefully(tls)
        raise
    return tls


def _refused(group: BaseExceptionGroup[BaseException], address: Address) -> KasmcoreError:
    """The first refusal in a group as an error for a person."""
    refusal: BaseException = group
    while isinstance(refusal, BaseExceptionGroup):
        refusal = refusal.exceptions[0]
    assert isinstance(refusal, trio_websocket.ConnectionRejected)
    if refusal.status_code == _UNAUTHORIZED:
        return KasmcoreError(
            "the server refused the login", where=str(address), remedy="Check user and password."
        )
    reason = (refusal.body or b"").decode(errors="replace")[:200]
    return KasmcoreError(
        f"the server refused with status {refusal.status_code}: {reason}", where=str(address)
    )


def _ended(closed: trio_websocket.ConnectionClosed) -> ConnectionEnded:
    reason = closed.reason
    if reason is None or reason.reason is None:
        return ConnectionEnded("the server closed the connection")
    return ConnectionEnded(f"the server closed the connection: {reason.reason}")
