"""One piece of memory that the X server writes a picture into and Python reads without a copy."""

from __future__ import annotations

import contextlib
import weakref
from collections import deque
from collections.abc import Callable

import attrs
import numpy as np
import sysv_ipc  # type: ignore[import-not-found]
from Xlib.error import XError

from kasmcore.api import BgrxPixels, CaptureEnded, Size
from kasmcore_x11.async_display import AsyncDisplay
from kasmcore_x11.requests import MIT_SHM, ShmAttach, ShmDetach

BYTES_PER_PIXEL = 4


@attrs.define(eq=False)
class SharedPicture:
    """A framebuffer-sized segment, lent to readers as arrays.

    numpy collapses chains of views down to the memoryview that the first array was made from. When
    that dies, no array looks at the segment any more, whichever thread dropped the last one.
    """

    size: Size
    segment_id: int
    """The X server's name for it."""
    _memory: sysv_ipc.SharedMemory
    _lent: weakref.ref[memoryview] | None = attrs.field(default=None, init=False)
    _is_closed: bool = attrs.field(default=False, init=False)
    _mapped: deque[sysv_ipc.SharedMemory] = attrs.field(init=False)
    """Our mapping; taken out by whichever thread unmaps it, so that it happens once."""

    def __attrs_post_init__(self) -> None:
        self._mapped = deque([self._memory])

    def lend(self, on_return: Callable[[], None]) -> BgrxPixels:
        """Return the picture as an array that nobody may write to.

        Args:
            on_return: called once when the array and all views of it are gone, in the thread where
                that happens; must not block.
        """
        count = self.size.area * BYTES_PER_PIXEL
        flat = np.frombuffer(memoryview(self._memory), np.uint8, count)
        flat.flags.writeable = False
        owner = flat.base
        if not isinstance(owner, memoryview):
            raise TypeError(f"numpy keeps a {type(owner).__name__} under its array, no memoryview")

        def returned(_reference: weakref.ref[memoryview]) -> None:
            self._lent = None
            if self._is_closed:
                self._unmap()
            on_return()

        self._lent = weakref.ref(owner, returned)
        return flat.reshape(self.size.height, self.size.width, BYTES_PER_PIXEL)

    def close(self, x: AsyncDisplay) -> None:
        """Give the memory back: the server's part now, ours when the last reader is gone."""
        with contextlib.suppress(CaptureEnded):
            x.tell(ShmDetach, MIT_SHM, shmseg=self.segment_id)
            x.display.display.free_resource_id(self.segment_id)
        self._is_closed = True
        if self._lent is None:
            self._unmap()

    def _unmap(self) -> None:
        with contextlib.suppress(IndexError):  # the other thread was first
            self._mapped.pop().detach()


async def share_picture(x: AsyncDisplay, size: Size) -> SharedPicture:
    """Make a segment for a framebuffer of this size and let the X server write to it.

    The segment is marked for removal at once, so that it vanishes with the two that use it.

    Raises:
        CaptureEnded: no memory is left, the server may not use ours, or it is gone.
    """
    try:
        memory = sysv_ipc.SharedMemory(
            None, sysv_ipc.IPC_CREX, mode=0o600, size=size.area * BYTES_PER_PIXEL
        )
    except (sysv_ipc.Error, MemoryError, OSError, ValueError) as problem:
        raise CaptureEnded(
            f"no shared memory for a framebuffer of {size}: {problem}",
            where=x.name,
            remedy="Raise the limits kernel.shmall and kernel.shmmax, or lower the desktop's size.",
        ) from problem
    try:
        return await _attach(x, size, memory)
    finally:
        memory.remove()


async def _attach(x: AsyncDisplay, size: Size, memory: sysv_ipc.SharedMemory) -> SharedPicture:
    refusals: list[XError] = []

    def refused(problem: XError, _request: object) -> int:
        refusals.append(problem)
        return 1

    picture = SharedPicture(size, x.display.display.allocate_resource_id(), memory)
    x.tell(
        ShmAttach,
        MIT_SHM,
        on_error=refused,
        shmseg=picture.segment_id,
        shmid=memory.id,
        read_only=0,
    )
    with contextlib.ExitStack() as undo:
        undo.callback(picture.close, x)
        await x.settled()
        if refusals:
            raise CaptureEnded(
                f"the X server {x.name} cannot use our shared memory: {refusals[0]}",
                remedy="Run kasmcore on its machine, in its IPC namespace and as its user.",
            )
        undo.pop_all()
    return picture
