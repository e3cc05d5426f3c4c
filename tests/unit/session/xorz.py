"""A small video codec for tests of the session: each picture as its difference to the last one.

It is lossy, so that a test sees what came by video, and strict: a packet that does not follow the
one before is a fault.
"""

import struct
import zlib

import attrs
import numpy as np

from kasmcore.errors import EncodeError
from kasmcore.interfaces.stream_encoder import StreamEncoderSpec, StreamPacket, StreamSettings
from kasmcore.values.frames import VideoRectangle

_HEAD = struct.Struct(">?I")


def blurred(pixels: np.ndarray) -> np.ndarray:
    """What is left of a picture after encoding and decoding."""
    return pixels & 0xF0


@attrs.define
class XorzEncoder:
    """One stream; keeps what it was asked for."""

    settings: list[StreamSettings]
    keys: list[bool] = attrs.field(factory=list)
    is_closed: bool = False
    is_broken: bool = False
    _picture: np.ndarray | None = None

    def encode(self, pixels, *, key_frame):
        assert not self.is_closed
        if self.is_broken:
            raise EncodeError("no")
        picture = blurred(pixels)
        is_key = key_frame or self._picture is None
        difference = picture if is_key else picture ^ self._picture
        self._picture = picture
        head = _HEAD.pack(is_key, len(self.keys))
        self.keys.append(is_key)
        return StreamPacket(head + zlib.compress(difference.tobytes(), 1), is_key)

    def reconfigure(self, settings):
        assert settings.size == self.settings[0].size
        self.settings.append(settings)

    def close(self):
        self.is_closed = True


class Xorz:
    """The codec's streams of one test, in the order in which they were opened."""

    def __init__(self, codec: str = "xorz", *, breaks=False, has_full_chroma=False) -> None:
        self.opened: list[XorzEncoder] = []
        self.breaks = breaks
        self.spec = StreamEncoderSpec(
            codec=codec,
            open=self._open,
            cost_ns_per_pixel=1.0,
            releases_gil=True,
            has_full_chroma=has_full_chroma,
        )

    @property
    def running(self) -> list[XorzEncoder]:
        return [encoder for encoder in self.opened if not encoder.is_closed]

    def _open(self, settings):
        self.opened.append(XorzEncoder([settings], is_broken=self.breaks))
        return self.opened[-1]


class XorzDecoder:
    """One viewer's decoders, by stream."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self._streams: dict[int, tuple[object, int, np.ndarray]] = {}

    def decode(self, part: VideoRectangle) -> np.ndarray:
        """The picture after this packet; a packet that does not follow is noted as a fault."""
        area = part.rectangle
        is_key, count = _HEAD.unpack_from(part.payload)
        data = zlib.decompress(part.payload[_HEAD.size :])
        picture = np.frombuffer(data, np.uint8).reshape(area.height, area.width, 4)
        if is_key != part.is_key:
            self.faults.append(f"a packet of stream {part.stream} is called what it is not")
        if not is_key:
            where, last, before = self._streams.get(part.stream, (None, -1, 0 * picture))
            if (where, last) != (area, count - 1):
                self.faults.append(
                    f"packet {count} of stream {part.stream} after {last} at {where}"
                )
                before = 0 * picture
            picture = picture ^ before
        self._streams[part.stream] = (area, count, picture)
        return picture
