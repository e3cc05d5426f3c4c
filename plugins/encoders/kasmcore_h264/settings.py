"""Settings of the encoder ``h264``."""

from __future__ import annotations

import attrs

from kasmcore.api import setting


@attrs.frozen(kw_only=True)
class H264Settings:
    """How video streams are encoded. YAML: ``plugin_settings.h264``."""

    hardware: str = setting(
        "auto",
        "Whether a graphics card encodes. auto: when a test at start shows that it can; never: "
        "the processor always does it.",
        choices=("auto", "never"),
    )
    device: str = setting(
        "/dev/dri/renderD128",
        "Which graphics card encodes by VA-API.",
    )
    slices: int | None = setting(
        None,
        "Into how many slices a picture is cut; each takes a core for itself. More of them are "
        "quicker where cores are free, and cost bits. auto: one for every two cores, at most 4; "
        "one for small rectangles.",
        at_least=1,
        at_most=4,
        none_words=("auto",),
    )
