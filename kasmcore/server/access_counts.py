"""Counts that the server's parts keep for the metrics page."""

from __future__ import annotations

import attrs

from kasmcore.stats.metrics import AccessMetrics


@attrs.define(eq=False)
class AccessCounts:
    """One for a server; each part adds to its own count."""

    connections: int = 0
    http_requests: int = 0
    refused_logins: int = 0

    def metrics(self) -> AccessMetrics:
        """Return the counts of now."""
        return AccessMetrics(
            connections=self.connections,
            http_requests_total=self.http_requests,
            refused_logins_total=self.refused_logins,
        )
