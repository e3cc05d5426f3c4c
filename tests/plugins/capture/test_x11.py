"""What the plugin ``x11`` offers; how it works is tested on a real X server, in integration/x11."""

from __future__ import annotations

import kasmcore_x11
import pytest
from kasmcore_x11.settings import X11Settings

from kasmcore.api import CaptureRequest, PluginUnavailable, ServerConfig


def test_it_offers_itself_and_its_settings() -> None:
    (spec,) = kasmcore_x11.kasmcore_register_capture_sources()
    assert (spec.name, spec.needs_display) == ("x11", True)
    (section,) = kasmcore_x11.kasmcore_register_settings()
    assert (section.name, section.settings_class) == ("x11", X11Settings)


@pytest.mark.parametrize(
    ("display", "reason"),
    [(":987", "display :987 cannot be opened"), ("screen", "'screen' is not the name")],
)
async def test_a_display_that_is_not_there_leaves_it_out(display: str, reason: str) -> None:
    (spec,) = kasmcore_x11.kasmcore_register_capture_sources()
    request = CaptureRequest(ServerConfig(), display=display, authority_file="")
    with pytest.raises(PluginUnavailable, match=reason):
        async with spec.open(request):
            pass
