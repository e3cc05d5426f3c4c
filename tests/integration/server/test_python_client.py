"""The Python client, and the command that uses it, on a whole server: session, TLS, login."""

from __future__ import annotations

import argparse
import io
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path

import attrs
import numpy as np
import pytest
import trio
from kasmcore_deflate import kasmcore_register_encoders as deflate_encoders
from kasmcore_jpeg import kasmcore_register_encoders as jpeg_encoders
from kasmcore_websocket import kasmcore_register_transports
from PIL import Image

from kasmcore.api import (
    TEXT_MIME,
    AllowedClipboard,
    BgrxPixels,
    ClipboardItem,
    ConnectionEnded,
    KasmcoreError,
    Permission,
    PointerMoved,
    Rectangle,
    Size,
)
from kasmcore.cli import screenshot
from kasmcore.config.schema import EncodingConfig
from kasmcore.config.schema_encoding import (
    EnterVideoEncodingModeConfig,
    VideoEncodingModeConfig,
    VideoMaxResolutionConfig,
)
from kasmcore.config.schema_network import SslConfig
from kasmcore.plugin_set import PluginEvents
from kasmcore.protocol.messages import Hello
from kasmcore.server.listen import serve
from kasmcore.server.server_setup import Listening, ServerSetup
from kasmcore.session.masking import FrameMasks
from kasmcore.session.reception import Reception
from kasmcore.session.session import Session, SessionParts
from kasmcore.testing.client import Client, connect
from kasmcore.testing.client_stream import Trust
from kasmcore.testing.pictures import photo_like
from kasmcore.testing.synthetic_desktop import SyntheticDesktop
from kasmcore.values.viewer_events import PictureSettings, Ping
from kasmcore.values.viewer_updates import Pong
from tests.integration.server.conftest import PASSWORD


@attrs.frozen
class Desk:
    """A served desktop."""

    desktop: SyntheticDesktop
    session: Session
    listening: Listening

    @property
    def trust(self) -> Trust:
        return Trust(fingerprint=self.listening.certificate_fingerprint or "")

    def client(
        self, username: str = "alice", password: str = PASSWORD
    ) -> AbstractAsyncContextManager[Client]:
        return connect(self.listening.url, username, password, trust=self.trust)


@pytest.fixture
def secure_setup(setup: ServerSetup) -> ServerSetup:
    network = attrs.evolve(setup.config.network, ssl=SslConfig())
    return attrs.evolve(setup, config=attrs.evolve(setup.config, network=network))


@asynccontextmanager
async def served(setup: ServerSetup) -> AsyncIterator[Desk]:
    desktop = SyntheticDesktop(Size(320, 200))
    encoders = (*deflate_encoders(), *jpeg_encoders())
    parts = SessionParts(
        config=setup.config,
        display=":test",
        source=desktop,
        encoders=encoders,
        filters=(),
        masks=FrameMasks(()),
        events=PluginEvents(),
    )
    session = Session(parts)
    (websocket,) = kasmcore_register_transports()
    whole = attrs.evolve(
        setup,
        serve_viewer=Reception(session, "test desk").serve,
        transports=((websocket, websocket.factory(setup.config)),),
        encoders=encoders,
    )
    async with trio.open_nursery() as nursery:
        await nursery.start(session.run)
        listening = await nursery.start(serve, whole)
        yield Desk(desktop, session, listening)
        nursery.cancel_scope.cancel()


def photo(size: Size) -> BgrxPixels:
    pixels = np.random.default_rng(3).integers(0, 256, (size.height, size.width, 4), np.uint8)
    pixels[..., 3] = 255
    return pixels


def shows(client: Client, desk: Desk) -> bool:
    """True when the client's picture is the desktop's."""
    return np.array_equal(client.framebuffer[..., :3], desk.desktop.pixels[..., :3])


def has_more_frames(client: Client, count: int) -> bool:
    return client.counters.frames > count


async def test_the_client_sees_exactly_the_desktop_after_rest(secure_setup: ServerSetup) -> None:
    async with served(secure_setup) as desk, desk.client() as client:
        assert client.welcome.user_name == "alice"
        assert client.welcome.desktop_name == "test desk"
        await client.wait_for_picture()
        desk.desktop.paint_pixels(0, 0, photo(desk.desktop.size))
        await client.wait_until(partial(shows, client, desk))
        assert client.picture.is_exact
        assert client.counters.failed_frames == 0
        assert client.counters.payload_bytes > 0


async def test_input_and_clipboard_of_the_client_reach_the_desktop(
    secure_setup: ServerSetup,
) -> None:
    async with served(secure_setup) as desk, desk.client() as client:
        await client.send(PointerMoved(x=5, y=6))
        (received,) = await desk.desktop.input.wait_received(1)
        assert received.event == PointerMoved(x=5, y=6)
        text = ("grüezi" * 30_000).encode()  # several chunks
        await client.send_clipboard([ClipboardItem(TEXT_MIME, text)])
        clipboard = desk.desktop.clipboard
        assert clipboard is not None
        contents = await clipboard.wait_contents()
        assert contents.items == (ClipboardItem(TEXT_MIME, text),)
        clipboard.offer_text("salut")
        offered = await client.wait_for(AllowedClipboard)
        assert offered.items == (ClipboardItem(TEXT_MIME, b"salut"),)


async def test_two_clients_see_the_same(secure_setup: ServerSetup) -> None:
    async with served(secure_setup) as desk, desk.client() as one, desk.client("victor") as two:
        desk.desktop.paint_pixels(10, 20, photo(Size(100, 50)))
        for client in (one, two):
            await client.wait_for_exact_picture()
            await client.wait_until(partial(shows, client, desk))
        assert two.welcome.permissions is Permission.READ


async def test_a_large_screen_comes_smaller_in_video_mode_and_is_stretched(
    secure_setup: ServerSetup,
) -> None:
    mode = VideoEncodingModeConfig(
        enter_video_encoding_mode=EnterVideoEncodingModeConfig(time_threshold=0),
        max_resolution=VideoMaxResolutionConfig(width=160, height=160),
        jpeg_quality=8,
    )
    config = attrs.evolve(secure_setup.config, encoding=EncodingConfig(video_encoding_mode=mode))
    smooth = photo_like(Size(320, 200))
    async with served(attrs.evolve(secure_setup, config=config)) as desk:
        desk.desktop.paint_pixels(0, 0, smooth)
        async with desk.client() as client:
            await client.wait_for_picture()
            assert client.counters.failed_frames == 0
            error = client.framebuffer[..., :3].astype(int) - smooth[..., :3]
            assert 0 < np.abs(error).mean() < 8
            assert not client.picture.is_exact


async def test_who_may_only_watch_hears_that_it_cannot_change_the_picture(
    secure_setup: ServerSetup,
) -> None:
    async with served(secure_setup) as desk, desk.client() as one, desk.client("victor") as two:
        for client in (one, two):
            await client.send(PictureSettings(max_frame_rate=10))
            await client.send(Ping(1))
            await client.wait_for(Pong)
        await two.wait_until(lambda: bool(two.notices))
        assert [notice.topic for notice in two.notices] == ["picture_settings_refused"]
        assert one.notices == []


async def test_a_ping_is_answered(secure_setup: ServerSetup) -> None:
    async with served(secure_setup) as desk, desk.client() as client:
        await client.send(Ping(77))
        assert await client.wait_for(Pong) == Pong(77)


async def test_a_client_that_stops_reading_does_not_stop_the_others(
    secure_setup: ServerSetup,
) -> None:
    async with served(secure_setup) as desk, desk.client() as stalled, desk.client() as other:
        stalled.stop_reading()
        for round_number in range(5):
            shown = other.counters.frames
            desk.desktop.paint(Rectangle(0, 0, 300, 150), (round_number * 40, 9, 9))
            await other.wait_until(partial(has_more_frames, other, shown))
        await other.wait_for_exact_picture()
        stalled.resume_reading()
        await stalled.wait_until(partial(shows, stalled, desk))


async def test_the_end_of_the_server_ends_the_client_with_a_reason(
    secure_setup: ServerSetup,
) -> None:
    desks: list[Desk] = []
    started, may_stop = trio.Event(), trio.Event()

    async def serve_until_stopped() -> None:
        async with served(secure_setup) as desk:
            desks.append(desk)
            started.set()
            await may_stop.wait()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve_until_stopped)
        await started.wait()
        async with desks[0].client() as client:
            await client.wait_for_picture()
            may_stop.set()
            with pytest.raises(ConnectionEnded):
                await client.wait_for(Pong)
            assert client.has_ended


async def test_without_a_common_codec_the_client_hears_why(secure_setup: ServerSetup) -> None:
    async with served(secure_setup) as desk:
        with pytest.raises(ConnectionEnded, match="none of the server's codecs"):
            async with connect(
                desk.listening.url,
                "alice",
                PASSWORD,
                trust=desk.trust,
                hello=Hello("old", ("tight",)),
            ):
                pass


async def test_wrong_credentials_are_told(secure_setup: ServerSetup) -> None:
    async with served(secure_setup) as desk:
        with pytest.raises(KasmcoreError, match="refused the login"):
            async with desk.client("alice", "wrong"):
                pass


async def test_a_certificate_that_nobody_signed_is_refused(secure_setup: ServerSetup) -> None:
    async with served(secure_setup) as desk:
        with pytest.raises(KasmcoreError, match="certificate is not trusted"):
            async with connect(desk.listening.url, "alice", PASSWORD):
                pass
        with pytest.raises(KasmcoreError, match="has the fingerprint"):
            async with connect(
                desk.listening.url, "alice", PASSWORD, trust=Trust(fingerprint="00" * 32)
            ):
                pass
        async with connect(desk.listening.url, "alice", PASSWORD, trust=Trust(insecure=True)):
            pass


async def test_where_no_server_is_the_error_says_so() -> None:
    listener = (await trio.open_tcp_listeners(0, host="127.0.0.1"))[0]
    port = listener.socket.getsockname()[1]
    await listener.aclose()
    with pytest.raises(KasmcoreError, match=f"no server answers.*127.0.0.1:{port}"):
        async with connect(f"http://127.0.0.1:{port}/"):
            pass


@pytest.mark.parametrize("url", ["127.0.0.1:8443", "ftp://host/", "https://", "https://host:x/"])
async def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(KasmcoreError, match="is no address"):
        async with connect(url):
            pass


async def take_screenshot(words: list[str]) -> int:
    parser = argparse.ArgumentParser()
    screenshot.add_arguments(parser)
    run = partial(screenshot.run, parser.parse_args(words))
    return await trio.to_thread.run_sync(run)


async def test_a_screenshot_shows_exactly_the_desktop(
    secure_setup: ServerSetup, tmp_path: Path
) -> None:
    output, password = tmp_path / "shot.png", tmp_path / "password"
    password.write_text(PASSWORD + "\n")
    async with served(secure_setup) as desk:
        desk.desktop.paint_pixels(0, 0, photo(desk.desktop.size))
        login = ["--username", "victor", "--password-file", str(password)]
        trust = ["--fingerprint", desk.listening.certificate_fingerprint or "none"]
        words = [desk.listening.url, "-o", str(output), *login, *trust, "--wait-exact"]
        assert await take_screenshot(words) == 0
        with Image.open(io.BytesIO(output.read_bytes())) as image:
            assert (np.asarray(image) == desk.desktop.pixels[..., 2::-1]).all()


async def test_a_screenshot_without_a_password_to_read_says_what_to_do(tmp_path: Path) -> None:
    words = ["https://127.0.0.1/", "--username", "u", "--password-file", str(tmp_path / "none")]
    with pytest.raises(KasmcoreError, match="--password-file"):
        await take_screenshot(words)
