"""A real server and viewer over a link that is slow, long, lossy, and changes while they talk.

The figures that matter are taken by ``tests/bench/impaired.py``; here it must go on.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator

import pytest
import trio

from kasmcore.values.clipboard import TEXT_MIME, AllowedClipboard, ClipboardItem
from tests.impaired_desk import impaired_desk
from tests.impaired_link import ImpairedLink, LinkQuality, impaired_link
from tests.live_server import Launcher

MBIT = 1e6 / 8
FREEZE_S = 2.0
"""Twice what people are to see at worst: the machine of the tests has other things to do."""


@pytest.fixture
def link() -> Iterator[ImpairedLink]:
    with impaired_link(LinkQuality(bytes_per_s=20 * MBIT, delay_s=0.01)) as made:
        yield made


async def test_typing_is_seen_exactly_while_a_picture_moves_on_a_slow_lossy_link(
    runs: Launcher, link: ImpairedLink
) -> None:
    link.change(LinkQuality(bytes_per_s=5 * MBIT, delay_s=0.04, loss=0.01))
    async with impaired_desk(runs, link) as desk:
        await trio.sleep(2)
        began_s, latencies = trio.current_time(), []
        for _ in range(20):
            latencies.append(await desk.press_key())
            await trio.sleep(0.1)
        now_s = trio.current_time()
        assert desk.longest_gap_s(began_s, now_s) < FREEZE_S
        assert desk.frames_between(began_s, now_s) > 5 * (now_s - began_s)
        assert statistics.median(latencies) < 0.5
        assert desk.client.counters.failed_frames == 0


async def test_a_drop_and_a_rise_of_the_rate_are_lived_with(
    runs: Launcher, link: ImpairedLink
) -> None:
    images = "session.video_streams=off"  # they take all that a slow link carries
    async with impaired_desk(runs, link, images) as desk:
        await trio.sleep(3)
        link.change(LinkQuality(bytes_per_s=2 * MBIT, delay_s=0.01))
        dropped_s = trio.current_time()
        await trio.sleep(3)
        assert desk.longest_gap_s(dropped_s, trio.current_time()) < FREEZE_S
        assert await desk.ping() < 1.0
        before = link.counts()["to_client"]["passed_bytes"]
        await trio.sleep(1)
        slow = link.counts()["to_client"]["passed_bytes"] - before
        link.change(LinkQuality(bytes_per_s=20 * MBIT, delay_s=0.01))
        await trio.sleep(3)
        before = link.counts()["to_client"]["passed_bytes"]
        await trio.sleep(1)
        assert link.counts()["to_client"]["passed_bytes"] - before > 1.5 * slow


async def test_a_large_clipboard_holds_up_neither_frames_nor_answers(
    runs: Launcher, link: ImpairedLink
) -> None:
    link.change(LinkQuality(bytes_per_s=5 * MBIT, delay_s=0.02))
    async with impaired_desk(runs, link) as desk:
        text = ClipboardItem(TEXT_MIME, b"many words " * 100_000)
        answer = ClipboardItem(TEXT_MIME, text.data.upper())  # as the synthetic desktop gives it
        await trio.sleep(1)
        await desk.client.send_clipboard([text])
        began_s, answers = trio.current_time(), []
        while desk.client.newest(AllowedClipboard) is None:
            answers.append(await desk.ping())
            await trio.sleep(0.1)
        assert desk.client.newest(AllowedClipboard) == AllowedClipboard((answer,))
        assert statistics.median(answers) < 0.5
        assert desk.longest_gap_s(began_s, trio.current_time()) < FREEZE_S
