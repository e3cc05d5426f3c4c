"""The one-file examples load and do what they say."""

import hashlib
import logging
from pathlib import Path

import pytest

from kasmcore.api import (
    Authenticator,
    ConfigError,
    Credentials,
    HttpRequest,
    Permission,
    Size,
    User,
    ViewerInfo,
)
from kasmcore.cli import main
from kasmcore.config.load import find_layers, merge
from kasmcore.config.structure import structure, structure_plugins
from kasmcore.plugin_manager import PluginManager
from kasmcore.plugin_manager.discovery import find_plugins
from kasmcore.plugin_set import PluginSet
from tests.project.tree import ROOT

EXAMPLES = ROOT / "examples" / "one-file-plugins"
ADA = User("ada", Permission.READ)


def load(name: str, *settings: str) -> PluginSet:
    """Load one example beside what a server cannot do without."""
    overrides = (f"plugins.files=[{EXAMPLES / name}.py]", "plugins.capture=[synthetic]", *settings)
    tree = merge(find_layers((), overrides, {}))
    plugins = structure_plugins(tree)
    manager = PluginManager(plugins, find_plugins(plugins.files))
    return manager.plugin_set(structure(tree, manager.settings_sections()))


async def test_hello_route_greets_its_user() -> None:
    [route] = load("hello_route").routes
    request = HttpRequest("GET", route.path, {}, {}, b"", ADA, "127.0.0.1")
    assert (await route.handler(request)).body == b"Hello ada\n"


def test_hello_command_greets(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KASMCORE_PLUGINS_FILES", f"[{EXAMPLES}/hello_command.py]")
    assert main(["hello", "--name", "Ada"]) == 0
    assert capsys.readouterr().out == "Hello Ada\n"


def test_event_log_tells_every_event(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="kasmcore.events")
    events, viewer = load("event_log").events, ViewerInfo(1, ADA, "192.0.2.1", "websocket")
    events.session_started(":7", Size(640, 480))
    events.viewer_joined(viewer)
    events.policy_refused(viewer, "clipboard_policy", "clipboard_too_large")
    events.viewer_left(viewer, "closed the window")
    events.session_ended(":7", "stopped")
    assert [record.message for record in caplog.records if record.name == "kasmcore.events"] == [
        "session on :7 started, 640x480",
        "ada joined from 192.0.2.1 over websocket",
        "clipboard_policy stopped clipboard_too_large of ada",
        "ada from 192.0.2.1 left: closed the window",
        "session on :7 ended: stopped",
    ]


@pytest.fixture
def login(tmp_path: Path) -> Authenticator:
    salt = bytes.fromhex("00112233445566778899aabbccddeeff")
    digest = hashlib.scrypt(b"sesam", salt=salt, n=2**14, r=8, p=1)
    file = tmp_path / "logins"
    file.write_text(f"ada:{salt.hex()}:{digest.hex()}\n")
    [login] = load("static_login", f"plugin_settings.static_login.file={file}").authenticators
    return login


async def test_static_login_knows_its_users(login: Authenticator) -> None:
    assert await login.authenticate(Credentials("ada", "sesam"), "192.0.2.1") == ADA
    assert await login.authenticate(Credentials("ada", "Sesam"), "192.0.2.1") is None
    assert await login.authenticate(Credentials("eve", "sesam"), "192.0.2.1") is None


def test_static_login_never_shows_its_hashes(login: Authenticator) -> None:
    assert "ada" not in repr(login)


def test_static_login_offers_nothing_without_a_file_and_names_a_bad_line(tmp_path: Path) -> None:
    assert load("static_login").authenticators == ()
    file = tmp_path / "logins"
    file.write_text("ada:not-hex:00\n")
    with pytest.raises(ConfigError, match=r"the line is not name:salt:hash .*logins line 1"):
        load("static_login", f"plugin_settings.static_login.file={file}")
