"""Waiting for a condition in tests that look at other processes from outside."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

LIMIT_S = 30.0
_LOOK_EVERY_S = 0.02


def wait_for(look: Callable[[], T | None], what: str, *, limit_s: float = LIMIT_S) -> T:
    """Look again and again until there is something true to see, and return it.

    Raises:
        AssertionError: it did not come; says what was waited for and what was seen last.
    """
    end_s = time.monotonic() + limit_s
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > end_s:
            raise AssertionError(f"{what}: not within {limit_s:g} s; last seen: {seen!r}")
        time.sleep(_LOOK_EVERY_S)


def wait_until_equal(
    look: Callable[[], object], expected: object, *, limit_s: float = LIMIT_S
) -> None:
    """Look again and again until what is seen equals what is expected.

    Raises:
        AssertionError: it never did; shows both.
    """
    end_s = time.monotonic() + limit_s
    while (seen := look()) != expected:
        if time.monotonic() > end_s:
            assert seen == expected
        time.sleep(_LOOK_EVERY_S)
