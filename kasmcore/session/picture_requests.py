"""What a viewer asks for its own picture: frame rate, quality, video."""

from __future__ import annotations

import logging

import attrs

from kasmcore.session.send_rules import SendRules
from kasmcore.session.viewer import Viewer
from kasmcore.values.permissions import Permission
from kasmcore.values.viewer_events import PictureSettings, VideoPreference
from kasmcore.values.viewer_updates import Notice, Severity

_LOG = logging.getLogger(__name__)


def grant_picture(viewer: Viewer, operator: SendRules, wished: PictureSettings) -> None:
    """Serve a viewer as it asks, as far as the operator's rules allow; tell it what they do not.

    Other viewers are served as before.
    """
    if not operator.viewers_may_ask or not viewer.may(Permission.WRITE):
        viewer.outbox.put(
            Notice(
                Severity.WARNING,
                "picture_settings_refused",
                "You may not change how the picture is sent.",
            )
        )
        return
    if wished.video is VideoPreference.WHOLE_SCREEN and not operator.offers_video:
        viewer.outbox.put(
            Notice(Severity.WARNING, "video_refused", "This server sends no video streams.")
        )
    _LOG.info("viewer %d asks for %s", viewer.info.viewer_id, wished)
    follow_rules(viewer, operator.for_viewer(wished))


def follow_rules(viewer: Viewer, rules: SendRules) -> None:
    """Serve a viewer by these rules from its next frame on."""
    viewer.rules = rules
    viewer.planner = attrs.evolve(viewer.planner, time_limits_s=rules.time_limits_s)
    viewer.pacer.frame_interval_s = rules.frame_interval_s
    viewer.video.preference = rules.streams.preference
    viewer.rate_limit.lift()
    viewer.wake()
