"""What changes for a viewer when its connection breaks, or it goes on with another one."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

import attrs
import numpy as np

from kasmcore.interfaces.viewer_link import LinkAttached, UnorderedLink
from kasmcore.pipeline.tiles import TileGrid, TileMask
from kasmcore.session.sent_frame import SentFrame
from kasmcore.session.viewer import Viewer
from kasmcore.values.frames import CopiedRectangle, EncodedFrame, VideoRectangle
from kasmcore.values.permissions import Permission
from kasmcore.values.viewer_updates import FramesDropped, PermissionsChanged

_OVERDUE_ROUND_TRIPS = 1.25
_OVERDUE_S = 0.02
"""A frame that has not been answered for so much longer is held up or lost."""
_SILENT_ROUND_TRIPS = 3.0
_SILENT_S = 0.4
"""Longer than a transport waits before it sends again what was lost behind everything else."""
_MOST_UNANSWERED = 128
_LONGEST_UNANSWERED_S = 5.0


def note_broken(viewer: Viewer) -> None:
    """Nothing reaches the viewer now: plan and encode nothing for it."""
    viewer.is_away = True
    viewer.wake()


def note_attached(viewer: Viewer, attached: LinkAttached) -> None:
    """The viewer goes on elsewhere: what it did not acknowledge has perhaps not arrived."""
    viewer.is_away = False
    viewer.attachments += 1
    for sent in viewer.on_the_way:
        viewer.give_back(sent)
    viewer.on_the_way.clear()
    viewer.pacer = attrs.evolve(viewer.pacer)  # the same settings; nothing is known of the link
    viewer.pacer.link.path_round_trip_s = attached.path_round_trip_s
    viewer.video.pacer = viewer.pacer
    viewer.video.start_again()
    viewer.outbox.put(PermissionsChanged(viewer.user.permissions))
    if attached.clipboard is not None and viewer.may(Permission.READ):
        viewer.outbox.put_again(attached.clipboard)
    viewer.wake_sender()
    viewer.wake()


def drop_replaced(viewer: Viewer, frame: EncodedFrame, now_s: float) -> tuple[int, ...]:
    """Forget frames on their way that need not arrive any more, now that this one is sent.

    Those are frames of images alone that are overdue and whose tiles newer ones have replaced; and
    what was not answered for very long, which is sent again.

    Returns: their serials, for the viewer.
    """
    newest = viewer.on_the_way[-1]
    shown = _wholly_drawn(newest.picture.grid, frame)
    patience_s = _OVERDUE_ROUND_TRIPS * viewer.pacer.round_trip_s + _OVERDUE_S
    dropped: list[SentFrame] = []
    for place, sent in enumerate(viewer.on_the_way):
        age_s = now_s - sent.sent_s
        unanswered = len(viewer.on_the_way) - place
        if sent is newest:
            break
        if not (sent.is_needed or sent.streams):
            sent.lacking = sent.lacking & ~shown
            if age_s > patience_s and not sent.lacking.any():
                dropped.append(sent)
        if unanswered > _MOST_UNANSWERED or age_s > _LONGEST_UNANSWERED_S:
            viewer.give_back(sent)
            dropped.append(sent)
    return _forget(viewer, dropped)


def silence_ends_s(viewer: Viewer) -> float:
    """When the frames on their way are taken for lost, if no answer comes; inf for not at all.

    A viewer learns of a lost frame by the one after it, and nothing comes after the last ones.
    """
    link = viewer.link
    may_lose = isinstance(link, UnorderedLink) and link.may_lose_frames
    if not may_lose or not viewer.on_the_way:
        return inf
    patience_s = _SILENT_ROUND_TRIPS * viewer.pacer.round_trip_s + _SILENT_S
    return viewer.on_the_way[-1].sent_s + patience_s


def give_up_silent(viewer: Viewer, now_s: float) -> None:
    """Take all that is on its way for lost when there was no answer for too long."""
    if now_s >= silence_ends_s(viewer):
        lost = list(viewer.on_the_way)
        for sent in lost:
            viewer.give_back(sent)
        viewer.outbox.put(FramesDropped(_forget(viewer, lost)))


def _forget(viewer: Viewer, frames: Sequence[SentFrame]) -> tuple[int, ...]:
    for sent in frames:
        if sent in viewer.on_the_way:
            viewer.on_the_way.remove(sent)
            viewer.pacer.lost(sent.serial)
    return tuple(dict.fromkeys(sent.serial for sent in frames))


def _wholly_drawn(grid: TileGrid, frame: EncodedFrame) -> TileMask:
    """Tiles of which a frame draws every pixel."""
    mask = np.zeros(grid.shape, bool)
    for part in frame.rectangles:
        if isinstance(part, CopiedRectangle) or (
            isinstance(part, VideoRectangle) and part.is_hidden
        ):
            continue
        tiles = grid.tiles_inside(part.rectangle)
        mask[tiles.rows, tiles.columns] = True
    return mask
