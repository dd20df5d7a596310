"""What a device of the opaque session signs in with. No MLS here: payloads are opaque."""

import secrets
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from wire.bounds import ID_BYTES

ACCOUNT_LABEL = b"Collegium 1.0 account"


def vector(content: bytes) -> bytes:
    """A content with its length, as RFC 9420 §2.1.2 writes it."""
    length = len(content)
    if length < 1 << 6:
        return bytes([length]) + content
    if length < 1 << 14:
        return (length | 1 << 14).to_bytes(2, "big") + content
    return (length | 2 << 30).to_bytes(4, "big") + content


def sign(key: Ed25519PrivateKey, label: str, content: bytes) -> bytes:
    """E5: never bare bytes, always a label and content."""
    return key.sign(vector(label.encode()) + vector(content))


def public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


@dataclass(frozen=True, slots=True)
class Identity:
    """An account with one device of it."""

    root: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate, repr=False)
    recovery: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate, repr=False)
    sign_in: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate, repr=False)
    device: bytes = field(default_factory=lambda: secrets.token_bytes(ID_BYTES))

    @property
    def account(self) -> bytes:
        return sha256(ACCOUNT_LABEL + public(self.root)).digest()[:ID_BYTES]

    def other_device(self) -> "Identity":
        """The same account on another device."""
        return Identity(root=self.root, recovery=self.recovery)
