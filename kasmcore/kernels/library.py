"""Finds the compiled library beside this module and takes it only if it fits its source."""

from __future__ import annotations

import contextlib
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import cffi

SWITCH = "KASMCORE_PIXEL_KERNEL"
"""Environment variable; ``off`` leaves all to numpy."""
_FOLDER = Path(__file__).parent
_REMEDY = "Install gcc and libc6-dev, then install kasmcore again."


@attrs.define(eq=False)
class PixelLibrary:
    """The library's functions, or why there are none."""

    functions: Any
    """As declared in ``pixels.h``; None without a library."""
    problem: str = ""
    """Why there is none, and what helps."""


def load_library(folder: Path) -> PixelLibrary:
    """Load ``pixels.so``; without functions when it is missing, broken, or of another source."""
    path = folder / "pixels.so"
    sources = [(folder / name).read_bytes() for name in ("pixels.h", "pixels.c")]
    if not path.exists():
        return PixelLibrary(None, f"{path} was not built. {_REMEDY}")
    ffi = cffi.FFI()
    ffi.cdef(sources[0].decode())
    try:
        functions: Any = ffi.dlopen(str(path))
        number = functions.kasmcore_pixels_source()
    except (OSError, AttributeError) as error:
        return PixelLibrary(None, f"{path} cannot be loaded: {error}. {_REMEDY}")
    if number != zlib.crc32(b"".join(sources)):
        return PixelLibrary(None, f"{path} was built from another version. {_REMEDY}")
    return PixelLibrary(functions)


def _chosen() -> PixelLibrary:
    if os.environ.get(SWITCH) == "off":
        return PixelLibrary(None, f"{SWITCH} is off in the environment. Unset it.")
    return load_library(_FOLDER)


LIBRARY = _chosen()


@contextlib.contextmanager
def without_library() -> Iterator[None]:
    """Leave all to numpy inside: for tests, and to compare."""
    functions, LIBRARY.functions = LIBRARY.functions, None
    try:
        yield
    finally:
        LIBRARY.functions = functions
