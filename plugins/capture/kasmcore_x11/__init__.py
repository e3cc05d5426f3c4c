"""Capture source ``x11``: an X display on this machine, read through shared memory.

Changes wake it (DAMAGE), nothing polls. Input goes in through XTEST, cursor images come from
XFIXES, and RANDR gives the display other sizes at run time.
"""

from __future__ import annotations

from kasmcore.api import CaptureSpec, SettingsSection, hookimpl
from kasmcore_x11.settings import X11Settings
from kasmcore_x11.source import open_x11


@hookimpl
def kasmcore_register_settings() -> list[SettingsSection]:
    """Offer ``plugin_settings.x11``."""
    return [SettingsSection(name="x11", settings_class=X11Settings)]


@hookimpl
def kasmcore_register_capture_sources() -> list[CaptureSpec]:
    """Offer ``x11``."""
    return [CaptureSpec(name="x11", open=open_x11, needs_display=True)]
