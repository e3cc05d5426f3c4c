"""Save what the desktop shows, seen over the socket of ``unix_socket.py``.

Use it:  python viewer.py http://127.0.0.1:8443/ owner /run/user/1000/kasmcore desktop.png
"""

from __future__ import annotations

import base64
import contextlib
import getpass
import json
import sys
import urllib.request
from collections.abc import AsyncIterator

import trio
from PIL import Image
from unix_socket import UnixConnection

from kasmcore.testing.client import DEFAULT_HELLO, Client, follow
from kasmcore.testing.client_stream import ConnectionMessages
from kasmcore.testing.reference_decoders import DECODERS

LONGEST_FROM_SERVER_BYTES = 16 * 2**20 + 64


def ticket_of(url: str, username: str, password: str) -> str:
    """Log in and ask for a ticket: the socket itself carries no login."""
    token = base64.b64encode(f"{username}:{password}".encode()).decode()
    request = urllib.request.Request(  # noqa: S310 - the caller's own server
        f"{url}api/ticket", method="POST", headers={"Authorization": f"Basic {token}"}
    )
    with urllib.request.urlopen(request) as answer:  # noqa: S310 - as above
        return str(json.load(answer)["ticket"])


async def open_socket(path: str) -> UnixConnection:
    """Connect to the server."""
    return UnixConnection(await trio.open_unix_socket(path), LONGEST_FROM_SERVER_BYTES)


@contextlib.asynccontextmanager
async def watch(path: str, ticket: str) -> AsyncIterator[Client]:
    """Join by a ticket and follow the picture until the block ends."""
    connection = await open_socket(path)
    try:
        messages = ConnectionMessages(connection)
        async with follow(messages, DEFAULT_HELLO, DECODERS, ticket=ticket) as client:
            yield client
    finally:
        await connection.aclose("done")


async def save(path: str, ticket: str, file: str) -> None:
    """Write the picture to a file once all of it is exact."""
    async with watch(path, ticket) as client:
        await client.wait_for_exact_picture()
        Image.fromarray(client.framebuffer[..., 2::-1]).save(file)


if __name__ == "__main__":
    url, username, path, file = sys.argv[1:]
    trio.run(save, path, ticket_of(url, username, getpass.getpass()), file)
