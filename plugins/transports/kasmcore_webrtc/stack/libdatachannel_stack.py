"""The stack libdatachannel: C++ with threads of its own, for Python 3.12 and later."""

from __future__ import annotations

import asyncio
import importlib
import re
from collections.abc import Callable
from typing import Any

from kasmcore_webrtc.lanes import LOW_BYTES
from kasmcore_webrtc.records import IceServer, OpenRequest
from kasmcore_webrtc.stack.interface import GATHER_LIMIT_S, PeerEvents

_UDP_TURN = re.compile(r"turn:(?P<host>[^:?]+|\[[^\]]+\])(:(?P<port>\d+))?(\?transport=udp)?")
_HEADER_BYTES = 28 + 37  # IP and UDP; DTLS


class LibdatachannelStack:
    """Implements Stack."""

    def __init__(self, payload_bytes: int) -> None:
        # Untyped where it is not installed, so treated so everywhere.
        self._rtc: Any = importlib.import_module("libdatachannel")
        self._payload_bytes = payload_bytes

    async def open_peer(self, request: OpenRequest, events: PeerEvents) -> LibdatachannelLink:
        """Answer an offer. As in Stack."""
        rtc = self._rtc
        try:
            peer = rtc.PeerConnection(self._configuration(request))
        except (RuntimeError, ValueError) as error:
            raise ValueError(f"no connection can be made: {error}") from error
        link = LibdatachannelLink(rtc, peer, events)
        try:
            await link.answer_offer(request.sdp)
        except BaseException:
            await link.close()
            raise
        return link

    def _configuration(self, request: OpenRequest) -> Any:
        rtc = self._rtc
        configuration = rtc.Configuration()
        configuration.disable_auto_negotiation = True
        configuration.mtu = self._payload_bytes + _HEADER_BYTES
        if request.bind_address:
            configuration.bind_address = request.bind_address
        if request.first_port:
            configuration.port_range_begin = request.first_port
            configuration.port_range_end = request.last_port
        servers = [self._ice_server(server) for server in request.ice_servers]
        configuration.ice_servers = [server for server in servers if server is not None]
        return configuration

    def _ice_server(self, server: IceServer) -> Any:
        """Return its form of a server; None for TURN over TCP, which it does not speak."""
        if server.url.startswith("stun:"):
            return self._rtc.IceServer(server.url)
        match = _UDP_TURN.fullmatch(server.url)
        if match is None:
            return None
        port = int(match["port"] or 3478)
        return self._rtc.IceServer(match["host"], port, server.username, server.credential)


class LibdatachannelLink:
    """Implements PeerLink. Its callbacks come from other threads: each is passed to the loop."""

    def __init__(self, rtc: Any, peer: Any, events: PeerEvents) -> None:
        self._rtc = rtc
        self._peer = peer
        self._events = events
        self._loop = asyncio.get_running_loop()
        self._channels: dict[str, Any] = {}
        self._gathered = asyncio.Event()
        self._is_closed = False
        peer.on_data_channel(self._take_channel)
        peer.on_state_change(self._state_changed)
        peer.on_gathering_state_change(self._gathering_changed)

    @property
    def answer(self) -> str:
        """SDP with all of the server's addresses."""
        return str(self._peer.local_description())

    @property
    def buffered_bytes(self) -> int:
        """What all channels together hold that is not sent."""
        return sum(channel.buffered_amount() for channel in self._channels.values())

    @property
    def round_trip_s(self) -> float | None:
        """Measured by SCTP; None before."""
        round_trip = self._peer.rtt()
        return None if round_trip is None else float(round_trip.total_seconds())

    @property
    def is_drained(self) -> bool:
        """True when all is sent; closing waits for acknowledgements by itself."""
        return not self.buffered_bytes

    def send(self, label: str, message: bytes) -> None:
        """Hand over one message; a channel that has closed takes none."""
        channel = self._channels.get(label)
        if channel is not None and channel.is_open():
            channel.send(message)

    async def answer_offer(self, sdp: str) -> None:
        """Make the answer.

        Raises:
            ValueError: the offer cannot be answered.
        """
        rtc = self._rtc
        try:
            self._peer.set_remote_description(rtc.Description(sdp, "offer"))
            self._peer.set_local_description(rtc.Description.Type.Answer)
        except (RuntimeError, ValueError) as error:
            raise ValueError(f"the offer cannot be answered: {error}") from error
        try:
            async with asyncio.timeout(GATHER_LIMIT_S):
                await self._gathered.wait()
        except TimeoutError:
            return  # with the addresses that are known; STUN or TURN did not answer

    async def close(self) -> None:
        """End it; safe to repeat."""
        if not self._is_closed:
            self._is_closed = True
            await self._loop.run_in_executor(None, self._peer.close)

    def _take_channel(self, channel: Any) -> None:
        label = channel.label()
        channel.set_buffered_amount_low_threshold(LOW_BYTES)
        channel.on_buffered_amount_low(lambda: self._post(self._events.may_send))
        channel.on_closed(lambda: self._post(self._channel_closed))
        self._post(self._keep_channel, label, channel)
        # Last: what has come already is told at once.
        channel.on_message(lambda data: self._post(self._events.message_came, label, data))

    def _keep_channel(self, label: str, channel: Any) -> None:
        if label in self._channels:
            self._events.link_ended("the viewer opened a channel twice")
            return
        self._channels[label] = channel
        self._events.channel_opened(label)

    def _channel_closed(self) -> None:
        self._events.link_ended("the viewer closed a channel")

    def _state_changed(self, state: Any) -> None:
        states = self._rtc.PeerConnection.State
        if state in (states.Failed, states.Closed, states.Disconnected):
            self._post(self._events.link_ended, "the viewer is gone")

    def _gathering_changed(self, state: Any) -> None:
        if state == self._rtc.PeerConnection.GatheringState.Complete:
            self._post(self._gathered.set)

    def _post(self, call: Callable[..., object], *arguments: object) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(call, *arguments)
