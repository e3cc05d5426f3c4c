"""Who comes in by a token instead of a login: tickets, and the brake on guessing."""

from __future__ import annotations

import attrs
import trio

from kasmcore.interfaces.routes import HttpResponse
from kasmcore.server.endpoints import Call, Endpoint
from kasmcore.server.login import LoginChain
from kasmcore.server.responses import json_response
from kasmcore.users.tokens import TicketTable
from kasmcore.values.permissions import Guest

TICKET_LIFETIME_S = 30.0


@attrs.frozen(eq=False)
class Tickets:
    """Tickets with which connections without a login join; a ``Doorkeeper``."""

    chain: LoginChain
    _table: TicketTable[Guest] = attrs.field(
        factory=lambda: TicketTable(TICKET_LIFETIME_S), init=False
    )

    def issue(self, guest: Guest) -> str:
        """Return a ticket for somebody who is logged in."""
        return self._table.issue(guest, trio.current_time())

    def begin(self, address: str) -> None:
        """Ask for a try; raises RequestRefused when there were too many wrong ones."""
        self.chain.begin_try(address)

    def end(self, address: str, *, was_right: bool | None) -> None:
        """End a try."""
        self.chain.end_try(address, was_right=was_right)

    def redeem(self, ticket: str) -> Guest | None:
        """Return whom a ticket lets in, with the rights of now; None when it is not good, or the
        login has ended meanwhile.
        """
        guest = self._table.redeem(ticket, trio.current_time())
        if guest is None or guest.login is None:
            return guest
        user = self.chain.session_user(guest.login)
        return None if user is None else attrs.evolve(guest, user=user)

    def endpoint(self) -> Endpoint:
        """``/api/ticket``: what a transport that carries no login joins with."""

        async def give(call: Call) -> HttpResponse:
            login = None if call.visitor is None else call.visitor.session_key
            ticket = self.issue(Guest(call.user, call.head.source.address, login))
            return json_response({"ticket": ticket})

        return Endpoint(
            method="POST",
            path="/api/ticket",
            handler=give,
            summary="A ticket that lets one connection of another transport in, for 30 s.",
        )
