"""Real ``kasmcore run`` processes with a state directory, port and X display of their own."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs

from tests.waiting import LIMIT_S, wait_for

REPOSITORY = Path(__file__).resolve().parents[1]
MARK = "TEST_RUN_MARK"
"""Environment variable by which all processes of one run are found, whoever their parent is."""

PLAIN = (
    "network.interface=127.0.0.1",
    "network.ssl.enabled=false",
    "security.login_required=false",
)
"""No TLS and no login; loopback only."""
SECURED = ("network.interface=127.0.0.1",)
"""As by default: TLS with a self-made certificate, and a login."""
NO_DESKTOP = ("desktop.environment=none", "desktop.maximum_resolution.width=1920")


@attrs.define(eq=False)
class Run:
    """One ``kasmcore`` process, whether it serves or has failed to."""

    process: subprocess.Popen[bytes]
    directory: Path
    mark: str

    @property
    def output(self) -> str:
        """Standard output so far."""
        return (self.directory / "output.txt").read_text()

    @property
    def log(self) -> str:
        """Standard error so far."""
        return (self.directory / "log.txt").read_text()

    def wait_for_output(self, pattern: str) -> re.Match[str]:
        """Wait until a line of standard output matches.

        Raises:
            AssertionError: the process ended, or it takes too long; shows its log.
        """

        def look() -> re.Match[str] | None:
            found = re.search(pattern, self.output, re.MULTILINE)
            if found is None and self.process.poll() is not None:
                raise AssertionError(f"exit status {self.process.returncode}\n{self.log}")
            return found

        return wait_for(look, f"{pattern!r} in the output of kasmcore run")

    def wait_for_log(self, text: str) -> None:
        """Wait until the log holds a text."""
        wait_for(lambda: text in self.log, f"{text!r} in the log")

    def wait_for_end(self) -> int:
        """Return the exit status once the process has ended by itself."""
        return self.process.wait(timeout=LIMIT_S)

    def stop(self) -> int:
        """Ask it to end, as an operator does; return the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.wait_for_end()

    def processes(self) -> dict[int, str]:
        """Command line by process id of all that this run started and that still lives."""
        return dict(_marked_processes(self.mark))

    def variable(self, name: str) -> str:
        """An environment variable of a program that this run started on its display."""
        for pid in self.processes():
            if pid != self.process.pid and (value := _variables(pid).get(name)):
                return value
        raise LookupError(f"no program of this run has {name}")

    def kill_all(self) -> None:
        """End whatever is left, by its process id; safe to repeat."""
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=10)
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()


@attrs.define(eq=False)
class LiveServer(Run):
    """A run that serves."""

    url: str
    """Of the page, with a slash at its end."""
    display: str
    """Name of the X display that it shows, such as ``:80``."""

    @property
    def authority_file(self) -> str:
        """File with the cookie of the display."""
        return self.variable("XAUTHORITY")

    @property
    def port(self) -> int:
        """The one port."""
        found = re.search(r":(\d+)/", self.url)
        assert found is not None
        return int(found[1])


@attrs.define
class Launcher:
    """Starts runs below one directory and ends them all."""

    directory: Path
    runs: list[Run] = attrs.field(factory=list)

    def launch(
        self,
        settings: Sequence[str] = (),
        *,
        flags: Sequence[str] = (),
        command: str = "run",
        environment: dict[str, str] | None = None,
    ) -> Run:
        """Start ``kasmcore run --set …`` and return at once."""
        number = len(self.runs)
        own = self.directory / f"run-{number}"
        own.mkdir(parents=True)
        mark = uuid.uuid4().hex
        changed = {"HOME": str(self.directory), MARK: mark, "LC_ALL": "C.UTF-8"}
        sets = [word for setting in settings for word in ("--set", setting)]
        with (own / "output.txt").open("wb") as output, (own / "log.txt").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "kasmcore", command, *flags, *sets],
                env=_clean_environment() | changed | (environment or {}),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=log,
                cwd=self.directory,
            )
        run = Run(process, own, mark)
        self.runs.append(run)
        return run

    def start(
        self,
        *settings: str,
        base: Sequence[str] = PLAIN,
        state: str = "state",
        port: int = 0,
        flags: Sequence[str] = (),
        environment: dict[str, str] | None = None,
    ) -> LiveServer:
        """Start a server on a display of its own without a desktop; return once it serves."""
        own = (
            f"server.state_directory={self.directory / state}",
            f"network.websocket_port={port}",
        )
        run = self.launch(
            [*NO_DESKTOP, *base, *own, *settings], flags=flags, environment=environment
        )
        found = run.wait_for_output(
            r"^kasmcore shows (?:display (?P<name>:\d+))?.* Open (?P<url>\S+)$"
        )
        server = LiveServer(
            run.process, run.directory, run.mark, url=found["url"], display=found["name"] or ""
        )
        self.runs[self.runs.index(run)] = server
        return server

    def command(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a ``kasmcore`` command to its end."""
        return subprocess.run(
            [sys.executable, "-m", "kasmcore", *words],
            env=_clean_environment() | {"HOME": str(self.directory)},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            cwd=self.directory,
            check=False,
        )

    def add_user(self, name: str, password: str, *rights: str) -> None:
        """Make an account, as an operator does."""
        self.user_command("add", name, "--password-stdin", *rights, stdin=f"{password}\n")

    def user_command(self, action: str, name: str, *flags: str, stdin: str = "") -> None:
        """Make, change or remove an account, as an operator does."""
        directory = f"server.state_directory={self.directory / 'state'}"
        done = self.command("user", action, name, *flags, "--set", directory, stdin=stdin)
        assert done.returncode == 0, done.stderr


@contextlib.contextmanager
def launcher(directory: Path) -> Iterator[Launcher]:
    """Give a launcher whose runs end with the block; their logs stay readable until then."""
    directory.mkdir(parents=True, exist_ok=True)
    made = Launcher(directory)
    _open.append(made)
    try:
        yield made
    finally:
        _open.remove(made)
        for run in reversed(made.runs):
            run.kill_all()


def open_logs() -> Iterator[tuple[str, str]]:
    """Title and text of the log of every run that is open now, to show beside a failed test."""
    for made in _open:
        for run in made.runs:
            lines = [line for line in run.log.splitlines() if " kasmcore.access " not in line]
            yield f"log of {run.directory.name}", "\n".join([run.output, *lines[-60:]])


_open: list[Launcher] = []


def _clean_environment() -> dict[str, str]:
    """This environment without what would reach into the run's settings."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("KASMCORE_", "XDG_")) and name not in ("DISPLAY", "XAUTHORITY")
    }


def _variables(pid: int) -> dict[str, str]:
    try:
        entries = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace").split("\0")
    except OSError:  # it ended, or is somebody else's
        return {}
    return dict(entry.split("=", 1) for entry in entries if "=" in entry)


def _marked_processes(mark: str) -> Iterator[tuple[int, str]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and _variables(int(entry.name)).get(MARK) == mark:
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
                if words:  # without them it is a zombie
                    yield int(entry.name), words
