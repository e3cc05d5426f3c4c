"""What an operator may set: type, default and help stand together."""

from __future__ import annotations

import attrs
from kasmcore.api import setting


@attrs.frozen(kw_only=True)
class BlockedKeysSettings:
    """Which keys are blocked. YAML: ``plugin_settings.blocked_keys``."""

    keysyms: tuple[int, ...] = setting((), "X11 keysyms that viewers cannot press, e.g. 0xff61.")
    tell_viewer: bool = setting(True, "A viewer who presses one is told; else nothing happens.")
