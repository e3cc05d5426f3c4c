"""What the active plugins offer, resolved once at start: plain values and calls from then on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

import attrs

from kasmcore.interfaces.capture import CaptureSpec
from kasmcore.interfaces.dlp import DlpFilterSpec
from kasmcore.interfaces.encoder import EncoderSpec
from kasmcore.interfaces.login import Authenticator
from kasmcore.interfaces.routes import CommandSpec, RouteSpec
from kasmcore.interfaces.stream_encoder import StreamEncoderSpec
from kasmcore.interfaces.transport import TransportSpec
from kasmcore.values.geometry import Size
from kasmcore.values.permissions import ViewerInfo

_log = logging.getLogger(__name__)
_trace = logging.getLogger("kasmcore.hooks")


@attrs.frozen
class HookImplementation:
    """One plugin's function for one hook."""

    plugin: str
    hook: str
    function: Callable[..., object] = attrs.field(repr=False)
    parameters: tuple[str, ...]
    """Those of the hook's arguments that the function takes."""

    def call(self, arguments: Mapping[str, object]) -> object:
        """Call it with the arguments it takes; what it raises passes through.

        ``KASMCORE_TRACE_HOOKS=1`` logs every call with its result.
        """
        taken = [arguments[name] for name in self.parameters]
        try:
            result = self.function(*taken)
        except BaseException as error:
            _trace.debug("%s of %s raised %r", self.hook, self.plugin, error)
            raise
        if _trace.isEnabledFor(logging.DEBUG):
            shown = ", ".join(f"{n}={_short(arguments[n])}" for n in self.parameters)
            _trace.debug("%s(%s) of %s -> %s", self.hook, shown, self.plugin, _short(result))
        return result


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:199]}…"


@attrs.frozen
class PluginEvents:
    """Tells plugins what happened. A plugin that fails is logged and changes nothing."""

    _implementations: tuple[HookImplementation, ...] = ()

    def session_started(self, display: str, size: Size) -> None:
        """Call every ``kasmcore_session_started``."""
        self._notify("kasmcore_session_started", {"display": display, "size": size})

    def session_ended(self, display: str, reason: str) -> None:
        """Call every ``kasmcore_session_ended``."""
        self._notify("kasmcore_session_ended", {"display": display, "reason": reason})

    def viewer_joined(self, viewer: ViewerInfo) -> None:
        """Call every ``kasmcore_viewer_joined``."""
        self._notify("kasmcore_viewer_joined", {"viewer": viewer})

    def viewer_left(self, viewer: ViewerInfo, reason: str) -> None:
        """Call every ``kasmcore_viewer_left``."""
        self._notify("kasmcore_viewer_left", {"viewer": viewer, "reason": reason})

    def policy_refused(self, viewer: ViewerInfo, filter_name: str, topic: str) -> None:
        """Call every ``kasmcore_policy_refused``."""
        self._notify(
            "kasmcore_policy_refused",
            {"viewer": viewer, "filter_name": filter_name, "topic": topic},
        )

    def _notify(self, hook: str, arguments: Mapping[str, object]) -> None:
        for implementation in self._implementations:
            if implementation.hook != hook:
                continue
            try:
                implementation.call(arguments)
            except Exception:  # noqa: BLE001 - border: a notification hook
                _log.exception("plugin %s failed in %s", implementation.plugin, hook)


@attrs.frozen(kw_only=True)
class PluginSet:
    """Everything the active plugins offer; the first five in the order of the YAML lists.

    Attributes:
        capture_sources: the first that opens is used.
        encoders: of images; each passed its self-test.
        transports: the browser tries them in this order.
        dlp_filters: all run, in this order.
        stream_encoders: of video streams, in the order of the encoders' list; each passed its
            self-test.
        authenticators: asked in this order, the users file last.
        routes: HTTP routes, one for each method and path.
        commands: subcommands of ``kasmcore``.
        events: tells plugins what happened.
    """

    capture_sources: tuple[CaptureSpec, ...]
    encoders: tuple[EncoderSpec, ...]
    transports: tuple[TransportSpec, ...]
    dlp_filters: tuple[DlpFilterSpec, ...] = ()
    stream_encoders: tuple[StreamEncoderSpec, ...] = ()
    authenticators: tuple[Authenticator, ...] = ()
    routes: tuple[RouteSpec, ...] = ()
    commands: tuple[CommandSpec, ...] = ()
    events: PluginEvents = PluginEvents()
