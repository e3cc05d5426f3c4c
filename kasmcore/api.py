"""All that a plugin may import, and the promise about it.

Names in this module keep their meaning within one ``API_VERSION``; a release that breaks one raises
the first number (after 1.0) and says so in the changelog. Anything else in ``kasmcore`` may change.
"""

from __future__ import annotations

from kasmcore.config.schema import ServerConfig
from kasmcore.config.sections import SettingsSection, setting
from kasmcore.errors import (
    CaptureEnded,
    ConfigError,
    ConnectionEnded,
    EncodeError,
    KasmcoreError,
    PluginUnavailable,
    RemoteProtocolError,
)
from kasmcore.hookspecs import hookimpl
from kasmcore.interfaces.capture import (
    CaptureRequest,
    CaptureSource,
    CaptureSpec,
    ClipboardPort,
    InputSink,
)
from kasmcore.interfaces.dlp import DlpFilter, DlpFilterSpec, Refusal
from kasmcore.interfaces.encoder import (
    ContentRating,
    EncoderSpec,
    Exactness,
    ImageEncoder,
    encodable_pixels,
)
from kasmcore.interfaces.login import Authenticator, Credentials
from kasmcore.interfaces.routes import CommandSpec, HttpRequest, HttpResponse, RouteSpec
from kasmcore.interfaces.stream_encoder import (
    StreamEncoder,
    StreamEncoderSpec,
    StreamPacket,
    StreamSettings,
)
from kasmcore.interfaces.transport import (
    AsgiMessage,
    AsgiReceive,
    AsgiScope,
    AsgiSend,
    AsgiWebSocketHandler,
    Connection,
    CuttableConnection,
    Lane,
    MeasuredConnection,
    PathState,
    RoutedTransport,
    Transport,
    TransportHost,
    TransportSpec,
    UnorderedConnection,
    Visit,
)
from kasmcore.values.clipboard import (
    TEXT_MIME,
    AllowedClipboard,
    ClipboardDirection,
    ClipboardItem,
    ClipboardOffer,
)
from kasmcore.values.cursors import HIDDEN_CURSOR, CursorImage
from kasmcore.values.frames import CapturedFrame, WindowMove
from kasmcore.values.geometry import Rectangle, Size
from kasmcore.values.permissions import Permission, User, ViewerInfo
from kasmcore.values.pixels import BgrxPixels, RgbaPixels
from kasmcore.values.viewer_events import (
    InputEvent,
    KeyEvent,
    KeysReleased,
    Locks,
    PointerButton,
    PointerMoved,
    TextTyped,
    WheelTurned,
)

API_VERSION = "0.1"

__all__ = [  # noqa: RUF022 - by topic
    "API_VERSION",
    "hookimpl",
    # settings
    "ServerConfig", "SettingsSection", "setting",
    # errors
    "CaptureEnded", "ConfigError", "ConnectionEnded", "EncodeError", "KasmcoreError",
    "PluginUnavailable", "RemoteProtocolError",
    # capture
    "CaptureRequest", "CaptureSource", "CaptureSpec", "CapturedFrame", "ClipboardPort",
    "CursorImage", "HIDDEN_CURSOR", "InputSink", "WindowMove",
    # input
    "InputEvent", "KeyEvent", "KeysReleased", "Locks", "PointerButton", "PointerMoved",
    "TextTyped", "WheelTurned",
    # encoders
    "ContentRating", "EncoderSpec", "Exactness", "ImageEncoder", "encodable_pixels",
    "StreamEncoder", "StreamEncoderSpec", "StreamPacket", "StreamSettings",
    # transports
    "AsgiMessage", "AsgiReceive", "AsgiScope", "AsgiSend", "AsgiWebSocketHandler", "Connection",
    "CuttableConnection", "Lane", "MeasuredConnection", "PathState", "RoutedTransport", "Transport",
    "TransportHost", "TransportSpec", "UnorderedConnection", "Visit",
    # DLP
    "DlpFilter", "DlpFilterSpec", "Refusal",
    # clipboard
    "AllowedClipboard", "ClipboardDirection", "ClipboardItem", "ClipboardOffer", "TEXT_MIME",
    # login, routes, commands
    "Authenticator", "CommandSpec", "Credentials", "HttpRequest", "HttpResponse", "RouteSpec",
    # values
    "BgrxPixels", "Permission", "Rectangle", "RgbaPixels", "Size", "User", "ViewerInfo",
]  # fmt: skip
