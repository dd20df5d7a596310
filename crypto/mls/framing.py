"""Messages of RFC 9420 §6: what is said, who says it, and the two ways it travels.

Structures only, no keys.
"""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import ClassVar

from crypto.mls.codec import Reader, Writer
from crypto.mls.commit import Commit, read_commit, write_commit
from crypto.mls.envelope import ContentType
from crypto.mls.errors import DecodeError
from crypto.mls.proposal import Proposal, read_proposal, write_proposal
from crypto.mls.tree_math import LeafIndex, leaf_index


class WireFormat(IntEnum):
    """RFC 9420 §17.2."""

    PUBLIC_MESSAGE = 1
    PRIVATE_MESSAGE = 2
    WELCOME = 3
    GROUP_INFO = 4
    KEY_PACKAGE = 5


@dataclass(frozen=True, slots=True)
class MemberSender:
    leaf: LeafIndex


@dataclass(frozen=True, slots=True)
class OutsideSender:
    """The GroupContext's external sender at `index`."""

    index: int


@dataclass(frozen=True, slots=True)
class NewMemberProposal:
    pass


@dataclass(frozen=True, slots=True)
class NewMemberCommit:
    pass


Sender = MemberSender | OutsideSender | NewMemberProposal | NewMemberCommit


@dataclass(frozen=True, slots=True)
class ApplicationContent:
    data: bytes
    type: ClassVar[ContentType] = ContentType.APPLICATION


@dataclass(frozen=True, slots=True)
class ProposalContent:
    proposal: Proposal
    type: ClassVar[ContentType] = ContentType.PROPOSAL


@dataclass(frozen=True, slots=True)
class CommitContent:
    commit: Commit
    type: ClassVar[ContentType] = ContentType.COMMIT


Content = ApplicationContent | ProposalContent | CommitContent


@dataclass(frozen=True, slots=True)
class FramedContent:
    group_id: bytes
    epoch: int
    sender: Sender
    authenticated_data: bytes
    content: Content
    # Encoded when it is first asked for: it is signed, hashed and referred to. No argument of the
    # constructor, so that content with a changed field never inherits it.
    _encoded: bytes | None = field(default=None, init=False, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class AuthData:
    """FramedContentAuthData: a confirmation tag is there exactly when the content is a commit."""

    signature: bytes
    confirmation_tag: bytes | None


@dataclass(frozen=True, slots=True)
class AuthenticatedContent:
    wire_format: WireFormat
    framed: FramedContent
    auth: AuthData


@dataclass(frozen=True, slots=True)
class PublicMessage:
    framed: FramedContent
    auth: AuthData
    membership_tag: bytes | None
    """There exactly when the sender is a member."""


@dataclass(frozen=True, slots=True)
class PrivateMessage:
    group_id: bytes
    epoch: int
    content_type: ContentType
    authenticated_data: bytes
    encrypted_sender_data: bytes
    ciphertext: bytes


_MEMBER = 1
_EXTERNAL = 2
_NEW_MEMBER_PROPOSAL = 3
_NEW_MEMBER_COMMIT = 4


def write_sender(writer: Writer, sender: Sender) -> None:
    match sender:
        case MemberSender():
            writer.uint8(_MEMBER).uint32(sender.leaf)
        case OutsideSender():
            writer.uint8(_EXTERNAL).uint32(sender.index)
        case NewMemberProposal():
            writer.uint8(_NEW_MEMBER_PROPOSAL)
        case NewMemberCommit():
            writer.uint8(_NEW_MEMBER_COMMIT)


def read_sender(reader: Reader) -> Sender:
    kind = reader.uint8()
    if kind == _MEMBER:
        return MemberSender(leaf_index(reader.uint32()))
    if kind == _EXTERNAL:
        return OutsideSender(reader.uint32())
    if kind == _NEW_MEMBER_PROPOSAL:
        return NewMemberProposal()
    if kind == _NEW_MEMBER_COMMIT:
        return NewMemberCommit()
    raise DecodeError(f"there is no sender type {kind}")


_CONTENT_TYPES = {int(one): one for one in ContentType}


def read_content_type(reader: Reader) -> ContentType:
    number = reader.uint8()
    found = _CONTENT_TYPES.get(number)
    if found is None:
        raise DecodeError(f"there is no content type {number}")
    return found


def write_content(writer: Writer, content: Content) -> None:
    """The content without its type, as in FramedContent and PrivateMessageContent."""
    match content:
        case ApplicationContent():
            writer.opaque(content.data)
        case ProposalContent():
            write_proposal(writer, content.proposal)
        case CommitContent():
            write_commit(writer, content.commit)


def read_content(reader: Reader, content_type: ContentType) -> Content:
    match content_type:
        case ContentType.APPLICATION:
            return ApplicationContent(reader.opaque())
        case ContentType.PROPOSAL:
            return ProposalContent(read_proposal(reader))
        case ContentType.COMMIT:
            return CommitContent(read_commit(reader))


def write_framed_content(writer: Writer, framed: FramedContent) -> None:
    writer.raw(encode_framed_content(framed))


def read_framed_content(reader: Reader) -> FramedContent:
    return FramedContent(
        group_id=reader.opaque(),
        epoch=reader.uint64(),
        sender=read_sender(reader),
        authenticated_data=reader.opaque(),
        content=read_content(reader, read_content_type(reader)),
    )


def encode_framed_content(framed: FramedContent) -> bytes:
    encoded = framed._encoded
    if encoded is None:
        writer = Writer().opaque(framed.group_id).uint64(framed.epoch)
        write_sender(writer, framed.sender)
        writer.opaque(framed.authenticated_data).uint8(framed.content.type)
        write_content(writer, framed.content)
        encoded = writer.finish()
        object.__setattr__(framed, "_encoded", encoded)
    return encoded


def write_auth_data(writer: Writer, auth: AuthData) -> None:
    writer.opaque(auth.signature)
    if auth.confirmation_tag is not None:
        writer.opaque(auth.confirmation_tag)


def read_auth_data(reader: Reader, content_type: ContentType) -> AuthData:
    return AuthData(reader.opaque(), reader.opaque() if content_type is ContentType.COMMIT else None)


def write_authenticated_content(writer: Writer, authenticated: AuthenticatedContent) -> None:
    writer.uint16(authenticated.wire_format)
    write_framed_content(writer, authenticated.framed)
    write_auth_data(writer, authenticated.auth)


def read_authenticated_content(reader: Reader) -> AuthenticatedContent:
    wire_format = reader.uint16()
    if wire_format not in (WireFormat.PUBLIC_MESSAGE, WireFormat.PRIVATE_MESSAGE):
        raise DecodeError(f"wire format {wire_format} carries no content")
    framed = read_framed_content(reader)
    return AuthenticatedContent(WireFormat(wire_format), framed, read_auth_data(reader, framed.content.type))


def write_public_message(writer: Writer, message: PublicMessage) -> None:
    write_framed_content(writer, message.framed)
    write_auth_data(writer, message.auth)
    if message.membership_tag is not None:
        writer.opaque(message.membership_tag)


def read_public_message(reader: Reader) -> PublicMessage:
    framed = read_framed_content(reader)
    auth = read_auth_data(reader, framed.content.type)
    from_member = isinstance(framed.sender, MemberSender)
    return PublicMessage(framed, auth, reader.opaque() if from_member else None)


def write_private_message(writer: Writer, message: PrivateMessage) -> None:
    writer.opaque(message.group_id).uint64(message.epoch).uint8(message.content_type)
    writer.opaque(message.authenticated_data).opaque(message.encrypted_sender_data)
    writer.opaque(message.ciphertext)


def read_private_message(reader: Reader) -> PrivateMessage:
    return PrivateMessage(
        group_id=reader.opaque(),
        epoch=reader.uint64(),
        content_type=read_content_type(reader),
        authenticated_data=reader.opaque(),
        encrypted_sender_data=reader.opaque(),
        ciphertext=reader.opaque(),
    )
