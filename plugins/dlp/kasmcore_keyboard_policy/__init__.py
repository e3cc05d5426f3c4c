"""DLP filter ``keyboard_policy``: whether viewers may type, and how fast."""

from __future__ import annotations

from kasmcore.api import DlpFilterSpec, ServerConfig, hookimpl
from kasmcore_keyboard_policy.policy import KeyboardPolicy


@hookimpl
def kasmcore_register_dlp_filters() -> list[DlpFilterSpec]:
    """Offer ``keyboard_policy``."""
    return [DlpFilterSpec(name="keyboard_policy", factory=_policy_for)]


def _policy_for(config: ServerConfig) -> KeyboardPolicy:
    keyboard = config.data_loss_prevention.keyboard
    return KeyboardPolicy(is_enabled=keyboard.enabled, presses_per_s=keyboard.rate_limit)
