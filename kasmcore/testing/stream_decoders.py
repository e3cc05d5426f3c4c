"""Decoders in Python for the codecs of video streams; importing this loads FFmpeg.

connect(url, hello=HELLO_WITH_STREAMS, stream_decoders=STREAM_DECODERS)
"""

from __future__ import annotations

import attrs
import av
import numpy as np

from kasmcore.protocol.messages import Hello
from kasmcore.testing.client import DEFAULT_HELLO
from kasmcore.testing.received_picture import StreamDecoders
from kasmcore.values.pixels import BgrxPixels

_GROUP = 8
"""Pixels that swscale turns into four bytes each at once; it leaves what remains in a row black."""


class H264Decoder:
    """Decodes ``h264`` by FFmpeg; cuts off what the format's even sides add."""

    def __init__(self) -> None:
        self._decoder = av.CodecContext.create("h264", "r")
        self._decoder.thread_count = 1

    def decode(self, payload: bytes, width: int, height: int) -> BgrxPixels:
        """Decode the next packet; see ``StreamDecoder`` of ``received_picture``."""
        try:
            frames = self._decoder.decode(av.Packet(payload))
        except av.FFmpegError as error:
            raise ValueError(f"damaged packet: {error}") from error
        if len(frames) != 1:
            raise ValueError(f"{len(frames)} pictures came out of one packet")
        [frame] = frames
        if not (0 <= frame.width - width <= 1 and 0 <= frame.height - height <= 1):
            raise ValueError(f"the picture is {frame.width}x{frame.height}, not {width}x{height}")
        if frame.width % _GROUP == 0:
            whole = frame.to_ndarray(format="bgra").astype(np.uint8, copy=False)
            return whole[:height, :width]
        pixels = np.full((height, width, 4), 255, np.uint8)
        pixels[..., :3] = frame.to_ndarray(format="bgr24")[:height, :width]
        return pixels


STREAM_DECODERS: StreamDecoders = {"h264": H264Decoder}
"""What a Python client decodes when it is asked to; the stream decoders of plugins come on top."""

HELLO_WITH_STREAMS: Hello = attrs.evolve(
    DEFAULT_HELLO, codecs=(*DEFAULT_HELLO.codecs, *STREAM_DECODERS)
)
"""Says that it decodes all of them."""
