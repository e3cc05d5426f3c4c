"""Requests and events on one connection, shared by tasks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
import trio
from kasmcore_x11.async_display import AsyncDisplay
from kasmcore_x11.connection import open_display
from Xlib import X, error
from Xlib.protocol import event, request, rq

from kasmcore.api import CaptureEnded

if TYPE_CHECKING:
    from tests.integration.x11.conftest import XServer

pytestmark = pytest.mark.x11


@asynccontextmanager
async def running(server: XServer) -> AsyncIterator[AsyncDisplay]:
    x = AsyncDisplay(open_display(server.name, ""))
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(x.run)
            yield x
            nursery.cancel_scope.cancel()
    x.close()


def ask_geometry(x: AsyncDisplay, drawable: int) -> rq.ReplyRequest:
    return x.ask(request.GetGeometry, None, drawable=drawable)


async def test_tasks_share_the_connection(x_server: XServer) -> None:
    async with running(x_server) as x:
        root = x.display.screen().root.id
        widths: list[int] = []

        async def measure() -> None:
            for _ in range(100):
                asked = [ask_geometry(x, root) for _ in range(3)]
                await x.replies(*asked)
                widths.extend(answer.width for answer in asked)

        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(measure)
    assert widths == [1280] * 1500


async def test_an_event_is_handled_before_a_reply_that_came_after_it(x_server: XServer) -> None:
    async with running(x_server) as x:
        names: list[int] = []
        x.on_event({event.PropertyNotify: lambda notice: names.append(notice.atom)})
        root = x.display.screen().root
        root.change_attributes(event_mask=X.PropertyChangeMask)
        atom = x.display.intern_atom("_KASMCORE_TEST")
        for count in range(1, 50):
            root.change_property(atom, atom, 8, b"x")
            await x.settled()
            assert names == [atom] * count


async def test_an_error_goes_to_the_one_who_asked(x_server: XServer) -> None:
    async with running(x_server) as x:
        good = ask_geometry(x, x.display.screen().root.id)
        bad = ask_geometry(x, 0x7777)
        with pytest.raises(error.BadDrawable):
            await x.replies(bad)
        await x.replies(good)
        assert good.height == 800


async def test_an_answer_is_acted_on_although_the_asker_was_cancelled(x_server: XServer) -> None:
    async with running(x_server) as x:
        arrived = trio.Event()
        asked = ask_geometry(x, x.display.screen().root.id)
        x.when_answered(asked, arrived.set)
        with trio.move_on_after(0):
            await x.replies(asked)
        await arrived.wait()
        assert asked.width == 1280


async def test_the_numbers_of_requests_may_wrap_around(x_server: XServer) -> None:
    async with running(x_server) as x:
        root = x.display.screen().root
        root.change_attributes(event_mask=X.PropertyChangeMask)
        atom = x.display.intern_atom("_KASMCORE_TEST")
        for _ in range(70):
            for _ in range(997):
                x.tell(request.NoOperation, None)
            root.change_property(atom, atom, 8, b"x")
            asked = [ask_geometry(x, root.id) for _ in range(3)]
            await x.replies(*asked)
            assert [answer.width for answer in asked] == [1280] * 3


async def test_nothing_can_be_asked_after_the_end(x_server: XServer) -> None:
    async with running(x_server) as x:
        await x.settled()
        await trio.to_thread.run_sync(x_server.stop)
        with pytest.raises(CaptureEnded, match="has ended"):
            await x.wait_until(lambda: False)
        with pytest.raises(CaptureEnded, match="has ended"):
            ask_geometry(x, 1)
        with pytest.raises(CaptureEnded, match="has ended"):
            x.tell(request.NoOperation, None)
        assert x.has_ended
