"""The certificate that the server makes for itself."""

from __future__ import annotations

import datetime as dt
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from kasmcore.server.certificates import ends_soon, fingerprint, make_certificate

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
PEM = make_certificate(["localhost", "desk", "127.0.0.1", "::1", "desk"], NOW)
CERTIFICATE = x509.load_pem_x509_certificate(PEM)


def test_it_stands_for_names_and_addresses() -> None:
    names = CERTIFICATE.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost", "desk"]
    assert names.get_values_for_type(x509.IPAddress) == [ip_address("127.0.0.1"), ip_address("::1")]


def test_it_is_what_browsers_and_quic_accept() -> None:
    key = CERTIFICATE.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert key.curve.name == "secp256r1"
    lifetime = CERTIFICATE.not_valid_after_utc - CERTIFICATE.not_valid_before_utc
    assert lifetime == dt.timedelta(days=825)
    assert CERTIFICATE.not_valid_before_utc < NOW


def test_it_is_renewed_in_its_last_thirty_days() -> None:
    end = CERTIFICATE.not_valid_after_utc
    assert not ends_soon(CERTIFICATE, end - dt.timedelta(days=31))
    assert ends_soon(CERTIFICATE, end - dt.timedelta(days=30))


def test_its_fingerprint_is_what_a_browser_shows() -> None:
    pairs = fingerprint(CERTIFICATE).split(":")
    assert len(pairs) == 32
    assert all(len(pair) == 2 and pair == pair.upper() for pair in pairs)
