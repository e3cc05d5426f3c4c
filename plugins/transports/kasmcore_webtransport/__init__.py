"""Transport ``webtransport``: QUIC and HTTP/3 on the UDP port of the same number."""
