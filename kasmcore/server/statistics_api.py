"""How viewers are served, for operators' tools: in a form of ours, and in KasmVNC's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from kasmcore.interfaces.routes import HttpResponse
from kasmcore.server.endpoints import Call, Endpoint
from kasmcore.server.requests import RequestRefused
from kasmcore.server.responses import json_response
from kasmcore.stats.limits import LimitShares
from kasmcore.stats.report import ReportSource, ShownFrame, ViewerReport
from kasmcore.stats.timeline import STAGES
from kasmcore.values.permissions import Permission

Json = Mapping[str, object]
_KASMVNC_ENCODERS = {"jpeg": "TightJPEGEncoder", "webp": "TightWEBPEncoder"}


def statistics_endpoints(report: ReportSource) -> tuple[Endpoint, ...]:
    """``/api/statistics``, and KasmVNC's two; all for owners."""

    async def tell_statistics(call: Call) -> HttpResponse:  # noqa: ARG001 - one for every owner
        now = report()
        viewers = [_viewer_content(viewer) for viewer in now.viewers]
        return json_response({"stages_ms": now.stages_ms, "viewers": viewers})

    async def tell_bottlenecks(call: Call) -> HttpResponse:  # noqa: ARG001 - one for every owner
        return json_response(_bottlenecks(report().viewers))

    async def tell_frame(call: Call) -> HttpResponse:
        return json_response(_frame_stats(report().viewers, call.head.query.get("client", "none")))

    handlers = {
        "statistics": (tell_statistics, "How each viewer is served, and what limits it."),
        "get_bottleneck_stats": (tell_bottlenecks, "What limits each viewer, in KasmVNC's form."),
        "get_frame_stats": (tell_frame, "The newest frame's stages, in KasmVNC's form."),
    }
    return tuple(
        Endpoint(
            method="GET",
            path=f"/api/{name}",
            permission=Permission.OWNER,
            handler=handler,
            summary=summary,
        )
        for name, (handler, summary) in handlers.items()
    )


def _viewer_content(report: ViewerReport) -> Json:
    viewer = report.viewer
    return {
        "id": viewer.viewer_id,
        "client": _client(report),
        "user": viewer.user.name,
        "address": viewer.address,
        "transport": viewer.transport,
        "connected_at_s": report.connected_at_s,
        "frames": report.frames,
        "payload_bytes": report.payload_bytes,
        "skipped_frames": report.skipped_frames,
        "failed_frames": report.failed_frames,
        "frames_in_flight": report.frames_in_flight,
        "round_trip_ms": _ms(report.round_trip_s),
        "queue_ms": _ms(report.queue_s),
        "link_bytes_per_s": round(report.bytes_per_s),
        "limited_by": report.recent.worst,
        "limits": {"recent": _shares(report.recent), "total": _shares(report.total)},
        "newest_frame": None if report.newest is None else _frame_content(report.newest),
    }


def _frame_content(frame: ShownFrame) -> Json:
    return {
        "serial": frame.serial,
        "age_s": round(frame.age_s, 3),
        "width": frame.size.width,
        "height": frame.size.height,
        "changed": round(frame.changed_share, 4),
        "latency_ms": _ms(frame.timeline.latency_s),
        "stages_ms": _stages_ms(frame),
        "codecs": [attrs.asdict(share) for share in frame.shares],
    }


def _bottlenecks(reports: Sequence[ViewerReport]) -> Json:
    """By user and connection: server recently and in all, link recently and in all; 10 is best."""
    users: dict[str, dict[str, list[float]]] = {}
    for report in reports:
        recent, total = report.recent, report.total
        shares = (recent.server, total.server, recent.link, total.link)
        marks = [round(10 - 10 * share, 1) for share in shares]
        users.setdefault(report.viewer.user.name, {})[_client(report)] = marks
    return users


def _frame_stats(reports: Sequence[ViewerReport], client: str) -> Json:
    """The newest frame that was shown.

    Raises:
        RequestRefused: there is no such client (400), or it has shown no frame yet (503).
    """
    chosen = list(reports)
    if client not in ("none", "auto", "all"):
        chosen = [report for report in reports if _client(report) == client]
        if not chosen:
            raise RequestRefused(400, "client must be none, auto, all or one of the connections")
    frames = {_client(report): report.newest for report in chosen if report.newest is not None}
    if not frames:
        raise RequestRefused(503, "no frame was shown yet", retry_after_s=1)
    name, newest = min(frames.items(), key=lambda item: item[1].age_s)
    told = {"none": [], "auto": [name]}.get(client, list(frames))
    stages_ms = _stages_ms(newest)
    return {
        "frame": {
            "resx": newest.size.width,
            "resy": newest.size.height,
            "changed": round(100 * newest.changed_share),
            "server_time": round(sum(stages_ms[stage] for stage in _SERVER_STAGES), 3),
        },
        "server_side": _server_side(newest),
        "client_side": [
            _client_side(report) for report in chosen if report.newest and _client(report) in told
        ],
    }


_SERVER_STAGES = ("capture", "damage", "encode")


def _server_side(frame: ShownFrame) -> list[Json]:
    stages_ms = _stages_ms(frame)
    processes: list[Json] = [
        {"process_name": "Analysis", "time": stages_ms["damage"]},
        {"process_name": "Screenshot", "time": stages_ms["capture"]},
        {"process_name": "Encoding_total", "time": stages_ms["encode"]},
    ]
    for share in frame.shares:
        name = _KASMVNC_ENCODERS.get(share.codec, share.codec)
        processes.append({"process_name": name, "count": share.rectangles, "area": share.pixels})
    return processes


def _client_side(report: ViewerReport) -> Json:
    """``client_time`` is a time here: KasmVNC tells frames per second by that name."""
    assert report.newest is not None  # noqa: S101 - chosen by that
    stages_ms = _stages_ms(report.newest)
    return {
        "client": _client(report),
        "client_time": round(stages_ms["decode"] + stages_ms["present"], 3),
        "ping": _ms(report.round_trip_s),
        "processes": [
            {"process_name": "decode", "time": stages_ms["decode"]},
            {"process_name": "scanRenderQ", "time": stages_ms["present"]},
        ],
    }


def _client(report: ViewerReport) -> str:
    """Name of a connection, as KasmVNC builds it."""
    viewer = report.viewer
    return f"{viewer.address}_{report.connected_at_s:.6f}::{viewer.transport}"


def _stages_ms(frame: ShownFrame) -> dict[str, float]:
    durations_ms = map(_ms, frame.timeline.durations_s)
    return dict(zip(STAGES, durations_ms, strict=True))


def _shares(shares: LimitShares) -> Json:
    return {name: round(share, 3) for name, share in attrs.asdict(shares).items()}


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)
