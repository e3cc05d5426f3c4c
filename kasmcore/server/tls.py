"""TLS: whose certificate, checked at start, and taken anew when its files change."""

from __future__ import annotations

import datetime as dt
import logging
import os
import ssl
import tempfile
from pathlib import Path

import attrs
import trio
from cryptography import x509

from kasmcore.config.schema import ServerConfig
from kasmcore.config.schema_network import SslConfig
from kasmcore.errors import ConfigError
from kasmcore.server.certificates import ends_soon, fingerprint, make_certificate, own_names
from kasmcore.server.state_directory import state_directory

_log = logging.getLogger(__name__)
_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
_SELF_SIGNED_FILE = "self-signed.pem"


@attrs.define(eq=False)
class TlsIdentity:
    """The certificate that the server shows. New connections use ``context`` as it is then."""

    certificate_file: Path
    key_file: Path
    minimum_version: str
    context: ssl.SSLContext
    fingerprint: str
    _signature: tuple[tuple[int, int], ...] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._signature = self._current_signature()

    @classmethod
    def of_config(cls, config: ServerConfig) -> TlsIdentity:
        """Take the operator's certificate, or the server's own, made now if there is none.

        Raises:
            ConfigError: a file is missing, not ours to read, no PEM, or key and certificate do
                not belong together.
        """
        ssl_config = config.network.ssl
        certificate_file = ssl_config.pem_certificate
        if certificate_file is None:
            if ssl_config.pem_key is not None:
                raise ConfigError(
                    "there is a key but no certificate for it",
                    where="network.ssl.pem_key",
                    remedy="Set network.ssl.pem_certificate too, or neither.",
                )
            certificate_file = _self_signed_file(state_directory(config))
        return cls.of_files(certificate_file, ssl_config.pem_key or certificate_file, ssl_config)

    @classmethod
    def of_files(cls, certificate_file: Path, key_file: Path, settings: SslConfig) -> TlsIdentity:
        """Take the certificate in these files; they may be one file.

        Raises:
            ConfigError: as ``of_config``.
        """
        context, certificate = _load(certificate_file, key_file, settings.minimum_version)
        end = certificate.not_valid_after_utc
        if end <= dt.datetime.now(dt.UTC):
            _log.warning("the certificate %s has ended on %s", certificate_file, end.date())
        return cls(
            certificate_file, key_file, settings.minimum_version, context, fingerprint(certificate)
        )

    def reload_if_changed(self) -> bool:
        """Take changed files for connections from now on; a broken pair changes nothing.

        Returns:
            True when a new certificate is in use.
        """
        signature = self._current_signature()
        if signature == self._signature:
            return False
        self._signature = signature
        try:
            context, certificate = _load(self.certificate_file, self.key_file, self.minimum_version)
        except ConfigError as error:
            _log.error("the certificate stays as it was: %s", error)
            return False
        self.context, self.fingerprint = context, fingerprint(certificate)
        _log.info("new certificate in use, SHA-256 %s", self.fingerprint)
        return True

    async def watch(self, interval_s: float) -> None:
        """Reload whenever the files change, until cancelled."""
        while True:
            await trio.sleep(interval_s)
            await trio.to_thread.run_sync(self.reload_if_changed)

    def _current_signature(self) -> tuple[tuple[int, int], ...]:
        found = []
        for path in (self.certificate_file, self.key_file):
            try:
                status = path.stat()
            except OSError:
                found.append((0, 0))
            else:
                found.append((status.st_ino, status.st_mtime_ns))
        return tuple(found)


def _load(
    certificate_file: Path, key_file: Path, minimum_version: str
) -> tuple[ssl.SSLContext, x509.Certificate]:
    certificate = _parsed(certificate_file)
    _readable(key_file, "network.ssl.pem_key")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = _VERSIONS[minimum_version]
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.set_ciphers("ECDHE+AESGCM:ECDHE+CHACHA20")
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(certificate_file, key_file, password=_no_passphrase)
    except ssl.SSLError as error:
        is_mismatch = error.reason == "KEY_VALUES_MISMATCH"
        what = (
            "the key does not belong to the certificate"
            if is_mismatch
            else f"the key cannot be used: {error.reason or 'it is no PEM or has a passphrase'}"
        )
        raise ConfigError(
            what,
            where=f"{certificate_file}, {key_file}",
            remedy="Give the certificate's own key, in PEM without a passphrase, in "
            "network.ssl.pem_key, or set both files to auto.",
        ) from error
    return context, certificate


def _no_passphrase() -> str:
    """Keep OpenSSL from asking on the terminal."""
    return ""


def _parsed(path: Path) -> x509.Certificate:
    content = _readable(path, "network.ssl.pem_certificate")
    try:
        return x509.load_pem_x509_certificates(content)[0]
    except ValueError as error:
        raise ConfigError(
            "the file holds no certificate in PEM",
            where=f"network.ssl.pem_certificate {path}",
            remedy="Name a PEM file (-----BEGIN CERTIFICATE-----), or set it to auto.",
        ) from error


def _readable(path: Path, setting: str) -> bytes:
    try:
        return path.read_bytes()
    except PermissionError as error:
        raise ConfigError(
            "the file may not be read by this user",
            where=f"{setting} {path}",
            remedy=f"Join the group that may (`ls -l {path}`; on Debian ssl-cert), or set it to "
            "auto for a certificate of kasmcore's own.",
        ) from error
    except OSError as error:
        raise ConfigError(
            f"the file cannot be read: {error.strerror}",
            where=f"{setting} {path}",
            remedy="Mend the path, or set it to auto for a certificate of kasmcore's own.",
        ) from error


def _self_signed_file(directory: Path) -> Path:
    """Return the file with our own key and certificate; makes it new when it is missing or old."""
    path = directory / _SELF_SIGNED_FILE
    now = dt.datetime.now(dt.UTC)
    if path.exists() and not ends_soon(_parsed(path), now):
        return path
    content = make_certificate(own_names(), now)
    try:
        _put_in_place(path, content, is_renewal=path.exists())
    except OSError as error:
        raise ConfigError(
            f"the certificate cannot be kept: {error.strerror}",
            where=str(path),
            remedy="Mend the rights of the directory, or set server.state_directory.",
        ) from error
    return path


def _put_in_place(path: Path, content: bytes, *, is_renewal: bool) -> None:
    """Write whole and in one step; of two servers that start at once, the first one's stays."""
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if is_renewal:
            os.replace(temporary, path)
            return
        try:
            os.link(temporary, path)  # unlike replace, fails when the name is taken
        except FileExistsError:
            _log.debug("another server made %s first", path)
    finally:
        Path(temporary).unlink(missing_ok=True)
