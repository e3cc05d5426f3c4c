"""The head of a request as values, from the ASGI scope; and its body, within a limit."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl

import attrs
import trio

from kasmcore.config.schema import NetworkConfig
from kasmcore.errors import KasmcoreError
from kasmcore.interfaces.transport import AsgiReceive, AsgiScope
from kasmcore.server.proxies import RequestSource, request_source


@attrs.frozen
class RequestHead:
    """Everything of a request but its body."""

    method: str
    path: str
    """Percent-encoded, from ``/``, below the base path. ASCII."""
    query_string: str = attrs.field(repr=False)
    headers: Mapping[str, str] = attrs.field(repr=False)
    """Names in lower case; repeated headers joined with commas."""
    source: RequestSource

    @property
    def query(self) -> Mapping[str, str]:
        """Decoded parameters; of repeated ones the last."""
        return dict(parse_qsl(self.query_string, keep_blank_values=True))

    def cookie(self, name: str) -> str | None:
        """Return the value of a cookie, or None."""
        for part in self.headers.get("cookie", "").split(";"):
            key, separator, value = part.strip().partition("=")
            if separator and key == name:
                return value
        return None

    @property
    def header_pairs(self) -> tuple[tuple[str, str], ...]:
        """Headers as authenticators get them."""
        return tuple(self.headers.items())


class RequestRefused(KasmcoreError):
    """This request gets an error for an answer; the text is for whoever asked."""

    def __init__(self, status: int, what: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(what)
        self.status = status
        self.retry_after_s = retry_after_s


def request_head(scope: AsgiScope, network: NetworkConfig) -> RequestHead:
    """Read an ``http`` or ``websocket`` scope."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        separator = "; " if name == "cookie" else ", "
        headers[name] = f"{headers[name]}{separator}{value}" if name in headers else value
    peer = scope["client"][0] if scope["client"] else ""
    is_tls = scope["scheme"] in ("https", "wss")
    return RequestHead(
        method=scope.get("method", "GET"),
        path=path_below(scope["raw_path"].decode("ascii"), network.base_path),
        query_string=scope["query_string"].decode("latin-1"),
        headers=headers,
        source=request_source(peer, headers, is_tls, network.trusted_proxies),
    )


def normalised_base_path(base_path: str) -> str:
    """Return the base path with a slash at both ends."""
    inner = base_path.strip("/")
    return f"/{inner}/" if inner else "/"


def path_below(path: str, base_path: str) -> str:
    """Return the path below the base path; a proxy may have taken the base path off already."""
    base = normalised_base_path(base_path)
    if path.startswith(base):
        path = path[len(base) - 1 :]
    return path if path.startswith("/") else f"/{path}"


async def read_body(
    head: RequestHead, receive: AsgiReceive, limit_bytes: int, timeout_s: float
) -> bytes:
    """Wait for the whole body.

    Raises:
        RequestRefused: longer than the limit, slower than the timeout, or the client left.
    """
    declared = head.headers.get("content-length", "0")
    too_long = RequestRefused(413, f"the body is longer than {limit_bytes} bytes")
    if declared.isdigit() and int(declared) > limit_bytes:
        raise too_long
    body = bytearray()
    with trio.move_on_after(timeout_s):
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise RequestRefused(400, "the body was cut off")
            body += message.get("body", b"")
            if len(body) > limit_bytes:
                raise too_long
            if not message.get("more_body", False):
                return bytes(body)
    raise RequestRefused(408, f"the body did not arrive within {timeout_s:g} s")
