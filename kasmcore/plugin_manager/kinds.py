"""The four kinds of plugin that a YAML list names and orders."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeAlias, TypeVar

import attrs

from kasmcore.config.schema_plugins import PluginsConfig
from kasmcore.interfaces.capture import CaptureSpec
from kasmcore.interfaces.dlp import DlpFilterSpec
from kasmcore.interfaces.encoder import EncoderSpec
from kasmcore.interfaces.stream_encoder import StreamEncoderSpec
from kasmcore.interfaces.transport import TransportSpec

SpecT = TypeVar("SpecT")
AnyEncoderSpec: TypeAlias = EncoderSpec | StreamEncoderSpec


@attrs.frozen(kw_only=True)
class Kind(Generic[SpecT]):
    """How plugins of one kind are registered and chosen.

    Attributes:
        key: the list under ``plugins`` in the YAML.
        singular: one of them, for messages.
        hook: registers them.
        spec_classes: what the hook's list holds.
        name_of: the word by which the YAML names a spec.
        listed: the operator's list.
        may_be_unavailable: the plugin itself may say that it cannot work here.
        needed: without one of these the server is useless; in words, empty for none.
        meets_need: whether a spec is one of these.
    """

    key: str
    singular: str
    hook: str
    spec_classes: tuple[type[SpecT], ...]
    name_of: Callable[[SpecT], str]
    listed: Callable[[PluginsConfig], tuple[str, ...]]
    may_be_unavailable: bool = True
    needed: str = ""
    meets_need: Callable[[SpecT], bool] = lambda spec: True  # noqa: ARG005 - mostly all do


CAPTURE = Kind(
    key="capture",
    singular="capture source",
    hook="kasmcore_register_capture_sources",
    spec_classes=(CaptureSpec,),
    name_of=lambda spec: spec.name,
    listed=lambda plugins: plugins.capture,
    needed="capture source",
)
ENCODERS: Kind[AnyEncoderSpec] = Kind(
    key="encoders",
    singular="encoder",
    hook="kasmcore_register_encoders",
    spec_classes=(EncoderSpec, StreamEncoderSpec),
    name_of=lambda spec: spec.codec,
    listed=lambda plugins: plugins.encoders,
    needed="encoder of images",
    meets_need=lambda spec: isinstance(spec, EncoderSpec),
)
TRANSPORTS = Kind(
    key="transports",
    singular="transport",
    hook="kasmcore_register_transports",
    spec_classes=(TransportSpec,),
    name_of=lambda spec: spec.name,
    listed=lambda plugins: plugins.transports,
    needed="transport",
)
DLP = Kind(
    key="dlp",
    singular="DLP filter",
    hook="kasmcore_register_dlp_filters",
    spec_classes=(DlpFilterSpec,),
    name_of=lambda spec: spec.name,
    listed=lambda plugins: plugins.dlp,
    may_be_unavailable=False,
)


def all_listed(plugins: PluginsConfig) -> tuple[str, ...]:
    """Return the names in the four lists together."""
    return (*plugins.capture, *plugins.encoders, *plugins.transports, *plugins.dlp)
