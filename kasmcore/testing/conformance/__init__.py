"""One suite for each kind of plugin: subclass it, say how to make yours, run pytest.

>>> class TestRle(EncoderConformance):
...     def make_spec(self): ...
...     def decode(self, payload, size): ...
"""

import pytest

for _name in ("encoder", "stream_encoder", "transport", "unordered_transport", "capture", "dlp"):
    pytest.register_assert_rewrite(f"kasmcore.testing.conformance.{_name}")

from kasmcore.testing.conformance.capture import CaptureConformance  # noqa: E402
from kasmcore.testing.conformance.dlp import DlpConformance  # noqa: E402
from kasmcore.testing.conformance.encoder import (  # noqa: E402
    BrowserDecoderConformance,
    EncoderConformance,
)
from kasmcore.testing.conformance.stream_encoder import StreamEncoderConformance  # noqa: E402
from kasmcore.testing.conformance.transport import TransportConformance  # noqa: E402
from kasmcore.testing.conformance.unordered_transport import (  # noqa: E402
    UnorderedTransportConformance,
)

__all__ = [
    "BrowserDecoderConformance",
    "CaptureConformance",
    "DlpConformance",
    "EncoderConformance",
    "StreamEncoderConformance",
    "TransportConformance",
    "UnorderedTransportConformance",
]
