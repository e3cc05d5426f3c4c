"""Whose certificate the server shows, with real files."""

from __future__ import annotations

import datetime as dt
import os
import ssl
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from kasmcore.config.schema import ServerConfig
from kasmcore.config.schema_network import NetworkConfig, ServerSectionConfig, SslConfig
from kasmcore.errors import ConfigError
from kasmcore.server.certificates import fingerprint, make_certificate
from kasmcore.server.tls import TlsIdentity

DEFAULTS = SslConfig()
NOW = dt.datetime.now(dt.UTC)


def config(tmp_path: Path, settings: SslConfig = DEFAULTS) -> ServerConfig:
    return ServerConfig(
        network=NetworkConfig(ssl=settings),
        server=ServerSectionConfig(state_directory=tmp_path / "state"),
    )


def write_pair(directory: Path, name: str, now: dt.datetime = NOW) -> tuple[Path, Path]:
    pem = make_certificate([name], now)
    certificate, key = directory / f"{name}.crt", directory / f"{name}.key"
    parsed = x509.load_pem_x509_certificate(pem)
    certificate.write_bytes(parsed.public_bytes(serialization.Encoding.PEM))
    key.write_bytes(pem.partition(b"-----BEGIN CERTIFICATE")[0])
    return certificate, key


def test_the_first_start_makes_a_certificate_and_the_next_keeps_it(tmp_path: Path) -> None:
    first = TlsIdentity.of_config(config(tmp_path))
    again = TlsIdentity.of_config(config(tmp_path))
    assert first.fingerprint == again.fingerprint
    (file,) = (tmp_path / "state").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    certificate = x509.load_pem_x509_certificate(file.read_bytes())
    assert certificate.fingerprint(hashes.SHA256()).hex(":").upper() == first.fingerprint


def test_a_certificate_near_its_end_is_made_new(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    old = make_certificate(["localhost"], NOW - dt.timedelta(days=800))
    (state / "self-signed.pem").write_bytes(old)
    identity = TlsIdentity.of_config(config(tmp_path))
    assert identity.fingerprint != fingerprint(x509.load_pem_x509_certificate(old))


def test_the_operators_pair_is_used(tmp_path: Path) -> None:
    certificate, key = write_pair(tmp_path, "desk.example")
    identity = TlsIdentity.of_config(
        config(tmp_path, SslConfig(pem_certificate=certificate, pem_key=key, minimum_version="1.3"))
    )
    parsed = x509.load_pem_x509_certificate(certificate.read_bytes())
    assert identity.fingerprint == fingerprint(parsed)
    assert identity.context.minimum_version == ssl.TLSVersion.TLSv1_3
    assert not (tmp_path / "state").exists()


def test_one_file_may_hold_both(tmp_path: Path) -> None:
    both = tmp_path / "both.pem"
    both.write_bytes(make_certificate(["desk.example"], NOW))
    assert TlsIdentity.of_config(config(tmp_path, SslConfig(pem_certificate=both))).key_file == both


def test_a_key_without_a_certificate_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="pem_certificate too"):
        TlsIdentity.of_config(config(tmp_path, SslConfig(pem_key=tmp_path / "key")))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"pem_certificate .*none\.pem"):
        TlsIdentity.of_config(config(tmp_path, SslConfig(pem_certificate=tmp_path / "none.pem")))
    certificate, _ = write_pair(tmp_path, "a")
    with pytest.raises(ConfigError, match=r"pem_key .*none\.key"):
        TlsIdentity.of_config(
            config(tmp_path, SslConfig(pem_certificate=certificate, pem_key=tmp_path / "none.key"))
        )


def test_a_key_of_another_certificate_is_refused(tmp_path: Path) -> None:
    certificate, _ = write_pair(tmp_path, "a")
    _, key = write_pair(tmp_path, "b")
    with pytest.raises(ConfigError, match="does not belong"):
        TlsIdentity.of_config(config(tmp_path, SslConfig(pem_certificate=certificate, pem_key=key)))


def test_a_key_with_a_passphrase_is_refused_without_asking(tmp_path: Path) -> None:
    certificate, key = write_pair(tmp_path, "a")
    private = serialization.load_pem_private_key(key.read_bytes(), None)
    key.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    with pytest.raises(ConfigError, match="passphrase"):
        TlsIdentity.of_config(config(tmp_path, SslConfig(pem_certificate=certificate, pem_key=key)))


@pytest.mark.parametrize("content", [b"", b"nonsense", b"-----BEGIN CERTIFICATE-----\nAA\n"])
def test_a_file_that_is_no_certificate_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "bad.pem"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match="PEM"):
        TlsIdentity.of_config(config(tmp_path, SslConfig(pem_certificate=file)))


def test_a_directory_instead_of_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        TlsIdentity.of_config(config(tmp_path, SslConfig(pem_certificate=tmp_path)))


def test_an_ended_certificate_is_used_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    certificate, key = write_pair(tmp_path, "a", NOW - dt.timedelta(days=900))
    TlsIdentity.of_config(config(tmp_path, SslConfig(pem_certificate=certificate, pem_key=key)))
    assert "has ended" in caplog.text


def replace(path: Path, content: bytes) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_bytes(content)
    os.replace(fresh, path)


def test_changed_files_are_taken_and_broken_ones_are_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    both = tmp_path / "both.pem"
    both.write_bytes(make_certificate(["a"], NOW))
    identity = TlsIdentity.of_config(config(tmp_path, SslConfig(pem_certificate=both)))
    first, context = identity.fingerprint, identity.context
    assert not identity.reload_if_changed()

    replace(both, b"nonsense")
    assert not identity.reload_if_changed()
    assert (identity.fingerprint, identity.context) == (first, context)
    assert "stays as it was" in caplog.text

    replace(both, make_certificate(["b"], NOW))
    assert identity.reload_if_changed()
    assert identity.fingerprint != first
    assert identity.context is not context
    assert not identity.reload_if_changed()
