"""What a leaf's basic credential holds (E8):

struct {
  uint8 version = 1;
  opaque chain<V>;          // see statement.py
  opaque certificate<V>;    // see certificate.py
} CollegiumCredential;
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

from crypto.identity.certificate import MAX_CERTIFICATE_BYTES
from crypto.identity.statement import MAX_CHAIN_BYTES, decode_as, read_version
from crypto.mls.codec import Reader, encode

_VERSION: Final = 1
MAX_CREDENTIAL_BYTES: Final = 2048


@dataclass(frozen=True, slots=True)
class LeafIdentity:
    """A leaf as its verified credential tells it: whose device this is.

    `root_key` is the root in force, the last of `roots`: every root the account has had, the first one first.
    `leaf_key` is the leaf's signature key. Times in milliseconds since 1970; both ends belong to the
    lifetime.
    """

    account_id: bytes
    root_key: bytes
    identity_key: bytes
    identity_serial: int
    deployment_id: bytes
    device_id: bytes
    leaf_key: bytes
    certificate_serial: int
    not_before: int
    not_after: int
    roots: tuple[bytes, ...]


class CredentialParts(NamedTuple):
    chain: bytes
    certificate: bytes


def encode_credential(chain: bytes, certificate: bytes) -> bytes:
    """The `identity` of the leaf's basic credential."""
    return encode(lambda writer: writer.uint8(_VERSION).opaque(chain).opaque(certificate))


def split_credential(data: bytes) -> CredentialParts:
    """Its two parts, neither of them verified: that is `identify_leaf`. Raises AsError "malformed"."""

    def read(reader: Reader) -> CredentialParts:
        read_version(reader, _VERSION)
        return CredentialParts(reader.opaque(MAX_CHAIN_BYTES), reader.opaque(MAX_CERTIFICATE_BYTES))

    return decode_as("a credential", data, MAX_CREDENTIAL_BYTES, read)
