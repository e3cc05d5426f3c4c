"""Capture source ``synthetic``: a moving picture without any display, for tests and demos.

It shows still text, a moving picture and a blinking caret. A square changes its colour with every
key and button, and text put into the clipboard comes back in capitals, so that input can be seen
to arrive.
"""

from __future__ import annotations

from kasmcore.api import CaptureSpec, SettingsSection, hookimpl
from kasmcore_synthetic.settings import SyntheticSettings
from kasmcore_synthetic.source import open_synthetic


@hookimpl
def kasmcore_register_settings() -> list[SettingsSection]:
    """Offer ``plugin_settings.synthetic``."""
    return [SettingsSection(name="synthetic", settings_class=SyntheticSettings)]


@hookimpl
def kasmcore_register_capture_sources() -> list[CaptureSpec]:
    """Offer ``synthetic``."""
    return [CaptureSpec(name="synthetic", open=open_synthetic)]
