"""``kasmcore run`` that cannot start says why in a line, and leaves nothing running."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live_server import NO_DESKTOP, PLAIN, SECURED, Launcher, Run

pytestmark = pytest.mark.x11

BROKEN_PLUGIN = 'raise RuntimeError("this plugin is broken on purpose")\n'
BROKEN_HOOK = """
from kasmcore.api import hookimpl

@hookimpl
def kasmcore_register_encoders(config):
    raise RuntimeError("this hook is broken on purpose")
"""


def assert_refused(run: Run, exit_status: int, *words: str) -> None:
    """It ended with this status, told this in lines of its own, and left no process."""
    assert run.wait_for_end() == exit_status, run.log
    assert "Traceback" not in run.log
    told = "\n".join(line for line in run.log.splitlines() if line.startswith("kasmcore: "))
    for word in words:
        assert word in told
    assert run.output == ""
    assert run.processes() == {}


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port of loopback on which somebody else listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield int(listener.getsockname()[1])


def test_every_wrong_setting_is_named_with_its_file_and_line(
    runs: Launcher, tmp_path: Path
) -> None:
    settings = tmp_path / "mine.yaml"
    settings.write_text("desktop:\n  alow_resize: true\nencoding:\n  max_frame_rate: 9000\n")
    run = runs.launch(flags=["--config", str(settings)])
    assert_refused(
        run,
        2,
        f"{settings} line 2",
        "alow_resize",
        "allow_resize",
        f"{settings} line 4",
        "max_frame_rate",
    )


def test_a_start_without_the_compiled_library_says_so_first(
    runs: Launcher, taken_port: int
) -> None:
    off = {"KASMCORE_PIXEL_KERNEL": "off"}
    run = runs.launch(
        [*PLAIN, *NO_DESKTOP, f"network.websocket_port={taken_port}"], environment=off
    )
    run.wait_for_end()
    assert "frames are compared by numpy, which needs more CPU: KASMCORE_PIXEL_KERNEL is" in run.log


def test_a_settings_file_that_is_missing_is_named(runs: Launcher, tmp_path: Path) -> None:
    run = runs.launch(flags=["--config", str(tmp_path / "nowhere.yaml")])
    assert_refused(run, 2, str(tmp_path / "nowhere.yaml"))


def test_a_port_in_use_is_named_and_the_display_ends(runs: Launcher, taken_port: int) -> None:
    run = runs.launch([*PLAIN, *NO_DESKTOP, f"network.websocket_port={taken_port}"])
    assert_refused(run, 5, str(taken_port), "in use")


def test_a_first_start_that_failed_leaves_no_account_whose_login_was_never_shown(
    runs: Launcher, taken_port: int
) -> None:
    state = f"server.state_directory={runs.directory / 'state'}"
    failed = runs.launch([*SECURED, *NO_DESKTOP, state, f"network.websocket_port={taken_port}"])
    assert_refused(failed, 5)

    server = runs.start(base=SECURED)

    server.wait_for_output(r"^  Login \(shown this once\): ")


def test_a_missing_x_server_is_named_with_its_package(runs: Launcher, tmp_path: Path) -> None:
    run = runs.launch([*PLAIN, *NO_DESKTOP], environment={"PATH": str(tmp_path)})
    assert_refused(run, 1, "Xvfb is not installed", "apt-get install xvfb")


def test_a_display_that_does_not_run_cannot_be_shown(runs: Launcher) -> None:
    run = runs.launch([*PLAIN, *NO_DESKTOP], flags=["--attach", ":7654"])
    assert_refused(run, 3, "no capture source can be opened", ":7654")


def test_the_number_of_a_display_that_runs_cannot_be_taken(runs: Launcher) -> None:
    number = runs.start().display
    run = runs.launch([*PLAIN, *NO_DESKTOP], flags=["--display", number])
    assert_refused(run, 1, f"the display {number} already runs")


def test_tls_and_login_are_not_switched_off_on_a_public_address_by_chance(runs: Launcher) -> None:
    run = runs.launch([*NO_DESKTOP, "security.login_required=false"])
    assert_refused(run, 2, "security.allow_insecure_exposure")


@pytest.mark.parametrize("code", [BROKEN_PLUGIN, BROKEN_HOOK], ids=["import", "hook"])
def test_a_broken_plugin_stops_the_start_by_its_name(
    runs: Launcher, tmp_path: Path, code: str
) -> None:
    file = tmp_path / "broken_one.py"
    file.write_text(code)
    run = runs.launch([*PLAIN, *NO_DESKTOP, f"plugins.files=[{file}]"])
    assert_refused(run, 3, "broken_one", "on purpose")


@pytest.mark.parametrize("code", [BROKEN_PLUGIN, BROKEN_HOOK], ids=["import", "hook"])
def test_a_broken_plugin_that_is_optional_is_left_out_with_a_warning(
    runs: Launcher, tmp_path: Path, code: str
) -> None:
    file = tmp_path / "broken_one.py"
    file.write_text(code)
    server = runs.start(f"plugins.files=[{file}]", "plugins.optional=[broken_one]")
    warnings = [line for line in server.log.splitlines() if "WARNING" in line]
    assert any("broken_one" in line and "on purpose" in line for line in warnings), server.log


def test_a_missing_plugin_is_named(runs: Launcher) -> None:
    run = runs.launch([*PLAIN, *NO_DESKTOP, "plugins.encoders=[jpeg, jpegg]"])
    assert_refused(run, 3, "jpegg")


def test_a_state_directory_that_cannot_be_made_is_named(runs: Launcher, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    state = tmp_path / "file" / "state"
    run = runs.launch([*PLAIN, *NO_DESKTOP, f"server.state_directory={state}"])
    assert_refused(run, 2, str(state))


def test_a_certificate_that_is_missing_is_named(runs: Launcher, tmp_path: Path) -> None:
    certificate = tmp_path / "nowhere.pem"
    run = runs.launch([*SECURED, *NO_DESKTOP, f"network.ssl.pem_certificate={certificate}"])
    assert_refused(run, 2, str(certificate))


def test_accounts_that_make_no_sense_are_named_with_their_line(
    runs: Launcher, tmp_path: Path
) -> None:
    users = tmp_path / "users"
    users.write_text("# accounts\nolga without any colon\n")
    users.chmod(0o600)
    run = runs.launch([*SECURED, *NO_DESKTOP, f"security.users_file={users}"])
    assert_refused(run, 2, f"{users} line 2")
