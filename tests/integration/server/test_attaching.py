"""Tickets and tokens on a whole server, over real sockets: by the example of a transport."""

from __future__ import annotations

import gc
import logging
import tracemalloc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import attrs
import numpy as np
import pytest
import trio
from kasmcore_deflate import kasmcore_register_encoders
from kasmcore_websocket import kasmcore_register_transports
from unix_socket import NAME, UnixConnection, UnixSocketTransport
from viewer import open_socket, watch

from kasmcore.api import ConnectionEnded, KeyEvent, Lane, Size, TransportSpec
from kasmcore.config.schema_network import BruteForceProtectionConfig
from kasmcore.plugin_set import PluginEvents
from kasmcore.protocol.connection import ClientConnection
from kasmcore.protocol.messages import ResumeOffer
from kasmcore.server.listen import serve
from kasmcore.server.server_setup import ServerSetup
from kasmcore.session.masking import FrameMasks
from kasmcore.session.reception import Reception
from kasmcore.session.session import Session, SessionParts
from kasmcore.testing.client import DEFAULT_HELLO, Client, connect
from kasmcore.testing.client_stream import ConnectionMessages
from kasmcore.testing.synthetic_desktop import SyntheticDesktop
from kasmcore.values.viewer_updates import Farewell
from tests.integration.server.conftest import PASSWORD
from tests.integration.server.raw_http import JSON, basic, log_in, request
from tests.integration.server.test_login import with_security

PATIENCE_S = 20.0
TRIES = 500
SKIPPED = bytes([0xBE]) + (600).to_bytes(4, "big") + bytes(600)
"""A message of a kind that a server may skip."""


@attrs.frozen
class Desk:
    """A served desktop with a socket beside its WebSocket."""

    desktop: SyntheticDesktop
    session: Session
    port: int
    socket: str

    async def ticket(self, headers: dict[str, str] | None = None) -> str:
        headers = basic("wanda", PASSWORD) if headers is None else headers
        reply = await request(self.port, "POST", "/api/ticket", headers)
        assert reply.status == 200
        return str(reply.json["ticket"])

    async def answer_to(self, *units: bytes) -> Farewell:
        """What somebody hears on a new connection who says this; it is closed after that."""
        connection = await open_socket(self.socket)
        for unit in units:
            await connection.send(Lane.CONTROL, unit)
        with trio.fail_after(PATIENCE_S):
            [farewell] = ClientConnection(0).receive_data(await connection.receive())
            with pytest.raises(ConnectionEnded):
                await connection.receive()
        await connection.aclose("done")
        assert isinstance(farewell, Farewell)
        return farewell

    def keys(self) -> list[int]:
        events = [received.event for received in self.desktop.input.received]
        return [event.keysym for event in events if isinstance(event, KeyEvent) and event.pressed]


@asynccontextmanager
async def served(setup: ServerSetup, folder: Path) -> AsyncIterator[Desk]:
    desktop = SyntheticDesktop(Size(320, 200))
    session = Session(
        SessionParts(
            config=setup.config,
            display=":test",
            source=desktop,
            encoders=(*kasmcore_register_encoders(),),
            filters=(),
            masks=FrameMasks(()),
            events=PluginEvents(),
        )
    )
    reception = Reception(session, "test desk")
    (websocket,) = kasmcore_register_transports()
    socket = UnixSocketTransport(folder / "socket")
    whole = attrs.evolve(
        setup,
        serve_viewer=reception.serve,
        attach_viewer=reception.attach,
        end_login=reception.end_login,
        transports=(
            (websocket, websocket.factory(setup.config)),
            (TransportSpec(name=NAME, factory=lambda _config: socket), socket),
        ),
    )
    async with trio.open_nursery() as nursery:
        await nursery.start(session.run)
        listening = await nursery.start(serve, whole)
        nursery.start_soon(partial(setup.users.watch, reception.user_changed, interval_s=0.05))
        yield Desk(desktop, session, listening.port, str(folder / "socket"))
        nursery.cancel_scope.cancel()


def attach(token: str) -> bytes:
    return ClientConnection(0).ticket(token)


async def wait_until(condition: Callable[[], bool]) -> None:
    with trio.fail_after(PATIENCE_S):
        while not condition():
            await trio.sleep(0.01)


async def hears_the_end(client: Client) -> str:
    """Why the client's session is over."""
    with trio.fail_after(PATIENCE_S), pytest.raises(ConnectionEnded) as ended:
        await client.wait_until(lambda: False)
    return str(ended.value)


async def test_a_ticket_lets_a_viewer_in_by_a_transport_without_logins(
    setup: ServerSetup, tmp_path: Path
) -> None:
    async with served(setup, tmp_path) as desk:
        with trio.fail_after(PATIENCE_S):
            async with watch(desk.socket, await desk.ticket()) as client:
                assert client.welcome.user_name == "wanda"
                await client.wait_for_exact_picture()
                await client.send(KeyEvent(pressed=True, keysym=0x61, code="KeyA"))
                await wait_until(lambda: desk.keys() == [0x61])
        await wait_until(lambda: len(desk.session.viewers) == 0)


async def test_only_who_is_logged_in_gets_a_ticket_and_only_on_our_pages(
    setup: ServerSetup, tmp_path: Path
) -> None:
    async with served(setup, tmp_path) as desk:
        own = {"Origin": f"http://127.0.0.1:{desk.port}"}
        cookie = {"Cookie": (await log_in(desk.port, "wanda", PASSWORD)).cookie}
        for headers, status in (
            ({}, 401),
            (own, 401),
            (cookie, 403),
            ({**cookie, "Origin": "https://elsewhere.example"}, 403),
            ({**basic("wanda", PASSWORD), "Origin": "https://elsewhere.example"}, 403),
            ({**cookie, **own}, 200),
        ):
            reply = await request(desk.port, "POST", "/api/ticket", headers)
            assert (reply.status, "ticket" in reply.json) == (status, status == 200)
            if status == 200:
                assert reply.headers["cache-control"] == "no-store"
        assert (await request(desk.port, "GET", "/api/ticket", cookie)).status == 405


async def test_a_ticket_is_good_once(setup: ServerSetup, tmp_path: Path) -> None:
    async with served(setup, tmp_path) as desk:
        ticket = await desk.ticket()
        async with watch(desk.socket, ticket):
            farewell = await desk.answer_to(attach(ticket))
            assert farewell.may_reconnect
            assert len(desk.session.viewers) == 1


async def test_a_ticket_is_void_after_its_time(
    setup: ServerSetup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kasmcore.server.tickets.TICKET_LIFETIME_S", 0.05)
    async with served(setup, tmp_path) as desk:
        ticket = await desk.ticket()
        await trio.sleep(0.06)
        assert (await desk.answer_to(attach(ticket))).may_reconnect


async def test_a_ticket_ends_with_the_login_that_asked_for_it(
    setup: ServerSetup, tmp_path: Path
) -> None:
    async with served(setup, tmp_path) as desk:
        headers = {
            "Cookie": (await log_in(desk.port, "wanda", PASSWORD)).cookie,
            "Origin": f"http://127.0.0.1:{desk.port}",
        }
        ticket = await desk.ticket(headers)
        assert (await request(desk.port, "POST", "/api/logout", headers)).status == 204
        assert (await desk.answer_to(attach(ticket))).may_reconnect


async def test_wrong_tokens_count_as_wrong_logins(setup: ServerSetup, tmp_path: Path) -> None:
    brake = BruteForceProtectionConfig(blacklist_threshold=2, blacklist_timeout=300)
    braked = with_security(setup, brute_force_protection=brake)
    async with served(braked, tmp_path) as desk:
        ticket, spare = await desk.ticket(), await desk.ticket()
        await desk.answer_to(attach("wrong"))
        async with watch(desk.socket, ticket):
            await desk.answer_to(attach("wrong"))
            await desk.answer_to(attach("wrong again"))
            farewell = await desk.answer_to(attach(spare))
            assert "too many failed logins" in farewell.reason
            assert farewell.may_reconnect, "a page that has its cookie joins by that"
            assert (await log_in(desk.port, "wanda", PASSWORD)).status == 429
            assert len(desk.session.viewers) == 1


async def test_who_has_not_said_anything_yet_is_not_taken_for_a_guess(
    setup: ServerSetup, tmp_path: Path
) -> None:
    brake = BruteForceProtectionConfig(blacklist_threshold=1, blacklist_timeout=300)
    async with served(with_security(setup, brute_force_protection=brake), tmp_path) as desk:
        idle = [await open_socket(desk.socket) for _ in range(5)]
        async with watch(desk.socket, await desk.ticket()) as client:
            await client.wait_for_picture()
        for connection in idle:
            await connection.aclose("done")


@pytest.mark.parametrize(
    ("units", "reason"),
    [
        ((bytes(1025),), "1025 bytes came without an Attach"),
        ((SKIPPED, SKIPPED), "1210 bytes came without an Attach"),
        ((b"\xff",), ""),
        ((ClientConnection(0).hello(DEFAULT_HELLO),), "Hello came before Attach"),
    ],
    ids=["long", "long in two", "damaged", "hello"],
)
async def test_what_comes_before_a_token_is_refused(
    setup: ServerSetup, tmp_path: Path, units: tuple[bytes, ...], reason: str
) -> None:
    async with served(setup, tmp_path) as desk:
        farewell = await desk.answer_to(*units)
        assert reason in farewell.reason
        assert len(desk.session.viewers) == 0


async def test_who_says_nothing_is_sent_away(
    setup: ServerSetup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kasmcore.session.first_words.HANDSHAKE_LIMIT_S", 0.2)
    async with served(setup, tmp_path) as desk:
        assert "no Attach came" in (await desk.answer_to()).reason


async def test_a_viewer_goes_on_by_another_transport_and_no_key_is_lost(
    setup: ServerSetup, tmp_path: Path
) -> None:
    async with served(setup, tmp_path) as desk:
        url = f"http://127.0.0.1:{desk.port}/"
        with trio.fail_after(PATIENCE_S):
            async with connect(url, "wanda", PASSWORD) as client:
                for number in range(1, 31):
                    await client.send(KeyEvent(pressed=True, keysym=number, code=""))
                    if number % 10 == 0:
                        await attached(desk, client)
                desk.desktop.paint_pixels(0, 0, np.full((90, 90, 4), 77, np.uint8))
                await client.wait_until(lambda: bool((client.framebuffer[5, 5, :3] == 77).all()))
                await wait_until(lambda: len(desk.keys()) >= 30)
                assert desk.keys() == list(range(1, 31))
                assert len(desk.session.viewers) == 1


async def attached(desk: Desk, client: Client) -> UnixConnection:
    """Let a client go on over a new socket."""
    client.may_come_back = True
    await client.wait_until(lambda: client.newest(ResumeOffer) is not None)
    used = client.newest(ResumeOffer)
    connection = await open_socket(desk.socket)
    await client.attach(ConnectionMessages(connection))
    await client.wait_until(lambda: client.newest(ResumeOffer) is not used)
    return connection


async def test_signing_out_ends_viewers_wherever_they_are(
    setup: ServerSetup, tmp_path: Path
) -> None:
    async with served(setup, tmp_path) as desk:
        origin = {"Origin": f"http://127.0.0.1:{desk.port}"}
        logins = [
            {"Cookie": (await log_in(desk.port, "wanda", PASSWORD)).cookie, **origin}
            for _ in range(2)
        ]
        mine, others = [await desk.ticket(login) for login in logins]
        async with watch(desk.socket, mine) as one, watch(desk.socket, others) as two:
            await attached(desk, one)
            offer = one.newest(ResumeOffer)
            assert offer is not None
            await request(desk.port, "POST", "/api/logout", {**logins[0], **JSON})
            await wait_until(lambda: len(desk.session.viewers) == 1)
            assert (await desk.answer_to(attach(offer.token))).may_reconnect
            assert not two.has_ended


async def test_who_has_no_account_any_more_is_sent_away_and_not_let_back(
    setup: ServerSetup, tmp_path: Path
) -> None:
    async with (
        served(setup, tmp_path) as desk,
        watch(desk.socket, await desk.ticket()) as here,
        watch(desk.socket, await desk.ticket()) as away,
    ):
        connection = await attached(desk, away)
        offer = away.newest(ResumeOffer)
        assert offer is not None
        await connection._stream.aclose()  # without a goodbye
        setup.users.edit("wanda", lambda _: None)
        assert "account" in await hears_the_end(here)
        await wait_until(lambda: len(desk.session.viewers) == 0)
        assert (await desk.answer_to(attach(offer.token))).may_reconnect


def is_ours(thing: object) -> bool:
    return str(type(thing).__module__).partition(".")[0] in ("kasmcore", "unix_socket")


async def test_many_wrong_tokens_leave_nothing_behind(
    setup: ServerSetup, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR, "kasmcore")  # pytest keeps what is logged
    brake = BruteForceProtectionConfig(blacklist_threshold=0)
    async with served(with_security(setup, brute_force_protection=brake), tmp_path) as desk:

        async def kept_after(tries: int) -> tuple[int, int]:
            """Objects of ours, and bytes of all, after so many wrong tokens."""
            for number in range(tries):
                await desk.answer_to(attach(f"wrong {number}"))
            gc.collect()
            return sum(map(is_ours, gc.get_objects())), tracemalloc.get_traced_memory()[0]

        tracemalloc.start(1)
        try:
            objects, size = await kept_after(100)
            more_objects, more_size = await kept_after(TRIES)
        finally:
            tracemalloc.stop()
        assert more_objects - objects < TRIES // 10
        assert more_size - size < 1000 * TRIES
        async with watch(desk.socket, await desk.ticket()) as client:
            await client.wait_for_picture()
