"""What a device of the opaque session signs in with. No MLS here: payloads are opaque."""

import secrets
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from crypto.identity.root_keys import account_id_of
from crypto.mls.sign_label import sign_content
from wire.bounds import ID_BYTES


def sign(key: Ed25519PrivateKey, label: str, content: bytes) -> bytes:
    """E5: never bare bytes, always a label and content."""
    return key.sign(sign_content(label, content))


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
        return account_id_of(public(self.root))

    def other_device(self) -> "Identity":
        """The same account on another device."""
        return Identity(root=self.root, recovery=self.recovery)
