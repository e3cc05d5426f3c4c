"""The example of a transport holds what every transport must, and its settings are checked."""

import pytest
from test_unix_socket import TestUnixSocket

from kasmcore.api import ConfigError, RemoteProtocolError, ServerConfig
from kasmcore.config.load import find_layers, merge
from kasmcore.config.structure import structure, structure_plugins
from kasmcore.plugin_manager import PluginManager
from kasmcore.plugin_manager.discovery import find_plugins
from kasmcore.plugin_set import PluginSet
from tests.project.tree import ROOT

__all__ = ["TestUnixSocket"]

FILE = ROOT / "examples" / "unix-socket" / "unix_socket.py"


def settings_with(*overrides: str) -> tuple[PluginSet, ServerConfig]:
    tree = merge(find_layers((), (f"plugins.files=[{FILE}]", *overrides), {}))
    plugins = structure_plugins(tree)
    manager = PluginManager(plugins, find_plugins(plugins.files))
    config = structure(tree, manager.settings_sections())
    return manager.plugin_set(config), config


def test_it_takes_part_where_the_settings_name_it_and_its_path() -> None:
    named = ("plugins.capture=[synthetic]", "plugins.transports=[websocket, unix_socket]")
    plugins, config = settings_with(*named, "plugin_settings.unix_socket.path=/run/desk")
    offered = {spec.name: spec.factory(config) for spec in plugins.transports}
    assert list(offered) == ["websocket", "unix_socket"]
    assert offered["unix_socket"].websocket_routes() == {}
    plugins, config = settings_with(*named)
    with pytest.raises(ConfigError, match="unix_socket needs a path"):
        plugins.transports[1].factory(config)


async def test_a_unit_that_is_too_long_is_refused() -> None:
    async with TestUnixSocket().connect() as (server, client):
        await client._stream.send_all((2**31).to_bytes(4, "big"))  # type: ignore[attr-defined]
        with pytest.raises(RemoteProtocolError, match="announced a unit of 2147483648 bytes"):
            await server.receive()
