"""Give the display another size at run time, through RandR."""

from __future__ import annotations

import logging
from collections.abc import Callable

import attrs
import trio
from Xlib import X
from Xlib.error import XError
from Xlib.ext import randr
from Xlib.protocol import request, rq

from kasmcore.api import Size
from kasmcore_x11.async_display import AsyncDisplay
from kasmcore_x11.requests import RANDR

LOG = logging.getLogger("kasmcore.x11")

#: Our modes carry this name before their size; no other mode is ever removed.
MODE_PREFIX = "kasmcore-"
_MM_PER_INCH = 25.4
_DOTS_PER_INCH = 96
_TRIES = 3


@attrs.frozen
class _Mode:
    id: int
    name: str
    size: Size


@attrs.frozen
class _Screen:
    """What RandR says of the screen, and the one controller and output that show it."""

    config_time: int
    modes: tuple[_Mode, ...]
    crtc: int
    output: int


class _CannotResizeError(Exception):
    """Why this server keeps its size."""


@attrs.define(eq=False)
class ScreenResizer:
    """Resizes the display; every size within the server's range, also odd ones."""

    _x: AsyncDisplay
    _one_at_a_time: trio.Lock = attrs.field(factory=trio.Lock, init=False)

    async def resize(self, size: Size, size_now: Callable[[], Size]) -> None:
        """Give the display this size, or the nearest within the server's range.

        A server that cannot keeps its size; the log tells why. When this returns, the events that
        tell of the new size have been handled.

        Args:
            size: what it shall have.
            size_now: tells what it has; another viewer may be resizing it too.

        Raises:
            CaptureEnded: the X server is gone.
        """
        async with self._one_at_a_time:
            now = size_now()
            try:
                if RANDR not in self._x.display.extensions:
                    raise _CannotResizeError("it has no RandR extension")
                wanted = await self._limited(size)
                if wanted != now:
                    await self._try_resize(wanted, now)
            except (_CannotResizeError, XError) as problem:
                LOG.warning("the display %s stays at %s: %s", self._x.name, now, problem)
                await self._x.settled()

    async def _limited(self, size: Size) -> Size:
        limits = self._x.ask(randr.GetScreenSizeRange, RANDR, window=self._root)
        await self._x.replies(limits)
        return Size(
            min(max(size.width, limits.min_width), limits.max_width),
            min(max(size.height, limits.min_height), limits.max_height),
        )

    async def _try_resize(self, size: Size, now: Size) -> None:
        for _ in range(_TRIES):
            screen = await self._read_screen()
            mode = await self._mode(screen, size)
            status = await self._switch(screen, mode, size)
            if status == randr.SetConfigSuccess:
                await self._remove_modes(screen, keep=mode)
                return
            await self._restore(screen, now)
            if status not in (randr.SetConfigInvalidConfigTime, randr.SetConfigInvalidTime):
                break
        raise _CannotResizeError(f"it refused {size}")

    async def _read_screen(self) -> _Screen:
        """Find the controller that is on, or the first one, and its output."""
        resources = self._x.ask(randr.GetScreenResourcesCurrent, RANDR, window=self._root)
        await self._x.replies(resources)
        config_time = resources.config_timestamp
        infos = [
            self._x.ask(randr.GetCrtcInfo, RANDR, crtc=crtc, config_timestamp=config_time)
            for crtc in resources.crtcs
        ]
        await self._x.replies(*infos)
        pairs = [
            (crtc, info.outputs[0])
            for crtc, info in zip(resources.crtcs, infos, strict=True)
            if info.outputs
        ]
        if len(pairs) > 1:
            raise _CannotResizeError(f"it shows {len(pairs)} monitors")
        if not pairs:  # switched off, e.g. by a resize that was cut short
            pairs = list(zip(resources.crtcs, resources.outputs, strict=False))
        if not pairs:
            raise _CannotResizeError("it has no output that a size could be set for")
        return _Screen(config_time, _modes(resources), *pairs[0])

    async def _mode(self, screen: _Screen, size: Size) -> int:
        """Return the mode of this size; make it when there is none."""
        known = [mode for mode in screen.modes if mode.size == size]
        ours = [mode for mode in known if mode.name.startswith(MODE_PREFIX)]
        output = self._x.ask(
            randr.GetOutputInfo, RANDR, output=screen.output, config_timestamp=screen.config_time
        )
        await self._x.replies(output)
        usable = [mode.id for mode in known if mode.id in output.modes]
        if usable:
            return usable[0]
        mode_id = ours[0].id if ours else await self._create_mode(size)
        self._x.tell(randr.AddOutputMode, RANDR, output=screen.output, mode=mode_id)
        return mode_id

    async def _create_mode(self, size: Size) -> int:
        name = f"{MODE_PREFIX}{size}"
        # a virtual output has no signal; the timing says 60 Hz without blanking
        timing = {
            "id": 0,
            "width": size.width,
            "height": size.height,
            "dot_clock": min(size.area * 60, 0xFFFFFFFF),
            "h_sync_start": size.width,
            "h_sync_end": size.width,
            "h_total": size.width,
            "h_skew": 0,
            "v_sync_start": size.height,
            "v_sync_end": size.height,
            "v_total": size.height,
            "name_length": len(name),
            "flags": 0,
        }
        created = self._x.ask(randr.CreateMode, RANDR, window=self._root, mode=timing, name=name)
        await self._x.replies(created)
        return int(created.mode)

    async def _switch(self, screen: _Screen, mode: int, size: Size) -> int:
        """Change controller and screen in one go, which no other client sees half done."""
        self._x.tell(request.GrabServer, None)
        off = self._set_crtc(screen, 0, [])
        self._x.tell(
            randr.SetScreenSize,
            RANDR,
            on_error=_told_by_what_follows,
            window=self._root,
            width=size.width,
            height=size.height,
            width_in_millimeters=_millimetres(size.width),
            height_in_millimeters=_millimetres(size.height),
        )
        on = self._set_crtc(screen, mode, [screen.output])
        self._x.tell(request.UngrabServer, None)  # sent with the grab, so it cannot be left behind
        try:
            await self._x.replies(off, on)
        except XError as problem:
            LOG.info("the display %s refused %s: %s", self._x.name, size, problem)
            return int(randr.SetConfigFailed)
        return int(on.status)

    async def _restore(self, screen: _Screen, size: Size) -> None:
        """Switch the controller on again at the size that the screen still has."""
        fresh = await self._read_screen()
        mode = await self._mode(fresh, size)
        await self._x.replies(self._set_crtc(fresh, mode, [screen.output]))
        await self._remove_modes(fresh, keep=mode)

    async def _remove_modes(self, screen: _Screen, keep: int) -> None:
        for mode in screen.modes:
            if mode.name.startswith(MODE_PREFIX) and mode.id != keep:
                self._x.tell(randr.DeleteOutputMode, RANDR, output=screen.output, mode=mode.id)
                self._x.tell(randr.DestroyMode, RANDR, mode=mode.id)
        await self._x.settled()

    def _set_crtc(self, screen: _Screen, mode: int, outputs: list[int]) -> rq.ReplyRequest:
        return self._x.ask(
            randr.SetCrtcConfig,
            RANDR,
            crtc=screen.crtc,
            timestamp=X.CurrentTime,
            config_timestamp=screen.config_time,
            x=0,
            y=0,
            mode=mode,
            rotation=randr.Rotate_0,
            outputs=outputs,
        )

    @property
    def _root(self) -> int:
        return int(self._x.display.screen().root.id)


def _told_by_what_follows(_problem: XError, _request: object) -> int:
    """A size that is refused makes the controller's request fail too, and that one has a reply."""
    return 1


def _modes(resources: rq.ReplyRequest) -> tuple[_Mode, ...]:
    """Cut the joined names apart and give each mode its own."""
    modes = []
    start = 0
    for mode in resources.modes:
        name = resources.names[start : start + mode.name_length]
        modes.append(_Mode(mode.id, name, Size(mode.width, mode.height)))
        start += mode.name_length
    return tuple(modes)


def _millimetres(pixels: int) -> int:
    return max(1, round(pixels * _MM_PER_INCH / _DOTS_PER_INCH))
