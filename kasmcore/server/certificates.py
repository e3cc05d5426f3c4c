"""The certificate that the server makes for itself, for this machine's names and addresses."""

from __future__ import annotations

import datetime as dt
import fcntl
import socket
import struct
from collections.abc import Iterable
from ipaddress import IPv6Address, ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFETIME = dt.timedelta(days=825)
"""The longest that browsers accept."""
RENEW_BEFORE_END = dt.timedelta(days=30)
_SIOCGIFADDR = 0x8915
_IPV6_ADDRESSES = Path("/proc/net/if_inet6")
_GLOBAL_SCOPE = "00"


def make_certificate(names: Iterable[str], now: dt.datetime) -> bytes:
    """Return a new private key (ECDSA P-256) and a self-signed certificate for it, as one PEM.

    Args:
        names: host names and addresses that it stands for; the first is its subject.
        now: it is valid from a day before, against clocks that run late.
    """
    names = list(dict.fromkeys(names))
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64]),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "kasmcore self-signed"),
        ]
    )
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + LIFETIME - dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(map(_general_name, names)), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    key_pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return key_pem + certificate.public_bytes(serialization.Encoding.PEM)


def ends_soon(certificate: x509.Certificate, now: dt.datetime) -> bool:
    """True when it is time for a new one."""
    return now >= certificate.not_valid_after_utc - RENEW_BEFORE_END


def fingerprint(certificate: x509.Certificate) -> str:
    """Return SHA-256 of the certificate as browsers show it: ``AB:CD:…``."""
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def own_addresses() -> tuple[str, ...]:
    """Return the addresses by which other machines reach this one; asks only the kernel."""
    found = [address for _, name in socket.if_nameindex() if (address := _ipv4_of(name))]
    try:
        lines = _IPV6_ADDRESSES.read_text(encoding="ascii").splitlines()
    except OSError:  # a kernel without IPv6
        lines = []
    for fields in map(str.split, lines):
        if fields[3] == _GLOBAL_SCOPE:
            found.append(str(IPv6Address(int(fields[0], 16))))
    return tuple(address for address in found if not ip_address(address).is_loopback)


def _ipv4_of(interface: str) -> str | None:
    request = struct.pack("256s", interface.encode()[:15])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            answer = fcntl.ioctl(probe.fileno(), _SIOCGIFADDR, request)
        except OSError:  # an interface without an IPv4 address
            return None
    return socket.inet_ntoa(answer[20:24])


def own_names() -> tuple[str, ...]:
    """Return what a certificate of this machine should stand for."""
    return ("localhost", socket.gethostname(), "127.0.0.1", "::1", *own_addresses())


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
