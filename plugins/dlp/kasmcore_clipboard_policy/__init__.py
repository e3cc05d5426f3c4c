"""DLP filter ``clipboard_policy``: what may be copied into and out of the session."""

from __future__ import annotations

from kasmcore.api import DlpFilterSpec, ServerConfig, hookimpl
from kasmcore_clipboard_policy.policy import ClipboardPolicy, DirectionLimits


@hookimpl
def kasmcore_register_dlp_filters() -> list[DlpFilterSpec]:
    """Offer ``clipboard_policy``."""
    return [DlpFilterSpec(name="clipboard_policy", factory=_policy_for)]


def _policy_for(config: ServerConfig) -> ClipboardPolicy:
    clipboard = config.data_loss_prevention.clipboard
    to_viewer, from_viewer = clipboard.server_to_client, clipboard.client_to_server
    delay_ms = clipboard.delay_between_operations
    return ClipboardPolicy(
        to_viewer=DirectionLimits(to_viewer.enabled, to_viewer.size),
        from_viewer=DirectionLimits(from_viewer.enabled, from_viewer.size),
        allowed_mimes=clipboard.allow_mimetypes,
        delay_s=(delay_ms or 0) / 1000,
    )
