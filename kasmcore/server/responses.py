"""Answers as bytes: the headers that every answer bears, JSON, errors, sending."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence

from kasmcore.config.units import HttpHeader
from kasmcore.interfaces.routes import HttpResponse
from kasmcore.interfaces.transport import AsgiSend
from kasmcore.server.requests import RequestRefused

AsgiHeaders = list[tuple[bytes, bytes]]
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


def security_headers(
    extra: Iterable[HttpHeader], *, allows_wasm: bool
) -> tuple[tuple[str, str], ...]:
    """Return what every answer bears; a header in the settings takes the place of ours.

    Args:
        extra: ``server.http.headers``.
        allows_wasm: decoders from plugins may be WebAssembly.
    """
    scripts = "'self' 'wasm-unsafe-eval'" if allows_wasm else "'self'"
    headers = {
        "content-security-policy": (
            f"default-src 'self'; script-src {scripts}; worker-src 'self' blob:; "
            "connect-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; "
            "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
        ),
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cross-origin-resource-policy": "same-origin",
    }
    headers |= {header.name.lower(): header.value for header in extra}
    return tuple(headers.items())


def json_response(
    content: Mapping[str, object], status: int = 200, headers: tuple[tuple[str, str], ...] = ()
) -> HttpResponse:
    """Answer with JSON that nobody keeps.

    Raises:
        ValueError: a number that JSON does not know: infinite, or none.
    """
    return HttpResponse(
        status,
        json.dumps(content, ensure_ascii=False, allow_nan=False).encode(),
        "application/json",
        (("Cache-Control", "no-store"), *headers),
    )


def error_response(refused: RequestRefused) -> HttpResponse:
    """Answer ``{"error": text}``; never makes a browser ask for a password on its own."""
    content: dict[str, object] = {"error": refused.what}
    headers: list[tuple[str, str]] = []
    if refused.retry_after_s is not None:
        wait_s = max(1, math.ceil(refused.retry_after_s))
        content["retry_after_s"] = wait_s
        headers.append(("Retry-After", str(wait_s)))
    if refused.status == 401:  # RFC 9110 wants a challenge; for Bearer no browser opens a prompt
        headers.append(("WWW-Authenticate", 'Bearer realm="kasmcore"'))
    return json_response(content, refused.status, tuple(headers))


def asgi_headers(response: HttpResponse, base: Sequence[tuple[str, str]]) -> AsgiHeaders:
    """Return the headers to send; the answer's own take the place of the base's.

    Raises:
        ValueError: a header that HTTP cannot carry.
    """
    own = [(name.lower(), value) for name, value in response.headers]
    if response.status not in (204, 304):
        own.append(("content-type", response.content_type))
        own.append(("content-length", str(len(response.body))))
    own_names = {name for name, _ in own}
    headers = [(name, value) for name, value in base if name not in own_names] + own
    for name, value in headers:
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            raise ValueError(f"no header of HTTP: {name!r}: {value!r}")
    return [(name.encode("ascii"), value.encode("latin-1")) for name, value in headers]


async def send_response(send: AsgiSend, status: int, headers: AsgiHeaders, body: bytes) -> None:
    """Send a whole answer to an HTTP request."""
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def send_websocket_refusal(
    send: AsgiSend, status: int, headers: AsgiHeaders, body: bytes
) -> None:
    """Answer a WebSocket handshake by a plain HTTP answer; the WebSocket never opens."""
    headers = [*headers, (b"connection", b"close")]
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})
