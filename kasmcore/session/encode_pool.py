"""Encoding in worker threads: few hops, and one result for all viewers that need the same."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TypeVar

import attrs
import trio

from kasmcore.errors import EncodeError
from kasmcore.interfaces.encoder import EncoderSpec, ImageEncoder
from kasmcore.pipeline.choice import EncoderFigures, Wanted
from kasmcore.pipeline.plan import EncodeJob
from kasmcore.pipeline.scaling import Scaling, scale_pixels
from kasmcore.stats.codec_counts import CodecCounts
from kasmcore.values.frames import EncodedRectangle, VisibleFrame
from kasmcore.values.geometry import Rectangle

_LOG = logging.getLogger(__name__)

_INLINE_S = 0.0004
"""Short enough for the main task: a hop to a thread costs a tenth of a millisecond."""
_FAULTS_BEFORE_DROPPED = 3
ENCODER_FAULTS = (
    EncodeError,
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What a broken encoder may raise; anything else is a fault of ours."""

_T = TypeVar("_T")
_Key = tuple[int, Rectangle, str, int, Scaling | None]


def _key(frame: VisibleFrame, job: EncodeJob) -> _Key:
    """What two jobs have in common whose result is the same."""
    return frame.serial, job.rectangle, job.codec, job.quality, job.scaling


class EncoderFailed(Exception):
    """An encoder failed on a rectangle: plan this frame again without it."""

    def __init__(self, codec: str) -> None:
        super().__init__(codec)
        self.codec = codec


@attrs.frozen
class _Result:
    payload: bytes
    seconds: float


@attrs.define(eq=False)
class _Shared:
    """A rectangle that some task encodes; the others wait for it."""

    done: trio.Event = attrs.field(factory=trio.Event)
    payload: bytes | None = None


@attrs.define(eq=False)
class EncodePool:
    """The session's encoders, one of each per worker thread."""

    specs: dict[str, EncoderSpec]
    figures: EncoderFigures
    threads: int
    inline_s: float = _INLINE_S
    """Work that is expected to be shorter is done in place."""
    _limiter: trio.CapacityLimiter = attrs.field(init=False)
    _per_thread: threading.local = attrs.field(factory=threading.local, init=False)
    _shared: dict[_Key, _Shared] = attrs.field(factory=dict, init=False)
    _faults: Counter[str] = attrs.field(factory=Counter, init=False)
    counts: CodecCounts = attrs.field(factory=CodecCounts, init=False)
    """What the encoders have done, those of streams among them."""

    def __attrs_post_init__(self) -> None:
        self._limiter = trio.CapacityLimiter(self.threads)

    def is_usable(self, codec: str) -> bool:
        """False once an encoder has failed too often."""
        return self._faults[codec] < _FAULTS_BEFORE_DROPPED

    async def encode(
        self, frame: VisibleFrame, jobs: Sequence[EncodeJob]
    ) -> tuple[EncodedRectangle, ...]:
        """Encode all jobs of one frame; those that another viewer just had encoded are shared.

        Raises:
            EncoderFailed: plan again without that codec.
        """
        payloads: dict[_Key, bytes] = {}
        missing = [(job, _key(frame, job)) for job in jobs]
        while missing:
            mine, others = self._divide(missing)
            if mine:
                payloads |= await self._encode_mine(frame, mine)
            for _, key in others:
                entry = self._shared.get(key)
                if entry is not None:
                    await entry.done.wait()
                    if entry.payload is not None:
                        payloads[key] = entry.payload
            missing = [(job, key) for job, key in missing if key not in payloads]
        return tuple(
            EncodedRectangle(
                job.rectangle,
                job.codec,
                job.quality,
                payloads[_key(frame, job)],
                job.scaling.size if job.scaling else None,
            )
            for job in jobs
        )

    async def run(self, expected_s: float, encode: Callable[[], _T]) -> _T:
        """Run something else that encodes: in place when that is quick, else in a worker thread."""
        if expected_s < self.inline_s:
            return encode()
        return await trio.to_thread.run_sync(encode, limiter=self._limiter)

    def forget_before(self, serial: int) -> None:
        """Drop shared results of frames older than this one."""
        for key in [key for key in self._shared if key[0] < serial]:
            del self._shared[key]

    def _divide(
        self, missing: list[tuple[EncodeJob, _Key]]
    ) -> tuple[list[tuple[EncodeJob, _Key]], list[tuple[EncodeJob, _Key]]]:
        """Claim what nobody encodes yet; the rest is being encoded, or done, for another viewer."""
        mine = [(job, key) for job, key in missing if key not in self._shared]
        others = [(job, key) for job, key in missing if key in self._shared]
        for _, key in mine:
            self._shared[key] = _Shared()
        return mine, others

    async def _encode_mine(
        self, frame: VisibleFrame, mine: list[tuple[EncodeJob, _Key]]
    ) -> dict[_Key, bytes]:
        entries = {key: self._shared[key] for _, key in mine}
        try:
            results = await self._run(frame, [job for job, _ in mine])
            for (job, key), result in zip(mine, results, strict=True):
                entries[key].payload = result.payload
                self._learn(job, result)
            return {key: entries[key].payload or b"" for _, key in mine}
        finally:
            for key, entry in entries.items():
                if entry.payload is None and self._shared.get(key) is entry:
                    del self._shared[key]
                entry.done.set()

    async def _run(self, frame: VisibleFrame, jobs: list[EncodeJob]) -> list[_Result]:
        """Encode in place when that is quick, else in batches, one thread hop a batch."""
        if sum(job.expected_s for job in jobs) < self.inline_s:
            return self._encode_batch(frame, jobs)
        batches = _batches(jobs, self.threads)
        results: dict[int, _Result] = {}

        async def run_batch(batch: list[int]) -> None:
            encoded = await trio.to_thread.run_sync(
                self._encode_batch, frame, [jobs[i] for i in batch], limiter=self._limiter
            )
            results.update(zip(batch, encoded, strict=True))

        if len(batches) == 1:
            await run_batch(batches[0])
        else:
            try:
                async with trio.open_nursery() as nursery:
                    for batch in batches:
                        nursery.start_soon(run_batch, batch)
            except* EncoderFailed as group:
                raise _first(group) from None
        return [results[i] for i in range(len(jobs))]

    def _encode_batch(self, frame: VisibleFrame, jobs: Sequence[EncodeJob]) -> list[_Result]:
        """Runs in a worker thread, or in place."""
        results = []
        for job in jobs:
            pixels = frame.pixels[job.rectangle.rows, job.rectangle.columns]
            started_s = time.perf_counter()
            if job.scaling is not None:
                pixels = scale_pixels(pixels, job.scaling)
            try:
                payload = self._encoder(job.codec).encode(pixels, job.quality)
            except ENCODER_FAULTS as fault:
                self._faults[job.codec] += 1
                self.counts.of(job.codec).faults += 1
                _LOG.warning(
                    "encoder %s failed on %s (%s: %s). Another one takes its place%s.",
                    job.codec,
                    job.rectangle,
                    type(fault).__name__,
                    fault,
                    "" if self.is_usable(job.codec) else " from now on",
                )
                raise EncoderFailed(job.codec) from fault
            results.append(_Result(payload, time.perf_counter() - started_s))
        return results

    def _encoder(self, codec: str) -> ImageEncoder:
        encoders: dict[str, ImageEncoder] = self._per_thread.__dict__.setdefault("encoders", {})
        if codec not in encoders:
            encoders[codec] = self.specs[codec].factory()
        return encoders[codec]

    def _learn(self, job: EncodeJob, result: _Result) -> None:
        pixels = job.scaling.size.area if job.scaling else job.rectangle.area
        self.counts.encoded(job.codec, pixels, len(result.payload), result.seconds)
        wanted = Wanted(job.content, job.quality, pixels)
        self.figures.learn(job.codec, wanted, result.seconds, len(result.payload))


def _batches(jobs: Sequence[EncodeJob], most: int) -> list[list[int]]:
    """Divide the jobs' indexes into at most so many batches of about equal work."""
    batches: list[list[int]] = [[] for _ in range(min(most, len(jobs)))]
    loads = [0.0] * len(batches)
    for index in sorted(range(len(jobs)), key=lambda i: -jobs[i].expected_s):
        lightest = loads.index(min(loads))
        batches[lightest].append(index)
        loads[lightest] += jobs[index].expected_s
    return batches


def _first(group: BaseExceptionGroup[EncoderFailed]) -> EncoderFailed:
    found = group.exceptions[0]
    return _first(found) if isinstance(found, BaseExceptionGroup) else found
