from __future__ import annotations

from contextlib import suppress

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kasmcore.errors import ConnectionEnded, RemoteProtocolError
from kasmcore.protocol.clipboard_transfer import TransferRefused
from kasmcore.protocol.codec import MessageEncoder
from kasmcore.protocol.connection import ClientConnection, Phase, ServerConnection
from kasmcore.protocol.messages import ClipboardChunk, ClipboardStart, Hello, Welcome
from kasmcore.protocol.table import Sender
from kasmcore.values.clipboard import AllowedClipboard, ClipboardItem, ClipboardOffer
from kasmcore.values.frames import EncodedFrame, FrameTimes
from kasmcore.values.geometry import Size
from kasmcore.values.permissions import Permission
from kasmcore.values.viewer_events import ClipboardReceived, KeysReleased, Ping, PointerMoved
from kasmcore.values.viewer_updates import Farewell, Pong
from tests.unit.protocol.any_message import messages

HELLO = Hello("test", ("deflate", "jpeg", "webp"))
WELCOME = Welcome(
    server_version="0",
    viewer_id=1,
    user_name="u",
    permissions=Permission.READ,
    desktop_name="d",
    codecs=HELLO.codecs,
    size=Size(64, 64),
    maximum_clipboard_bytes=1000,
)
ITEMS = (ClipboardItem("text/plain", b"hello"),)


def open_pair(welcome: Welcome = WELCOME) -> tuple[ServerConnection, ClientConnection]:
    server, client = ServerConnection(), ClientConnection(maximum_clipboard_bytes=1000)
    assert server.receive_data(client.hello(HELLO)) == [HELLO]
    assert client.receive_data(server.welcome(welcome)) == [welcome]
    return server, client


def test_after_the_handshake_both_sides_talk() -> None:
    server, client = open_pair()
    assert server.phase is client.phase is Phase.OPEN
    assert server.receive_data(client.send(Ping(3)) + client.send(KeysReleased())) == [
        Ping(3),
        KeysReleased(),
    ]
    assert client.receive_data(server.send(Pong(3))) == [Pong(3)]


def test_nothing_but_hello_may_come_first() -> None:
    ping = MessageEncoder(Sender.CLIENT).encode(Ping(1))
    with pytest.raises(RemoteProtocolError, match="Ping came before Hello"):
        ServerConnection().receive_data(ping)


def test_the_client_waits_for_the_welcome() -> None:
    server, client = ServerConnection(), ClientConnection(0)
    hello = client.hello(HELLO)
    with pytest.raises(ConnectionEnded):
        client.send(Ping(1))
    early = MessageEncoder(Sender.CLIENT).encode(Ping(1))
    with pytest.raises(RemoteProtocolError, match="Ping came before Welcome"):
        server.receive_data(hello + early)


def test_a_second_hello_breaks_the_protocol() -> None:
    server, client = open_pair()
    with pytest.raises(ConnectionEnded):
        client.hello(HELLO)
    with pytest.raises(RemoteProtocolError, match="Hello came while the connection was open"):
        server.receive_data(MessageEncoder(Sender.CLIENT).encode(HELLO))


def test_the_server_answers_hello_once_and_sends_nothing_before() -> None:
    server = ServerConnection()
    with pytest.raises(ConnectionEnded):
        server.welcome(WELCOME)
    with pytest.raises(ConnectionEnded):
        server.send(Pong(1))
    server, _ = open_pair()
    with pytest.raises(ConnectionEnded):
        server.welcome(WELCOME)


def test_a_second_welcome_breaks_the_protocol() -> None:
    _, client = open_pair()
    with pytest.raises(RemoteProtocolError, match="Welcome came while the connection was open"):
        client.receive_data(MessageEncoder(Sender.SERVER).encode(WELCOME))


def test_a_welcome_with_a_codec_that_was_not_offered_is_refused() -> None:
    server, client = ServerConnection(), ClientConnection(0)
    server.receive_data(client.hello(HELLO))
    with pytest.raises(RemoteProtocolError, match="not offered"):
        client.receive_data(server.welcome(attrs.evolve(WELCOME, codecs=("avif",))))


def test_a_farewell_in_place_of_the_welcome_ends_both_sides() -> None:
    server, client = ServerConnection(), ClientConnection(0)
    server.receive_data(client.hello(HELLO))
    farewell = Farewell("full", may_reconnect=True)
    assert client.receive_data(server.send(farewell)) == [farewell]
    assert server.phase is client.phase is Phase.ENDED
    with pytest.raises(ConnectionEnded):
        server.welcome(WELCOME)


def test_nothing_follows_a_farewell() -> None:
    server, client = open_pair()
    client.receive_data(server.send(Farewell("bye", may_reconnect=False)))
    with pytest.raises(ConnectionEnded):
        server.send(Pong(1))
    with pytest.raises(ConnectionEnded):
        client.send(Ping(1))
    with pytest.raises(RemoteProtocolError, match="Pong came after Farewell"):
        client.receive_data(MessageEncoder(Sender.SERVER).encode(Pong(1)))


def test_a_frame_right_behind_the_welcome_is_read_with_its_codecs() -> None:
    server, client = ServerConnection(), ClientConnection(0)
    server.receive_data(client.hello(HELLO))
    frame = EncodedFrame(1, Size(64, 64), (), FrameTimes(1.0, 1.0, 1.0, 1.0, 1.0))
    assert client.receive_data(server.welcome(WELCOME) + server.send(frame)) == [WELCOME, frame]


def test_clipboards_travel_both_ways() -> None:
    server, client = open_pair()
    to_server = b"".join(client.clipboard_messages(ITEMS))
    assert server.receive_data(to_server) == [ClipboardReceived(ClipboardOffer(ITEMS))]
    to_client = b"".join(server.clipboard_messages(ITEMS))
    assert client.receive_data(to_client) == [AllowedClipboard(ITEMS)]


def test_input_passes_between_the_chunks_of_a_clipboard() -> None:
    server, client = open_pair()
    start, chunk = client.clipboard_messages(ITEMS)
    moved = PointerMoved(1, 2)
    assert server.receive_data(start + client.send(moved) + chunk) == [
        moved,
        ClipboardReceived(ClipboardOffer(ITEMS)),
    ]


def test_a_clipboard_over_the_limit_of_the_welcome_is_refused_and_the_rest_goes_on() -> None:
    server, client = open_pair(attrs.evolve(WELCOME, maximum_clipboard_bytes=4))
    wire = b"".join(client.clipboard_messages(ITEMS)) + client.send(Ping(1))
    assert server.receive_data(wire) == [TransferRefused(5, 4), Ping(1)]
    assert server.kept_bytes == 0


def test_each_transfer_has_its_own_number() -> None:
    server, client = open_pair()
    first, _ = client.clipboard_messages(ITEMS)
    second, chunk = client.clipboard_messages(ITEMS)
    assert server.receive_data(first + second + chunk) == [ClipboardReceived(ClipboardOffer(ITEMS))]


clipboard_messages = st.one_of(
    st.builds(ClipboardStart, st.integers(0, 3), st.just(())),
    st.builds(ClipboardChunk, st.integers(0, 3), st.integers(0, 3), st.binary(max_size=9)),
)


@settings(max_examples=200)
@given(data=st.data())
def test_a_server_survives_any_sequence_of_messages_with_bounded_memory(
    data: st.DataObject,
) -> None:
    server, _ = open_pair()
    encoder = MessageEncoder(Sender.CLIENT)
    with suppress(RemoteProtocolError):
        for message in data.draw(
            st.lists(st.one_of(messages(Sender.CLIENT), clipboard_messages), max_size=12)
        ):
            server.receive_data(encoder.encode(message))
            assert server.kept_bytes <= WELCOME.maximum_clipboard_bytes
