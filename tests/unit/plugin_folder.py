"""One-file plugins for tests of the plugin manager, which loads these alone."""

import contextlib
import textwrap
from pathlib import Path
from typing import Any

import attrs
import pytest

from kasmcore.config.schema import ServerConfig
from kasmcore.config.schema_plugins import PluginsConfig
from kasmcore.errors import KasmcoreError, PluginError
from kasmcore.plugin_manager import PluginManager, PluginState
from kasmcore.plugin_manager.discovery import FILE_DISTRIBUTION, find_plugins
from kasmcore.plugin_set import PluginSet

IMPORTS = """
from contextlib import asynccontextmanager
from kasmcore.api import *
def encoder(codec, factory, exactness=Exactness.ALWAYS):
    rating = ContentRating(text=1, picture=1)
    return EncoderSpec(codec=codec, factory=factory, exactness=exactness, cost_ns_per_pixel=rating,
                       bits_per_pixel=rating, releases_gil=False)
class Raw:
    def encode(self, pixels, quality):
        return pixels.tobytes()
"""
BASE = """
@asynccontextmanager
async def opened(request):
    yield None
@hookimpl
def kasmcore_register_capture_sources():
    return [CaptureSpec(name="screen", open=opened)]
@hookimpl
def kasmcore_register_encoders():
    return [encoder("raw", Raw)]
@hookimpl
def kasmcore_register_transports():
    return [TransportSpec(name="pipe", factory=lambda config: None)]
@hookimpl
def kasmcore_register_dlp_filters():
    return [DlpFilterSpec(name="guard", factory=lambda config: DlpFilter())]
"""
LISTS = PluginsConfig(capture=("screen",), encoders=("raw",), transports=("pipe",), dlp=("guard",))


@attrs.define
class Folder:
    """A folder of one-file plugins, and the manager that loads these alone."""

    path: Path
    files: list[Path] = attrs.field(factory=list)

    def add(self, name: str, code: str) -> Path:
        file = self.path / f"{name}.py"
        file.write_text(IMPORTS + textwrap.dedent(code))
        self.files.append(file)
        return file

    def manager(self, lists: PluginsConfig = LISTS, **changes: Any) -> PluginManager:
        plugins = attrs.evolve(lists, files=tuple(self.files), **changes)
        found = find_plugins(plugins.files)
        only_files = [one for one in found if one.distribution == FILE_DISTRIBUTION]
        return PluginManager(plugins, only_files)

    def plugin_set(self, **changes: Any) -> PluginSet:
        manager = self.manager(**changes)
        manager.require_sound()
        return manager.plugin_set(ServerConfig(plugins=attrs.evolve(LISTS, **changes)))

    def refusal(self, **changes: Any) -> str:
        with pytest.raises(PluginError) as caught:
            self.plugin_set(**changes)
        assert caught.value.exit_status == 3
        return str(caught.value)

    def state(self, name: str, **changes: Any) -> PluginState:
        manager = self.manager(**changes)
        with contextlib.suppress(KasmcoreError):
            manager.plugin_set(ServerConfig(plugins=attrs.evolve(LISTS, **changes)))
        return next(state for state in manager.states if state.name == name)


def encoder_plugin(*codecs: str) -> str:
    specs = ", ".join(f"encoder('{codec}', Raw)" for codec in codecs)
    return f"@hookimpl\ndef kasmcore_register_encoders():\n    return [{specs}]\n"


SETTINGS = """
import attrs
@attrs.frozen(kw_only=True)
class Settings:
    depth: int = setting(3, "How deep.")
@hookimpl
def kasmcore_register_settings():
    return [SettingsSection(name="deep", settings_class=Settings)]
"""
