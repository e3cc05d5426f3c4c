"""Plugins are found, chosen and ordered; what they offer reaches the server."""

import logging
from pathlib import Path

import pytest

from kasmcore.config.schema_plugins import PluginsConfig
from kasmcore.errors import PluginError
from kasmcore.plugin_manager import PluginCondition, load_plugins
from kasmcore.plugin_manager.discovery import find_plugins
from kasmcore.values.geometry import Size
from tests.unit.plugin_folder import BASE, SETTINGS, Folder, encoder_plugin


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    folder = Folder(tmp_path)
    folder.add("base", BASE)
    return folder


def test_the_yaml_list_orders_and_filters(folder: Folder) -> None:
    folder.add("more", encoder_plugin("one", "two", "three"))
    chosen = folder.plugin_set(encoders=("three", "raw", "one"))
    assert [spec.codec for spec in chosen.encoders] == ["three", "raw", "one"]
    assert [spec.name for spec in chosen.capture_sources] == ["screen"]
    assert [spec.name for spec in chosen.transports] == ["pipe"]
    assert [spec.name for spec in chosen.dlp_filters] == ["guard"]


def test_a_hook_takes_only_the_arguments_that_it_names(folder: Folder) -> None:
    folder.add(
        "configured",
        """
        @hookimpl
        def kasmcore_register_encoders(config):
            return [encoder("seen", Raw)] if config.plugins.encoders == ("seen",) else []
        """,
    )
    assert [spec.codec for spec in folder.plugin_set(encoders=("seen",)).encoders] == ["seen"]


def test_settings_of_plugins_are_known_before_the_settings_are_read(folder: Folder) -> None:
    folder.add("deep", SETTINGS)
    sections = folder.manager().settings_sections()
    assert [section.name for section in sections] == ["deep"]


def test_logins_and_routes_take_part_without_a_list(folder: Folder) -> None:
    folder.add(
        "extras",
        """
        class Login:
            name = "static"
            async def authenticate(self, credentials, address): return None
        async def hello(request): return HttpResponse(body=b"hello")
        @hookimpl
        def kasmcore_register_authenticators(): return [Login()]
        @hookimpl
        def kasmcore_register_routes():
            return [RouteSpec(method="GET", path="/api/plugins/hello", permission=Permission.READ,
                              handler=hello, summary="Say hello.")]
        """,
    )
    chosen = folder.plugin_set()
    assert [one.name for one in chosen.authenticators] == ["static"]
    assert [one.path for one in chosen.routes] == ["/api/plugins/hello"]
    assert folder.state("extras").condition is PluginCondition.ACTIVE


EVENTS = """
import pathlib
@hookimpl
def kasmcore_session_started(display, size):
    pathlib.Path(__file__).with_suffix(".log").write_text(f"{display} {size}")
"""


def test_a_notification_that_fails_is_logged_and_the_next_plugin_is_told(
    folder: Folder, caplog: pytest.LogCaptureFixture
) -> None:
    folder.add("a_fails", "@hookimpl\ndef kasmcore_session_started(): 1 / 0")
    file = folder.add("tells", EVENTS)
    folder.plugin_set().events.session_started(":7", Size(640, 480))
    assert file.with_suffix(".log").read_text() == ":7 640x480"
    assert "plugin a_fails failed in kasmcore_session_started" in caplog.text


def test_tracing_logs_each_call_with_its_result(
    folder: Folder, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="kasmcore.hooks")
    folder.add("tells", EVENTS)
    folder.plugin_set().events.session_started(":7", Size(640, 480))
    assert "kasmcore_session_started(display=':7', size=Size(width=640" in caplog.text
    assert "kasmcore_register_encoders() of base -> [EncoderSpec(codec='raw'" in caplog.text


def test_an_installed_plugin_that_no_list_names_is_inactive(folder: Folder) -> None:
    folder.add("more", encoder_plugin("one", "two"))
    state = folder.state("more")
    assert state.condition is PluginCondition.INACTIVE
    assert state.reason == "no list names what it offers (encoders: one, two)"
    assert (state.kinds, state.hooks) == (("encoders",), ("kasmcore_register_encoders",))


def install_distribution(site: Path, name: str, version: str, entry_points: str) -> None:
    information = site / f"{name.replace('-', '_')}-{version}.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    )
    (information / "entry_points.txt").write_text(f"[kasmcore]\n{entry_points}\n")


def test_installed_distributions_are_found_by_their_entry_points(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_distribution(tmp_path, "acme-codecs", "1.4", "acme = acme_codecs_nowhere")
    monkeypatch.syspath_prepend(tmp_path)
    found = {plugin.name: plugin for plugin in find_plugins(())}
    assert str(found["acme"]) == "acme-codecs 1.4, acme_codecs_nowhere"


def test_two_distributions_with_one_plugin_name_are_both_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_distribution(tmp_path, "acme-codecs", "1.4", "acme = acme_codecs_nowhere")
    install_distribution(tmp_path, "acme-fork", "0.1", "acme = acme_fork_nowhere")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(PluginError) as caught:
        load_plugins(PluginsConfig())
    assert "2 plugins have the name acme (acme-codecs 1.4" in str(caught.value)
    assert "acme-fork 0.1" in str(caught.value)
