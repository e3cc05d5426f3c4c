from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from kasmcore.errors import RemoteProtocolError
from kasmcore.protocol.codec import MessageDecoder, MessageEncoder
from kasmcore.protocol.frame_wire import CodecTable
from kasmcore.protocol.messages import Message
from kasmcore.protocol.table import LAYOUTS, Sender

_SPEC = importlib.util.spec_from_file_location(
    "vectors_generator", Path(__file__).with_name("generate.py")
)
assert _SPEC is not None
assert _SPEC.loader is not None
generate = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(generate)

VECTORS: dict[str, Any] = json.loads(generate.VECTORS_FILE.read_text(encoding="utf-8"))


def decoder_for(entry: dict[str, Any]) -> MessageDecoder[Message]:
    decoder = MessageDecoder[Message](Sender(entry["sender"]))
    decoder.codecs = CodecTable(tuple(VECTORS["codecs"]))
    return decoder


def test_the_committed_vectors_are_current() -> None:
    assert generate.VECTORS_FILE.read_text(encoding="utf-8") == generate.as_text()


def test_every_message_has_a_vector() -> None:
    there = {(entry["sender"], entry["name"]) for entry in VECTORS["messages"]}
    assert there == {(sender.value, row.name) for sender in Sender for row in LAYOUTS[sender]}


@pytest.mark.parametrize(
    "entry", VECTORS["messages"], ids=lambda entry: f"{entry['name']}: {entry['description']}"
)
def test_a_vector_decodes_to_its_fields_and_encodes_to_its_bytes(entry: dict[str, Any]) -> None:
    decoder, sender = decoder_for(entry), Sender(entry["sender"])
    (message,) = decoder.decode(bytes.fromhex(entry["hex"]))
    assert generate.fields_of(message, sender) == (entry["name"], entry["fields"])
    encoder = MessageEncoder(sender)
    encoder.codecs = decoder.codecs
    assert encoder.encode(message).hex() == entry["hex"]


@pytest.mark.parametrize("entry", VECTORS["streams"], ids=lambda entry: entry["description"])
def test_a_stream_gives_its_messages(entry: dict[str, Any]) -> None:
    messages = decoder_for(entry).decode(bytes.fromhex(entry["hex"]))
    assert [type(message).__name__ for message in messages] == entry["names"]


@pytest.mark.parametrize("entry", VECTORS["refused"], ids=lambda entry: entry["description"])
def test_malformed_bytes_are_refused(entry: dict[str, Any]) -> None:
    with pytest.raises(RemoteProtocolError):
        decoder_for(entry).decode(bytes.fromhex(entry["hex"]))
