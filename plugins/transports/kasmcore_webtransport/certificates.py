"""Certificates that browsers accept by their hash: short-lived, renewed while the server runs.

Browsers ask for ECDSA and at most 14 days. A new one is announced a day before it is used, so that
a page that asked just before the change knows it already.
"""

from __future__ import annotations

import base64
import datetime as dt
import logging
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Protocol

import attrs
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import NameOID

_log = logging.getLogger(__name__)

_VALID = dt.timedelta(days=13)
_VALID_BEFORE = dt.timedelta(days=2)
"""Against clocks that run late."""
_USED = dt.timedelta(days=7)
"""Four days are left then, against clocks that run early."""
_ANNOUNCED = dt.timedelta(days=1)


@attrs.frozen
class MadeCertificate:
    """A certificate and its key, which is in memory only."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey = attrs.field(repr=False)
    made: dt.datetime

    @classmethod
    def make(cls, now: dt.datetime, name: str) -> MadeCertificate:
        """Make one that may be used at once.

        Args:
            now: its time, in UTC.
            name: address or host name for its subject; browsers that go by the hash ignore it.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _VALID_BEFORE)
            .not_valid_after(now - _VALID_BEFORE + _VALID)
            .add_extension(x509.SubjectAlternativeName([_general_name(name)]), critical=False)
            .sign(key, hashes.SHA256())
        )
        return cls(certificate, key, now)

    @property
    def hash_text(self) -> str:
        """SHA-256 of the certificate in base64, as ``serverCertificateHashes`` wants it."""
        return base64.b64encode(self.certificate.fingerprint(hashes.SHA256())).decode()


Identity = Callable[[], Sequence[Any]]
"""What to show now: a private key, its certificate, and the chain above that, as cryptography's."""


@attrs.define(eq=False)
class FileIdentity:
    """The operator's certificate; changed files are taken for connections from then on.

    The HTTPS port has checked them at start. A broken pair changes nothing, as there.
    """

    chain_file: Path
    key_file: Path
    _stamp: tuple[int, ...] = attrs.field(default=(), init=False)
    _shown: Sequence[Any] = attrs.field(default=(), init=False, repr=False)

    def current(self) -> Sequence[Any]:
        """What a new connection is shown."""
        try:
            stamp = (self.chain_file.stat().st_mtime_ns, self.key_file.stat().st_mtime_ns)
            if stamp != self._stamp:
                self._stamp = stamp
                self._shown = self._load()
        except (OSError, ValueError) as error:
            if not self._shown:
                raise
            _log.error("webtransport keeps its certificate, the new one is broken: %s", error)
        return self._shown

    def _load(self) -> Sequence[Any]:
        chain = x509.load_pem_x509_certificates(self.chain_file.read_bytes())
        return (load_pem_private_key(self.key_file.read_bytes(), None), *chain)


class Clock(Protocol):
    """Tells the time of day."""

    def __call__(self) -> dt.datetime:
        """Now, in UTC."""


@attrs.define(eq=False)
class CertificateKeeper:
    """Has a certificate to show at any time, and names the hashes that a page should accept."""

    clock: Clock
    name: str
    _current: MadeCertificate | None = attrs.field(default=None, init=False)
    _next: MadeCertificate | None = attrs.field(default=None, init=False)

    def current(self) -> MadeCertificate:
        """What a new connection is shown."""
        self._renew()
        if self._current is None:
            self._current = MadeCertificate.make(self.clock(), self.name)
        return self._current

    def identity(self) -> Sequence[Any]:
        """What a new connection is shown, with its key first."""
        current = self.current()
        return (current.key, current.certificate)

    def hash_texts(self) -> tuple[str, ...]:
        """Hashes of what connections are shown, now and in the next day."""
        current = self.current()
        return (
            (current.hash_text,)
            if self._next is None
            else (
                current.hash_text,
                self._next.hash_text,
            )
        )

    def _renew(self) -> None:
        now, current = self.clock(), self._current
        if current is None:
            return
        age = now - current.made
        if age < dt.timedelta(0) or age >= _USED + _ANNOUNCED:
            # The clock was set, or the machine slept: what was announced may have ended too.
            self._current, self._next = None, None
        elif age >= _USED and self._next is not None:
            self._current, self._next = self._next, None
        elif age >= _USED - _ANNOUNCED and self._next is None:
            self._next = MadeCertificate.make(now, self.name)


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
