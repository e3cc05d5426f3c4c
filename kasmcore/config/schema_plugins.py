"""Settings that choose and order plugins, and the place of the plugins' own settings."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import attrs

from kasmcore.config.sections import setting

SettingsT = TypeVar("SettingsT", bound=attrs.AttrsInstance)


@attrs.frozen(kw_only=True)
class PluginsConfig:
    """Which plugins are used, in which order. YAML: ``plugins``."""

    capture: tuple[str, ...] = setting(
        ("x11",), "Where pixels come from. The first one that opens is used."
    )
    encoders: tuple[str, ...] = setting(
        ("h264", "deflate", "webp", "jpeg", "qoi"),
        "Codecs that may be used, of video streams and of images. Of those that fit a piece of "
        "the screen, the first one wins.",
    )
    transports: tuple[str, ...] = setting(
        ("webtransport", "websocket"),
        "Ways to carry a connection. The browser tries them in this order.",
    )
    dlp: tuple[str, ...] = setting(
        ("keyboard_policy", "clipboard_policy", "visible_region"),
        "Policies on what enters and leaves the session. All of them run, in this order.",
    )
    block: tuple[str, ...] = setting((), "Plugins that are never loaded.")
    optional: tuple[str, ...] = setting(
        (),
        "Plugins that may be left out with a warning when they are missing or broken. "
        "Any other one stops the start.",
    )
    files: tuple[Path, ...] = setting((), "Python files to load, each a plugin of one file.")


@attrs.frozen
class PluginSettings:
    """The plugins' own typed settings. YAML: ``plugin_settings.<name>``."""

    sections: tuple[attrs.AttrsInstance, ...] = ()

    def of(self, settings_class: type[SettingsT]) -> SettingsT:
        """Return the settings of this class; its defaults when the YAML does not set them."""
        for section in self.sections:
            if isinstance(section, settings_class):
                return section
        return settings_class()
