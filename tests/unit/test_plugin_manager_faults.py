"""What is wrong with a plugin is named with a way out, and only that plugin is left out."""

from pathlib import Path

import attrs
import pytest

from kasmcore.config.schema import ServerConfig
from kasmcore.errors import ConfigErrors, PluginError
from kasmcore.plugin_manager import PluginCondition
from tests.unit.plugin_folder import BASE, LISTS, SETTINGS, Folder, encoder_plugin


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    folder = Folder(tmp_path)
    folder.add("base", BASE)
    return folder


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
        (
            "@hookimpl\ndef kasmcore_register_encoders(): return None",
            "of EncoderSpec or Str",
        ),
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


def test_settings_that_a_plugin_refuses_are_an_error_of_the_settings(folder: Folder) -> None:
    folder.add(
        "strict",
        """
        @hookimpl
        def kasmcore_register_dlp_filters():
            raise ConfigError("strict.depth is 9, the most is 5")
        """,
    )
    with pytest.raises(ConfigErrors) as caught:
        folder.plugin_set(optional=("strict",))
    assert str(caught.value) == "strict.depth is 9, the most is 5"
    assert caught.value.exit_status == 2
    assert folder.state("strict").condition is PluginCondition.BROKEN


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
    assert "no encoder of images is left (plugins.encoders)" in folder.refusal(encoders=("gpu",))


def test_a_missing_plugin_is_named_with_the_nearest_known_one(folder: Folder) -> None:
    message = folder.refusal(encoders=("rawr",))
    assert "no plugin offers the encoder rawr (plugins.encoders)" in message
    assert "Did you mean raw?" in message
    assert folder.state("rawr", encoders=("rawr",)).condition is PluginCondition.MISSING


def test_a_name_in_the_wrong_list_is_missing_there_and_its_plugin_stays_active(
    folder: Folder,
) -> None:
    manager = folder.manager(encoders=("raw", "base"))
    lists = attrs.evolve(LISTS, encoders=("raw", "base"))
    with pytest.raises(PluginError, match="no plugin offers the encoder base"):
        manager.plugin_set(ServerConfig(plugins=lists))
    states = [(state.name, state.kinds, state.condition.value) for state in manager.states]
    assert states == [
        ("base", ("capture", "encoders", "transports", "dlp"), "active"),
        ("base", ("encoders",), "missing"),
    ]


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


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    folder = Folder(tmp_path, [tmp_path / "nowhere.py"])
    assert f"plugins.files names {tmp_path}/nowhere.py, which is no file" in folder.refusal()
