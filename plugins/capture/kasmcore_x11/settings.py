"""Settings of the capture source ``x11``."""

from __future__ import annotations

import attrs

from kasmcore.api import setting


@attrs.frozen(kw_only=True)
class X11Settings:
    """How the X display is read. YAML: ``plugin_settings.x11``."""

    settle_ms: float = setting(
        0.2,
        "How long to wait after a first change, so that one redraw is not shown in two halves.",
        at_least=0,
        at_most=50,
        unit="ms",
    )
    most_framebuffers: int = setting(
        8,
        "Most copies of the framebuffer in memory. They are made only while viewers are slow "
        "to let go of old ones.",
        at_least=3,
        at_most=32,
    )
