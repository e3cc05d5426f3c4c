"""How large packets may be: larger ones than surely pass are tried, one at a time.

A packet costs the same work whatever its size. Pure: time is an argument.
"""

from __future__ import annotations

from math import inf

import attrs

_TRIED_BYTES = (1452, 1372)
"""What Ethernet carries besides the headers of IPv6 and UDP, and what most tunnels leave of it."""
_TRIES = 2
"""The first may be lost by chance."""
_AFTER_S = 1.0
"""The first pictures come before it."""
_AGAIN_S = 10.0
"""After a way turned out not to carry them any more."""


@attrs.define(eq=False)
class PacketSize:
    """Size of full packets on one path.

    Args:
        sure_bytes: passes everywhere.
    """

    sure_bytes: int
    now_bytes: int = attrs.field(init=False)
    """What is used."""
    _candidates: list[int] = attrs.field(factory=list, init=False)
    _failed: int = attrs.field(default=0, init=False)
    _due_s: float = attrs.field(default=inf, init=False)

    def __attrs_post_init__(self) -> None:
        self.now_bytes = self.sure_bytes

    def begin(self, now_s: float, after_s: float = _AFTER_S) -> None:
        """Use what is sure, and try more after a while."""
        self.now_bytes = self.sure_bytes
        self._candidates = [size for size in _TRIED_BYTES if size > self.sure_bytes]
        self._failed = 0
        self._due_s = now_s + after_s if self._candidates else inf

    def to_try(self, now_s: float) -> int | None:
        """Return the size of a packet that is to be sent now to see whether it arrives."""
        if now_s < self._due_s:
            return None
        self._due_s = inf
        return self._candidates[0]

    def tried(self, size: int, now_s: float, *, has_arrived: bool) -> None:
        """It is known what became of that packet."""
        if not self._candidates or self._candidates[0] != size:
            return
        if has_arrived:
            self.now_bytes = size
            self._candidates = []
            return
        self._failed += 1
        if self._failed >= _TRIES:
            self._failed = 0
            del self._candidates[0]
        self._due_s = now_s + _AFTER_S if self._candidates else inf

    def went_silent(self, now_s: float) -> None:
        """Nothing arrives: perhaps large packets no longer pass."""
        if self.now_bytes > self.sure_bytes:
            self.begin(now_s, _AGAIN_S)
