"""Messages of members in the present epoch: sealing one's own, opening others' (RFC 9420 §6.3, §15)."""

from dataclasses import dataclass, field

from crypto.mls.bytes import Rng, equal
from crypto.mls.codec import encode, vector_bytes
from crypto.mls.commit import Commit
from crypto.mls.envelope import ContentType
from crypto.mls.errors import InvalidError, UsageError
from crypto.mls.framing import (
    ApplicationContent,
    AuthData,
    AuthenticatedContent,
    CommitContent,
    Content,
    FramedContent,
    MemberSender,
    PrivateMessage,
    ProposalContent,
    WireFormat,
    write_authenticated_content,
)
from crypto.mls.fresh_keys import fresh_hpke_keys
from crypto.mls.group import Group, NewLeaf, PendingLeaf, own_leaf_node, require_active, with_ratchets
from crypto.mls.leaf_node import LeafPlace, UnsignedLeafNode, UpdateSource, sign_leaf_node
from crypto.mls.message_protection import (
    VerifiedContent,
    open_private_content,
    open_sender_data,
    protect_private,
    protect_public,
    sign_framed_content,
    verify_framed_content,
)
from crypto.mls.mls_message import decode_mls_message, encode_mls_message
from crypto.mls.proposal import Proposal, Update
from crypto.mls.secret_tree import RatchetKind, take_at, take_next
from crypto.mls.suite import CipherSuite
from crypto.mls.tree_math import LeafIndex


@dataclass(frozen=True, slots=True)
class Protected:
    group: Group
    message: bytes
    """An MLSMessage."""
    consumed: tuple[bytes, ...] = field(repr=False)
    """Secrets that no store may keep once `group` is stored."""


@dataclass(frozen=True, slots=True)
class ProtectedProposal(Protected):
    proposal: Proposal
    ref: bytes


@dataclass(frozen=True, slots=True)
class OpenedApplication:
    data: bytes


@dataclass(frozen=True, slots=True)
class OpenedProposal:
    proposal: Proposal
    ref: bytes


@dataclass(frozen=True, slots=True)
class OpenedCommit:
    commit: Commit


OpenedContent = OpenedApplication | OpenedProposal | OpenedCommit


@dataclass(frozen=True, slots=True)
class Unprotected:
    group: Group
    """With the ratchet advanced."""
    sender: LeafIndex
    """The own leaf, when a copy of this state is in use elsewhere: one's own messages cannot be opened (E39).
    """
    authenticated_data: bytes
    consumed: tuple[bytes, ...] = field(repr=False)
    """Secrets that no store may keep once `group` is stored."""
    content: OpenedContent
    authenticated: VerifiedContent


_MAX_PENDING_LEAVES = 16
"""Updates of one's own leaf that wait for a commit in one epoch."""
_PROPOSAL_REFERENCE_LABEL = "MLS 1.0 Proposal Reference"


def protect_application(
    group: Group, *, data: bytes, authenticated_data: bytes, padded_to: int = 1, rng: Rng
) -> Protected:
    """Zero bytes follow until the plaintext of the PrivateMessage is a multiple of `padded_to` bytes.

    Raises UsageError group_ended, padding, generations_exhausted.
    """
    if padded_to < 1:
        raise UsageError("padding", f"content cannot be padded to {padded_to} bytes")
    signed = sign_message(group, ApplicationContent(data), authenticated_data)
    length = len(vector_bytes(data)) + len(vector_bytes(signed.auth.signature))
    return seal_message(group, signed, -length % padded_to, rng)


def protect_proposal(
    group: Group,
    *,
    proposal: Proposal,
    authenticated_data: bytes,
    wire_format: WireFormat = WireFormat.PRIVATE_MESSAGE,
    rng: Rng,
) -> ProtectedProposal:
    """In a PrivateMessage when it is not said: rooms say nothing (E15).

    Raises UsageError group_ended, generations_exhausted.
    """
    signed = sign_message(group, ProposalContent(proposal), authenticated_data, wire_format)
    sealed = seal_message(group, signed, 0, rng)
    ref = _proposal_ref(group.suite, signed)
    return ProtectedProposal(sealed.group, sealed.message, sealed.consumed, proposal, ref)


def propose_update(
    group: Group,
    *,
    new_leaf: NewLeaf | None = None,
    authenticated_data: bytes,
    wire_format: WireFormat = WireFormat.PRIVATE_MESSAGE,
    rng: Rng,
) -> ProtectedProposal:
    """An Update of one's own leaf, for somebody else to commit. The state keeps its keys until the epoch
    ends.

    Raises UsageError group_ended, too_many_updates.
    """
    if len(group.pending_leaves) == _MAX_PENDING_LEAVES:
        raise UsageError("too_many_updates", "too many Updates in one epoch")
    suite, present = group.suite, own_leaf_node(group)
    encryption = fresh_hpke_keys(suite, rng)
    if new_leaf is None:
        signature_private_key, signature_key = group.signature_private_key, present.signature_key
        credential = present.credential
    else:
        signature_private_key = new_leaf.signature.private_key
        signature_key, credential = new_leaf.signature.public_key, new_leaf.credential
    leaf_node = sign_leaf_node(
        suite,
        UnsignedLeafNode(
            encryption_key=encryption.public_key,
            signature_key=signature_key,
            credential=credential,
            capabilities=present.capabilities,
            source=UpdateSource(),
            extensions=present.extensions,
        ),
        signature_private_key,
        LeafPlace(group.context.group_id, group.own_leaf),
    )
    pending = PendingLeaf(encryption.public_key, encryption.private_key, signature_private_key)
    remembering = with_ratchets(group, group.secret_tree, (*group.pending_leaves, pending))
    return protect_proposal(
        remembering,
        proposal=Update(leaf_node),
        authenticated_data=authenticated_data,
        wire_format=wire_format,
        rng=rng,
    )


def unprotect(group: Group, message: bytes) -> Unprotected:
    """An MLSMessage with a PrivateMessage of this group and epoch, its signature verified. `group` stays as
    it is.

    Raises MlsError of the peer's fault, and no other.
    """
    decoded = decode_mls_message(message)
    if not isinstance(decoded, PrivateMessage):
        kind = type(decoded).__name__
        raise InvalidError("v612_wire_format", f"a {kind} where a PrivateMessage belongs")
    check_epoch(group, decoded.group_id, decoded.epoch)
    return _unprotect_private(group, decoded)


def check_epoch(group: Group, group_id: bytes, epoch: int) -> None:
    """Raises InvalidError v601_group, v602_epoch, v613_group_ended."""
    if not equal(group_id, group.context.group_id):
        raise InvalidError("v601_group", "a message of another group")
    if epoch != group.context.epoch:
        raise InvalidError("v602_epoch", f"a message of epoch {epoch}")
    if group.reinit is not None:
        raise InvalidError("v613_group_ended", "a message after a ReInit")


def _unprotect_private(group: Group, message: PrivateMessage) -> Unprotected:
    suite = group.suite
    sender_data = open_sender_data(suite, message, group.secrets.sender_data)
    # RFC 9420 §6.3.2: the leaf that is named must be there.
    leaf = group.tree.leaf(sender_data.leaf)
    if leaf is None:
        raise InvalidError("v603_sender", f"a message of the blank leaf {sender_data.leaf}")
    kind = _ratchet_of(message.content_type)
    taken = take_at(suite, group.secret_tree, sender_data.leaf, kind, sender_data.generation)
    opened = open_private_content(suite, message, sender_data, taken.key)
    authenticated = verify_framed_content(suite, opened, leaf.signature_key, group.context_bytes)
    return Unprotected(
        group=with_ratchets(group, taken.tree),
        sender=sender_data.leaf,
        authenticated_data=message.authenticated_data,
        consumed=taken.consumed,
        content=opened_content(suite, authenticated),
        authenticated=authenticated,
    )


def opened_content(suite: CipherSuite, authenticated: VerifiedContent) -> OpenedContent:
    match authenticated.framed.content:
        case ApplicationContent(data):
            return OpenedApplication(data)
        case ProposalContent(proposal):
            return OpenedProposal(proposal, _proposal_ref(suite, authenticated))
        case CommitContent(commit):
            return OpenedCommit(commit)


def _proposal_ref(suite: CipherSuite, content: AuthenticatedContent) -> bytes:
    """RFC 9420 §5.2: the hash by which a commit refers to a proposal."""
    encoded = encode(lambda writer: write_authenticated_content(writer, content))
    return suite.ref_hash(_PROPOSAL_REFERENCE_LABEL, encoded)


def _ratchet_of(content_type: ContentType) -> RatchetKind:
    return "application" if content_type is ContentType.APPLICATION else "handshake"


def sign_message(
    group: Group,
    content: Content,
    authenticated_data: bytes,
    wire_format: WireFormat = WireFormat.PRIVATE_MESSAGE,
) -> AuthenticatedContent:
    """Signed for its wire format, without a confirmation tag: that of a commit is not known yet."""
    require_active(group)
    framed = FramedContent(
        group_id=group.context.group_id,
        epoch=group.context.epoch,
        sender=MemberSender(group.own_leaf),
        authenticated_data=authenticated_data,
        content=content,
    )
    signature = sign_framed_content(
        group.suite, wire_format, framed, group.signature_private_key, group.context_bytes
    )
    return AuthenticatedContent(wire_format, framed, AuthData(signature, None))


def seal_message(group: Group, signed: AuthenticatedContent, padding: int, rng: Rng) -> Protected:
    """In the wire format that was signed: a PrivateMessage takes the next key of one's own ratchet."""
    if signed.wire_format is WireFormat.PUBLIC_MESSAGE:
        public = protect_public(group.suite, signed, group.secrets.membership, group.context_bytes)
        return Protected(group, encode_mls_message(public), ())
    kind = _ratchet_of(signed.framed.content.type)
    taken = take_next(group.suite, group.secret_tree, group.own_leaf, kind)
    message = protect_private(group.suite, signed, taken.key, group.secrets.sender_data, padding, rng)
    return Protected(with_ratchets(group, taken.tree), encode_mls_message(message), taken.consumed)
