"""Find, load and check plugins; resolve their hooks once into a ``PluginSet``.

Every installed plugin that ``plugins.block`` does not name is imported. Of what they offer, only
what the lists ``plugins.capture``, ``encoders``, ``transports`` and ``dlp`` name takes part, in
that order; logins, routes, commands and notifications of every imported plugin do.
"""

from kasmcore.plugin_manager.manager import PluginManager, discover_plugins, load_plugins
from kasmcore.plugin_manager.states import PluginCondition, PluginState

__all__ = ["PluginCondition", "PluginManager", "PluginState", "discover_plugins", "load_plugins"]
