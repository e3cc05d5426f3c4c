"""What a WebRTC library must do to be one of the stacks."""

from __future__ import annotations

from typing import Protocol

from kasmcore_webrtc.records import OpenRequest

GATHER_LIMIT_S = 6.0
"""How long STUN and TURN servers are waited for."""


class PeerEvents(Protocol):
    """Told by a stack, in the event loop's thread."""

    def channel_opened(self, label: str) -> None:
        """A channel of the client is open."""

    def message_came(self, label: str, message: bytes | str) -> None:
        """One message of a channel."""

    def may_send(self) -> None:
        """Channels have sent some of what they held."""

    def link_ended(self, reason: str) -> None:
        """The peer is gone, or was never reached."""


class PeerLink(Protocol):
    """One peer connection."""

    @property
    def buffered_bytes(self) -> int:
        """What all channels together hold that is not sent."""

    def send(self, label: str, message: bytes) -> None:
        """Hand over one message; a channel that has closed takes none."""

    @property
    def answer(self) -> str:
        """SDP with all of the server's addresses."""

    @property
    def round_trip_s(self) -> float | None:
        """Measured by SCTP; None before."""

    @property
    def is_drained(self) -> bool:
        """True when the peer has acknowledged everything, as far as the stack can tell."""

    async def close(self) -> None:
        """End it; safe to repeat."""


class Stack(Protocol):
    """A WebRTC library."""

    async def open_peer(self, request: OpenRequest, events: PeerEvents) -> PeerLink:
        """Answer an offer.

        Raises:
            ValueError: it cannot be answered.
        """
