"""The brake on guessing passwords: counts failures by source; time comes in as ``now_s``."""

from __future__ import annotations

from collections import OrderedDict
from ipaddress import IPv6Address, ip_address, ip_network

import attrs

_FORGET_AFTER_S = 900.0
"""A source without a failure for this long starts from nothing."""
_BUSY_WAIT_S = 1.0


def source_of(address: str) -> str:
    """Return whom to count an address as: itself, or its /64 network for IPv6.

    Whoever has one IPv6 address commonly has the 2**64 of its network.
    """
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(ip, IPv6Address):
        if ip.ipv4_mapped is not None:
            return str(ip.ipv4_mapped)
        return str(ip_network((ip, 64), strict=False))
    return str(ip)


@attrs.define
class _Tries:
    failures: int = 0
    under_way: int = 0
    blocked_until_s: float | None = None
    failed_at_s: float = 0.0


@attrs.define
class LoginThrottle:
    """Lets a source try ``threshold`` times, then makes it wait ``timeout_s``.

    A try that is refused changes nothing, so waiting always ends. A success forgets the failures.
    Tries under way count as failures until their end, so that many at once gain nothing.

    Attributes:
        threshold: failures before the wait; 0 lets everyone try for ever.
        timeout_s: length of the wait.
        maximum_sources: most sources remembered; the one unseen for longest is forgotten.
    """

    threshold: int
    timeout_s: float
    maximum_sources: int = 10_000
    _tries: OrderedDict[str, _Tries] = attrs.field(factory=OrderedDict, init=False)

    def begin(self, source: str, now_s: float) -> float:
        """Ask for a try: 0.0 grants it (end it by one of the other calls), else seconds to wait."""
        if self.threshold == 0:
            return 0.0
        tries = self._tries.setdefault(source, _Tries())
        self._tries.move_to_end(source)
        if tries.blocked_until_s is not None:
            if now_s < tries.blocked_until_s:
                return tries.blocked_until_s - now_s
            tries.blocked_until_s, tries.failures = None, 0
        if now_s - tries.failed_at_s > _FORGET_AFTER_S:
            tries.failures = 0
        if tries.failures + tries.under_way >= self.threshold:
            return _BUSY_WAIT_S
        tries.under_way += 1
        while len(self._tries) > self.maximum_sources:
            self._tries.popitem(last=False)
        return 0.0

    def failed(self, source: str, now_s: float) -> None:
        """End a try: the credentials were wrong."""
        tries = self._end(source)
        if tries is None:
            return
        tries.failures += 1
        tries.failed_at_s = now_s
        if tries.failures >= self.threshold:
            tries.blocked_until_s = now_s + self.timeout_s

    def succeeded(self, source: str) -> None:
        """End a try: the credentials were right."""
        tries = self._end(source)
        if tries is not None:
            tries.failures, tries.blocked_until_s = 0, None
            if tries.under_way == 0:
                del self._tries[source]

    def abandoned(self, source: str) -> None:
        """End a try that came to no answer."""
        self._end(source)

    def _end(self, source: str) -> _Tries | None:
        tries = self._tries.get(source)
        if tries is not None:
            tries.under_way = max(0, tries.under_way - 1)
        return tries
