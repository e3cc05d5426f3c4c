"""CPU of the server with one viewer of a desktop and with many, who can share what it encodes.

    python -m tests.bench.crowd                           # images and video, 1 and 10 viewers
    python -m tests.bench.crowd --only images --viewers 5 --seconds 10

The viewers live in this process, decode nothing and acknowledge at once; only the server's own CPU
time counts. The picture is synthetic: in ``images`` 640x360 with a part that moves at 30 Hz, in
``video`` 1920x1080 the same, sent by H.264.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import attrs
import trio

from kasmcore.testing.bench.processes import process_tree
from kasmcore.testing.bench.results import as_table, column
from kasmcore.testing.bench.server_process import running_server
from kasmcore.testing.client import DEFAULT_HELLO, Client, connect
from kasmcore.testing.received_picture import ReceivedPicture
from kasmcore.testing.reference_decoders import DECODERS
from kasmcore.testing.stream_decoders import H264Decoder
from kasmcore.values.frames import EncodedFrame

WARM_UP_S = 4.0
SCENES = {
    "images": ("640", "360", "session.video_streams=off"),
    "video": ("1920", "1080", "session.video_streams=auto"),
}


class NoPicture(ReceivedPicture):
    """Takes every frame for shown."""

    def show(self, frame: EncodedFrame) -> None:
        """Leave it."""


@attrs.frozen(kw_only=True)
class CrowdResult:
    """What so many viewers cost."""

    scene: str = column("scene")
    viewers: int = column("viewers")
    cores: float = column("server cores", ".2f")
    frames_per_s: float = column("frames/s each", ".1f")
    ms_a_frame: float = column("server ms a frame shown to all", ".2f")
    mbit_per_s: float = column("Mbit/s each", ".2f")


async def measure(
    scene: str, viewers: int, seconds: float, settings: Sequence[str], pid_file: Path | None
) -> CrowdResult:
    """Let so many viewers watch one scene."""
    width, height, video = SCENES[scene]
    picture = (
        "plugins.capture=[synthetic]",
        f"plugin_settings.synthetic.width={width}",
        f"plugin_settings.synthetic.height={height}",
        "plugin_settings.synthetic.frame_rate_hz=30",
        "encoding.scrolling.detect_vertical_scrolling=false",  # its motion is one, and cost nothing
        video,
        *settings,
    )
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = await stack.enter_async_context(running_server(directory, picture))
        if pid_file is not None:
            pid_file.write_text(str(server.pid))
        clients = [
            await stack.enter_async_context(blind_viewer(server.url)) for _ in range(viewers)
        ]
        await trio.sleep(WARM_UP_S)
        before = _readings(server.pid, clients)
        await trio.sleep(seconds)
        cpu_s, frames, payload = (
            now - then for now, then in zip(_readings(server.pid, clients), before, strict=True)
        )
        return CrowdResult(
            scene=scene,
            viewers=viewers,
            cores=cpu_s / seconds,
            frames_per_s=frames / viewers / seconds,
            ms_a_frame=cpu_s / (frames / viewers) * 1000,
            mbit_per_s=payload / viewers / seconds * 8e-6,
        )


@asynccontextmanager
async def blind_viewer(url: str) -> AsyncIterator[Client]:
    """A viewer that decodes nothing."""
    hello = attrs.evolve(DEFAULT_HELLO, codecs=(*DEFAULT_HELLO.codecs, "h264"))
    async with connect(url, hello=hello, stream_decoders={"h264": H264Decoder}) as client:
        client.picture = NoPicture(DECODERS)
        yield client


def _readings(pid: int, clients: Sequence[Client]) -> tuple[float, float, float]:
    cpu_s = sum(process.cpu_s for process in process_tree(pid))
    frames = sum(client.counters.frames for client in clients)
    return cpu_s, frames, sum(client.counters.payload_bytes for client in clients)


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--viewers", type=int, default=10)
    parser.add_argument("--only", choices=tuple(SCENES), action="append")
    parser.add_argument("--set", dest="settings", action="append", default=[])
    parser.add_argument("--pid-file", type=Path, help="takes the server's process id")
    given = parser.parse_args()
    results = [
        trio.run(partial(measure, scene, viewers, given.seconds, given.settings, given.pid_file))
        for scene in given.only or SCENES
        for viewers in (1, given.viewers)
    ]
    print(as_table(results))


if __name__ == "__main__":
    main()
