"""The command line: the right subcommand, errors as one line, no traceback."""

import argparse
import json
import re
from pathlib import Path

import pytest

import kasmcore.cli
from kasmcore.cli import COMMANDS, built_in, main
from kasmcore.errors import ConfigError, ConfigErrors, ListenError
from kasmcore.interfaces.routes import CommandSpec

HELLO = """
from kasmcore.api import CommandSpec, hookimpl

def add_arguments(parser):
    parser.add_argument("--name", default="you")

def run(arguments):
    print(f"hello {arguments.name}")
    return 7

@hookimpl
def kasmcore_register_commands():
    return [CommandSpec(name="hello", summary="say hello", add_arguments=add_arguments, run=run)]
"""


@pytest.fixture(autouse=True)
def no_standing_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


@pytest.fixture
def failing_command(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    """A command ``check`` that raises what the test puts into the list."""
    errors: list[BaseException] = []

    def run(arguments: argparse.Namespace) -> int:
        raise errors[0]

    spec = CommandSpec(name="check", summary="", add_arguments=lambda parser: None, run=run)
    monkeypatch.setattr(kasmcore.cli, "built_in", lambda name: spec)
    return errors


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_what_it_is_for(name: str) -> None:
    command = built_in(name)
    assert command.name == name
    assert command.summary
    assert command.summary[-1] != "."


def test_an_error_is_one_line_and_its_exit_status(
    failing_command: list[BaseException], capsys: pytest.CaptureFixture[str]
) -> None:
    failing_command.append(
        ListenError("port 8443 is in use", where="127.0.0.1:8443", remedy="Choose another.")
    )
    assert main(["check"]) == 5
    assert capsys.readouterr().err == (
        "kasmcore: port 8443 is in use (127.0.0.1:8443). Choose another.\n"
    )


def test_several_errors_are_a_line_each(
    failing_command: list[BaseException], capsys: pytest.CaptureFixture[str]
) -> None:
    failing_command.append(ConfigErrors([ConfigError("one"), ConfigError("two")]))
    assert main(["check"]) == 2
    assert capsys.readouterr().err == "kasmcore: one\nkasmcore: two\n"


def test_errors_that_tasks_raised_together_are_told_the_same_way(
    failing_command: list[BaseException], capsys: pytest.CaptureFixture[str]
) -> None:
    inner = ExceptionGroup("", [ListenError("port in use")])
    failing_command.append(ExceptionGroup("", [inner]))
    assert main(["check"]) == 5
    assert capsys.readouterr().err == "kasmcore: port in use\n"


def test_a_defect_of_ours_keeps_its_traceback(failing_command: list[BaseException]) -> None:
    failing_command.append(ExceptionGroup("", [ListenError("port in use"), KeyError("oops")]))
    with pytest.raises(ExceptionGroup):
        main(["check"])


def test_ctrl_c_ends_quietly(
    failing_command: list[BaseException], capsys: pytest.CaptureFixture[str]
) -> None:
    failing_command.append(BaseExceptionGroup("", [KeyboardInterrupt()]))
    assert main(["check"]) == 130
    failing_command[0] = KeyboardInterrupt()
    assert main(["check"]) == 130
    assert capsys.readouterr().err == ""


def test_help_lists_built_in_and_plugin_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "hello.py").write_text(HELLO)
    monkeypatch.setenv("KASMCORE_PLUGINS_FILES", f"[{tmp_path}/hello.py]")
    assert main([]) == 0
    output = capsys.readouterr().out
    for name in (*COMMANDS, "hello"):
        assert re.search(rf"^    {name}\b", output, re.MULTILINE)


def test_a_plugins_command_runs_with_its_own_flags(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "hello.py").write_text(HELLO)
    monkeypatch.setenv("KASMCORE_PLUGINS_FILES", f"[{tmp_path}/hello.py]")
    assert main(["hello", "--name", "Ada"]) == 7
    assert capsys.readouterr().out == "hello Ada\n"


def test_an_unknown_command_is_refused_with_those_known(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["rnu"])
    assert caught.value.code == 2
    assert "invalid choice: 'rnu'" in capsys.readouterr().err


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out.startswith("kasmcore 0.")


def test_plugins_prints_a_table_with_states_hooks_and_reasons(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "lost.py"
    broken.write_text("import no_such_module_anywhere")
    assert main(["plugins", "--set", f"plugins.files=[{broken}]"]) == 3
    output = capsys.readouterr()
    assert "deflate" in output.out
    assert "    kasmcore_register_encoders" in output.out
    assert "    (plugin lost is broken: its import raised ModuleNotFoundError" in output.out
    assert "The server would not start:\nplugin lost is broken" in output.err


def test_plugins_prints_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "hello.py").write_text(HELLO)
    main(["plugins", "--json", "--set", f"plugins.files=[{tmp_path}/hello.py]"])
    by_name = {plugin["name"]: plugin for plugin in json.loads(capsys.readouterr().out)}
    assert by_name["hello"] == {
        "name": "hello",
        "distribution": "file",
        "version": "",
        "kinds": ["commands"],
        "hooks": ["kasmcore_register_commands"],
        "condition": "active",
        "reason": "",
    }


def test_hook_calls_are_traced_when_the_variable_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KASMCORE_TRACE_HOOKS", "1")
    main(["plugins"])
    assert "DEBUG kasmcore.hooks kasmcore_register_encoders() of deflate" in capsys.readouterr().err
