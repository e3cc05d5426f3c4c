"""HTTP/3 as browsers need it for WebTransport, in every draft that they ask for."""

from __future__ import annotations

from aioquic._buffer import Buffer, BufferReadError
from aioquic.buffer import encode_uint_var
from aioquic.h3.connection import H3Connection, Setting
from aioquic.quic.connection import QuicConnection

_MAX_SESSIONS_DRAFT_7 = 0xC671706A
_MAX_SESSIONS_DRAFT_13 = 0x14E9CD29
_CLOSE_SESSION = 0x2843
_FIRST_ERROR = 0x52E4A40FA8DB
"""HTTP/3 error codes of WebTransport streams begin here."""
_MOST_CLOSE_REASON_BYTES = 1024


class WebTransportH3(H3Connection):
    """Names WebTransport by the settings of more drafts than aioquic does."""

    def __init__(self, quic: QuicConnection) -> None:
        super().__init__(quic, enable_webtransport=True)

    def _get_local_settings(self) -> dict[int, int]:
        settings = super()._get_local_settings()
        settings.pop(Setting.DUMMY)
        return settings | {_MAX_SESSIONS_DRAFT_7: 1, _MAX_SESSIONS_DRAFT_13: 1}


def stream_error(code: int) -> int:
    """Return a WebTransport error code as HTTP/3 carries it."""
    return _FIRST_ERROR + code + code // 0x1E


def close_capsule(reason: str) -> bytes:
    """Return what ends a session in order."""
    text = reason.encode()[:_MOST_CLOSE_REASON_BYTES].decode(errors="ignore").encode()
    body = bytes(4) + text
    return encode_uint_var(_CLOSE_SESSION) + encode_uint_var(len(body)) + body


class CapsuleReader:
    """Looks in a session's own stream for its end."""

    def __init__(self) -> None:
        self._buffer = b""
        self._skip_bytes = 0

    def has_close(self, data: bytes) -> bool:
        """Return whether the client has closed the session; other capsules are left out."""
        skipped = min(self._skip_bytes, len(data))
        self._skip_bytes -= skipped
        self._buffer += data[skipped:]
        while self._buffer:
            reader = Buffer(data=self._buffer)
            try:
                kind, length = reader.pull_uint_var(), reader.pull_uint_var()
            except BufferReadError:
                return False
            if kind == _CLOSE_SESSION:
                return True
            rest = self._buffer[reader.tell() :]
            self._skip_bytes = max(0, length - len(rest))
            self._buffer = rest[length:]
        return False
