"""Tells faults of a viewer's decoders from frames that failed only because of an earlier fault."""

from __future__ import annotations

from collections import Counter

import attrs

from kasmcore.session.sent_frame import SentFrame


@attrs.define
class CodecFaults:
    """The faults of one viewer's decoders.

    Until its next key frame a stream that failed fails at every packet, and what was on its way
    when the viewer told the fault was sent without one: all of that is one fault.
    """

    _counts: Counter[str] = attrs.field(factory=Counter, init=False)
    _serial: int = attrs.field(default=0, init=False)
    """Of the newest frame that was sent when the latest fault was told."""
    _waiting: set[str] = attrs.field(factory=set, init=False)
    """Codecs of streams that had no key frame since their latest fault."""

    def is_new(self, sent: SentFrame, codec: str) -> bool:
        """False when a frame failed only because of a fault that is known."""
        if codec and codec not in sent.is_key:
            return True  # an image: each stands for itself
        if sent.serial <= self._serial:
            return False
        return codec not in self._waiting or sent.is_key[codec]

    def note(self, codec: str, newest_serial: int) -> int:
        """Count a new fault.

        Args:
            codec: what failed; empty when none is to blame.
            newest_serial: of the newest frame that was sent by now.

        Returns: how many of this codec there were.
        """
        self._serial = newest_serial
        self._waiting.add(codec)
        self._counts[codec] += 1
        return self._counts[codec]

    def note_shown(self, sent: SentFrame) -> None:
        """A frame was shown: streams whose key frame it has go on."""
        if self._waiting:
            self._waiting -= {codec for codec, is_key in sent.is_key.items() if is_key}
