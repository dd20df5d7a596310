"""PublicMessages, and messages from outside the group (RFC 9420 §6.2, §12.1.8, §12.4.3.2).

Rooms use neither (E14, E15); whoever speaks all of RFC 9420 must take them.
"""

from dataclasses import dataclass

from crypto.mls.application import OpenedContent, check_epoch, opened_content
from crypto.mls.credential import external_senders_in
from crypto.mls.errors import InvalidError
from crypto.mls.framing import (
    CommitContent,
    Content,
    FramedContent,
    MemberSender,
    NewMemberCommit,
    NewMemberProposal,
    OutsideSender,
    ProposalContent,
    PublicMessage,
)
from crypto.mls.group import Group
from crypto.mls.message_protection import VerifiedContent, unprotect_public, verify_framed_content
from crypto.mls.mls_message import decode_mls_message
from crypto.mls.proposal import Add, GroupContextExtensions, PreSharedKey, ReInit, Remove
from crypto.mls.tree_math import LeafIndex


@dataclass(frozen=True, slots=True)
class OpenedPublic:
    sender: LeafIndex | None
    """None for one from outside the group."""
    content: OpenedContent
    authenticated: VerifiedContent


_FROM_OUTSIDE = Add | Remove | PreSharedKey | ReInit | GroupContextExtensions
"""RFC 9420 §12.1.8."""


def open_public_message(group: Group, message: bytes) -> OpenedPublic:
    """An MLSMessage with a PublicMessage of this group and epoch, its signature verified.

    Raises MlsError of the peer's fault, and no other.
    """
    decoded = decode_mls_message(message)
    if not isinstance(decoded, PublicMessage):
        kind = type(decoded).__name__
        raise InvalidError("v612_wire_format", f"a {kind} where a PublicMessage belongs")
    framed = decoded.framed
    check_epoch(group, framed.group_id, framed.epoch)
    signature_key = _signature_key_of(group, framed)
    content = unprotect_public(group.suite, decoded, group.secrets.membership, group.context_bytes)
    authenticated = verify_framed_content(group.suite, content, signature_key, group.context_bytes)
    sender = framed.sender.leaf if isinstance(framed.sender, MemberSender) else None
    return OpenedPublic(sender, opened_content(group.suite, authenticated), authenticated)


def _signature_key_of(group: Group, framed: FramedContent) -> bytes:
    """The key that must have signed, and whether such a sender may say this at all (RFC 9420 §6.1)."""
    content = framed.content
    match framed.sender:
        case MemberSender(leaf):
            node = group.tree.leaf(leaf)
            if node is None:
                raise InvalidError("v603_sender", f"a message of the blank leaf {leaf}")
            return node.signature_key
        case OutsideSender(index):
            return _external_sender_key(group, index, content)
        case NewMemberProposal():
            if not isinstance(content, ProposalContent) or not isinstance(content.proposal, Add):
                raise InvalidError(
                    "v610_external_content", "whoever is no member may propose its own Add alone"
                )
            return content.proposal.key_package.leaf_node.signature_key
        case NewMemberCommit():
            if not isinstance(content, CommitContent) or content.commit.path is None:
                raise InvalidError("v610_external_content", "an external commit is a commit with a path")
            return content.commit.path.leaf_node.signature_key


def _external_sender_key(group: Group, index: int, content: Content) -> bytes:
    # RFC 9420 §12.1.8: other types are malformed from outside.
    if not isinstance(content, ProposalContent) or not isinstance(content.proposal, _FROM_OUTSIDE):
        raise InvalidError("v610_external_content", "an external sender says what none may say")
    senders = external_senders_in(group.context.extensions)
    if index >= len(senders):
        raise InvalidError("v611_external_sender", f"the group names no external sender {index}")
    return senders[index].signature_key
