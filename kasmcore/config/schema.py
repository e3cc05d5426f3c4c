"""The tree of all settings: KasmVNC's keys, and our own beside them.

Attribute names are the YAML's key names. Words such as ``auto`` or ``unlimited`` are None here.
"""

from __future__ import annotations

import attrs

from kasmcore.config.schema_desktop import (
    DesktopConfig,
    KeyboardConfig,
    PointerConfig,
    SessionConfig,
    UserSessionConfig,
)
from kasmcore.config.schema_dlp import DataLossPreventionConfig
from kasmcore.config.schema_encoding import EncodingConfig
from kasmcore.config.schema_network import NetworkConfig, SecurityConfig, ServerSectionConfig
from kasmcore.config.schema_plugins import PluginsConfig, PluginSettings
from kasmcore.config.sections import setting

__all__ = [
    "CommandLineConfig",
    "DataLossPreventionConfig",
    "DesktopConfig",
    "EncodingConfig",
    "KeyboardConfig",
    "LegacyConfig",
    "LoggingConfig",
    "NetworkConfig",
    "PluginSettings",
    "PluginsConfig",
    "PointerConfig",
    "RuntimeConfigurationConfig",
    "SecurityConfig",
    "ServerConfig",
    "ServerSectionConfig",
    "SessionConfig",
    "UserSessionConfig",
]


@attrs.frozen(kw_only=True)
class LoggingConfig:
    """What is logged, where and how. YAML: ``logging``."""

    log_writer_name: str = setting("all", "Part of the server that logs.", effective=False)
    log_dest: str = setting(
        "logfile", "Where the log goes.", choices=("logfile", "syslog"), effective=False
    )
    level: int = setting(
        30,
        "How much is logged: 0 errors only, 10 warnings, 30 what happens, 100 everything.",
        at_least=0,
        at_most=100,
    )
    format: str = setting("text", "text for people, json for programs.", choices=("text", "json"))


@attrs.frozen(kw_only=True)
class RuntimeConfigurationConfig:
    """What may be changed while the server runs. YAML: ``runtime_configuration``."""

    allow_client_to_override_kasm_server_settings: bool = setting(
        True,
        "Viewers with write permission may choose frame rate, quality and video of their own "
        "picture.",
    )
    allow_override_standard_vnc_server_settings: bool = setting(
        True, "Programs on the desktop may change the settings listed below.", effective=False
    )
    allow_override_list: tuple[str, ...] = setting(
        (
            "pointer.enabled",
            "data_loss_prevention.clipboard.server_to_client.enabled",
            "data_loss_prevention.clipboard.client_to_server.enabled",
            "data_loss_prevention.clipboard.server_to_client.primary_clipboard_enabled",
        ),
        "Settings that programs on the desktop may change.",
        effective=False,
    )


@attrs.frozen(kw_only=True)
class CommandLineConfig:
    """The command line. YAML: ``command_line``."""

    prompt: bool = setting(True, "The command may ask questions.", effective=False)


@attrs.frozen(kw_only=True)
class LegacyConfig:
    """What has no better place. YAML: ``legacy``."""

    desktop_name: str | None = setting(
        None,
        "Title that viewers see. default is the name of host, display and user.",
        none_words=("default",),
    )


@attrs.frozen(kw_only=True)
class ServerConfig:
    """All settings of one server, checked. ``ServerConfig()`` has every default."""

    plugins: PluginsConfig = attrs.field(factory=PluginsConfig)
    plugin_settings: PluginSettings = attrs.field(factory=PluginSettings)
    desktop: DesktopConfig = attrs.field(factory=DesktopConfig)
    session: SessionConfig = attrs.field(factory=SessionConfig)
    network: NetworkConfig = attrs.field(factory=NetworkConfig)
    security: SecurityConfig = attrs.field(factory=SecurityConfig)
    user_session: UserSessionConfig = attrs.field(factory=UserSessionConfig)
    keyboard: KeyboardConfig = attrs.field(factory=KeyboardConfig)
    pointer: PointerConfig = attrs.field(factory=PointerConfig)
    data_loss_prevention: DataLossPreventionConfig = attrs.field(factory=DataLossPreventionConfig)
    encoding: EncodingConfig = attrs.field(factory=EncodingConfig)
    server: ServerSectionConfig = attrs.field(factory=ServerSectionConfig)
    logging: LoggingConfig = attrs.field(factory=LoggingConfig)
    runtime_configuration: RuntimeConfigurationConfig = attrs.field(
        factory=RuntimeConfigurationConfig
    )
    command_line: CommandLineConfig = attrs.field(factory=CommandLineConfig)
    legacy: LegacyConfig = attrs.field(factory=LegacyConfig)
