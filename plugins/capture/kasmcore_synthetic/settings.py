"""Settings of the capture source ``synthetic``."""

from __future__ import annotations

import attrs

from kasmcore.api import setting


@attrs.frozen(kw_only=True)
class SyntheticSettings:
    """What the picture is like. YAML: ``plugin_settings.synthetic``."""

    width: int = setting(
        1280, "Width of the picture until a viewer resizes it.", at_least=64, at_most=7680
    )
    height: int = setting(
        720, "Height of the picture until a viewer resizes it.", at_least=64, at_most=4320
    )
    frame_rate_hz: float = setting(
        30.0,
        "How often the moving part moves; 0 keeps it still, and the caret too.",
        at_least=0,
        at_most=240,
        unit="Hz",
    )
    seed: int = setting(1, "Start of the random numbers; the same seed shows the same.", at_least=0)
