"""One stream of H.264: the pictures of a rectangle, each encoded against those before it."""

from __future__ import annotations

import os
from fractions import Fraction

import av
from av.video.frame import PictureType

from kasmcore.api import BgrxPixels, EncodeError, StreamPacket, StreamSettings, encodable_pixels
from kasmcore_h264.conversion import (
    BT601_MATRIX,
    BT709_PRIMARIES,
    FULL_RANGE,
    SRGB_TRANSFER,
    ConverterFactory,
    coded_size,
)
from kasmcore_h264.engines import Engine, Options
from kasmcore_h264.live_options import live_options_of
from kasmcore_h264.rates import rate_target

CODEC = "h264"
MAXIMUM_SIDE = 4096
MOST_SLICES = 4
_NO_KEY_FRAMES = 2**30
_CORES_PER_SLICE = 2
_PIXELS_WORTH_A_SLICE = 640 * 480
_NOT_WORTH_A_KEY_FRAME = (0.8, 1.5)
"""Between these shares of the bit rate it was opened with, an encoder that takes no other one while
it runs goes on with it."""


class H264Stream:
    """Keeps one encoder open; opens another one where the open one cannot follow."""

    def __init__(
        self,
        settings: StreamSettings,
        engine: Engine,
        make_converter: ConverterFactory,
        slices: int | None,
    ) -> None:
        """Open the stream.

        Args:
            settings: what it should be like.
            engine: encodes.
            make_converter: makes what converts the pixels.
            slices: of a picture; None: as many as it is worth.

        Raises:
            EncodeError: it cannot be opened.
        """
        self._settings = settings
        self.engine = engine
        self._slices = slices or _slices_for(settings)
        self._converter = make_converter(settings.size, settings.full_chroma)
        self._is_closed = False
        self._fixed: Options = {}
        self._live: Options = {}
        try:
            self._open()
        except EncodeError:
            self._converter.close()
            raise

    def encode(self, pixels: BgrxPixels, *, key_frame: bool) -> StreamPacket:
        """Encode the next picture; see ``StreamEncoder``."""
        size = self._settings.size
        pixels = encodable_pixels(CODEC, pixels, self._settings.quality, MAXIMUM_SIDE)
        if self._is_closed or pixels.shape[:2] != (size.height, size.width):
            what = "is closed" if self._is_closed else f"takes pictures of {size}"
            raise EncodeError(
                f"a stream that {what} cannot encode {pixels.shape[1]}x{pixels.shape[0]} pixels",
                where=CODEC,
            )
        frame = self._converter.convert(pixels)
        frame.pts = self._pictures
        frame.pict_type = PictureType.I if key_frame else PictureType.NONE
        try:
            packets = self._context.encode(frame)
        except (av.FFmpegError, ValueError) as error:
            raise EncodeError(f"{self.engine.title} failed: {error}", where=CODEC) from error
        if len(packets) != 1:
            raise EncodeError(
                f"{self.engine.title} returned {len(packets)} packets for a picture", where=CODEC
            )
        self._pictures += 1
        return StreamPacket(bytes(packets[0]), packets[0].is_keyframe)

    def reconfigure(self, settings: StreamSettings) -> None:
        """Follow new settings; see ``StreamEncoder``."""
        before = self._settings
        if (settings.size, settings.full_chroma) != (before.size, before.full_chroma):
            raise EncodeError("a stream keeps its size and its chroma", where=CODEC)
        if self._is_closed:
            raise EncodeError("the stream is closed", where=CODEC)
        self._settings = settings
        fixed, live = self._options()
        if fixed == self._fixed and live == self._live:
            return
        if fixed == self._fixed and self._set_live(live):
            self._live = live
        elif fixed != self._fixed or self._is_worth_a_key_frame():
            self._open()

    def close(self) -> None:
        """Give back the encoder; safe to repeat."""
        if not self._is_closed:
            self._is_closed = True
            self._converter.close()
            del self._context, self._live_options

    def _open(self) -> None:
        settings = self._settings
        size = coded_size(settings.size, settings.full_chroma)
        self._opened = settings
        self._fixed, self._live = self._options()
        self._pictures = 0
        try:
            context = self.engine.new_context()
            context.width, context.height = size.width, size.height
            context.pix_fmt = "yuv444p" if settings.full_chroma else "yuv420p"
            context.framerate = Fraction(settings.frame_rate).limit_denominator(1000)
            context.time_base = 1 / context.framerate
            context.gop_size = _NO_KEY_FRAMES
            context.max_b_frames = 0
            context.thread_count = self._slices if self.engine.has_slices else 1
            context.color_range, context.colorspace = FULL_RANGE, BT601_MATRIX
            context.color_primaries, context.color_trc = BT709_PRIMARIES, SRGB_TRANSFER
            context.options = {**self._fixed, **self._live}
            context.open()
        except (av.FFmpegError, ValueError, NotImplementedError) as error:
            raise EncodeError(
                f"{self.engine.title} cannot be opened: {error}", where=CODEC
            ) from error
        self._context = context
        self._live_options = live_options_of(context) if self.engine.has_live_options else None

    def _options(self) -> tuple[Options, Options]:
        target = rate_target(self._settings, self._opened.frame_rate)
        return self.engine.fixed_options(self._settings, target), self.engine.live_options(target)

    def _set_live(self, live: Options) -> bool:
        return self._live_options is not None and self._live_options.set(live)

    def _is_worth_a_key_frame(self) -> bool:
        least, most = _NOT_WORTH_A_KEY_FRAME
        share = self._settings.most_bits_per_s / self._opened.most_bits_per_s
        return self._settings.quality != self._opened.quality or not least <= share <= most


def _slices_for(settings: StreamSettings) -> int:
    cores = len(os.sched_getaffinity(0))
    worth = settings.size.area // _PIXELS_WORTH_A_SLICE
    return max(1, min(cores // _CORES_PER_SLICE, worth, MOST_SLICES))
