"""CPU time of the calling thread, so that other work on the machine counts little."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_RUNS = 5


def least_cpu_ns(work: Callable[[], T], repeat: int) -> tuple[float, T]:
    """Do the work in five runs of so many calls; return the least time of one call, and its result.

    The least, because whatever disturbs a measurement makes it longer.
    """
    best_ns, result = float("inf"), work()
    for _ in range(_RUNS):
        start_ns = time.thread_time_ns()
        for _ in range(repeat):
            result = work()
        best_ns = min(best_ns, (time.thread_time_ns() - start_ns) / repeat)
    return best_ns, result
