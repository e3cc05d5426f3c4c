"""Whether the compiled library is there, and what is said when it is not."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np

import kasmcore.kernels
from kasmcore.kernels import LIBRARY, Surface, without_library
from kasmcore.kernels.library import SWITCH, load_library
from kasmcore.kernels.surfaces import TILE
from kasmcore.pipeline import tiles

FOLDER = Path(kasmcore.kernels.__file__).parent


def copy_of_the_folder(tmp_path):
    for name in ("pixels.h", "pixels.c", "pixels.so"):
        shutil.copy(FOLDER / name, tmp_path / name)
    return tmp_path


def test_the_library_is_built_where_tests_run():
    assert LIBRARY.problem == ""
    assert Surface.of(np.zeros((1, 1, 4), np.uint8)) is not None


def test_a_library_beside_its_source_is_taken(tmp_path):
    assert load_library(copy_of_the_folder(tmp_path)).functions is not None


def test_a_library_of_another_source_is_not_used(tmp_path):
    folder = copy_of_the_folder(tmp_path)
    with (folder / "pixels.c").open("a") as source:
        source.write("/* another version */\n")
    stale = load_library(folder)
    assert stale.functions is None
    assert "was built from another version. Install gcc" in stale.problem


def test_a_missing_library_is_told_with_what_helps(tmp_path):
    folder = copy_of_the_folder(tmp_path)
    (folder / "pixels.so").unlink()
    missing = load_library(folder)
    assert missing.functions is None
    assert missing.problem.endswith(
        "was not built. Install gcc and libc6-dev, then install kasmcore again."
    )


def test_a_file_that_is_no_library_or_another_one_is_not_used(tmp_path):
    folder = copy_of_the_folder(tmp_path)
    (folder / "pixels.so").write_bytes(b"not a library")
    assert "cannot be loaded" in load_library(folder).problem


def test_the_environment_switches_it_off():
    code = "from kasmcore.kernels import LIBRARY; print(LIBRARY.functions, LIBRARY.problem)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={SWITCH: "off"},
        capture_output=True,
        check=True,
        text=True,
    )
    assert done.stdout == f"None {SWITCH} is off in the environment. Unset it.\n"


def test_without_it_there_are_no_surfaces_and_afterwards_there_are():
    frame = np.zeros((1, 1, 4), np.uint8)
    with without_library():
        assert Surface.of(frame) is None
    assert Surface.of(frame) is not None


def test_tiles_are_as_large_as_everywhere():
    assert TILE == tiles.TILE
