"""The types that a setting can have: how each is read from text, named and put in JSON Schema."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from pathlib import Path

import attrs

from kasmcore.config.units import EdgeDistance, HttpHeader, KeyRemap, PixelOffset, Tint

JsonSchema = Mapping[str, object]


@attrs.frozen
class ValueType:
    """How one type of value is written.

    ``read`` raises ``ValueError`` whose text completes "<key> is '<text>', which ...".
    ``splits_at_commas``: a list of these may be written as one text with commas.
    """

    name: str
    read: Callable[[str], object]
    schema: JsonSchema
    splits_at_commas: bool = True


def _read_bool(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError("is neither true nor false")
    return text == "true"


def _read_int(text: str) -> int:
    if re.fullmatch(r"0x[0-9A-Fa-f]{1,15}", text):
        return int(text, 16)
    if not re.fullmatch(r"-?[0-9]{1,18}", text):
        raise ValueError("is not a whole number")
    return int(text)


def _read_float(text: str) -> float:
    if not re.fullmatch(r"-?[0-9]{1,18}(\.[0-9]{1,18})?", text):
        raise ValueError("is not a number")
    return float(text)


def _read_path(text: str) -> Path:
    if "\0" in text:
        raise ValueError("is not a path")
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise ValueError("begins with ~, but the home directory is not known") from None


def _read_address(text: str) -> IPv4Address | IPv6Address:
    try:
        return ip_address(text)
    except ValueError:
        raise ValueError("is not an IP address") from None


def _read_network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text)
    except ValueError:
        raise ValueError("is not an IP address, nor a network such as 10.0.0.0/8") from None


def _pattern(pattern: str) -> JsonSchema:
    return {"type": "string", "pattern": pattern}


_TEXT: JsonSchema = {"type": "string", "minLength": 1}

VALUE_TYPES: Mapping[object, ValueType] = {
    bool: ValueType("true or false", _read_bool, {"type": "boolean"}),
    int: ValueType("a whole number", _read_int, {"type": "integer"}),
    float: ValueType("a number", _read_float, {"type": "number"}),
    str: ValueType("text", str, _TEXT),
    Path: ValueType("a path", _read_path, _TEXT, splits_at_commas=False),
    IPv4Address | IPv6Address: ValueType("an IP address", _read_address, _TEXT),
    IPv4Network | IPv6Network: ValueType("an IP address or network", _read_network, _TEXT),
    EdgeDistance: ValueType(
        "pixels such as 40 or -40, or a share such as 10%",
        EdgeDistance.of_text,
        {"anyOf": [{"type": "integer"}, _pattern("^[0-9]{1,3}%$")]},
    ),
    KeyRemap: ValueType(
        "two keysyms such as 0x22->0x40",
        KeyRemap.of_text,
        _pattern("^0x[0-9a-fA-F]{1,8}->0x[0-9a-fA-F]{1,8}$"),
    ),
    HttpHeader: ValueType(
        "a header such as X-Frame-Options=DENY",
        HttpHeader.of_text,
        _pattern("^[^=]+=.*$"),
        splits_at_commas=False,
    ),
    PixelOffset: ValueType(
        "a place such as 10,20", PixelOffset.of_text, _pattern("^-?[0-9]+,-?[0-9]+$")
    ),
    Tint: ValueType(
        "a colour such as 255,20,0,128", Tint.of_text, _pattern("^([0-9]{1,3},){3}[0-9]{1,3}$")
    ),
}
