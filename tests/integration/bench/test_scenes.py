"""``kasmcore bench scenes`` from a player on a real X display to a viewer over a real socket."""

import json
import subprocess
import sys

import pytest


@pytest.mark.x11
def test_a_scene_is_played_seen_and_measured():
    words = ["bench", "scenes", "--scene", "typing", "--scene", "idle", "--seconds", "2", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "kasmcore", *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    measured = json.loads(done.stdout)
    typing, idle = measured["scenes"]
    assert typing["scene"] == "typing"
    assert 0 < typing["shown_per_s"] <= typing["drawn_per_s"] <= 12
    assert typing["latency_p50_ms"] > 0
    assert typing["sharp_after_ms"] is not None
    assert typing["loop_lag_p99_ms"] > 0
    assert idle["drawn_per_s"] == idle["shown_per_s"] == 0
    assert idle["latency_p50_ms"] is None
    stages = {row["stage"] for row in measured["scene_stages"] if row["scene"] == "typing"}
    assert stages == {"capture", "damage", "plan", "encode"}
    assert measured["machine"]["processors"] >= 1


def test_a_server_without_an_x_display_is_refused_in_one_line():
    words = ["bench", "scenes", "--seconds", "1", "--set", "plugins.capture=[synthetic]"]
    done = subprocess.run(
        [sys.executable, "-m", "kasmcore", *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    said = done.stderr.splitlines()[-1]
    assert said.startswith("kasmcore: the server shows no X display to play scenes on. Name ")
