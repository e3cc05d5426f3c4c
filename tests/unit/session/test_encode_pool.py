import threading

import numpy as np
import pytest
import trio

from kasmcore.interfaces.encoder import Exactness
from kasmcore.pipeline.choice import EncoderFigures
from kasmcore.pipeline.content import Content
from kasmcore.pipeline.plan import EncodeJob
from kasmcore.session.encode_pool import EncodePool, EncoderFailed
from kasmcore.values.geometry import Rectangle
from tests.unit.pipeline.frames import photo, visible
from tests.unit.session.desks import encoder

FRAME = visible(photo(256, 256))


def jobs(codec: str = "raw", count: int = 8) -> list[EncodeJob]:
    return [
        EncodeJob(Rectangle(0, 32 * i, 256, 32), codec, 100, Content.TEXT, expected_s=0.01)
        for i in range(count)
    ]


class Watched:
    """Notes its threads; can be held up."""

    calls: list[tuple[int, tuple[int, ...]]]

    def __init__(self) -> None:
        self.may_go = threading.Event()
        self.may_go.set()
        self.calls = []

    def make(self):
        return self

    def encode(self, pixels, quality):
        assert self.may_go.wait(10)
        self.calls.append((threading.get_ident(), pixels.shape))
        return np.ascontiguousarray(pixels).tobytes()


def pool(watched: Watched, threads: int = 2) -> EncodePool:
    spec = encoder("raw", watched.make, Exactness.ALWAYS)
    return EncodePool({"raw": spec}, EncoderFigures([spec]), threads)


async def test_jobs_are_shared_among_the_threads_and_come_back_in_order():
    watched = Watched()
    parts = await pool(watched).encode(FRAME, jobs())
    assert [part.rectangle.y for part in parts] == [32 * i for i in range(8)]
    for part in parts:
        where = part.rectangle
        assert part.payload == FRAME.pixels[where.rows, where.columns].tobytes()
    assert threading.get_ident() not in {ident for ident, _ in watched.calls}


async def test_two_tasks_that_want_the_same_encode_it_once():
    watched = Watched()
    encode_pool = pool(watched)
    results = []

    async def want():
        results.append(await encode_pool.encode(FRAME, jobs()))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(want)
        nursery.start_soon(want)
    assert results[0] == results[1]
    assert len(watched.calls) == 8


async def test_who_waits_for_a_task_that_is_cancelled_encodes_itself():
    watched = Watched()
    encode_pool = pool(watched)
    results = []

    async def want():
        results.append(await encode_pool.encode(FRAME, jobs(count=2)))

    first_scope = trio.CancelScope()

    async def cancelled_while_it_encodes():
        with first_scope:
            await want()

    watched.may_go.clear()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(cancelled_while_it_encodes)
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(want)
        await trio.testing.wait_all_tasks_blocked()
        first_scope.cancel()
        watched.may_go.set()
    assert len(results[-1]) == 2


async def test_results_of_older_frames_are_forgotten():
    encode_pool = pool(Watched())
    await encode_pool.encode(FRAME, jobs())
    assert encode_pool._shared
    encode_pool.forget_before(FRAME.serial + 1)
    assert not encode_pool._shared


async def test_an_encoder_that_fails_names_itself_and_is_dropped_after_three_times():
    class Broken(Watched):
        def encode(self, pixels, quality):
            raise ValueError("nonsense")

    encode_pool = pool(Broken())
    for _ in range(3):
        assert encode_pool.is_usable("raw")
        with pytest.raises(EncoderFailed) as failed:
            await encode_pool.encode(FRAME, jobs(count=1))
        assert failed.value.codec == "raw"
    assert not encode_pool.is_usable("raw")


async def test_the_figures_follow_what_encoding_really_costs():
    encode_pool = pool(Watched())
    before = encode_pool.figures.of("raw", Content.TEXT, True).bits_per_pixel
    for serial in range(2, 40):
        await encode_pool.encode(visible(FRAME.pixels, serial=serial), jobs())
    after = encode_pool.figures.of("raw", Content.TEXT, True).bits_per_pixel
    assert before == 1.0
    assert 30 < after <= 32
