"""Frames name those that they build on, and no others."""

from __future__ import annotations

from kasmcore.session.frame_order import FrameOrdering
from kasmcore.values.frames import (
    CopiedRectangle,
    EncodedFrame,
    EncodedRectangle,
    FrameOrder,
    FramePart,
    FrameTimes,
    VideoRectangle,
)
from kasmcore.values.geometry import Rectangle, Size

PLACE = Rectangle(0, 0, 16, 16)
IMAGE = EncodedRectangle(PLACE, "raw", 100, b"")
COPY = CopiedRectangle(PLACE, 16, 0)


def packet(stream: int) -> VideoRectangle:
    return VideoRectangle(PLACE, "h264", 50, stream, False, False, b"")


def frame(serial: int, *parts: FramePart, size: Size = Size(64, 64)) -> EncodedFrame:  # noqa: B008
    return EncodedFrame(serial, size, parts, FrameTimes(0, 0, 0, 0, 0))


def test_images_wait_for_the_last_copy_alone() -> None:
    ordering = FrameOrdering()
    assert ordering.order(frame(1, IMAGE)) == FrameOrder(1, after_all=True)
    ordering.settle(1, was_shown=True)
    assert ordering.order(frame(2, IMAGE)) == FrameOrder(2, after_all=False)
    assert ordering.order(frame(3, COPY)) == FrameOrder(3, after_all=True)
    assert ordering.order(frame(4, IMAGE)) == FrameOrder(4, after_all=False, after=(3,))


def test_packets_wait_for_those_of_their_stream_until_they_were_shown() -> None:
    ordering = FrameOrdering()
    ordering.order(frame(1, IMAGE))
    ordering.settle(1, was_shown=True)
    ordering.order(frame(2, packet(5)))
    assert ordering.order(frame(3, packet(6))).after == ()
    assert ordering.order(frame(4, packet(5))).after == (2,)
    ordering.settle(4, was_shown=False)
    assert ordering.order(frame(5, packet(5))).after == (4,)
    ordering.settle(5, was_shown=True)
    assert ordering.order(frame(6, packet(5))).after == ()


def test_another_size_waits_for_all() -> None:
    ordering = FrameOrdering()
    ordering.order(frame(1, IMAGE))
    assert ordering.order(frame(2, IMAGE, size=Size(32, 32))).after_all
