"""The stack aiortc: plain Python, for every Python."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import aioice.ice
import aiortc.rtcsctptransport as sctp
from aiortc import (
    RTCConfiguration,
    RTCDataChannel,
    RTCIceServer,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.exceptions import InvalidAccessError, InvalidStateError, OperationError

from kasmcore_webrtc.lanes import LOW_BYTES
from kasmcore_webrtc.records import OpenRequest
from kasmcore_webrtc.stack.interface import GATHER_LIMIT_S, PeerEvents
from kasmcore_webrtc.stack.steady_sctp import make_steady

_HEADER_BYTES = 12 + 16 + 29 + 8  # of SCTP, of its chunk, of DTLS, and what padding may take
_LOOPBACK = "127.0.0.1"

_OFFER_FAULTS = (
    *(ArithmeticError, AssertionError, AttributeError, LookupError, OSError, TypeError, ValueError),
    *(InvalidAccessError, InvalidStateError, OperationError),
)
"""What aiortc raises of SDP that it does not understand; TimeoutError is an OSError."""

_request: ContextVar[OpenRequest] = ContextVar("request")
_all_host_addresses = aioice.ice.get_host_addresses


def _host_addresses(use_ipv4: bool, use_ipv6: bool) -> list[str]:
    request = _request.get()
    if request.bind_address:
        return [request.bind_address]
    addresses = _all_host_addresses(use_ipv4 and request.use_ipv4, use_ipv6 and request.use_ipv6)
    return [*addresses, _LOOPBACK] if request.with_loopback else addresses


class PortRangeLoop(asyncio.SelectorEventLoop):
    """Binds the UDP sockets of a peer to the ports that the operator allows."""

    async def create_datagram_endpoint(  # type: ignore[override]
        self,
        protocol_factory: Callable[[], Any],
        local_addr: tuple[str, int] | None = None,
        **options: Any,
    ) -> tuple[asyncio.DatagramTransport, Any]:
        """As the original, but port 0 means one of the range."""
        make = super().create_datagram_endpoint
        request = _request.get(None)
        if local_addr is None or local_addr[1] or request is None or not request.first_port:
            return await make(protocol_factory, local_addr=local_addr, **options)
        for port in range(request.first_port, request.last_port + 1):
            try:
                return await make(protocol_factory, local_addr=(local_addr[0], port), **options)
            except OSError:
                continue
        raise OSError("no port of webrtc's port_range is free")


class AiortcStack:
    """Implements Stack. There is one in the process: aiortc knows no settings of its own here."""

    def __init__(self, payload_bytes: int) -> None:
        aioice.ice.get_host_addresses = _host_addresses
        make_steady()
        sctp.USERDATA_MAX_LENGTH = (payload_bytes - _HEADER_BYTES) // 4 * 4

    def make_loop(self) -> asyncio.AbstractEventLoop:
        """Return the event loop that it must run in."""
        return PortRangeLoop()

    async def open_peer(self, request: OpenRequest, events: PeerEvents) -> AiortcLink:
        """Answer an offer. As in Stack."""
        _request.set(request)
        servers = [RTCIceServer(s.url, s.username, s.credential) for s in request.ice_servers]
        peer = RTCPeerConnection(RTCConfiguration(iceServers=servers))
        link = AiortcLink(peer, events)
        try:
            async with asyncio.timeout(GATHER_LIMIT_S):
                await peer.setRemoteDescription(RTCSessionDescription(request.sdp, "offer"))
                await peer.setLocalDescription(await peer.createAnswer())
        except _OFFER_FAULTS as error:
            await link.close()
            raise ValueError(f"the offer cannot be answered: {type(error).__name__}") from error
        except BaseException:
            await link.close()
            raise
        return link


class AiortcLink:
    """Implements PeerLink."""

    def __init__(self, peer: RTCPeerConnection, events: PeerEvents) -> None:
        self._peer = peer
        self._events = events
        self._channels: dict[str, RTCDataChannel] = {}
        peer.on("datachannel", self._take_channel)
        peer.on("connectionstatechange", self._state_changed)

    @property
    def answer(self) -> str:
        """SDP with all of the server's addresses."""
        return str(self._peer.localDescription.sdp)

    @property
    def buffered_bytes(self) -> int:
        """What all channels together hold that is not sent."""
        return sum(channel.bufferedAmount for channel in self._channels.values())

    @property
    def _sctp(self) -> sctp.RTCSctpTransport:
        transport = self._peer.sctp
        assert transport is not None  # noqa: S101 - the offer had an application section
        return transport

    @property
    def round_trip_s(self) -> float | None:
        """Measured by SCTP; None before."""
        return self._sctp._srtt  # aiortc 1.16 tells it nowhere else

    @property
    def is_drained(self) -> bool:
        """True when the peer has acknowledged everything."""
        transport = self._sctp
        return not (self.buffered_bytes or transport._outbound_queue or transport._sent_queue)

    def send(self, label: str, message: bytes) -> None:
        """Hand over one message; a channel that has closed takes none."""
        channel = self._channels.get(label)
        if channel is not None and channel.readyState == "open":
            channel.send(message)

    async def close(self) -> None:
        """End it; safe to repeat."""
        await self._peer.close()

    def _take_channel(self, channel: RTCDataChannel) -> None:
        if channel.label in self._channels:
            self._events.link_ended("the viewer opened a channel twice")
            return
        self._channels[channel.label] = channel
        channel.bufferedAmountLowThreshold = LOW_BYTES
        channel.on("bufferedamountlow", self._events.may_send)
        channel.on("message", lambda message: self._events.message_came(channel.label, message))
        channel.on("close", lambda: self._events.link_ended("the viewer closed a channel"))
        self._events.channel_opened(channel.label)

    def _state_changed(self) -> None:
        if self._peer.connectionState in ("failed", "closed"):
            self._events.link_ended("the viewer is gone")
