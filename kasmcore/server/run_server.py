"""A whole server, from settings to a desktop in the browser: opens each part, runs, closes all."""

from __future__ import annotations

import contextlib
import getpass
import logging
import socket
from collections.abc import AsyncIterator, Sequence

import attrs
import trio

from kasmcore.config.schema import ServerConfig
from kasmcore.desktop import Desktop, open_desktop
from kasmcore.errors import PluginError, PluginUnavailable
from kasmcore.interfaces.capture import CaptureRequest, CaptureSource, CaptureSpec
from kasmcore.plugin_set import PluginSet
from kasmcore.server.first_owner import FirstOwner, create_first_owner
from kasmcore.server.listen import serve
from kasmcore.server.server_setup import Listening, ServerSetup
from kasmcore.server.state_directory import state_directory
from kasmcore.server.users_file import UsersFile
from kasmcore.session.masking import FrameMasks
from kasmcore.session.reception import Reception
from kasmcore.session.session import Session, SessionParts
from kasmcore.session.session_metrics import metrics_of
from kasmcore.session.session_report import report_of
from kasmcore.values.geometry import Size

_LOG = logging.getLogger(__name__)

_FIRST_PORT = 8443


@attrs.frozen(kw_only=True)
class Started:
    """What a person needs to know once the server runs."""

    listening: Listening
    desktop: str
    """What is shown, in words."""
    first_owner: FirstOwner | None
    """The account that this start made; None when there were accounts or no login is needed."""
    session: Session


@attrs.frozen(kw_only=True)
class _Shown:
    """An open display."""

    source: CaptureSource
    display: str
    number: int
    words: str


async def run_server(
    config: ServerConfig,
    plugins: PluginSet,
    *,
    task_status: trio.TaskStatus[Started] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Run until cancelled, then stop everything that this started, in order.

    Raises:
        KasmcoreError: something could not be opened; nothing is left behind.
        CaptureEnded: the display ended while viewers watched (both may be in exception groups).
    """
    users = UsersFile.of_config(config)
    async with _open_display(config, plugins.capture_sources) as shown:
        session = Session(_session_parts(config, plugins, shown))
        reception = Reception(session, config.legacy.desktop_name or _default_name(shown))
        setup = _server_setup(reception, plugins, users, _port(config, shown))
        async with trio.open_nursery() as nursery:
            await nursery.start(session.run)
            listening: Listening = await nursery.start(serve, setup)
            first_owner = None
            if config.security.login_required:
                # Last of all: a start that fails must not use up a login that nobody was shown.
                first_owner = await trio.to_thread.run_sync(create_first_owner, users)
                nursery.start_soon(users.watch, reception.user_changed)
            task_status.started(
                Started(
                    listening=listening,
                    desktop=shown.words,
                    first_owner=first_owner,
                    session=session,
                )
            )


def _server_setup(
    reception: Reception, plugins: PluginSet, users: UsersFile, port: int
) -> ServerSetup:
    session = reception.session
    config = session.parts.config
    return ServerSetup(
        config=config,
        port=port,
        desktop_name=reception.desktop_name,
        users=users,
        serve_viewer=reception.serve,
        attach_viewer=reception.attach,
        end_login=reception.end_login,
        transports=tuple((spec, spec.factory(config)) for spec in plugins.transports),
        encoders=(*plugins.encoders, *plugins.stream_encoders),
        routes=plugins.routes,
        authenticators=plugins.authenticators,
        metrics=lambda: metrics_of(session),
        report=lambda: report_of(session),
    )


@contextlib.asynccontextmanager
async def _open_display(
    config: ServerConfig, specs: Sequence[CaptureSpec]
) -> AsyncIterator[_Shown]:
    """Open the first capture source that can be opened, with a desktop under it if it needs one."""
    async with contextlib.AsyncExitStack() as stack:
        desktop: Desktop | None = None
        reasons = []
        for spec in specs:
            if spec.needs_display and desktop is None:
                desktop = await stack.enter_async_context(
                    open_desktop(config, state_directory(config))
                )
            request = CaptureRequest(
                config=config,
                display=desktop.display_name if desktop and spec.needs_display else "",
                authority_file=desktop.authority_file if desktop and spec.needs_display else "",
            )
            try:
                source = await stack.enter_async_context(spec.open(request))
            except PluginUnavailable as reason:
                _LOG.warning("capture source %s is left out: %s", spec.name, reason)
                reasons.append(f"{spec.name}: {reason}")
                continue
            if desktop is not None and spec.needs_display:
                await _prepare(config, desktop, source)
            yield _shown(spec, desktop, source)
            return
        raise PluginError(
            "no capture source can be opened",
            where="; ".join(reasons) or "plugins.capture is empty",
            remedy="Name another source in plugins.capture.",
        )


async def _prepare(config: ServerConfig, desktop: Desktop, source: CaptureSource) -> None:
    """Give a display of ours its first size, then start the programs on it."""
    if not desktop.is_attached:
        wanted = Size(config.desktop.resolution.width, config.desktop.resolution.height)
        await source.resize(wanted)
    await desktop.start_environment()


def _shown(spec: CaptureSpec, desktop: Desktop | None, source: CaptureSource) -> _Shown:
    if desktop is None or not spec.needs_display:
        return _Shown(source=source, display=spec.name, number=0, words=f"the {spec.name} source")
    return _Shown(
        source=source,
        display=desktop.display_name,
        number=desktop.number,
        words=f"display {desktop.display_name}: {desktop.description}",
    )


def _session_parts(config: ServerConfig, plugins: PluginSet, shown: _Shown) -> SessionParts:
    filters = [(spec, spec.factory(config)) for spec in plugins.dlp_filters]
    return SessionParts(
        config=config,
        display=shown.display,
        source=shown.source,
        encoders=plugins.encoders,
        filters=[(spec.name, dlp_filter) for spec, dlp_filter in filters],
        masks=FrameMasks([dlp_filter for spec, dlp_filter in filters if spec.masks_frames]),
        events=plugins.events,
        stream_encoders=plugins.stream_encoders,
    )


def _port(config: ServerConfig, shown: _Shown) -> int:
    configured = config.network.websocket_port
    return _FIRST_PORT + shown.number if configured is None else configured


def _default_name(shown: _Shown) -> str:
    return f"{socket.gethostname()}{shown.display} ({getpass.getuser()})"
