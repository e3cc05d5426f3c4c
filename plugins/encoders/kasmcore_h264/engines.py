"""FFmpeg's encoders of H.264, and the options each needs for a stream without delay."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import attrs
from av.codec.context import CodecContext
from av.codec.hwaccel import HWAccel
from av.video.codeccontext import VideoCodecContext

from kasmcore.api import StreamSettings
from kasmcore_h264.rates import RateTarget

Options = Mapping[str, str]

_PLAIN_BELOW_EFFORT = 15
_SMALL_FROM_EFFORT = 65
_X264_PLAIN = {"psy": "0", "chroma-qp-offset": "-2", "scenecut": "0"}
"""No tricks that look sharper and are farther from the picture; finer colours, as desktops have."""
_X264_NORMAL = {**_X264_PLAIN, "cabac": "1", "8x8dct": "1"}
"""Over the preset ultrafast these two save a fifth of the bits and cost next to no time."""
_X264_SMALL = {**_X264_PLAIN, "aq-mode": "0"}


@attrs.frozen(kw_only=True)
class Engine:
    """One encoder of FFmpeg.

    Attributes:
        name: what FFmpeg calls it.
        title: what people call it.
        fixed_options: those that need another stream when they change.
        live_options: those that an open encoder takes from its next picture on.
        has_live_options: False: it takes none; all of them need another stream.
        device_type: of the hardware, when FFmpeg must be told.
        device: which one of that type.
        has_full_chroma: True when it encodes 4:4:4.
        has_slices: True when several threads can encode one picture.
        smallest_side: least width and height.
    """

    name: str
    title: str
    fixed_options: Callable[[StreamSettings, RateTarget], Options]
    live_options: Callable[[RateTarget], Options]
    has_live_options: bool = True
    device_type: str = ""
    device: str = ""
    has_full_chroma: bool = False
    has_slices: bool = False
    smallest_side: int = 160

    def new_context(self) -> VideoCodecContext:
        """Return an encoder that is not open yet.

        Raises:
            FFmpegError, ValueError: FFmpeg has no such encoder, or its device cannot be opened.
        """
        hardware = HWAccel(self.device_type, self.device) if self.device_type else None
        context = CodecContext.create(self.name, "w", hardware)
        if not isinstance(context, VideoCodecContext):
            raise ValueError(f"{self.name} is no encoder of video")
        return context


def _x264_fixed(settings: StreamSettings, target: RateTarget) -> Options:  # noqa: ARG001
    if settings.effort < _PLAIN_BELOW_EFFORT:
        preset, parameters = "ultrafast", _X264_PLAIN
    elif settings.effort < _SMALL_FROM_EFFORT:
        preset, parameters = "ultrafast", _X264_NORMAL
    else:
        preset, parameters = "veryfast", _X264_SMALL
    return {
        "preset": preset,
        "tune": "zerolatency",
        "forced-idr": "1",
        "x264-params": ":".join(f"{name}={value}" for name, value in parameters.items()),
    }


def _x264_live(target: RateTarget) -> Options:
    return {
        "crf": f"{target.quantiser:.1f}",
        "maxrate": str(target.bits_per_s),
        "bufsize": str(target.buffer_bits),
    }


def _nvenc_fixed(settings: StreamSettings, target: RateTarget) -> Options:
    return {
        "preset": "p2" if settings.effort < _SMALL_FROM_EFFORT else "p4",
        "tune": "ull",
        "rc": "vbr",
        "cq": f"{target.quantiser:.1f}",
        "b": "0",
        "zerolatency": "1",
        "delay": "0",
        "forced-idr": "1",
        "no-scenecut": "1",
    }


def _nvenc_live(target: RateTarget) -> Options:
    return {"maxrate": str(target.bits_per_s), "bufsize": str(target.buffer_bits)}


def _vaapi_fixed(settings: StreamSettings, target: RateTarget) -> Options:  # noqa: ARG001
    return {"rc_mode": "VBR", "async_depth": "1"}


def _vaapi_live(target: RateTarget) -> Options:
    rate = str(target.bits_per_s)
    return {"b": rate, "maxrate": rate, "bufsize": str(target.buffer_bits)}


X264 = Engine(
    name="libx264",
    title="x264",
    fixed_options=_x264_fixed,
    live_options=_x264_live,
    has_full_chroma=True,
    has_slices=True,
    smallest_side=16,
)
NVENC = Engine(
    name="h264_nvenc", title="NVENC", fixed_options=_nvenc_fixed, live_options=_nvenc_live
)


def vaapi(device: str) -> Engine:
    """Return VA-API's encoder on a device, e.g. ``/dev/dri/renderD128``."""
    return Engine(
        name="h264_vaapi",
        title="VA-API",
        fixed_options=_vaapi_fixed,
        live_options=_vaapi_live,
        has_live_options=False,
        device_type="vaapi",
        device=device,
    )
