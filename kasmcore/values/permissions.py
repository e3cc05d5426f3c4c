"""Who a viewer is and what it may do."""

from __future__ import annotations

import enum

import attrs


class Permission(enum.Flag):
    """What a user may do. A user without READ may connect but sees nothing."""

    NONE = 0
    READ = 1
    """See the desktop."""
    WRITE = 2
    """Keyboard, pointer, clipboard in, resize, quality."""
    OWNER = 4
    """Use the web API and manage users."""


FULL_PERMISSIONS = Permission.READ | Permission.WRITE | Permission.OWNER
VIEW_ONLY = Permission.READ


@attrs.frozen
class User:
    """An account as the server knows it after login."""

    name: str
    permissions: Permission


@attrs.frozen
class Guest:
    """Somebody who was let in, and may become a viewer."""

    user: User
    address: str
    """IP address."""
    login: str | None = attrs.field(repr=False, default=None)
    """Names the login kept by cookie that let it in, with which all ends; None when none did."""


@attrs.frozen
class ViewerInfo:
    """One connected viewer, as policies and notifications see it."""

    viewer_id: int
    user: User
    address: str
    """IP address of the viewer (behind a trusted proxy: as the proxy says)."""
    transport: str
    """Name of the transport plugin."""
