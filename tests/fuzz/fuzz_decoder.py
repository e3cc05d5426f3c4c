"""Fuzz the protocol: no bytes may do anything but decode or raise RemoteProtocolError.

``pip install atheris``, then from the repository's root::

    python tests/fuzz/fuzz_decoder.py -runs=1000000 [any option of libFuzzer]

The first byte of an input says whom it is for (a server that is open or waits for Hello, or a
client likewise) and how it is cut; the rest is what the peer sends. Corpus and dictionary are made
from the test vectors.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import atheris  # type: ignore[import-untyped, import-not-found, unused-ignore]

with atheris.instrument_imports():
    from kasmcore.errors import RemoteProtocolError
    from kasmcore.protocol.connection import ClientConnection, ServerConnection
    from kasmcore.protocol.layout import HEADER
    from kasmcore.protocol.messages import Hello, Welcome
    from kasmcore.protocol.table import LAYOUTS, Sender
    from kasmcore.values.geometry import Size
    from kasmcore.values.permissions import Permission

VECTORS = Path(__file__).parents[1] / "vectors" / "messages.json"
CODECS = ("deflate", "jpeg", "webp")
CLIPBOARD_BYTES = 2**20
HELLO = Hello("fuzz", CODECS)
WELCOME = Welcome("0", 1, "u", Permission.READ, "d", CODECS, Size(64, 64), CLIPBOARD_BYTES)
TO_CLIENT = 1
IS_OPEN = 2
CUT_SHIFT = 2
MOST_KEPT_BYTES = (
    CLIPBOARD_BYTES
    + HEADER.size
    + max(row.maximum_bytes for rows in LAYOUTS.values() for row in rows)
)


def _server(is_open: bool) -> ServerConnection:
    server = ServerConnection()
    if is_open:
        server.receive_data(ClientConnection(CLIPBOARD_BYTES).hello(HELLO))
        server.welcome(WELCOME)
    return server


def _client(is_open: bool) -> ClientConnection:
    client = ClientConnection(CLIPBOARD_BYTES)
    hello = client.hello(HELLO)
    if is_open:
        server = ServerConnection()
        server.receive_data(hello)
        client.receive_data(server.welcome(WELCOME))
    return client


def one_input(data: bytes) -> None:
    """Feed one input to one side."""
    if not data:
        return
    is_open = bool(data[0] & IS_OPEN)
    side = _client(is_open) if data[0] & TO_CLIENT else _server(is_open)
    step = (data[0] >> CUT_SHIFT) or len(data)
    try:
        for start in range(1, len(data), step):
            side.receive_data(data[start : start + step])
    except RemoteProtocolError:
        return
    assert side.kept_bytes <= min(len(data), MOST_KEPT_BYTES)


def write_corpus(folder: Path) -> None:
    """One file for each vector, for an open connection, whole and cut."""
    vectors = json.loads(VECTORS.read_text(encoding="utf-8"))
    entries = vectors["messages"] + vectors["streams"] + vectors["refused"]
    for number, entry in enumerate(entries):
        for cut in (0, 3):
            first = IS_OPEN | (entry["sender"] == Sender.SERVER.value) | (cut << CUT_SHIFT)
            data = bytes([first]) + bytes.fromhex(entry["hex"])
            (folder / f"vector-{number:03}-{cut}").write_bytes(data)


def main() -> None:
    """Run libFuzzer with the command line's options."""
    with tempfile.TemporaryDirectory() as folder:
        write_corpus(Path(folder))
        atheris.Setup([*sys.argv, folder], one_input)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
