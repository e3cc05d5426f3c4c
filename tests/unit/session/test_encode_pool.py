import threading

import attrs
import numpy as np
import pytest
import trio

from kasmcore.interfaces.encoder import Exactness
from kasmcore.pipeline.choice import EncoderFigures
from kasmcore.pipeline.content import Content
from kasmcore.pipeline.plan import EncodeJob
from kasmcore.pipeline.scaling import Scaling, ScalingAlgorithm, scale_pixels
from kasmcore.session.encode_pool import EncodePool, EncoderFailed
from kasmcore.values.geometry import Rectangle, Size
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
        self.most_at_once = 0
        self.entered = threading.Semaphore(0)
        self._at_once = 0
        self._lock = threading.Lock()

    def make(self):
        return self

    def encode(self, pixels, quality):
        with self._lock:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        self.entered.release()
        assert self.may_go.wait(10)
        with self._lock:
            self._at_once -= 1
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


@pytest.mark.parametrize("threads", [1, 2, 5])
async def test_no_more_threads_encode_at_once_than_the_operator_allows(threads):
    watched = Watched()
    watched.may_go.clear()
    encode_pool = pool(watched, threads)
    async with trio.open_nursery() as nursery:
        for serial in range(3):
            frame = attrs.evolve(FRAME, serial=serial)
            nursery.start_soon(encode_pool.encode, frame, jobs())
        for _ in range(threads):
            await trio.to_thread.run_sync(watched.entered.acquire)
        watched.may_go.set()
    assert watched.most_at_once == threads
    assert len({ident for ident, _ in watched.calls}) <= threads


async def test_an_image_for_a_large_screen_is_made_smaller_and_not_confused_with_the_whole_one():
    watched = Watched()
    job = jobs(count=1)[0]
    smaller = attrs.evolve(job, scaling=Scaling(Size(64, 8), ScalingAlgorithm.NEAREST))
    parts = await pool(watched).encode(FRAME, [job, smaller])
    assert [part.image_size for part in parts] == [None, Size(64, 8)]
    assert [part.rectangle for part in parts] == [job.rectangle, job.rectangle]
    where = job.rectangle
    expected = scale_pixels(FRAME.pixels[where.rows, where.columns], smaller.scaling)
    assert parts[1].payload == expected.tobytes()


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
