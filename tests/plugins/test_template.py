"""The template is a distribution that pip installs, YAML switches on and its own tests check."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import sysconfig
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import trio

from kasmcore.api import BgrxPixels, KeyEvent
from kasmcore.protocol.messages import Hello
from kasmcore.testing.client import connect
from kasmcore.values.viewer_updates import Notice
from tests.project.tree import ROOT, files

SHOWN = {".py", ".js", ".toml"}
TEMPLATE = ROOT / "examples" / "plugin-template"


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command without this checkout on the path; return what it printed."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "KASM"))
    }
    finished = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with kasmcore and the template, made without a network.

    Of the environment that runs this test it sees the packages that both depend on.
    """
    folder = tmp_path_factory.mktemp("site")
    run(sys.executable, "-m", "venv", "--without-pip", folder / "venv", cwd=folder)
    packages = next((folder / "venv" / "lib").glob("python*/site-packages"))
    (packages / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    for path in files():
        if path.parts[0] in {"kasmcore", "plugins", "www", "examples"} or len(path.parts) == 1:
            (folder / "copy" / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / path, folder / "copy" / path)
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "venv/bin/python"), "install"]
    offline = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--ignore-installed"]
    template = folder / "copy" / "examples" / "plugin-template"
    run(*pip, *offline, folder / "copy", template, cwd=folder)
    shutil.copytree(TEMPLATE / "tests", folder / "tests")
    shutil.copy(TEMPLATE / "kasmcore.yaml", folder)
    shutil.copy(TEMPLATE / "pyproject.toml", folder)
    return folder


def test_both_plugins_are_active_by_the_template_s_yaml(site: Path) -> None:
    kasmcore = site / "venv/bin/kasmcore"
    listed = json.loads(run(kasmcore, "plugins", "--json", "--config", "kasmcore.yaml", cwd=site))
    plugins = {plugin["name"]: plugin for plugin in listed}
    for name, kinds in (("rle", ["encoders"]), ("blocked_keys", ["settings", "dlp"])):
        assert plugins[name]["condition"] == "active", plugins[name]["reason"]
        assert plugins[name]["distribution"] == "kasmcore-example-plugins"
        assert plugins[name]["kinds"] == kinds
    assert plugins["qoi"]["condition"] == "inactive"


def test_the_template_s_settings_are_checked_and_explained(site: Path) -> None:
    kasmcore = site / "venv/bin/kasmcore"
    assert "ok" in run(kasmcore, "check", "--config", "kasmcore.yaml", cwd=site)
    key = "plugin_settings.blocked_keys.keysyms"
    assert "kasmcore.yaml line" in run(
        kasmcore, "explain", key, "--config", "kasmcore.yaml", cwd=site
    )


def test_the_template_s_own_tests_pass_where_it_is_installed(site: Path) -> None:
    output = run(site / "venv/bin/python", "-m", "pytest", "-q", "tests", cwd=site)
    assert " passed" in output


def test_the_installed_server_finds_its_browser_client(site: Path) -> None:
    code = (
        "from importlib.resources import files; import kasmcore;"
        "assert 'site-packages' in kasmcore.__file__, kasmcore.__file__;"
        "print((files('kasmcore.www') / 'src' / 'decoders' / 'qoi.js').read_text()[:40])"
    )
    assert run(site / "venv/bin/python", "-c", code, cwd=site)


def test_the_tutorial_shows_the_template_as_it_is() -> None:
    tutorial = (ROOT / "docs" / "plugins" / "first-encoder.md").read_text()
    sources = [path.read_text() for path in TEMPLATE.rglob("*") if path.suffix in SHOWN]
    blocks = re.findall(r"^```(?:python|js|toml)\n(.*?)^```", tutorial, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 5
    for block in blocks:
        assert any(block in source for source in sources), block


@pytest.fixture
def server_url(site: Path) -> Iterator[str]:
    """The installed server on a free port of the loopback address, with ``rle`` alone."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = (
        "plugins.encoders=[rle]",
        "plugin_settings.synthetic.frame_rate_hz=0",
        "network.ssl.enabled=false",
        "security.login_required=false",
    )
    command = [str(site / "venv/bin/kasmcore"), "run", "--config", "kasmcore.yaml"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    command += [word for setting in settings for word in ("--set", setting)]
    home = {"HOME": str(site), "PATH": os.environ["PATH"]}
    with subprocess.Popen(command, cwd=site, env=home, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            line = server.stdout.readline()
            yield line.split("Open ")[1].strip()
        finally:
            server.terminate()


async def test_a_viewer_sees_the_desktop_through_the_template_s_plugins(
    site: Path, server_url: str
) -> None:
    with urllib.request.urlopen(f"{server_url}plugins/decoders/rle.js") as answer:
        assert answer.read() == (TEMPLATE / "kasmcore_rle" / "rle.js").read_bytes()

    def decode_rle(payload: bytes, width: int, height: int) -> BgrxPixels:
        runs = np.frombuffer(payload, [("length", ">u2"), ("rgb", "u1", (3,))])
        pixels = np.full((height, width, 4), 255, np.uint8)
        pixels[..., 2::-1] = np.repeat(runs["rgb"], runs["length"], axis=0).reshape(
            height, width, 3
        )
        return pixels

    hello = Hello(client_name="template test", codecs=("rle",))
    with trio.fail_after(30):
        async with connect(server_url, hello=hello, decoders={"rle": decode_rle}) as viewer:
            await viewer.wait_for_exact_picture()
            assert len(np.unique(viewer.framebuffer.reshape(-1, 4), axis=0)) > 10
            await viewer.send(KeyEvent(pressed=True, keysym=0xFF61, code="PrintScreen"))
            notice = await viewer.wait_for(Notice)
    assert (notice.topic, notice.text) == ("key_blocked", "This key is blocked here.")
