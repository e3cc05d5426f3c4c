"""The HTTP side: an offer comes, an answer goes; nothing of it is kept."""

from __future__ import annotations

import json
import math
from collections.abc import Awaitable, Callable

from kasmcore.api import HttpRequest, HttpResponse
from kasmcore_webrtc.limits import TooMany
from kasmcore_webrtc.records import IceServer
from kasmcore_webrtc.sdp import MOST_OFFER_BYTES, OfferRefused

MOST_BODY_BYTES = MOST_OFFER_BYTES + 1024
_NO_STORE = (("cache-control", "no-store"),)


class Unavailable(Exception):
    """WebRTC cannot be used now; the text is for the viewer."""


def ice_servers_response(servers: list[IceServer]) -> HttpResponse:
    """Return what RTCPeerConnection takes as ``iceServers``."""
    listed = []
    for server in servers:
        entry = {"urls": server.url}
        if server.username:
            entry |= {"username": server.username, "credential": server.credential}
        listed.append(entry)
    return _json(200, {"ice_servers": listed})


async def answer_offer(
    request: HttpRequest, answer: Callable[[str, HttpRequest], Awaitable[str]]
) -> HttpResponse:
    """Read the offer, have it answered, and say what went wrong otherwise."""
    try:
        return _json(200, {"sdp": await answer(_sdp_of(request.body), request)})
    except OfferRefused as error:
        return _json(400, {"error": str(error)})
    except TooMany as error:
        return _json(429, {"error": str(error)}, ("retry-after", str(math.ceil(error.retry_s))))
    except Unavailable as error:
        return _json(503, {"error": str(error)})


def _sdp_of(body: bytes) -> str:
    if len(body) > MOST_BODY_BYTES:
        raise OfferRefused(f"the request is longer than {MOST_BODY_BYTES} bytes")
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise OfferRefused("the request is not JSON") from error
    sdp = fields.get("sdp") if isinstance(fields, dict) else None
    if not isinstance(sdp, str):
        raise OfferRefused('the request is not {"sdp": "..."}')
    return sdp


def _json(status: int, value: object, *headers: tuple[str, str]) -> HttpResponse:
    return HttpResponse(
        status, json.dumps(value).encode(), "application/json", (*_NO_STORE, *headers)
    )
