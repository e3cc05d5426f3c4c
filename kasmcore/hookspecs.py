"""Every hook. A hook's docstring is its contract; the reference page is made from them.

Hooks are for set-up and rare events. Frames and input pass through plain method calls on the
objects that hooks returned, never through a hook. A hook implementation takes only the arguments
that it needs.
"""

from __future__ import annotations

from collections.abc import Sequence

import pluggy

from kasmcore.config.schema import ServerConfig
from kasmcore.config.sections import SettingsSection
from kasmcore.interfaces.capture import CaptureSpec
from kasmcore.interfaces.dlp import DlpFilterSpec
from kasmcore.interfaces.encoder import EncoderSpec
from kasmcore.interfaces.login import Authenticator
from kasmcore.interfaces.routes import CommandSpec, RouteSpec
from kasmcore.interfaces.stream_encoder import StreamEncoderSpec
from kasmcore.interfaces.transport import TransportSpec
from kasmcore.values.geometry import Size
from kasmcore.values.permissions import ViewerInfo

PROJECT = "kasmcore"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def kasmcore_register_settings() -> Sequence[SettingsSection]:
    """Offer typed settings, under ``plugin_settings.<name>`` in the YAML.

    Called: once at start, before the settings are read; must not block.
    Returns: one section per settings class; ``[]`` for none.
    Combined: all lists are joined; a name offered twice stops the start.
    Raises: nothing; an error stops the start.
    Since: 0.1. Example: ``examples/plugin-template/kasmcore_blocked_keys``.
    """
    return []


@hookspec
def kasmcore_register_capture_sources(config: ServerConfig) -> Sequence[CaptureSpec]:
    """Offer places where pixels come from.

    Called: once at start, in the main task; must not block and must not open anything.
    Returns: one spec per source; ``[]`` for none.
    Combined: all lists are joined; ``plugins.capture`` orders them, the first that opens is used.
    Raises: ``PluginUnavailable`` to be left out with a warning; all else stops the start.
    Since: 0.1. Example: ``plugins/capture/kasmcore_synthetic``.
    """
    return []


@hookspec
def kasmcore_register_encoders(
    config: ServerConfig,
) -> Sequence[EncoderSpec | StreamEncoderSpec]:
    """Offer encoders of images and of video streams to every session.

    Called: once at start, in the main task; must not block.
    Returns: one spec per codec: what it takes, costs and promises; ``[]`` for none.
    Combined: all lists are joined; ``plugins.encoders`` orders them; a codec offered twice stops
        the start. Each is self-tested on a small picture before it is used.
    Raises: ``PluginUnavailable`` to be left out with a warning; all else stops the start.
    Since: 0.1. Example: ``plugins/encoders/kasmcore_deflate``.
    """
    return []


@hookspec
def kasmcore_register_transports(config: ServerConfig) -> Sequence[TransportSpec]:
    """Offer ways to carry a viewer's connection.

    Called: once at start, in the main task; must not block and must not listen yet.
    Returns: one spec per transport; ``[]`` for none.
    Combined: all lists are joined; ``plugins.transports`` orders them; the browser tries them in
        that order.
    Raises: ``PluginUnavailable`` to be left out with a warning; all else stops the start.
    Since: 0.1. Example: ``plugins/transports/kasmcore_websocket``.
    """
    return []


@hookspec
def kasmcore_register_dlp_filters(config: ServerConfig) -> Sequence[DlpFilterSpec]:
    """Offer policies on frames, input and clipboard.

    Called: once at start, in the main task; must not block.
    Returns: one spec per filter; ``[]`` for none.
    Combined: all lists are joined; ``plugins.dlp`` orders them and all of them run.
    Raises: anything stops the start: a policy is never left out silently.
    Since: 0.1. Example: ``plugins/dlp/kasmcore_clipboard_policy``.
    """
    return []


@hookspec
def kasmcore_register_authenticators(config: ServerConfig) -> Sequence[Authenticator]:
    """Offer ways to log in.

    Called: once at start, in the main task; must not block.
    Returns: authenticators in the order they want to be asked; ``[]`` for none.
    Combined: all lists are joined; the users file is asked last.
    Raises: anything stops the start.
    Since: 0.1. Example: ``examples/one-file-plugins/static_login.py``.
    """
    return []


@hookspec
def kasmcore_register_routes(config: ServerConfig) -> Sequence[RouteSpec]:
    """Offer HTTP routes below ``/api/plugins/``.

    Called: once at start, in the main task; must not block.
    Returns: one spec per route; ``[]`` for none.
    Combined: all lists are joined; two for one method and path stop the start.
    Raises: anything stops the start.
    Since: 0.1. Example: ``examples/one-file-plugins/hello_route.py``.
    """
    return []


@hookspec
def kasmcore_register_commands() -> Sequence[CommandSpec]:
    """Offer subcommands of ``kasmcore``.

    Called: once, before the command line is parsed; must not block.
    Returns: one spec per command; ``[]`` for none.
    Combined: all lists are joined; a name that is taken is refused with an error.
    Raises: nothing; an error is reported and the command left out.
    Since: 0.1. Example: ``examples/one-file-plugins/hello_command.py``.
    """
    return []


@hookspec
def kasmcore_session_started(display: str, size: Size) -> None:
    """Know that a session shows this display and viewers may join.

    Called: in the main task; must not block.
    Returns: nothing.
    Combined: every implementation is called.
    Raises: an error is logged and changes nothing.
    Since: 0.1. Example: ``examples/one-file-plugins/event_log.py``.
    """


@hookspec
def kasmcore_session_ended(display: str, reason: str) -> None:
    """Know that the session has ended.

    Called: in the main task, after the last viewer left; must not block.
    Returns: nothing.
    Combined: every implementation is called.
    Raises: an error is logged and changes nothing.
    Since: 0.1. Example: ``examples/one-file-plugins/event_log.py``.
    """


@hookspec
def kasmcore_viewer_joined(viewer: ViewerInfo) -> None:
    """Know that a viewer joined.

    Called: in the main task, after its handshake; must not block.
    Returns: nothing.
    Combined: every implementation is called.
    Raises: an error is logged and changes nothing.
    Since: 0.1. Example: ``examples/one-file-plugins/event_log.py``.
    """


@hookspec
def kasmcore_viewer_left(viewer: ViewerInfo, reason: str) -> None:
    """Know that a viewer left.

    Called: in the main task, after its keys were released; must not block.
    Returns: nothing.
    Combined: every implementation is called.
    Raises: an error is logged and changes nothing.
    Since: 0.1. Example: ``examples/one-file-plugins/event_log.py``.
    """


@hookspec
def kasmcore_policy_refused(viewer: ViewerInfo, filter_name: str, topic: str) -> None:
    """Know that a DLP filter refused something that a viewer did or would have got.

    Called: in the main task, at every refusal, also repeated ones; must not block.
    Returns: nothing.
    Combined: every implementation is called.
    Raises: an error is logged and changes nothing.
    Since: 0.1. Example: ``examples/one-file-plugins/event_log.py``.
    """
