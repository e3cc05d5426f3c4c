"""What one plugin offers to a server with these settings, all checked."""

from __future__ import annotations

import re
from functools import partial
from typing import TypeVar, cast

import attrs

from kasmcore.config.schema import ServerConfig
from kasmcore.interfaces.capture import CaptureSpec
from kasmcore.interfaces.dlp import DlpFilterSpec
from kasmcore.interfaces.encoder import EncoderSpec
from kasmcore.interfaces.login import Authenticator
from kasmcore.interfaces.routes import RouteSpec
from kasmcore.interfaces.transport import TransportSpec
from kasmcore.plugin_manager.kinds import (
    CAPTURE,
    DLP,
    ENCODERS,
    TRANSPORTS,
    AnyEncoderSpec,
    Kind,
)
from kasmcore.plugin_manager.loading import LoadedPlugin, fault_of, run_plugin_code
from kasmcore.plugin_manager.self_test import self_test_encoder
from kasmcore.plugin_manager.stream_self_test import self_test_stream_encoder

T = TypeVar("T")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
ROUTE_ROOT = "/api/plugins/"


@attrs.frozen(kw_only=True)
class Offers:
    """Everything that one plugin registered."""

    plugin: LoadedPlugin
    capture: list[CaptureSpec]
    encoders: list[AnyEncoderSpec]
    transports: list[TransportSpec]
    dlp: list[DlpFilterSpec]
    authenticators: list[Authenticator]
    routes: list[RouteSpec]

    def describe(self) -> str:
        """Say what it offers of the kinds that a list must name."""
        named = {
            "capture": [spec.name for spec in self.capture],
            "encoders": [spec.codec for spec in self.encoders],
            "transports": [spec.name for spec in self.transports],
            "dlp": [spec.name for spec in self.dlp],
        }
        return "; ".join(f"{key}: {', '.join(names)}" for key, names in named.items() if names)


def gather_offers(plugin: LoadedPlugin, config: ServerConfig) -> Offers:
    """Call all registering hooks of a plugin and self-test the encoders that the YAML lists.

    Raises:
        PluginError: a hook failed, or what it offers cannot be used.
        PluginUnavailable: it cannot work here.
    """
    offers = Offers(
        plugin=plugin,
        capture=_specs(plugin, CAPTURE, config),
        encoders=_specs(plugin, ENCODERS, config),
        transports=_specs(plugin, TRANSPORTS, config),
        dlp=_specs(plugin, DLP, config),
        authenticators=_authenticators(plugin, config),
        routes=_routes(plugin, config),
    )
    for spec in offers.encoders:
        if spec.codec in config.plugins.encoders:
            run_plugin_code(
                plugin.found,
                f"self-test of encoder {spec.codec}",
                partial(_self_test, spec),
            )
    return offers


def _self_test(spec: AnyEncoderSpec) -> None:
    if isinstance(spec, EncoderSpec):
        self_test_encoder(spec)
    else:
        self_test_stream_encoder(spec)


def _specs(plugin: LoadedPlugin, kind: Kind[T], config: ServerConfig) -> list[T]:
    call = plugin.offers if kind.may_be_unavailable else plugin.offers_for_certain
    specs = call(kind.hook, kind.spec_classes, {"config": config})
    for name in map(kind.name_of, specs):
        if not _NAME.fullmatch(name):
            raise fault_of(plugin.found, f"{name!r} is no name for a plugin of {kind.key}")
    return specs


def _authenticators(plugin: LoadedPlugin, config: ServerConfig) -> list[Authenticator]:
    hook = "kasmcore_register_authenticators"
    offered = plugin.offers_for_certain(hook, (object,), {"config": config})
    for one in offered:
        if not isinstance(getattr(one, "name", None), str) or not hasattr(one, "authenticate"):
            raise fault_of(plugin.found, f"{hook} offers {one!r:.80}, which is no Authenticator")
    return cast("list[Authenticator]", offered)


def _routes(plugin: LoadedPlugin, config: ServerConfig) -> list[RouteSpec]:
    hook = "kasmcore_register_routes"
    routes = plugin.offers_for_certain(hook, (RouteSpec,), {"config": config})
    for route in routes:
        if not route.path.startswith(ROUTE_ROOT):
            raise fault_of(plugin.found, f"route {route.path} is not below {ROUTE_ROOT}")
    return routes
