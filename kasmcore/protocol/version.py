"""The protocol's version and the limits that both sides know."""

from __future__ import annotations

PROTOCOL_VERSION = 1
SUBPROTOCOL = f"kasmcore.v{PROTOCOL_VERSION}"
"""Name that a transport agrees on before the first message, e.g. as WebSocket subprotocol."""

HANDSHAKE_LIMIT_S = 10.0
"""Time for the handshake; the caller holds the clock."""

MAXIMUM_FIRST_BYTES = 2**10
"""Most that a connection may send before its ``Attach`` is found good."""

MAXIMUM_FRAME_BYTES = 16 * 2**20
"""Longest payload of any message: that of ``Frame``."""

MAXIMUM_CHUNK_BYTES = 64 * 2**10
"""Most data in one ``ClipboardChunk``."""

FEATURE_COPY = "copy"
"""The client carries out copies (``CopiedRectangle``). Whoever has the codec of a video stream also
understands ``VideoRectangle``; that needs no feature."""
FEATURE_SCALED = "scaled"
"""The client stretches images that are smaller than their rectangle."""
FEATURE_FULL_CHROMA = "full_chroma"
"""The client decodes video streams of all its codecs in 4:4:4 too."""
FEATURE_RESUME = "resume"
"""The client can go on with its session on another connection (``Attach``)."""
FEATURES = (FEATURE_COPY, FEATURE_SCALED, FEATURE_FULL_CHROMA, FEATURE_RESUME)
"""All features that this version knows."""
