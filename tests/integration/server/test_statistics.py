"""What operators' tools ask: how viewers are served, and the counts of each codec."""

from __future__ import annotations

import json
import re
import urllib.request

import attrs
import pytest
import trio

from kasmcore.server.server_setup import ServerSetup
from kasmcore.stats.codec_counts import CodecShare
from kasmcore.stats.limits import LimitShares
from kasmcore.stats.report import SessionReport, ShownFrame, ViewerReport
from kasmcore.stats.timeline import STAGES, FrameTimeline
from kasmcore.testing.client import connect
from kasmcore.values.geometry import Size
from kasmcore.values.permissions import Permission, User, ViewerInfo
from tests.integration.server.conftest import PASSWORD, StartServer
from tests.integration.server.raw_http import Reply, basic, request
from tests.live_server import Launcher, LiveServer

OWNER = basic("alice", PASSWORD)
PATHS = ("/api/statistics", "/api/get_bottleneck_stats", "/api/get_frame_stats")
FRAME = ShownFrame(
    serial=7,
    age_s=0.5,
    size=Size(1280, 720),
    changed_share=0.25,
    timeline=FrameTimeline(
        tuple(stage / 1000 for stage in range(1, len(STAGES) + 1)), payload_bytes=900
    ),
    shares=(CodecShare("jpeg", 2, 400, 800), CodecShare("copy", 1, 64, 0)),
)
ALICE = ViewerReport(
    viewer=ViewerInfo(1, User("alice", Permission.READ), "192.0.2.7", "websocket"),
    connected_at_s=1_700_000_000.25,
    frames=9,
    payload_bytes=5000,
    skipped_frames=2,
    failed_frames=1,
    frames_in_flight=1,
    round_trip_s=0.012,
    queue_s=0.003,
    bytes_per_s=1e6,
    recent=LimitShares(server=0.125, link=0.5),
    total=LimitShares(browser=1.0),
    newest=FRAME,
)
NEWCOMER = attrs.evolve(
    ALICE,
    viewer=ViewerInfo(2, User('w"anda', Permission.READ), "2001:db8::1", "websocket"),
    newest=None,
    recent=LimitShares(),
    total=LimitShares(),
)
ALICES_CLIENT = "192.0.2.7_1700000000.250000::websocket"


@pytest.fixture
def watched(setup: ServerSetup) -> ServerSetup:
    """A server whose session has two viewers."""
    report = SessionReport(viewers=(ALICE, NEWCOMER), stages_ms={"p50": {"total": 36.0}})
    return attrs.evolve(setup, report=lambda: report)


async def ask(start_server: StartServer, setup: ServerSetup, path: str) -> Reply:
    return await request((await start_server(setup)).port, "GET", path, OWNER)


@pytest.mark.parametrize("path", PATHS)
async def test_statistics_are_for_owners(
    start_server: StartServer, watched: ServerSetup, path: str
) -> None:
    port = (await start_server(watched)).port
    assert (await request(port, "GET", path)).status == 401
    assert (await request(port, "GET", path, basic("wanda", PASSWORD))).status == 403
    assert (await request(port, "GET", path, OWNER)).status == 200


async def test_statistics_say_what_limits_each_viewer(
    start_server: StartServer, watched: ServerSetup
) -> None:
    told = json.loads((await ask(start_server, watched, "/api/statistics")).body)
    assert told["stages_ms"] == {"p50": {"total": 36.0}}
    alice, newcomer = told["viewers"]
    assert alice["client"] == ALICES_CLIENT
    assert alice["limited_by"] == "link"
    assert alice["limits"]["recent"] == {"server": 0.125, "link": 0.5, "browser": 0.0}
    assert alice["limits"]["total"] == {"server": 0.0, "link": 0.0, "browser": 1.0}
    frame = alice["newest_frame"]
    assert frame["latency_ms"] == sum(frame["stages_ms"].values()) == 36
    assert frame["codecs"][0] == {
        "codec": "jpeg",
        "rectangles": 2,
        "pixels": 400,
        "payload_bytes": 800,
    }
    assert newcomer["limited_by"] is None
    assert newcomer["newest_frame"] is None


async def test_bottlenecks_are_marks_from_0_to_10_as_in_kasmvnc(
    start_server: StartServer, watched: ServerSetup
) -> None:
    assert (await ask(start_server, watched, "/api/get_bottleneck_stats")).json == {
        "alice": {ALICES_CLIENT: [8.8, 10.0, 5.0, 10.0]},
        'w"anda': {"2001:db8::1_1700000000.250000::websocket": [10.0, 10.0, 10.0, 10.0]},
    }


async def test_the_newest_frame_is_told_as_in_kasmvnc(
    start_server: StartServer, watched: ServerSetup
) -> None:
    told = (await ask(start_server, watched, f"{PATHS[2]}?client=all")).json
    assert told["frame"] == {"resx": 1280, "resy": 720, "changed": 25, "server_time": 7.0}
    assert told["server_side"] == [
        {"process_name": "Analysis", "time": 2.0},
        {"process_name": "Screenshot", "time": 1.0},
        {"process_name": "Encoding_total", "time": 4.0},
        {"process_name": "TightJPEGEncoder", "count": 2, "area": 400},
        {"process_name": "copy", "count": 1, "area": 64},
    ]
    assert told["client_side"] == [
        {
            "client": ALICES_CLIENT,
            "client_time": 15.0,
            "ping": 12.0,
            "processes": [
                {"process_name": "decode", "time": 7.0},
                {"process_name": "scanRenderQ", "time": 8.0},
            ],
        }
    ]


@pytest.mark.parametrize(
    ("client", "told"),
    [("none", []), ("auto", [ALICES_CLIENT]), (ALICES_CLIENT, [ALICES_CLIENT])],
)
async def test_frame_statistics_name_the_clients_that_were_asked_for(
    start_server: StartServer, watched: ServerSetup, client: str, told: list[str]
) -> None:
    reply = await ask(start_server, watched, f"{PATHS[2]}?client={client}")
    assert [side["client"] for side in json.loads(reply.body)["client_side"]] == told


@pytest.mark.parametrize(
    ("client", "status"),
    [("nobody", 400), ("2001:db8::1_1700000000.250000::websocket", 503)],
)
async def test_a_client_that_is_none_or_has_shown_nothing_is_refused(
    start_server: StartServer, watched: ServerSetup, client: str, status: int
) -> None:
    reply = await ask(start_server, watched, f"{PATHS[2]}?client={client}")
    assert reply.status == status
    assert isinstance(reply.json["error"], str)


async def test_without_viewers_there_are_no_statistics(
    start_server: StartServer, setup: ServerSetup
) -> None:
    port = (await start_server(setup)).port
    answers = [await request(port, "GET", path, OWNER) for path in PATHS]
    assert [answer.status for answer in answers] == [200, 200, 503]
    assert answers[0].json == {"stages_ms": {}, "viewers": []}
    assert answers[1].json == {}


def get(server: LiveServer, path: str) -> bytes:
    with urllib.request.urlopen(f"{server.url}{path}", timeout=20) as answer:
        return bytes(answer.read())


async def test_a_running_server_tells_of_a_real_viewer(runs: Launcher) -> None:
    server = runs.start("plugins.capture=[synthetic]")
    async with connect(server.url) as client:
        await client.wait_until(lambda: client.counters.frames >= 10)
        told = await trio.to_thread.run_sync(get, server, "api/statistics")
        frame = await trio.to_thread.run_sync(get, server, "api/get_frame_stats?client=auto")
        bottlenecks = await trio.to_thread.run_sync(get, server, "api/get_bottleneck_stats")
        metrics = (await trio.to_thread.run_sync(get, server, "metrics")).decode()
    (viewer,) = json.loads(told)["viewers"]
    assert viewer["frames"] >= 10
    assert set(viewer["newest_frame"]["stages_ms"]) == set(STAGES)
    assert viewer["newest_frame"]["codecs"]
    (side,) = json.loads(frame)["client_side"]
    assert side["client"] == viewer["client"]
    ((connection, marks),) = json.loads(bottlenecks)[viewer["user"]].items()
    assert connection == viewer["client"]
    assert len(marks) == 4
    assert all(0 <= mark <= 10 for mark in marks)
    counts = dict(re.findall(r'^kasmcore_codec_bytes_total{codec="(\w+)"} (\d+)$', metrics, re.M))
    assert sum(map(int, counts.values())) > 0
