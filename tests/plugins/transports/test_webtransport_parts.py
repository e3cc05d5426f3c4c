"""Parts of the transport webtransport: certificates, units, datagrams, admission."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import struct

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import given
from hypothesis import strategies as st
from kasmcore_webtransport.admission import Admission, TokenBucket, Verdict
from kasmcore_webtransport.certificates import CertificateKeeper, FileIdentity, MadeCertificate
from kasmcore_webtransport.h3 import CapsuleReader, close_capsule
from kasmcore_webtransport.loose import LooseUnits
from kasmcore_webtransport.units import MOST_UNIT_BYTES, UnitReader, with_length

from kasmcore.api import RemoteProtocolError

_START = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)


class _Clock:
    now = _START

    def __call__(self) -> dt.datetime:
        return self.now

    def pass_hours(self, hours: float) -> None:
        self.now += dt.timedelta(hours=hours)


@pytest.fixture
def clock():
    return _Clock()


def test_a_made_certificate_is_what_browsers_accept_by_its_hash():
    made = MadeCertificate.make(_START, "127.0.0.1")
    certificate = made.certificate
    valid = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    assert valid <= dt.timedelta(days=14)
    assert isinstance(certificate.public_key(), ec.EllipticCurvePublicKey)
    assert certificate.public_key().curve.name == "secp256r1"
    der = certificate.public_bytes(Encoding.DER)
    assert base64.b64decode(made.hash_text) == hashlib.sha256(der).digest()


def test_a_page_knows_the_certificate_for_a_day_whatever_happens(clock):
    keeper = CertificateKeeper(clock, "desk.example")
    asked = []
    for _ in range(24 * 40):
        shown = keeper.current()
        assert shown.certificate.not_valid_before_utc < clock.now
        assert shown.certificate.not_valid_after_utc > clock.now + dt.timedelta(days=2)
        asked.append(keeper.hash_texts())
        for hashes in asked[-23:]:
            assert shown.hash_text in hashes
        clock.pass_hours(1)
    assert len({hashes[0] for hashes in asked}) >= 5


@pytest.mark.parametrize("hours", [-48, 24 * 7.5, 24 * 100])
def test_after_a_leap_of_the_clock_the_certificate_is_valid(clock, hours):
    keeper = CertificateKeeper(clock, "desk.example")
    keeper.current()
    clock.pass_hours(24 * 6.5)
    keeper.hash_texts()
    clock.pass_hours(hours)
    shown = keeper.current().certificate
    assert shown.not_valid_before_utc < clock.now < shown.not_valid_after_utc


def _write(folder, made):
    chain, key = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(made.certificate.public_bytes(Encoding.PEM))
    key.write_bytes(made.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return chain, key


def test_a_replaced_certificate_file_is_taken(tmp_path):
    first, second = (MadeCertificate.make(_START, name) for name in ("first", "second"))
    identity = FileIdentity(*_write(tmp_path, first))
    assert identity.current()[1] == first.certificate
    _write(tmp_path, second)
    assert identity.current()[1] == second.certificate


def test_a_broken_certificate_file_changes_nothing(tmp_path, caplog):
    made = MadeCertificate.make(_START, "first")
    chain, key = _write(tmp_path, made)
    identity = FileIdentity(chain, key)
    identity.current()
    chain.write_text("no certificate")
    assert identity.current()[1] == made.certificate
    assert "is broken" in caplog.text


@given(st.lists(st.binary(max_size=200), max_size=20), st.integers(1, 50))
def test_units_arrive_whole_however_they_are_cut(units, size):
    stream = b"".join(map(with_length, units))
    reader = UnitReader()
    found = []
    for start in range(0, len(stream), size):
        found += reader.receive(stream[start : start + size])
    assert found == units
    assert reader.waiting_bytes == 0


def test_a_unit_that_is_too_long_is_refused_by_its_length():
    with pytest.raises(RemoteProtocolError):
        UnitReader().receive(struct.pack(">I", MOST_UNIT_BYTES + 1))


def _motion(sequence, control_units, text=b"m"):
    return struct.pack(">II", sequence, control_units) + b"\x13" + text


def test_motion_that_came_late_is_left_out():
    loose = LooseUnits()
    assert loose.receive(_motion(5, 0), 0) == b"\x13m"
    assert loose.receive(_motion(4, 0), 0) is None
    assert loose.receive(_motion(5, 0), 0) is None
    assert loose.receive(_motion(6, 0), 0) == b"\x13m"


def test_numbers_of_datagrams_may_begin_again():
    loose = LooseUnits()
    assert loose.receive(_motion(2**32 - 1, 0), 0) == b"\x13m"
    assert loose.receive(_motion(0, 0), 0) == b"\x13m"


@given(st.binary(max_size=40))
def test_no_datagram_does_harm(datagram):
    unit = LooseUnits().receive(datagram, 0)
    assert unit is None or unit == datagram[8:]


def test_other_messages_do_not_come_as_datagrams():
    assert LooseUnits().receive(struct.pack(">II", 1, 0) + b"\x10key", 5) is None


@given(st.binary(max_size=30), st.integers(1, 9))
def test_the_end_of_a_session_is_found_among_other_capsules(filling, size):
    other = b"\x40\x99" + bytes((len(filling),)) + filling
    stream = other + close_capsule("over")
    reader = CapsuleReader()
    found = [
        reader.has_close(stream[start : start + size]) for start in range(0, len(stream), size)
    ]
    assert found[-1] or any(found)
    assert not CapsuleReader().has_close(other)


def test_many_half_open_connections_make_addresses_prove_themselves():
    admission = Admission(most_connections=100)
    verdicts = []
    for number in range(100):
        verdict = admission.judge(f"192.0.2.{number}", False, float(number))
        verdicts.append(verdict)
        if verdict is Verdict.ACCEPT:
            admission.began(f"192.0.2.{number}")
    assert verdicts[0] is Verdict.ACCEPT
    assert verdicts[-1] is Verdict.RETRY
    assert admission.judge("192.0.2.200", True, 100.0) is Verdict.ACCEPT


def test_one_address_takes_no_more_than_its_share():
    admission = Admission(most_connections=100)
    for number in range(100):
        if admission.judge(f"2001:db8::1:{number:x}", True, float(number)) is Verdict.ACCEPT:
            admission.began(f"2001:db8::1:{number:x}")
            admission.opened()
    assert admission.open == 32
    assert admission.judge("2001:db8:0:1::1", True, 200.0) is Verdict.ACCEPT
    admission.ended("2001:db8::1:1", had_session=True)
    assert admission.judge("2001:db8::5", True, 200.0) is Verdict.ACCEPT


def test_connections_are_limited_as_a_whole():
    admission = Admission(most_connections=3)
    for number in range(3):
        assert admission.judge("127.0.0.1", True, float(number)) is Verdict.ACCEPT
        admission.began("127.0.0.1")
        admission.opened()
    assert admission.judge("127.0.0.1", True, 9.0) is Verdict.IGNORE


def test_a_bucket_allows_its_rate():
    bucket = TokenBucket(per_s=10, burst=5)
    allowed = sum(bucket.take(step / 1000) for step in range(10_000))
    assert 100 <= allowed <= 106
