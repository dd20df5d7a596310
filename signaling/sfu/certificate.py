"""The unit's certificate for DTLS: made at its start, known to clients by its fingerprint in every offer.

It vouches for nothing by itself. The server, whom clients trust with the way of their media and with nothing
that is in it, tells them the fingerprint (RFC 8122).
"""

import datetime
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

VALID = datetime.timedelta(days=365)
SLACK = datetime.timedelta(days=1)  # clocks of clients


@dataclass(frozen=True, slots=True)
class Certificate:
    key: ec.EllipticCurvePrivateKey = field(repr=False)
    certificate: x509.Certificate
    fingerprint: str


def new_certificate(now: datetime.datetime) -> Certificate:
    """ECDSA over P-256, as RFC 8827 §6.5 wants it. The key comes from the library's own randomness."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Collegium")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SLACK)
        .not_valid_after(now + VALID)
        .sign(key, hashes.SHA256())
    )
    return Certificate(key, certificate, fingerprint_of(certificate))


def fingerprint_of(certificate: x509.Certificate) -> str:
    """As `a=fingerprint:sha-256` has it: RFC 8122 §5, in capitals."""
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()
