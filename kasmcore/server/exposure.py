"""The rule that nobody opens a desktop to the network without TLS and login by mistake."""

from __future__ import annotations

from collections.abc import Iterable

from kasmcore.config.schema import ServerConfig
from kasmcore.errors import ConfigError
from kasmcore.server.sockets import BindAddress


def check_exposure(config: ServerConfig, addresses: Iterable[BindAddress]) -> tuple[str, ...]:
    """Refuse a server that others can reach without TLS or login, unless a setting allows it.

    Returns:
        Warnings to show at start; empty when there is nothing to warn of.

    Raises:
        ConfigError: TLS (``network.ssl.enabled``, ``require_ssl``) or the login is off on an
            address that others can reach, and ``security.allow_insecure_exposure`` is not set.
    """
    open_to = [address.host for address in addresses if not address.is_loopback]
    if not open_to:
        return ()
    dangers = []
    if not config.network.ssl.enabled:
        dangers.append(("network.ssl.enabled is false", "anyone on the way can read and type"))
    elif not config.network.ssl.require_ssl:
        dangers.append(("network.ssl.require_ssl is false", "passwords may travel unencrypted"))
    if not config.security.login_required:
        dangers.append(("security.login_required is false", "anyone can use the desktop"))
    listening = f"listening on {', '.join(open_to)}"
    if dangers and not config.security.allow_insecure_exposure:
        setting, danger = dangers[0]
        raise ConfigError(
            f"{setting}, and others can reach the server: {danger}",
            where=listening,
            remedy="Set network.interface to 127.0.0.1, or switch it back on, or accept the danger "
            "with security.allow_insecure_exposure: true.",
        )
    return tuple(f"{setting}: {danger} ({listening})" for setting, danger in dangers)
