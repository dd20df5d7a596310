"""How a message is signed and sealed (RFC 9420 §6.1 to §6.3): functions over keys that the caller holds.

What a received message must be, here and where it is opened (`application.py`, `public_messages.py`):

v601  of this group                                 v608  with the right membership tag, from a member
v602  of this epoch                                 v609  application data in a PrivateMessage alone
v603  from a leaf that is there                     v610  from outside: of a type that may come from there
v604  of a generation that was not used             v611  from an external sender that the group names
v605  of a generation that is not too far ahead     v612  in the wire format that the caller asked for
v606  padded with zeros alone                       v613  sent before a ReInit ended the group
v607  signed by its sender
"""

from dataclasses import dataclass
from typing import NewType

from crypto.mls.bytes import Rng, u32
from crypto.mls.capabilities import MLS_10
from crypto.mls.codec import Reader, Writer, vector_bytes
from crypto.mls.envelope import ContentType
from crypto.mls.errors import InvalidError, UsageError
from crypto.mls.framing import (
    ApplicationContent,
    AuthData,
    AuthenticatedContent,
    FramedContent,
    MemberSender,
    NewMemberCommit,
    PrivateMessage,
    PublicMessage,
    WireFormat,
    encode_framed_content,
    read_auth_data,
    read_content,
    write_auth_data,
    write_content,
)
from crypto.mls.kem import draw
from crypto.mls.labelled_kdf import two_octets
from crypto.mls.secret_tree import MessageKey
from crypto.mls.suite import CipherSuite
from crypto.mls.tree_math import LeafIndex, leaf_index

_REUSE_GUARD_LENGTH = 4
_FRAMED_CONTENT_LABEL = "FramedContentTBS"

VerifiedContent = NewType("VerifiedContent", AuthenticatedContent)
"""Content whose signature was checked: `verify_framed_content` alone makes it."""


def _content_to_sign(wire_format: WireFormat, framed: FramedContent, group_context: bytes) -> bytes:
    """FramedContentTBS.

    Members and external commits sign the GroupContext too; those outside do not know it.
    """
    knows_context = isinstance(framed.sender, MemberSender | NewMemberCommit)
    return b"".join(
        (
            two_octets(MLS_10),
            two_octets(wire_format),
            encode_framed_content(framed),
            group_context if knows_context else b"",
        )
    )


def sign_framed_content(
    suite: CipherSuite,
    wire_format: WireFormat,
    framed: FramedContent,
    signature_private_key: bytes,
    group_context: bytes,
) -> bytes:
    """`group_context` is the encoded GroupContext of the epoch that the message is sent in."""
    content = _content_to_sign(wire_format, framed, group_context)
    return suite.sign_with_label(signature_private_key, _FRAMED_CONTENT_LABEL, content)


def verify_framed_content(
    suite: CipherSuite, authenticated: AuthenticatedContent, signature_key: bytes, group_context: bytes
) -> VerifiedContent:
    """Raises InvalidError v607_signature."""
    content = _content_to_sign(authenticated.wire_format, authenticated.framed, group_context)
    signature = authenticated.auth.signature
    if not suite.verify_with_label(signature_key, _FRAMED_CONTENT_LABEL, content, signature):
        raise InvalidError("v607_signature", "a message's signature is not its sender's")
    return VerifiedContent(authenticated)


def _content_to_tag(authenticated: AuthenticatedContent, group_context: bytes) -> bytes:
    """AuthenticatedContentTBM."""
    writer = Writer()
    writer.raw(_content_to_sign(authenticated.wire_format, authenticated.framed, group_context))
    write_auth_data(writer, authenticated.auth)
    return writer.finish()


def protect_public(
    suite: CipherSuite, signed: AuthenticatedContent, membership_key: bytes, group_context: bytes
) -> PublicMessage:
    """A signed proposal or commit as a PublicMessage (RFC 9420 §6.2).

    Raises UsageError public_application: application data is never sent in the clear.
    """
    if isinstance(signed.framed.content, ApplicationContent):
        raise UsageError("public_application", "application data travels in a PrivateMessage only")
    tag = None
    if isinstance(signed.framed.sender, MemberSender):
        tag = suite.mac(membership_key, _content_to_tag(signed, group_context))
    return PublicMessage(signed.framed, signed.auth, tag)


def unprotect_public(
    suite: CipherSuite, message: PublicMessage, membership_key: bytes, group_context: bytes
) -> AuthenticatedContent:
    """The content of a PublicMessage whose membership tag is right. Its signature is not verified yet.

    Raises InvalidError v608_membership_tag, v609_public_application.
    """
    if isinstance(message.framed.content, ApplicationContent):
        raise InvalidError("v609_public_application", "application data came in a PublicMessage")
    content = AuthenticatedContent(WireFormat.PUBLIC_MESSAGE, message.framed, message.auth)
    tag = message.membership_tag
    if tag is not None and not suite.verify_mac(membership_key, _content_to_tag(content, group_context), tag):
        raise InvalidError("v608_membership_tag", "a PublicMessage's membership tag is wrong")
    return content


@dataclass(frozen=True, slots=True)
class SenderData:
    """SenderData of RFC 9420 §6.3.2."""

    leaf: LeafIndex
    generation: int
    reuse_guard: bytes


def _sender_data_aad(group_id: bytes, epoch: int, content_type: ContentType) -> bytes:
    return b"".join((vector_bytes(group_id), epoch.to_bytes(8, "big"), content_type.to_bytes(1, "big")))


def sender_data_key(suite: CipherSuite, sender_data_secret: bytes, ciphertext: bytes) -> tuple[bytes, bytes]:
    """The AEAD key and nonce of the sender data, from the first KDF.Nh bytes of the ciphertext."""
    sample = ciphertext[: suite.nh]
    return (
        suite.expand_with_label(sender_data_secret, "key", sample, suite.nk),
        suite.expand_with_label(sender_data_secret, "nonce", sample, suite.nn),
    )


def _guarded(nonce: bytes, guard: bytes) -> bytes:
    """RFC 9420 §6.3.1: the random guard keeps apart two messages that a lost state gave one key."""
    mask = int.from_bytes(guard, "big") << 8 * (len(nonce) - _REUSE_GUARD_LENGTH)
    return (int.from_bytes(nonce, "big") ^ mask).to_bytes(len(nonce), "big")


def protect_private(
    suite: CipherSuite,
    signed: AuthenticatedContent,
    key: MessageKey,
    sender_data_secret: bytes,
    padding: int,
    rng: Rng,
) -> PrivateMessage:
    """A signed message of a member as a PrivateMessage (RFC 9420 §6.3).

    The caller takes `key` from its own ratchet and never again. `padding` is how many zero bytes follow the
    content.
    """
    framed = signed.framed
    if not isinstance(framed.sender, MemberSender):
        raise UsageError("private_sender", "only members send PrivateMessages")
    content_type = framed.content.type
    head = _sender_data_aad(framed.group_id, framed.epoch, content_type)
    writer = Writer()
    write_content(writer, framed.content)
    write_auth_data(writer, signed.auth)
    plaintext = writer.raw(bytes(padding)).finish()
    guard = draw(rng, _REUSE_GUARD_LENGTH)
    # The ratchet gives each key out once, for one message.
    ciphertext = suite.seal(
        key.key, _guarded(key.nonce, guard), head + vector_bytes(framed.authenticated_data), plaintext
    )
    sealing_key, sealing_nonce = sender_data_key(suite, sender_data_secret, ciphertext)
    sender_data = u32(framed.sender.leaf) + u32(key.generation) + guard
    return PrivateMessage(
        group_id=framed.group_id,
        epoch=framed.epoch,
        content_type=content_type,
        authenticated_data=framed.authenticated_data,
        # Key and nonce are a hash of the ciphertext above, which is never made twice: it has its tag, and a
        # key of its own.
        encrypted_sender_data=suite.seal(sealing_key, sealing_nonce, head, sender_data),
        ciphertext=ciphertext,
    )


def open_sender_data(suite: CipherSuite, message: PrivateMessage, sender_data_secret: bytes) -> SenderData:
    """Who sent a PrivateMessage and with which key. The caller checks that the leaf is there.

    Raises AeadError, DecodeError.
    """
    key, nonce = sender_data_key(suite, sender_data_secret, message.ciphertext)
    head = _sender_data_aad(message.group_id, message.epoch, message.content_type)
    reader = Reader(suite.open(key, nonce, head, message.encrypted_sender_data))
    sender_data = SenderData(leaf_index(reader.uint32()), reader.uint32(), reader.raw(_REUSE_GUARD_LENGTH))
    reader.finish()
    return sender_data


def open_private_content(
    suite: CipherSuite, message: PrivateMessage, sender_data: SenderData, key: MessageKey
) -> AuthenticatedContent:
    """The content of a PrivateMessage. Its signature is not verified yet.

    Raises AeadError, DecodeError, InvalidError v606_padding.
    """
    content_type = message.content_type
    head = _sender_data_aad(message.group_id, message.epoch, content_type)
    nonce = _guarded(key.nonce, sender_data.reuse_guard)
    aad = head + vector_bytes(message.authenticated_data)
    reader = Reader(suite.open(key.key, nonce, aad, message.ciphertext))
    content = read_content(reader, content_type)
    auth: AuthData = read_auth_data(reader, content_type)
    # RFC 9420 §6.3.1: padding is a channel for nothing.
    if reader.rest().strip(b"\0"):
        raise InvalidError("v606_padding", "a message's padding is not all zero")
    framed = FramedContent(
        message.group_id, message.epoch, MemberSender(sender_data.leaf), message.authenticated_data, content
    )
    return AuthenticatedContent(WireFormat.PRIVATE_MESSAGE, framed, auth)
