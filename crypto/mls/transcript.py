"""The running hashes over all commits of a group (RFC 9420 §8.2)."""

from dataclasses import dataclass

from crypto.mls.codec import vector_bytes
from crypto.mls.framing import FramedContent, WireFormat, encode_framed_content
from crypto.mls.labelled_kdf import two_octets
from crypto.mls.suite import CipherSuite


@dataclass(frozen=True, slots=True)
class SignedCommit:
    """What the confirmed hash takes in of a commit: everything but its confirmation tag."""

    wire_format: WireFormat
    framed: FramedContent
    signature: bytes


def confirmed_transcript_hash(suite: CipherSuite, interim_before: bytes, signed: SignedCommit) -> bytes:
    """`confirmed_transcript_hash` of the epoch that the commit begins."""
    content = (
        interim_before,
        two_octets(signed.wire_format),
        encode_framed_content(signed.framed),
        vector_bytes(signed.signature),
    )
    return suite.hash(b"".join(content))


def interim_transcript_hash(suite: CipherSuite, confirmed: bytes, confirmation_tag: bytes) -> bytes:
    """`interim_transcript_hash` of an epoch, from its confirmed hash and its confirmation tag."""
    return suite.hash(confirmed + vector_bytes(confirmation_tag))


def compute_confirmation_tag(suite: CipherSuite, confirmation_key: bytes, confirmed: bytes) -> bytes:
    """MAC(confirmation_key, confirmed_transcript_hash) of RFC 9420 §6.1."""
    return suite.mac(confirmation_key, confirmed)
