"""``kasmcore explain`` as a person runs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from kasmcore.cli import main


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "empty"))


def test_a_setting_is_explained_with_the_line_that_sets_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("encoding:\n  max_frame_rate: 30\n")
    assert main(["explain", "encoding.max_frame_rate", "--config", str(path)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "encoding.max_frame_rate: 30",
        f"  set by    {path} line 2",
        "  default   60",
        "  takes     a whole number from 1 to 500 (frames/s)",
        "  variable  KASMCORE_ENCODING_MAX_FRAME_RATE",
        "  Most frames a second.",
    ]


def test_a_default_is_called_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "user_session.idle_timeout"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "user_session.idle_timeout: never",
        "  set by    nothing; this is the default",
        "  default   never",
        "  takes     never or a whole number of at least 1 (s)",
        "  variable  KASMCORE_USER_SESSION_IDLE_TIMEOUT",
        "  Disconnect a viewer that gives no input for this long.",
        "  It has no effect yet: the feature behind it is not built.",
    ]


def test_the_layer_that_counts_is_the_one_that_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KASMCORE_ENCODING_MAX_FRAME_RATE", "20")
    assert main(["explain", "encoding.max_frame_rate"]) == 0
    assert "set by    environment variable KASMCORE_ENCODING" in capsys.readouterr().out
    assert main(["explain", "encoding.max_frame_rate", "--set", "encoding.max_frame_rate=21"]) == 0
    assert "set by    --set encoding.max_frame_rate" in capsys.readouterr().out


def test_a_group_lists_its_settings_with_values(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["explain", "encoding.rect_encoding_mode"]
    assert main([*words, "--set", "encoding.rect_encoding_mode.min_quality=3"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "encoding.rect_encoding_mode.min_quality: 3",
        "encoding.rect_encoding_mode.max_quality: 8",
        "encoding.rect_encoding_mode.consider_lossless_quality: 10",
        "encoding.rect_encoding_mode.rectangle_compress_threads: auto",
    ]


def test_without_a_key_everything_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "plugins.capture: [x11]" in lines
    assert "legacy.desktop_name: default" in lines


def test_an_unknown_key_gets_the_nearest_known(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "encoding.max_framerate"]) == 2
    assert capsys.readouterr().err == (
        "kasmcore: encoding.max_framerate is not a known key. "
        "Did you mean encoding.max_frame_rate?\n"
    )
    assert main(["explain", "desktop.xyzzy.xyzzy"]) == 2
    assert capsys.readouterr().err.endswith("kasmcore explain desktop lists what is known.\n")


def test_a_value_that_cannot_be_used_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "desktop.server", "--set", "desktop.server=x"]) == 2
    assert "desktop.server is 'x', which is not one of its words" in capsys.readouterr().err


def test_a_mistake_elsewhere_does_not_keep_a_setting_from_being_explained(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["explain", "desktop.server", "--set", "desktop.allow_resize=x"]) == 0
    assert capsys.readouterr().out.startswith("desktop.server: xvfb\n")
