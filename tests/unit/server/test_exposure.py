"""No desktop is opened to the network without TLS and login by mistake."""

from __future__ import annotations

import attrs
import pytest

from kasmcore.config.schema import ServerConfig
from kasmcore.config.schema_network import NetworkConfig, SecurityConfig, SslConfig
from kasmcore.errors import ConfigError
from kasmcore.server.exposure import check_exposure
from kasmcore.server.sockets import BindAddress

OPEN = [BindAddress.of_text("127.0.0.1"), BindAddress.of_text("192.0.2.7")]
LOCAL = [BindAddress.of_text("127.0.0.9"), BindAddress.of_text("::1")]

TLS_OFF = ServerConfig(network=NetworkConfig(ssl=SslConfig(enabled=False)))
PLAIN_TOO = ServerConfig(network=NetworkConfig(ssl=SslConfig(require_ssl=False)))
LOGIN_OFF = ServerConfig(security=SecurityConfig(login_required=False))
INSECURE = [TLS_OFF, PLAIN_TOO, LOGIN_OFF]


@pytest.mark.parametrize("config", INSECURE)
@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7"])
def test_an_open_server_without_tls_or_login_does_not_start(
    config: ServerConfig, host: str
) -> None:
    with pytest.raises(ConfigError, match="allow_insecure_exposure") as caught:
        check_exposure(config, [BindAddress.of_text(host)])
    assert host in str(caught.value)


@pytest.mark.parametrize("config", INSECURE)
def test_on_loopback_both_may_be_off_without_a_word(config: ServerConfig) -> None:
    assert check_exposure(config, LOCAL) == ()


@pytest.mark.parametrize("config", INSECURE)
def test_the_second_setting_allows_it_with_a_warning(config: ServerConfig) -> None:
    security = attrs.evolve(config.security, allow_insecure_exposure=True)
    (warning,) = check_exposure(attrs.evolve(config, security=security), OPEN)
    assert "192.0.2.7" in warning
    assert "127.0.0.1" not in warning


def test_the_defaults_are_safe_anywhere() -> None:
    assert check_exposure(ServerConfig(), OPEN) == ()
