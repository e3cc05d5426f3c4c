"""Settings of the address, TLS, who may come in, and what the web server gives out."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from pathlib import Path

import attrs

from kasmcore.config.sections import setting
from kasmcore.config.units import HttpHeader


@attrs.frozen(kw_only=True)
class UdpConfig:
    """Transports over UDP. YAML: ``network.udp``."""

    public_ip: IPv4Address | IPv6Address | None = setting(
        IPv4Address("127.0.0.1"),
        "Address by which WebRTC viewers reach this machine, when a router forwards its UDP ports. "
        "A loopback address: no other than its own. auto: what network.udp.stun_server tells.",
        none_words=("auto",),
    )
    port: int | None = setting(
        None,
        "UDP port. auto uses the number of the web port.",
        at_least=0,
        at_most=65535,
        none_words=("auto",),
        effective=False,
    )
    payload_size: int | None = setting(
        None,
        "Largest payload of one datagram of WebRTC. auto is 1200.",
        at_least=500,
        at_most=1400,
        unit="bytes",
        none_words=("auto",),
    )
    stun_server: str | None = setting(
        None,
        "STUN server, host or host:port, that tells WebRTC viewers, and this server, their public "
        "address. auto: none is asked.",
        none_words=("auto",),
    )


@attrs.frozen(kw_only=True)
class SslConfig:
    """TLS on the web port. YAML: ``network.ssl``."""

    enabled: bool = setting(
        True,
        "Serve over TLS. Off is for a server behind a proxy that does TLS; on another address "
        "than loopback it needs security.allow_insecure_exposure.",
    )
    pem_certificate: Path | None = setting(
        None,
        "Certificate chain in PEM. auto makes one at the first start and keeps it.",
        none_words=("auto",),
    )
    pem_key: Path | None = setting(
        None,
        "Private key of the certificate in PEM. auto: it is in the certificate's file, or made "
        "with it.",
        none_words=("auto",),
    )
    require_ssl: bool = setting(
        True, "Refuse plain HTTP on the web port. Off serves both on one port."
    )
    minimum_version: str = setting("1.2", "Oldest version of TLS spoken.", choices=("1.2", "1.3"))


@attrs.frozen(kw_only=True)
class UnixRelayConfig:
    """A Unix socket that viewers can reach by name. YAML: ``network.unix_relay``."""

    name: str | None = setting(None, "Name that viewers ask for.", effective=False)
    path: Path | None = setting(None, "Path of the socket.", effective=False)


@attrs.frozen(kw_only=True)
class NetworkConfig:
    """Where the server listens and whom it trusts. YAML: ``network``."""

    protocol: str = setting(
        "http",
        "http serves the browser client; vnc would serve VNC viewers.",
        choices=("http", "vnc"),
        effective=False,
    )
    interface: str = setting("0.0.0.0", "Address to listen on.")  # noqa: S104 - KasmVNC's default
    websocket_port: int | None = setting(
        None,
        "TCP port of page, API and WebSocket. auto is 8443 plus the number of the display; "
        "0 takes any free port.",
        at_least=0,
        at_most=65535,
        none_words=("auto",),
    )
    use_ipv4: bool = setting(True, "Listen on IPv4.")
    use_ipv6: bool = setting(True, "Listen on IPv6.")
    upgrade: str = setting(
        "auto",
        "When a viewer that joined by WebSocket goes on over a transport that plugins.transports "
        "names before it. auto: when the server is more than 8 ms of round trip away, or the "
        "network delays or loses packets; near and clean, the WebSocket is as quick and takes "
        "less of the processor.",
        choices=("auto", "always", "never"),
    )
    udp: UdpConfig = attrs.field(factory=UdpConfig)
    ssl: SslConfig = attrs.field(factory=SslConfig)
    unix_relay: UnixRelayConfig = attrs.field(factory=UnixRelayConfig)
    tcp_congestion_control: str | None = setting(
        None,
        "TCP congestion control of viewers' connections, one that the kernel has (`sysctl "
        "net.ipv4.tcp_available_congestion_control`). auto takes bbr where there is one: others "
        "slow down to a fraction at 1 % of lost packets.",
        none_words=("auto",),
    )
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = setting(
        (),
        "Addresses or networks of proxies whose X-Forwarded-For, -Proto and -Host are believed.",
    )
    allowed_origins: tuple[str, ...] = setting(
        (),
        "Origins of other pages that may connect, such as https://portal.example. "
        "The server's own origin always may.",
    )
    base_path: str = setting(
        "/", "Path below which everything is served, such as /desk/, for a proxy with sub-paths."
    )


@attrs.frozen(kw_only=True)
class BruteForceProtectionConfig:
    """Brakes on guessing passwords. YAML: ``security.brute_force_protection``."""

    blacklist_threshold: int = setting(
        5, "Failed logins from one source before it has to wait. 0 switches this off.", at_least=0
    )
    blacklist_timeout: int = setting(
        10, "How long a source with too many failures has to wait.", at_least=0, unit="s"
    )


@attrs.frozen(kw_only=True)
class SecurityConfig:
    """Who may come in. YAML: ``security``."""

    brute_force_protection: BruteForceProtectionConfig = attrs.field(
        factory=BruteForceProtectionConfig
    )
    login_required: bool = setting(
        True,
        "Ask for a login. Off is for a server behind a proxy that does it; on another address "
        "than loopback it needs security.allow_insecure_exposure.",
    )
    users_file: Path | None = setting(
        None,
        "File of the accounts. auto is one in server.state_directory.",
        none_words=("auto",),
    )
    allow_insecure_exposure: bool = setting(
        False, "Allow TLS or the login to be off on an address that others can reach."
    )
    session_lifetime: int = setting(
        86400, "How long a login lasts before it is asked again.", at_least=60, unit="s"
    )


@attrs.frozen(kw_only=True)
class HttpConfig:
    """What the web server gives out. YAML: ``server.http``."""

    headers: tuple[HttpHeader, ...] = setting(
        (
            HttpHeader(name="Cross-Origin-Embedder-Policy", value="require-corp"),
            HttpHeader(name="Cross-Origin-Opener-Policy", value="same-origin"),
        ),
        "Headers added to every response, each Name=value.",
    )
    httpd_directory: Path | None = setting(
        None,
        "Directory of the browser client. auto, and KasmVNC's own directory "
        "/usr/share/kasmvnc/www, stand for the client that belongs to this server.",
        none_words=("auto", "/usr/share/kasmvnc/www"),
    )


@attrs.frozen(kw_only=True)
class AdvancedConfig:
    """Files of X and of KasmVNC. YAML: ``server.advanced``."""

    x_font_path: str | None = setting(
        None, "Where the X server finds fonts.", none_words=("auto",), effective=False
    )
    kasm_password_file: Path | None = setting(
        None,
        "KasmVNC's file of accounts; each is taken over at its first login. "
        "auto is ~/.kasmpasswd, when it exists.",
        none_words=("auto",),
    )
    x_authority_file: Path | None = setting(
        None,
        "File of X's authority cookies. auto is $XAUTHORITY, or else ~/.Xauthority.",
        none_words=("auto",),
    )


@attrs.frozen(kw_only=True)
class AutoShutdownConfig:
    """When the server ends by itself. YAML: ``server.auto_shutdown``."""

    no_user_session_timeout: int | None = setting(
        None,
        "End when nobody was connected for this long.",
        at_least=1,
        unit="s",
        none_words=("never", "0"),
        effective=False,
    )
    active_user_session_timeout: int | None = setting(
        None,
        "End when somebody was connected for this long.",
        at_least=1,
        unit="s",
        none_words=("never", "0"),
        effective=False,
    )
    inactive_user_session_timeout: int | None = setting(
        None,
        "End when nobody gave input for this long.",
        at_least=1,
        unit="s",
        none_words=("never", "0"),
        effective=False,
    )


@attrs.frozen(kw_only=True)
class ServerSectionConfig:
    """The server process and its files. YAML: ``server``."""

    http: HttpConfig = attrs.field(factory=HttpConfig)
    advanced: AdvancedConfig = attrs.field(factory=AdvancedConfig)
    auto_shutdown: AutoShutdownConfig = attrs.field(factory=AutoShutdownConfig)
    allow_environment_variables_to_override_config_settings: bool = setting(
        False,
        "KasmVNC's switch for KVNC_ variables. KASMCORE_ variables always count.",
        effective=False,
    )
    state_directory: Path | None = setting(
        None,
        "Where certificate and accounts are kept. auto is $XDG_STATE_HOME/kasmcore, or else "
        "~/.local/state/kasmcore.",
        none_words=("auto",),
    )
