"""``kasmcore check`` as a person runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kasmcore.cli import main

BROKEN_PLUGIN = "raise RuntimeError('no such device')\n"
PLUGIN_WITH_SETTINGS = '''\
"""A plugin with settings and nothing else."""

import attrs

from kasmcore.api import SettingsSection, hookimpl, setting


@attrs.frozen(kw_only=True)
class TracerConfig:
    """How the tracer draws."""

    colour: str = setting("red", "Colour of the trace.", choices=("red", "blue"), effective=False)


@hookimpl
def kasmcore_register_settings():
    return [SettingsSection(name="tracer", settings_class=TracerConfig)]
'''


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "empty"))
    monkeypatch.setenv("KASMCORE_PLUGINS_CAPTURE", "synthetic")


def test_sound_settings_are_ok(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--set", "encoding.max_frame_rate=30"]) == 0
    assert capsys.readouterr().out == "ok\n"


def test_it_tells_when_frames_are_compared_by_numpy_and_what_helps() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "kasmcore", "check"],
        env={**os.environ, "KASMCORE_PIXEL_KERNEL": "off"},
        capture_output=True,
        check=True,
        text=True,
    )
    assert done.stdout.splitlines() == [
        "ok",
        "Frames are compared by numpy, which needs more CPU: "
        "KASMCORE_PIXEL_KERNEL is off in the environment. Unset it.",
    ]


def test_what_is_set_without_effect_is_listed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("desktop:\n  gpu:\n    hw3d: true\n  allow_resize: false\n")
    assert main(["check", "--config", str(path), "--set", "pointer.game_mode=true"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "ok",
        "These are set and have no effect yet:",
        f"  desktop.gpu.hw3d ({path} line 3)",
        "  pointer.game_mode (--set pointer.game_mode)",
    ]


def test_every_problem_is_told_with_exit_status_2(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("desktop:\n  allow_resize: yes\nencoding:\n  max_framerate: 30\n")
    assert main(["check", "--config", str(path), "--set", "plugin_settings.no.x=1"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        f"kasmcore: desktop.allow_resize is 'yes', which is neither true nor false ({path} line 2)."
        " Write true or false, or leave it out for the default of true.",
        f"kasmcore: encoding.max_framerate is not a known key ({path} line 4). "
        "Did you mean encoding.max_frame_rate?",
        "kasmcore: plugin_settings.no belongs to no plugin that is loaded "
        "(--set plugin_settings.no.x). Install the plugin, name it under plugins.optional, "
        "or delete plugin_settings.no.",
    ]


def test_problems_of_settings_and_of_plugins_are_told_together(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    plugin = tmp_path / "shaky.py"
    plugin.write_text(BROKEN_PLUGIN)
    words = ["--set", f"plugins.files=[{plugin}]", "--set", "encoding.max_frame_rate=0"]
    assert main(["check", *words]) == 2
    settings_line, plugin_line = capsys.readouterr().err.splitlines()
    assert "encoding.max_frame_rate is 0, the least is 1" in settings_line
    assert "shaky" in plugin_line


def test_a_broken_plugin_alone_is_told_too(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    plugin = tmp_path / "shaky.py"
    plugin.write_text(BROKEN_PLUGIN)
    assert main(["check", "--set", f"plugins.files=[{plugin}]"]) == 3
    assert "shaky" in capsys.readouterr().err


def test_a_plugins_settings_are_checked_and_explained(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    plugin = tmp_path / "tracer.py"
    plugin.write_text(PLUGIN_WITH_SETTINGS)
    words = ["--set", f"plugins.files=[{plugin}]", "--set", "plugin_settings.tracer.colour=blue"]
    assert main(["check", *words]) == 0
    assert "  plugin_settings.tracer.colour (--set" in capsys.readouterr().out
    assert main(["explain", "plugin_settings.tracer.colour", *words]) == 0
    assert capsys.readouterr().out.startswith("plugin_settings.tracer.colour: blue\n")
    words[-1] = "plugin_settings.tracer.colour=green"
    assert main(["check", *words]) == 2
    assert "Write red or blue" in capsys.readouterr().err
