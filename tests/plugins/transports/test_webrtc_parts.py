"""The parts of the transport that need neither process nor network."""

from __future__ import annotations

import base64
import hashlib
import hmac
from ipaddress import ip_address
from pathlib import Path

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kasmcore_webrtc.ice import ice_settings
from kasmcore_webrtc.lanes import (
    BUFFERED_BESIDE_BULK_BYTES,
    BUFFERED_BYTES,
    ChunkJoiner,
    LaneSender,
    PieceJoiner,
)
from kasmcore_webrtc.limits import PeerLimits, TooMany
from kasmcore_webrtc.loose import LooseOrder
from kasmcore_webrtc.records import RecordReader, ToStack, record_bytes
from kasmcore_webrtc.round_trips import ShortestRoundTrip
from kasmcore_webrtc.sdp import OfferRefused, checked_offer, with_public_address
from kasmcore_webrtc.settings import WebRtcSettings
from kasmcore_webrtc.stack.steady_window import LEAST_BYTES, SteadyWindow

from kasmcore.api import ConfigError, Lane
from tests.plugins.transports.webrtc_host import config_with

OFFER = "\r\n".join(
    (
        "v=0",
        "o=- 1 2 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
        "c=IN IP4 0.0.0.0",
        "a=candidate:1 1 udp 2113937151 {address} 50000 typ host",
        "a=ice-ufrag:abcd",
        "a=ice-pwd:0123456789012345678901",
        "a=fingerprint:sha-256 " + ":".join(["AA"] * 32),
        "a=setup:actpass",
        "a=mid:0",
        "a=sctp-port:5000",
        "",
    )
)
MOTION = b"\x13\0\1\0\2"


@attrs.define
class Channels:
    """Holds what it is given until it is drained."""

    messages: list[tuple[str, bytes]] = attrs.field(factory=list)
    buffered_bytes: int = 0
    is_path_busy: bool = False

    def send(self, label: str, message: bytes) -> None:
        self.messages.append((label, message))
        self.buffered_bytes += len(message)


def datagram(sequence: int, after_units: int, unit: bytes) -> bytes:
    return sequence.to_bytes(4, "big") + after_units.to_bytes(4, "big") + unit


@given(st.lists(st.binary(max_size=40_000), max_size=6))
def test_units_come_out_of_their_pieces(units: list[bytes]) -> None:
    channels, taken = Channels(), []
    sender = LaneSender(channels, 1100, taken.append)
    for unit in units:
        sender.put(Lane.CONTROL, memoryview(unit))
    while sender.waiting_bytes:
        channels.buffered_bytes = 0
        sender.pump()
    joiner = PieceJoiner()
    joined = [joiner.feed(message) for _, message in channels.messages]
    assert [unit for unit in joined if unit is not None] == units
    assert taken == [Lane.CONTROL] * len(units)


@given(st.binary(max_size=20_000), st.randoms(use_true_random=False))
def test_a_frame_comes_out_of_its_chunks_in_any_order(unit: bytes, random: object) -> None:
    channels = Channels()
    LaneSender(channels, 1100, lambda lane: None).put(Lane.FRAMES, memoryview(unit), 7)
    chunks = [message for _, message in channels.messages]
    random.shuffle(chunks)  # type: ignore[attr-defined]
    joiner = ChunkJoiner()
    assert [frame for chunk in chunks for frame in joiner.feed(chunk)] == [(7, unit)]


def test_control_goes_before_frames_and_frames_before_bulk() -> None:
    channels = Channels(buffered_bytes=BUFFERED_BYTES)
    sender = LaneSender(channels, 1100, lambda lane: None)
    for lane in (Lane.BULK, Lane.FRAMES, Lane.CONTROL):
        sender.put(lane, memoryview(b"x"), 1)
    assert channels.messages == []
    channels.buffered_bytes = 0
    sender.pump()
    assert [label for label, _ in channels.messages] == ["control", "frames", "bulk"]


@pytest.mark.parametrize("is_path_busy", [True, False])
def test_bulk_waits_for_a_queue_here_or_in_the_network(is_path_busy: bool) -> None:
    channels = Channels(
        buffered_bytes=0 if is_path_busy else BUFFERED_BESIDE_BULK_BYTES, is_path_busy=is_path_busy
    )
    sender = LaneSender(channels, 1100, lambda lane: None)
    sender.put(Lane.BULK, memoryview(b"x"))
    assert channels.messages == []
    assert sender.has_bulk
    sender.put(Lane.CONTROL, memoryview(b"x"))
    assert [label for label, _ in channels.messages] == ["control"]


def test_nothing_more_is_sent_of_a_dropped_frame() -> None:
    channels, taken = Channels(), []
    sender = LaneSender(channels, 1100, taken.append)
    sender.put(Lane.FRAMES, memoryview(bytes(BUFFERED_BYTES * 2)), 7)
    sent = len(channels.messages)
    sender.drop(7)
    channels.buffered_bytes = 0
    sender.pump()
    assert len(channels.messages) == sent
    assert taken == [Lane.FRAMES]
    sender.drop(7)
    assert taken == [Lane.FRAMES]


@pytest.mark.parametrize(
    "pieces",
    [[b""], [b"\2x"], [b"\1"], [b"\1" + bytes(16384)] * 8 + [b"\1" + bytes(17)]],
    ids=["", "flag", "0", "long"],
)
def test_what_is_no_piece_is_refused(pieces: list[bytes]) -> None:
    joiner = PieceJoiner()
    for piece in pieces[:-1]:
        joiner.feed(piece)
    with pytest.raises(ValueError, match=r"piece|bytes"):
        joiner.feed(pieces[-1])


def test_chunks_of_lost_frames_are_forgotten() -> None:
    joiner = ChunkJoiner(most_frames=2)
    for serial in range(100):
        assert list(joiner.feed(serial.to_bytes(4, "big") + b"\0\0\0\2" + bytes(1000))) == []
    assert list(joiner.feed((99).to_bytes(4, "big") + b"\0\1\0\2x")) == [(99, bytes(1000) + b"x")]


@given(st.lists(st.binary(max_size=300)), st.integers(1, 50))
def test_records_come_whole_out_of_any_stream(units: list[bytes], step: int) -> None:
    stream = b"".join(record_bytes(ToStack.UNIT, n, unit) for n, unit in enumerate(units))
    reader, seen = RecordReader(), []
    for start in range(0, len(stream), step):
        for record in reader.feed(stream[start : start + step]):
            seen.append((record.peer, bytes(record.data)))
    assert seen == list(enumerate(units))


def test_a_motion_waits_for_the_key_before_it_and_only_the_newest_is_kept() -> None:
    order = LooseOrder()
    assert order.datagram_came(datagram(1, 1, MOTION)) is None
    assert order.datagram_came(datagram(3, 2, MOTION + b"3")) is None
    assert order.datagram_came(datagram(2, 1, MOTION + b"2")) is None
    assert order.control_came() is None
    assert order.control_came() == MOTION + b"3"
    assert order.control_came() is None
    assert order.datagram_came(datagram(4, 3, MOTION)) == MOTION


def test_acknowledgements_never_wait() -> None:
    shown = b"\2" + bytes(13)
    assert LooseOrder().datagram_came(datagram(1, 99, shown)) == shown


@pytest.mark.parametrize("unit", [b"", b"\x10key"])
def test_a_key_is_no_datagram(unit: bytes) -> None:
    with pytest.raises(ValueError, match="datagram"):
        LooseOrder().datagram_came(datagram(1, 0, unit))


@pytest.mark.parametrize(
    ("address", "is_near", "is_kept"),
    [
        ("192.0.2.7", False, True),
        ("2001:db8::7", False, True),
        ("127.0.0.1", False, False),
        ("127.0.0.1", True, True),
        ("::1", False, False),
        ("224.0.0.1", True, False),
        ("0.0.0.0", True, False),
        ("a1b2.local", True, False),
        ("internal.example", True, False),
    ],
)
def test_only_addresses_that_may_be_asked_are_kept(
    address: str, is_near: bool, is_kept: bool
) -> None:
    kept = checked_offer(OFFER.format(address=address), allow_loopback=is_near)
    assert ("a=candidate" in kept) == is_kept
    assert "a=ice-ufrag:abcd" in kept


@pytest.mark.parametrize(
    "text",
    [
        "",
        "garbage",
        OFFER + "a=x:" + "y" * 20_000,
        OFFER + "a=x\r\n" * 300,
        OFFER + "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n",
        OFFER.replace("a=fingerprint:sha-256", "a=fingerprint:md5"),
        OFFER + "a=ice-pwd:again\r\n",
        OFFER + "a=ä\r\n",
    ],
)
def test_what_is_no_offer_of_data_channels_is_refused(text: str) -> None:
    with pytest.raises(OfferRefused, match="offer"):
        checked_offer(text, allow_loopback=True)


@given(st.text())
def test_any_text_is_an_offer_or_refused(text: str) -> None:
    with pytest.raises(OfferRefused):
        checked_offer(text, allow_loopback=True)


def test_candidates_beyond_the_limit_are_left_out() -> None:
    line = "a=candidate:1 1 udp 1 192.0.2.{} 5000 typ host\r\n"
    offer = OFFER.format(address="192.0.2.1") + "".join(line.format(n) for n in range(2, 100))
    assert checked_offer(offer, allow_loopback=False).count("a=candidate:") == 24


def test_the_public_address_stands_beside_each_port() -> None:
    answer = with_public_address(OFFER.format(address="10.0.0.2"), ip_address("203.0.113.9"))
    (line,) = (line for line in answer.splitlines() if "203.0.113.9" in line)
    assert line.endswith("203.0.113.9 50000 typ srflx raddr 10.0.0.2 rport 50000")
    assert with_public_address("x", None) == "x"


def test_nothing_outside_is_asked_by_default() -> None:
    ice = ice_settings(config_with())
    assert ice.for_browser("ann", 0.0) == ice.for_server(0.0) == []
    assert ice.public_address is None


def test_the_server_asks_stun_only_for_an_address_it_is_not_told() -> None:
    told = ice_settings(config_with(stun_server="stun.example"))
    assert [server.url for server in told.for_browser("ann", 0.0)] == ["stun:stun.example:3478"]
    assert told.for_server(0.0) == []
    untold = ice_settings(config_with(stun_server="stun.example:99", public_ip=None))
    assert [server.url for server in untold.for_server(0.0)] == ["stun:stun.example:99"]


def test_turn_passwords_end_by_themselves_and_do_not_show(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    own = WebRtcSettings(
        turn_urls=("turn:turn.example:3478",), turn_secret_file=secret, turn_lifetime=60
    )
    ice = ice_settings(config_with(own))
    (server,) = ice.for_browser("ann", 1000.5)
    assert server.username == "1060:ann"
    expected = hmac.new(b"s3cret", b"1060:ann", hashlib.sha1).digest()
    assert base64.b64decode(server.credential) == expected
    assert server.credential not in repr(server)
    assert "s3cret" not in repr(ice)


@pytest.mark.parametrize("content", [None, "\n"])
def test_a_turn_secret_that_cannot_be_used_stops_the_start(
    tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "secret"
    if content is not None:
        path.write_text(content)
    own = WebRtcSettings(turn_urls=("turn:turn.example",), turn_secret_file=path)
    with pytest.raises(ConfigError, match="TURN secret"):
        ice_settings(config_with(own))


@pytest.mark.parametrize(
    "wrong",
    [
        {"port_range": "99-100"},
        {"port_range": "5000-4000"},
        {"port_range": "all"},
        {"turn_urls": ("http://x",)},
        {"turn_urls": ("turn:x",)},
    ],
)
def test_settings_that_cannot_be_used_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"port_range|turn_"):
        WebRtcSettings(**wrong)  # type: ignore[arg-type]


def test_peers_and_attempts_are_limited_by_user() -> None:
    limits = PeerLimits(most_peers=3, most_peers_of_user=2, offers_per_minute=2)
    for user in ("ann", "ann", "bob"):
        limits.add_peer(user)
    with pytest.raises(TooMany, match="the server has"):
        limits.add_peer("cy")
    limits.remove_peer("bob")
    with pytest.raises(TooMany, match="you have"):
        limits.add_peer("ann")
    limits.count_offer("ann", 0.0)
    limits.count_offer("ann", 1.0)
    with pytest.raises(TooMany) as refused:
        limits.count_offer("ann", 2.0)
    assert refused.value.retry_s == 58.0
    limits.count_offer("bob", 2.0)
    limits.count_offer("ann", 60.0)


def test_the_shortest_round_trip_is_forgotten_after_minutes() -> None:
    shortest = ShortestRoundTrip()
    assert shortest.shortest_with(0.0, 0.01) == 0.01
    assert shortest.shortest_with(200.0, 0.05) == 0.01
    assert shortest.shortest_with(301.0, 0.09) == 0.05


def run_path(
    window: SteadyWindow, rate: float, base_s: float, loss: float, duration_s: float, start_s: float
) -> float:
    """Let a sender fill the window on a path of this rate; return the last queue in seconds."""
    now_s, queue_s = start_s, 0.0
    while now_s < start_s + duration_s:
        queue_s = max(0.0, window.window_bytes / rate - base_s)
        now_s += base_s + queue_s
        delivered = min(window.window_bytes, round(rate * (base_s + queue_s)))
        window.measured(now_s, base_s + queue_s)
        lost = round(delivered * loss)
        window.acknowledged(now_s, delivered - lost, lost, window.window_bytes)
    return queue_s


@pytest.mark.parametrize("loss", [0.0, 0.02, 0.05])
def test_the_window_holds_the_rate_and_a_short_queue_whatever_is_lost(loss: float) -> None:
    window = SteadyWindow()
    queue_s = run_path(window, 2e6, 0.08, loss, 10.0, 0.0)
    assert window.window_bytes >= 2e6 * 0.08 * 0.95
    assert queue_s <= 0.06


def test_the_window_follows_a_path_that_gets_slower() -> None:
    window = SteadyWindow()
    run_path(window, 2e6, 0.04, 0.0, 10.0, 0.0)
    assert run_path(window, 5e5, 0.04, 0.0, 10.0, 10.0) <= 0.07


def test_much_loss_shrinks_the_window() -> None:
    window = SteadyWindow()
    run_path(window, 2e6, 0.04, 0.0, 10.0, 0.0)
    before = window.window_bytes
    run_path(window, 2e6, 0.04, 0.3, 10.0, 10.0)
    assert LEAST_BYTES <= window.window_bytes < before / 2
