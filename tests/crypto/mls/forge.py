"""A member who breaks the rules: what its keys can make, without the checks that keep others from it."""

from collections.abc import Sequence
from dataclasses import dataclass

from crypto.mls.codec import Writer, vector_bytes
from crypto.mls.commit import Commit, ProposalByValue, ProposalOrRef
from crypto.mls.framing import (
    ApplicationContent,
    AuthData,
    AuthenticatedContent,
    CommitContent,
    Content,
    FramedContent,
    MemberSender,
    PrivateMessage,
    Sender,
    WireFormat,
    write_auth_data,
    write_content,
)
from crypto.mls.group import Group
from crypto.mls.judge_commit import commit_of
from crypto.mls.message_protection import protect_public, sender_data_key, sign_framed_content
from crypto.mls.mls_message import encode_mls_message
from crypto.mls.proposal import Proposal
from crypto.mls.secret_tree import RatchetKind, take_next
from crypto.mls.stage_commit import stage_commit
from crypto.mls.tree_math import LeafIndex
from crypto.mls.update_path import UpdatePath
from tests.crypto.seeded_rng import seeded_rng


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgery:
    """What is not as it should be; whatever is None is."""

    group_id: bytes | None = None
    epoch: int | None = None
    sender: Sender | None = None
    signed_by: bytes | None = None
    """A private key. Empty: nobody signs."""
    context: bytes | None = None
    confirmation_tag: bytes | None = None
    claims_leaf: LeafIndex | None = None
    """In the sender data, as the generation."""
    claims_generation: int | None = None
    padding: bytes = b""


HONEST = Forgery()


def _or(forged: bytes | None, honest: bytes) -> bytes:
    return honest if forged is None else forged


def _sign(group: Group, content: Content, forgery: Forgery, wire_format: WireFormat) -> AuthenticatedContent:
    framed = FramedContent(
        group_id=_or(forgery.group_id, group.context.group_id),
        epoch=group.context.epoch if forgery.epoch is None else forgery.epoch,
        sender=forgery.sender or MemberSender(group.own_leaf),
        authenticated_data=b"id",
        content=content,
    )
    key = _or(forgery.signed_by, group.signature_private_key)
    context = _or(forgery.context, group.context_bytes)
    signature = sign_framed_content(group.suite, wire_format, framed, key, context) if key else b""
    is_commit = isinstance(content, CommitContent)
    tag = _or(forgery.confirmation_tag, bytes(group.suite.nh)) if is_commit else None
    return AuthenticatedContent(wire_format, framed, AuthData(signature, tag))


def forge_private(group: Group, content: Content, forgery: Forgery = HONEST) -> bytes:
    """A PrivateMessage. The forger's own state does not move."""
    suite = group.suite
    signed = _sign(group, content, forgery, WireFormat.PRIVATE_MESSAGE)
    kind: RatchetKind = "application" if isinstance(content, ApplicationContent) else "handshake"
    key = take_next(suite, group.secret_tree, group.own_leaf, kind).key
    framed = signed.framed
    head = Writer().opaque(framed.group_id).uint64(framed.epoch).uint8(content.type).finish()
    writer = Writer()
    write_content(writer, content)
    write_auth_data(writer, signed.auth)
    plaintext = writer.raw(forgery.padding).finish()
    # A reuse guard of zeros leaves the nonce as it is.
    ciphertext = suite.seal(key.key, key.nonce, head + vector_bytes(framed.authenticated_data), plaintext)
    sealing_key, sealing_nonce = sender_data_key(suite, group.secrets.sender_data, ciphertext)
    leaf = group.own_leaf if forgery.claims_leaf is None else forgery.claims_leaf
    generation = key.generation if forgery.claims_generation is None else forgery.claims_generation
    sender_data = Writer().uint32(leaf).uint32(generation).uint32(0).finish()
    return encode_mls_message(
        PrivateMessage(
            group_id=framed.group_id,
            epoch=framed.epoch,
            content_type=content.type,
            authenticated_data=framed.authenticated_data,
            encrypted_sender_data=suite.seal(sealing_key, sealing_nonce, head, sender_data),
            ciphertext=ciphertext,
        )
    )


def forge_public(group: Group, content: Content, forgery: Forgery = HONEST) -> bytes:
    signed = _sign(group, content, forgery, WireFormat.PUBLIC_MESSAGE)
    message = protect_public(group.suite, signed, group.secrets.membership, group.context_bytes)
    return encode_mls_message(message)


def by_value(*proposals: Proposal) -> tuple[ProposalOrRef, ...]:
    return tuple(map(ProposalByValue, proposals))


def some_path(group: Group, seed: str = "some path") -> UpdatePath:
    """A path that an empty commit of this member may have."""
    staged = stage_commit(group, proposals=[], authenticated_data=b"", rng=seeded_rng(seed))
    path = commit_of(staged.judged.authenticated).path
    assert path is not None
    return path


def forge_commit(
    group: Group,
    path: UpdatePath | None,
    proposals: Sequence[ProposalOrRef] = (),
    confirmation_tag: bytes | None = None,
) -> bytes:
    content = CommitContent(Commit(tuple(proposals), path))
    return forge_private(group, content, Forgery(confirmation_tag=confirmation_tag))
