"""H.264 packets as a server sends them: no picture held back, full-range BT.601."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import av
import numpy as np
from av.video.frame import PictureType

from kasmcore.values.geometry import Size
from tests.x_desk import RgbPixels


class PacketMaker:
    """Encodes pictures of one size, one packet each; the first is a key frame."""

    def __init__(self, size: Size, *, crf: int = 12) -> None:
        self._size = size
        context = av.CodecContext.create("libx264", "w")
        context.width, context.height = size.width + size.width % 2, size.height + size.height % 2
        context.pix_fmt = "yuv420p"
        context.time_base = Fraction(1, 60)
        context.options = {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "crf": str(crf),
            "forced-idr": "1",
            "x264-params": "keyint=infinite:scenecut=0:repeat-headers=1:fullrange=on:"
            "colormatrix=smpte170m:colorprim=bt709:transfer=iec61966-2-1",
        }
        self._context = context
        self._count = 0

    def encode(self, picture: RgbPixels, *, key_frame: bool = False) -> bytes:
        """The packet of the next picture."""
        planes = _full_range_601(_even(picture))
        height, width = planes[0].shape
        frame = av.VideoFrame(width, height, "yuv420p")
        for plane, values in zip(frame.planes, planes, strict=True):
            rows = np.frombuffer(memoryview(plane), np.uint8).reshape(
                values.shape[0], plane.line_size
            )
            rows[:, : values.shape[1]] = values
        frame.pts = self._count
        frame.pict_type = PictureType.I if key_frame else PictureType.NONE
        self._count += 1
        (packet,) = self._context.encode(frame)
        return bytes(packet)

    def packets(self, pictures: Sequence[RgbPixels]) -> list[bytes]:
        """The packets of several pictures."""
        return [self.encode(picture) for picture in pictures]


def _even(picture: RgbPixels) -> RgbPixels:
    height, width = picture.shape[:2]
    return np.pad(picture, ((0, height % 2), (0, width % 2), (0, 0)), "edge")


def _full_range_601(picture: RgbPixels) -> list[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]:
    red, green, blue = (picture[..., channel].astype(float) for channel in range(3))
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    chroma = [(blue - luma) / 1.772 + 128, (red - luma) / 1.402 + 128]
    halved = [
        (each[::2, ::2] + each[1::2, ::2] + each[::2, 1::2] + each[1::2, 1::2]) / 4
        for each in chroma
    ]
    return [np.clip(np.rint(plane), 0, 255).astype(np.uint8) for plane in (luma, *halved)]
