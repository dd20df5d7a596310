"""Every signature of ours outside MLS: over a label and content, never over bytes that somebody else chose
(E5).
"""

from typing import Final, Literal, TypeAlias

from crypto.mls import ed25519
from crypto.mls.sign_label import sign_content

_PREFIX: Final = "Collegium 1.0 "

# What is signed under which label, and by which key. No two structures share a label.
Label: TypeAlias = Literal[
    "identity",  # E7: root key
    "device",  # E8: identity key
    "revocation",  # E9: identity key
    "bundle",  # E22: identity key
    "rejoin",  # E22: identity key
    "stuck",  # E18: identity key
    "event",  # E16: leaf key
    "join",  # E28: join key of an invite
    "sign-in",  # sign-in key, which exists for this alone
    "recovery",  # recovery key, for the server
]


def sign_labelled(private_key: bytes, label: Label, content: bytes) -> bytes:
    """Raises BadKeyError when the private key is not of 32 bytes."""
    return ed25519.sign(private_key, sign_content(_PREFIX + label, content))


def verify_labelled(public_key: bytes, label: Label, content: bytes, signature: bytes) -> bool:
    """Whether the signature holds by the one Ed25519 rule (E3). Never raises."""
    return ed25519.verify(public_key, sign_content(_PREFIX + label, content), signature)
