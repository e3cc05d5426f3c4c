"""What became of each plugin, for people: ``kasmcore plugins`` and messages at start."""

from __future__ import annotations

import enum

import attrs


class PluginCondition(enum.Enum):
    """Whether a plugin takes part, and if not, why."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    """Installed and sound, but no list names what it offers."""
    BLOCKED = "blocked"
    BROKEN = "broken"
    MISSING = "missing"
    """A list names it and nothing installed offers it."""
    UNAVAILABLE = "unavailable"
    """It said itself that it cannot work here."""


@attrs.frozen(kw_only=True)
class PluginState:
    """One line of ``kasmcore plugins``.

    Attributes:
        name: of the entry point, or of the file without ``.py``.
        distribution: that brings it; ``file`` for a one-file plugin; empty when missing.
        version: of the distribution; empty for files.
        kinds: what it offers: capture, encoders, transports, dlp, settings, authenticators,
            routes, commands, events.
        hooks: that it implements.
        condition: whether it takes part.
        reason: why it does not; empty when active.
    """

    name: str
    distribution: str
    version: str
    kinds: tuple[str, ...]
    hooks: tuple[str, ...]
    condition: PluginCondition
    reason: str


KIND_OF_HOOK = {
    "kasmcore_register_capture_sources": "capture",
    "kasmcore_register_encoders": "encoders",
    "kasmcore_register_transports": "transports",
    "kasmcore_register_dlp_filters": "dlp",
    "kasmcore_register_settings": "settings",
    "kasmcore_register_authenticators": "authenticators",
    "kasmcore_register_routes": "routes",
    "kasmcore_register_commands": "commands",
}
UNLISTED_KINDS = frozenset({"authenticators", "routes", "commands", "events"})
"""What takes part without a list that names it."""


def kinds_of(hooks: tuple[str, ...]) -> tuple[str, ...]:
    """Name what these hooks offer, each once; notification hooks are ``events``."""
    return tuple(dict.fromkeys(KIND_OF_HOOK.get(hook, "events") for hook in hooks))
