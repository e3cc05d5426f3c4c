"""DLP filter ``blocked_keys``: keys that viewers cannot press."""

from __future__ import annotations

from kasmcore.api import DlpFilterSpec, ServerConfig, SettingsSection, hookimpl

from kasmcore_blocked_keys.policy import BlockedKeys
from kasmcore_blocked_keys.settings import BlockedKeysSettings


@hookimpl
def kasmcore_register_settings() -> list[SettingsSection]:
    """Declare ``plugin_settings.blocked_keys``."""
    return [SettingsSection(name="blocked_keys", settings_class=BlockedKeysSettings)]


@hookimpl
def kasmcore_register_dlp_filters() -> list[DlpFilterSpec]:
    """Offer ``blocked_keys``."""
    return [DlpFilterSpec(name="blocked_keys", factory=_policy_for)]


def _policy_for(config: ServerConfig) -> BlockedKeys:
    settings = config.plugin_settings.of(BlockedKeysSettings)
    return BlockedKeys(frozenset(settings.keysyms), tells_viewer=settings.tell_viewer)
