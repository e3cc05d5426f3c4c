"""A viewer goes on elsewhere: its picture ends exact and its keys arrive once, whatever is lost."""

from __future__ import annotations

import contextlib
import random
from collections.abc import AsyncIterator

import attrs
import numpy as np
import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from kasmcore.errors import ConnectionEnded
from kasmcore.interfaces.stream_encoder import StreamEncoderSpec
from kasmcore.protocol.messages import ResumeOffer
from kasmcore.session.reception import Reception
from kasmcore.testing.client import DEFAULT_HELLO, Client, follow
from kasmcore.testing.client_stream import ConnectionMessages
from kasmcore.testing.memory_transport import (
    Link,
    MemoryConnection,
    memory_connections,
    unordered_connections,
)
from kasmcore.testing.received_picture import StreamDecoders
from kasmcore.values.clipboard import TEXT_MIME, AllowedClipboard, ClipboardItem
from kasmcore.values.permissions import FULL_PERMISSIONS, Guest, User
from kasmcore.values.viewer_events import KeyEvent
from tests.unit.session.desks import RAW, Desk, open_desk

GUEST = Guest(User("ann", FULL_PERMISSIONS), "127.0.0.1", "login")


def raw(payload: bytes, width: int, height: int) -> np.ndarray:
    return np.frombuffer(payload, np.uint8).reshape(height, width, 4)


@attrs.define
class Bench:
    desk: Desk
    reception: Reception
    client: Client
    connection: MemoryConnection
    client_end: MemoryConnection

    async def attach(self, to_client: Link | None = None, *, unordered: bool = False) -> None:
        pair = (unordered_connections if unordered else memory_connections)(to_client)
        self.desk.nursery.start_soon(self.reception.serve, pair[0], GUEST)
        await self.client.attach(ConnectionMessages(pair[1]))
        self.connection, self.client_end = pair

    def keys(self) -> list[int]:
        events = [received.event for received in self.desk.desktop.input.received]
        return [event.keysym for event in events if isinstance(event, KeyEvent) and event.pressed]

    def is_exact(self) -> bool:
        shown, there = self.client.framebuffer, self.desk.desktop.pixels
        return np.array_equal(shown[..., :3], there[..., :3])


@contextlib.asynccontextmanager
async def opened(
    *,
    unordered: bool = False,
    to_client: Link | None = None,
    stream_encoders: tuple[StreamEncoderSpec, ...] = (),
    stream_decoders: StreamDecoders | None = None,
) -> AsyncIterator[Bench]:
    pair = (unordered_connections if unordered else memory_connections)(to_client)
    hello = attrs.evolve(DEFAULT_HELLO, codecs=("raw", *(stream_decoders or ())))
    async with open_desk(encoders=(RAW,), stream_encoders=stream_encoders) as desk:
        reception = Reception(desk.session, "desk")
        desk.nursery.start_soon(reception.serve, pair[0], GUEST)
        stream = ConnectionMessages(pair[1])
        async with follow(stream, hello, {"raw": raw}, stream_decoders) as client:
            client.may_come_back = True
            await client.wait_until(lambda: client.newest(ResumeOffer) is not None)
            yield Bench(desk, reception, client, *pair)


def paint(desk: Desk, random_: random.Random) -> None:
    pixels = np.full((40, 60, 4), random_.randrange(256), np.uint8)
    desk.desktop.paint_pixels(random_.randrange(260), random_.randrange(160), pixels)


async def test_a_viewer_changes_to_another_connection(autojump_clock: MockClock) -> None:
    async with opened() as bench:
        await bench.client.wait_for_picture()
        await bench.attach(unordered=True)
        bench.desk.desktop.paint_pixels(0, 0, np.full((50, 50, 4), 77, np.uint8))
        await bench.client.wait_until(bench.is_exact)
        assert len(bench.desk.session.viewers) == 1


async def test_a_broken_viewer_is_kept_for_its_grace_alone(autojump_clock: MockClock) -> None:
    async with opened() as bench:
        await bench.client.wait_for_picture()
        bench.connection.vanish()
        await trio.sleep(14)
        assert len(bench.desk.session.viewers) == 1
        await trio.sleep(2)
        assert len(bench.desk.session.viewers) == 0
        with pytest.raises(ConnectionEnded):
            await bench.attach()


async def test_a_viewer_that_says_goodbye_leaves_at_once(autojump_clock: MockClock) -> None:
    async with opened() as bench:
        await bench.client_end.aclose("bye")
        await trio.sleep(0.1)
        assert len(bench.desk.session.viewers) == 0


async def test_the_end_of_a_login_ends_what_was_attached_by_it(autojump_clock: MockClock) -> None:
    async with opened() as bench:
        await bench.attach()
        bench.reception.end_login("login")
        await trio.sleep(0.1)
        assert len(bench.desk.session.viewers) == 0


async def test_another_user_cannot_use_a_token(autojump_clock: MockClock) -> None:
    async with opened() as bench:
        server_end, client_end = memory_connections()
        thief = attrs.evolve(GUEST, user=User("eve", FULL_PERMISSIONS))
        bench.desk.nursery.start_soon(bench.reception.serve, server_end, thief)
        with pytest.raises(ConnectionEnded, match="refused"):
            await bench.client.attach(ConnectionMessages(client_end))


def text_of(client: Client) -> bytes:
    newest = client.newest(AllowedClipboard)
    return b"" if newest is None else newest.items[0].data


async def test_clipboard_contents_that_a_dead_connection_took_come_again(
    autojump_clock: MockClock,
) -> None:
    async with opened() as bench:
        clipboard = bench.desk.desktop.clipboard
        assert clipboard is not None
        bench.connection.outgoing.delay_s = 10
        clipboard.offer_text("copied")
        await trio.sleep(1)
        bench.connection.vanish()
        await bench.attach()
        await bench.client.wait_until(lambda: text_of(bench.client) == b"copied")


@pytest.mark.parametrize("after_s", [0.5, 8.0])
async def test_clipboard_contents_do_not_come_again_over_newer_ones(
    after_s: float, autojump_clock: MockClock
) -> None:
    async with opened() as bench:
        clipboard = bench.desk.desktop.clipboard
        assert clipboard is not None
        clipboard.offer_text("of the desktop")
        first = await bench.client.wait_for(AllowedClipboard)
        await trio.sleep(after_s)
        if after_s < 1:
            await bench.client.send_clipboard([ClipboardItem(TEXT_MIME, b"of the viewer")])
        await bench.client.send(KeyEvent(pressed=True, keysym=1, code=""))
        await trio.sleep(0.1)
        await bench.attach()
        await trio.sleep(1)
        assert bench.client.newest(AllowedClipboard) is first


def run_seeded(seed: int, unordered: bool) -> None:
    random_ = random.Random(seed)

    async def act() -> None:
        def link() -> Link:
            return Link(
                delay_s=random_.choice((0.0, 0.03)),
                loses=lambda serial: unordered and random_.random() < 0.2,
                lateness_s=lambda serial: random_.choice((0.0, 0.0, 0.08)),
            )

        async with opened(unordered=unordered, to_client=link()) as bench:
            expected: list[int] = []
            for number in range(60):
                paint(bench.desk, random_)
                await bench.client.send(KeyEvent(pressed=True, keysym=number + 1, code=""))
                expected.append(number + 1)
                if random_.random() < 0.1:
                    if random_.random() < 0.5:
                        bench.connection.vanish()
                        await trio.sleep(random_.choice((0.0, 1.0)))
                    await bench.attach(link(), unordered=unordered)
                await trio.sleep(random_.choice((0.0, 0.02)))
                if random_.random() < 0.3:
                    await bench.client.report_lost()
            with trio.fail_after(60):
                while not bench.is_exact() or bench.keys() != expected:
                    await trio.sleep(1)
                    await bench.client.report_lost()
            assert bench.keys() == expected

    trio.run(act, clock=MockClock(autojump_threshold=0))


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), unordered=st.booleans())
def test_the_picture_ends_exact_and_keys_arrive_once(seed: int, unordered: bool) -> None:
    run_seeded(seed, unordered)
