"""What ``make`` does on machines that lack something, and that it runs every test."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.project.tree import ROOT, files, text_of

STUBS = {
    "dpkg-query": 'case " $INSTALLED " in *" $4 "*) printf installed;; *) exit 1;; esac',
    "apt-cache": 'case " $KNOWN " in *" $2 "*) ;; *) exit 100;; esac',
    "apt-get": 'echo "apt-get $*" >> "$CALLS"; for p in $BROKEN; do '
    'case " $* " in *" $p "*) exit 100;; esac; done',
    "sudo": 'echo "sudo" >> "$CALLS"; exec "$@"',
    "id": 'echo "$USER_ID"',
}


class Machine:
    """A machine as the script sees it: its package tools, which only note what they are told."""

    def __init__(self, directory: Path) -> None:
        self.tools = directory / "tools"
        self.calls = directory / "calls.txt"
        self.calls.touch()
        self.tools.mkdir()
        for name, body in STUBS.items():
            self.add(name, body)
        for name in ("sh", "env", "tr", "cat"):
            (self.tools / name).symlink_to(Path("/bin") / name)

    def add(self, name: str, body: str) -> None:
        (self.tools / name).write_text(f"#!/bin/sh\n{body}\n")
        (self.tools / name).chmod(0o755)

    def install(
        self, *packages: str, installed: str = "", known: str = "", broken: str = "", user: int = 0
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [ROOT / "tools/install-packages.sh", *packages],
            env={
                "PATH": str(self.tools),
                "CALLS": str(self.calls),
                "INSTALLED": installed,
                "KNOWN": known,
                "BROKEN": broken,
                "USER_ID": str(user),
            },
            capture_output=True,
            text=True,
            check=False,
        )

    def installed_words(self) -> list[list[str]]:
        """The packages of each ``apt-get install``."""
        lines = self.calls.read_text().splitlines()
        return [
            [word for word in line.split()[3:] if not re.match(r"-|DPkg", word)]
            for line in lines
            if line.startswith("apt-get install")
        ]


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def test_nothing_is_called_when_all_packages_are_there(machine):
    done = machine.install("xvfb", "old/new", installed="xvfb new")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert machine.calls.read_text() == ""


def test_the_first_alternative_that_apt_knows_is_installed(machine):
    done = machine.install("xvfb", "old/new", installed="xvfb", known="new")
    assert done.returncode == 0
    assert machine.installed_words() == [["new"]]


def test_packages_that_apt_does_not_know_are_named_and_the_others_installed(machine):
    done = machine.install("nowhere", "xterm", known="xterm")
    assert done.returncode == 1
    assert done.stderr == "Could not be installed: nowhere\n"
    assert machine.installed_words() == [["xterm"]]


def test_a_package_that_fails_does_not_keep_out_the_others(machine):
    done = machine.install("xterm", "broken", "xclip", known="xterm broken xclip", broken="broken")
    assert done.returncode == 1
    assert done.stderr == "Could not be installed: broken\n"
    assert machine.installed_words()[1:] == [["xterm"], ["broken"], ["xclip"]]


def test_others_than_root_install_by_sudo(machine):
    assert machine.install("xterm", known="xterm", user=1000).returncode == 0
    assert machine.calls.read_text().count("sudo") == 2


def test_who_has_neither_root_nor_sudo_is_told_what_to_install(machine):
    (machine.tools / "sudo").unlink()
    done = machine.install("xterm", known="xterm", user=1000)
    assert done.returncode == 1
    assert "These packages are missing: xterm\n" in done.stderr
    assert machine.calls.read_text() == ""


def test_without_apt_the_missing_packages_are_named(machine):
    (machine.tools / "apt-get").unlink()
    done = machine.install("xterm", "old/new")
    assert done.returncode == 1
    assert done.stderr.endswith("no apt-get to install them: xterm old/new\n")


def test_make_passes_every_package_on_as_it_is_written():
    done = subprocess.run(
        ["make", "--dry-run", "--always-make", "run", "test", "check", "bench"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    calls = [line for line in done.stdout.splitlines() if line.startswith("tools/install")]
    words = " ".join(calls).replace(" || \\", "")
    assert re.fullmatch(r"[\w./ -]*", words)


def test_make_test_runs_every_test():
    folders = set(re.findall(r"\btests/[a-z]+", text_of(Path("Makefile"))))
    tests = [p for p in files() if p.name.startswith("test_") and p.parts[0] == "tests"]
    assert {str(p) for p in tests if os.path.join(*p.parts[:2]) not in folders} == set()
