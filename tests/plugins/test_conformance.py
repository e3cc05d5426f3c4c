"""The plugins that come with kasmcore pass the suites that third parties run."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import attrs
import kasmcore_clipboard_policy
import kasmcore_deflate
import kasmcore_jpeg
import kasmcore_keyboard_policy
import kasmcore_qoi
import kasmcore_synthetic
import kasmcore_visible_region
import kasmcore_webp
import trio
import trio_websocket
from kasmcore_synthetic.settings import SyntheticSettings

from kasmcore.api import (
    BgrxPixels,
    CaptureRequest,
    CaptureSource,
    Connection,
    ConnectionEnded,
    DlpFilterSpec,
    EncoderSpec,
    KeyEvent,
    Lane,
    PointerButton,
    ServerConfig,
    TextTyped,
)
from kasmcore.config.load import find_layers, merge
from kasmcore.config.structure import structure
from kasmcore.testing.conformance import (
    CaptureConformance,
    DlpConformance,
    EncoderConformance,
    TransportConformance,
)
from kasmcore.testing.reference_decoders import DECODERS
from tests.plugins.transports.websocket_host import connect, hypercorn_host


def config_with(*settings: str) -> ServerConfig:
    return structure(merge(find_layers((), settings, {})), ())


class ReferenceDecoded(EncoderConformance):
    def decode(self, payload: bytes, width: int, height: int) -> BgrxPixels:
        return DECODERS[self.make_spec().codec](payload, width, height)


class TestDeflate(ReferenceDecoded):
    def make_spec(self) -> EncoderSpec:
        return kasmcore_deflate.kasmcore_register_encoders()[0]


class TestQoi(ReferenceDecoded):
    def make_spec(self) -> EncoderSpec:
        return kasmcore_qoi.kasmcore_register_encoders()[0]


class TestWebp(ReferenceDecoded):
    def make_spec(self) -> EncoderSpec:
        return kasmcore_webp.kasmcore_register_encoders()[0]


class TestJpeg(ReferenceDecoded):
    def make_spec(self) -> EncoderSpec:
        return kasmcore_jpeg.kasmcore_register_encoders()[0]


class TestKeyboardPolicy(DlpConformance):
    must_refuse = (
        KeyEvent(pressed=True, keysym=0x61, code="KeyA"),
        TextTyped("a"),
    )

    def make_spec(self) -> DlpFilterSpec:
        return kasmcore_keyboard_policy.kasmcore_register_dlp_filters()[0]

    def make_config(self) -> ServerConfig:
        return config_with("data_loss_prevention.keyboard.enabled=false")


class TestKeyboardRate(DlpConformance):
    def make_spec(self) -> DlpFilterSpec:
        return kasmcore_keyboard_policy.kasmcore_register_dlp_filters()[0]

    def make_config(self) -> ServerConfig:
        return config_with("data_loss_prevention.keyboard.rate_limit=3")


class TestClipboardPolicy(DlpConformance):
    def make_spec(self) -> DlpFilterSpec:
        return kasmcore_clipboard_policy.kasmcore_register_dlp_filters()[0]

    def make_config(self) -> ServerConfig:
        clipboard = "data_loss_prevention.clipboard"
        return config_with(
            f"{clipboard}.delay_between_operations=1000",
            f"{clipboard}.server_to_client.size=20",
            f"{clipboard}.client_to_server.size=20",
        )


class TestVisibleRegion(DlpConformance):
    def make_spec(self) -> DlpFilterSpec:
        return kasmcore_visible_region.kasmcore_register_dlp_filters(self.make_config())[0]

    def make_config(self) -> ServerConfig:
        sides = ("left=10", "top=10", "right=60", "bottom=40")
        return config_with(*(f"data_loss_prevention.visible_region.{side}" for side in sides))


class TestSynthetic(CaptureConformance):
    @asynccontextmanager
    async def open(self) -> AsyncIterator[CaptureSource]:
        still = SyntheticSettings(width=400, height=300, frame_rate_hz=0)
        config = ServerConfig()
        settings = attrs.evolve(config.plugin_settings, sections=(still,))
        request = CaptureRequest(attrs.evolve(config, plugin_settings=settings), "", "")
        [spec] = kasmcore_synthetic.kasmcore_register_capture_sources()
        async with spec.open(request) as source:
            yield source

    async def change(self, source: CaptureSource, number: int) -> None:
        for pressed in (True, False):
            await source.input.send(PointerButton(1, pressed=pressed, x=9, y=9), viewer_id=1)


@attrs.frozen
class ClientEnd:
    """The browser's side of a WebSocket, as a ``Connection``."""

    websocket: trio_websocket.WebSocketConnection
    transport: str = "websocket"

    async def send(self, lane: Lane, message: bytes) -> None:
        await self._or_ended(self.websocket.send_message, message)

    async def receive(self) -> bytes:
        received: bytes = await self._or_ended(self.websocket.get_message)
        return received

    async def aclose(self, reason: str) -> None:
        await self.websocket.aclose(1000, reason)

    async def _or_ended(self, call: Callable[..., object], *arguments: object) -> bytes:
        try:
            return await call(*arguments)  # type: ignore[misc, no-any-return]
        except trio_websocket.ConnectionClosed as error:
            raise ConnectionEnded("the server closed the connection") from error


class TestWebsocket(TransportConformance):
    @asynccontextmanager
    async def connect(self) -> AsyncIterator[tuple[Connection, Connection]]:
        ends: list[Connection] = []
        arrived, leave = trio.Event(), trio.Event()

        async def serve(connection: Connection) -> None:
            ends.append(connection)
            arrived.set()
            await leave.wait()

        async with hypercorn_host(serve) as port, connect(port) as websocket:
            await arrived.wait()
            yield ends[0], ClientEnd(websocket)
            leave.set()
