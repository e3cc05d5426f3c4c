"""Plugins are found, checked, chosen and ordered; what is wrong is named with a way out."""

import contextlib
import logging
import textwrap
from pathlib import Path
from typing import Any

import attrs
import pytest

from kasmcore.config.schema import ServerConfig
from kasmcore.config.schema_plugins import PluginsConfig
from kasmcore.errors import PluginError
from kasmcore.plugin_manager import PluginCondition, PluginManager, PluginState, load_plugins
from kasmcore.plugin_manager.discovery import FILE_DISTRIBUTION, find_plugins
from kasmcore.plugin_set import PluginSet
from kasmcore.values.geometry import Size

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
        with contextlib.suppress(PluginError):
            manager.plugin_set(ServerConfig(plugins=attrs.evolve(LISTS, **changes)))
        return next(state for state in manager.states if state.name == name)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    folder = Folder(tmp_path)
    folder.add("base", BASE)
    return folder


def encoder_plugin(*codecs: str) -> str:
    specs = ", ".join(f"encoder('{codec}', Raw)" for codec in codecs)
    return f"@hookimpl\ndef kasmcore_register_encoders():\n    return [{specs}]\n"


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


def test_an_import_error_stops_the_start_and_says_where_and_what_to_do(folder: Folder) -> None:
    file = folder.add("lost", "import no_such_module_anywhere")
    message = folder.refusal()
    assert "plugin lost is broken" in message
    assert "No module named 'no_such_module_anywhere'" in message
    assert f"{file} line" in message
    assert "plugins.optional" in message


def test_a_plugin_that_calls_exit_does_not_end_the_server(folder: Folder) -> None:
    folder.add("leaver", "raise SystemExit(9)")
    assert "SystemExit: 9" in folder.refusal()


def test_an_optional_broken_plugin_is_left_out_with_a_warning(
    folder: Folder, caplog: pytest.LogCaptureFixture
) -> None:
    folder.add("lost", "1 / 0")
    chosen = folder.plugin_set(optional=("lost",))
    assert [spec.codec for spec in chosen.encoders] == ["raw"]
    assert "ZeroDivisionError" in caplog.text
    assert folder.state("lost", optional=("lost",)).condition is PluginCondition.BROKEN


def test_every_problem_is_told_at_once(folder: Folder) -> None:
    folder.add("lost", "1 / 0")
    folder.add("gone", "import no_such_module_anywhere")
    message = folder.refusal()
    assert "plugin lost" in message
    assert "plugin gone" in message


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("@hookimpl\ndef kasmcore_register_encoders(server): return []", "server"),
        ("@hookimpl\ndef kasmcore_register_encoder(): return []", "mean kasmcore_register_encod"),
        ("def kasmcore_register_encoders(): return []", "lacks the mark @hookimpl"),
        ("@hookimpl\nasync def kasmcore_session_ended(): pass", "is async"),
        ("@hookimpl(wrapper=True)\ndef kasmcore_session_ended(): yield", "hook wrapper"),
        ("@hookimpl\ndef kasmcore_register_encoders(): return None", "not a list of EncoderSpec"),
        ("@hookimpl\ndef kasmcore_register_encoders(): return ['jpeg']", "not a list of"),
        ("@hookimpl\ndef kasmcore_register_encoders(): raise OSError('no lib')", "no lib"),
        ("@hookimpl\ndef kasmcore_register_settings(): raise OSError('no lib')", "no lib"),
        ("@hookimpl\ndef kasmcore_register_authenticators(): return ['pam']", "no Authenticator"),
        (encoder_plugin("Bad Name"), "'Bad Name' is no name"),
    ],
)
def test_hooks_that_do_not_fit_are_refused_with_the_reason(
    folder: Folder, code: str, reason: str
) -> None:
    folder.add("odd", code)
    message = folder.refusal()
    assert "plugin odd is broken" in message
    assert reason in message


def test_a_plugin_that_calls_itself_unavailable_is_left_out_with_a_warning(
    folder: Folder, caplog: pytest.LogCaptureFixture
) -> None:
    folder.add(
        "gpu",
        """
        @hookimpl
        def kasmcore_register_encoders():
            raise PluginUnavailable("no GPU", remedy="Buy one.")
        """,
    )
    chosen = folder.plugin_set(encoders=("gpu", "raw"))
    assert [spec.codec for spec in chosen.encoders] == ["raw"]
    assert "plugin gpu is left out: no GPU. Buy one." in caplog.text
    state = folder.state("gpu", encoders=("gpu", "raw"))
    assert (state.condition, state.reason) == (PluginCondition.UNAVAILABLE, "no GPU. Buy one.")


def test_a_policy_is_never_unavailable(folder: Folder) -> None:
    folder.add(
        "watcher",
        """
        @hookimpl
        def kasmcore_register_dlp_filters():
            raise PluginUnavailable("no ink")
        """,
    )
    assert "plugin watcher is broken" in folder.refusal(dlp=("watcher",))


def test_a_policy_whose_import_calls_itself_unavailable_stops_the_start(folder: Folder) -> None:
    folder.add("watcher", "raise PluginUnavailable('no ink')")
    message = folder.refusal(dlp=("watcher",))
    assert "no plugin offers the DLP filter watcher: no ink" in message


def test_when_nothing_of_a_needed_kind_is_left_the_start_stops(folder: Folder) -> None:
    folder.add("gpu", "raise PluginUnavailable('no GPU')")
    assert "no encoder is left (plugins.encoders)" in folder.refusal(encoders=("gpu",))


def test_a_missing_plugin_is_named_with_the_nearest_known_one(folder: Folder) -> None:
    message = folder.refusal(encoders=("rawr",))
    assert "no plugin offers the encoder rawr (plugins.encoders)" in message
    assert "Did you mean raw?" in message
    assert folder.state("rawr", encoders=("rawr",)).condition is PluginCondition.MISSING


def test_an_optional_missing_plugin_is_left_out(folder: Folder) -> None:
    chosen = folder.plugin_set(encoders=("av2", "raw"), optional=("av2",))
    assert [spec.codec for spec in chosen.encoders] == ["raw"]


def test_a_blocked_plugin_is_not_even_imported(folder: Folder) -> None:
    folder.add("lost", "1 / 0")
    chosen = folder.plugin_set(encoders=("lost", "raw"), block=("lost",))
    assert [spec.codec for spec in chosen.encoders] == ["raw"]
    state = folder.state("lost", block=("lost",))
    assert (state.condition, state.hooks) == (PluginCondition.BLOCKED, ())


def test_one_codec_from_two_plugins_names_both(folder: Folder) -> None:
    folder.add("rival", encoder_plugin("raw"))
    message = folder.refusal()
    assert "encoder raw is offered twice, by plugin base and by rival" in message
    assert "base.py" in message
    assert "rival.py" in message


def test_of_two_rivals_the_optional_one_gives_way(folder: Folder) -> None:
    folder.add("a_rival", encoder_plugin("raw"))
    folder.plugin_set(optional=("a_rival",))
    assert folder.state("a_rival", optional=("a_rival",)).condition is PluginCondition.BROKEN
    assert folder.state("base", optional=("a_rival",)).condition is PluginCondition.ACTIVE


def test_two_plugins_of_one_name_are_both_refused(folder: Folder, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    Folder(tmp_path / "other", folder.files).add("base", BASE)
    assert "2 plugins have the name base" in folder.refusal()


SETTINGS = """
import attrs
@attrs.frozen(kw_only=True)
class Settings:
    depth: int = setting(3, "How deep.")
@hookimpl
def kasmcore_register_settings():
    return [SettingsSection(name="deep", settings_class=Settings)]
"""


def test_settings_of_plugins_are_known_before_the_settings_are_read(folder: Folder) -> None:
    folder.add("deep", SETTINGS)
    sections = folder.manager().settings_sections()
    assert [section.name for section in sections] == ["deep"]


def test_one_settings_name_from_two_plugins_is_refused(folder: Folder) -> None:
    folder.add("deep", SETTINGS)
    folder.add("deeper", SETTINGS)
    assert "settings section deep is offered twice" in folder.refusal()


@pytest.mark.parametrize(
    ("encode", "reason"),
    [
        ("return 'text'", "returned 'text' instead of bytes"),
        ("return b''", "returned b'' instead of bytes"),
        ("pixels[:] = 0; return b'x'", "wrote to the pixels"),
        ("return pixels.data.cast('B').tobytes()", "self-test of encoder odd"),
        ("assert pixels.shape[0] % 2 == 0; return b'x'", "AssertionError"),
        ("raise EncodeError('too small')", "too small"),
    ],
)
def test_an_encoder_that_fails_its_self_test_is_broken(
    folder: Folder, encode: str, reason: str
) -> None:
    folder.add(
        "odd",
        f"""
        class Odd:
            def encode(self, pixels, quality):
                {encode}
        @hookimpl
        def kasmcore_register_encoders():
            return [encoder("odd", Odd)]
        """,
    )
    assert reason in folder.refusal(encoders=("raw", "odd"))
    folder.plugin_set(encoders=("raw",))  # not listed: not tested, not used
    chosen = folder.plugin_set(encoders=("odd", "raw"), optional=("odd",))
    assert [spec.codec for spec in chosen.encoders] == ["raw"]


def test_an_encoder_may_find_its_library_missing_when_it_is_made(folder: Folder) -> None:
    folder.add(
        "odd",
        """
        def make():
            raise PluginUnavailable("libodd.so is missing")
        @hookimpl
        def kasmcore_register_encoders():
            return [encoder("odd", make)]
        """,
    )
    assert [spec.codec for spec in folder.plugin_set(encoders=("odd", "raw")).encoders] == ["raw"]


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


def test_one_route_from_two_plugins_and_a_route_elsewhere_are_refused(folder: Folder) -> None:
    route = """
    @hookimpl
    def kasmcore_register_routes():
        return [RouteSpec(method="GET", path="{}", permission=Permission.READ, handler=None,
                          summary="")]
    """
    folder.add("one", route.format("/api/plugins/x"))
    folder.add("two", route.format("/api/plugins/x"))
    folder.add("three", route.format("/login"))
    message = folder.refusal()
    assert "route /login is not below /api/plugins/" in message
    assert folder.state("two").reason.startswith("route GET /api/plugins/x is offered twice")


def test_a_broken_command_is_logged_and_changes_nothing_else(
    folder: Folder, caplog: pytest.LogCaptureFixture
) -> None:
    command = """
    @hookimpl
    def kasmcore_register_commands():
        return [CommandSpec(name="hello", summary="", add_arguments=print, run=lambda a: 0)]
    """
    folder.add("one", command)
    folder.add("two", command)
    folder.add("three", "@hookimpl\ndef kasmcore_register_commands(): 1 / 0")
    chosen = folder.plugin_set()
    assert [one.name for one in chosen.commands] == ["hello"]
    assert "command hello of plugin two is taken" in caplog.text
    assert "plugin three is broken: kasmcore_register_commands raised ZeroDiv" in caplog.text


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


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    folder = Folder(tmp_path, [tmp_path / "nowhere.py"])
    assert f"plugins.files names {tmp_path}/nowhere.py, which is no file" in folder.refusal()


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
