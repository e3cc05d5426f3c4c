"""Change options of an encoder that is open: FFmpeg can (``av_opt_set``), PyAV has no way to it.

The encoder's C structure is found by what FFmpeg documents of it: it starts with a pointer to the
class that ``avcodec_get_class`` returns. Memory is read through the kernel, which refuses addresses
that are none; where nothing is found, the stream is opened anew instead.
"""

from __future__ import annotations

import ctypes
import os
import re
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import attrs
from av.codec.context import CodecContext

_SEARCH_CHILDREN = 1
_WORD = ctypes.sizeof(ctypes.c_void_p)
_MAPPED = re.compile(
    r"^\S+ \S+ \S+ \S+ \S+ +(/.*/(libavcodec|libavutil)\b[^/\n]*\.so[^/\n]*)$", re.M
)


@attrs.frozen
class LiveOptions:
    """The options of one open encoder; not to be used once it is gone."""

    _address: int
    _library: ctypes.CDLL

    def set(self, options: Mapping[str, str]) -> bool:
        """Set all of them; False when the encoder does not know one."""
        return all(
            self._library.av_opt_set(self._address, name.encode(), value.encode(), _SEARCH_CHILDREN)
            == 0
            for name, value in options.items()
        )


def live_options_of(context: CodecContext) -> LiveOptions | None:
    """Find the options of an open encoder; None when they cannot be reached."""
    libraries = _mapped_libraries()
    if libraries is None:
        return None
    codec_class = libraries["libavcodec"].avcodec_get_class()
    for address in _words_of(context):
        if _word_at(address) == codec_class:
            return LiveOptions(address, libraries["libavutil"])
    return None


@cache
def _mapped_libraries() -> Mapping[str, ctypes.CDLL] | None:
    """FFmpeg's libraries as this process has loaded them; None when they are not the only ones."""
    try:
        maps = Path("/proc/self/maps").read_text()
    except OSError:
        return None
    paths = {(name, path) for path, name in _MAPPED.findall(maps)}
    if len(paths) != 2:
        return None
    libraries = {name: ctypes.CDLL(path) for name, path in paths}
    libraries["libavcodec"].avcodec_get_class.restype = ctypes.c_void_p
    libraries["libavutil"].av_opt_set.argtypes = [
        *(ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_int),
    ]
    return libraries


def _words_of(context: CodecContext) -> list[int]:
    """All that the Python object holds and that may be an address."""
    data = ctypes.string_at(id(context), type(context).__basicsize__)
    return [
        int.from_bytes(data[start : start + _WORD], sys.byteorder)
        for start in range(0, len(data) - _WORD + 1, _WORD)
    ]


def _word_at(address: int) -> int | None:
    try:
        memory = os.open("/proc/self/mem", os.O_RDONLY)
    except OSError:
        return None
    try:
        return int.from_bytes(os.pread(memory, _WORD, address), sys.byteorder)
    except (OSError, OverflowError):
        return None
    finally:
        os.close(memory)
