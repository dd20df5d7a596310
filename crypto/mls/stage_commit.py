"""One's own commit, whole before anything of it is sent (RFC 9420 §12.4.1, E21)."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from crypto.mls.application import seal_message, sign_message
from crypto.mls.apply_proposals import AppliedProposals, apply_proposals
from crypto.mls.bytes import Rng
from crypto.mls.commit import Commit, ProposalByReference, ProposalByValue
from crypto.mls.complete_commit import DerivedEpoch, derive_epoch, with_own_resumption
from crypto.mls.extension import Extension
from crypto.mls.framing import CommitContent, WireFormat
from crypto.mls.grease import draw_grease
from crypto.mls.group import Group, NewLeaf, enter_epoch, own_leaf_node, require_active
from crypto.mls.group_context import encode_group_context
from crypto.mls.group_info import sign_group_info
from crypto.mls.judge_commit import (
    Judged,
    JudgedProposal,
    NextEpoch,
    ProposalReference,
    plan_epoch,
    summarise,
)
from crypto.mls.kem import KeyPair, draw
from crypto.mls.key_package import encode_key_package, key_package_ref
from crypto.mls.key_schedule import welcome_secret
from crypto.mls.message_protection import verify_framed_content
from crypto.mls.mls_message import encode_mls_message
from crypto.mls.proposal import Proposal
from crypto.mls.psk import PskLookup, find_psks, no_psks, psk_secret
from crypto.mls.transcript import SignedCommit
from crypto.mls.tree_codec import ratchet_tree_extension
from crypto.mls.tree_kem import CreatedPath, LeafContent, PathInput, create_update_path, path_secret_for
from crypto.mls.welcome import NewMember, seal_welcome


@dataclass(frozen=True, slots=True)
class Staged:
    message: bytes
    """An MLSMessage with the commit."""
    welcome: bytes | None
    """One MLSMessage with a Welcome for all who were added, tree inside; None when nobody was."""
    judged: Judged
    next: Group
    """The state when the commit is accepted."""
    current: Group
    """The state until then, and when it loses: its handshake key is used."""
    consumed: tuple[bytes, ...] = field(repr=False)
    """Held by neither: no store may keep them once both are stored."""


def stage_commit(
    group: Group,
    *,
    proposals: Sequence[Proposal],
    references: Sequence[ProposalReference] = (),
    authenticated_data: bytes,
    new_leaf: NewLeaf | None = None,
    psks: PskLookup = no_psks,
    wire_format: WireFormat = WireFormat.PRIVATE_MESSAGE,
    rng: Rng,
) -> Staged:
    """Always with a path. `references` come first, then `proposals` by value in their order. In a
    PrivateMessage when it is not said: rooms say nothing (E15).

    What every member will check is checked here first, by the same code. Raises InvalidError with the code of
    the rule that the proposals break, psk_missing; UsageError group_ended, generations_exhausted.
    """
    require_active(group)
    suite = group.suite
    judged = (
        *(JudgedProposal(one.proposal, one.sender, by_reference=True) for one in references),
        *(JudgedProposal(one, group.own_leaf, by_reference=False) for one in proposals),
    )
    applied = apply_proposals(group, group.own_leaf, judged)
    content = _leaf_content(group, new_leaf)
    created = _create_path(group, applied, content, rng)
    commit = Commit(
        (*(ProposalByReference(one.ref) for one in references), *map(ProposalByValue, proposals)),
        created.path,
    )
    signed = sign_message(group, CommitContent(commit), authenticated_data, wire_format)
    signed_commit = SignedCommit(signed.wire_format, signed.framed, signed.auth.signature)
    next_epoch = plan_epoch(group, applied, signed_commit, created.path)

    psk = psk_secret(suite, find_psks(applied.psks, with_own_resumption(group, psks)))
    derived = derive_epoch(group, next_epoch, created.commit_secret, psk)
    tag = derived.confirmation_tag
    authenticated = verify_framed_content(
        suite,
        replace(signed, auth=replace(signed.auth, confirmation_tag=tag)),
        own_leaf_node(group).signature_key,
        group.context_bytes,
    )
    sealed = seal_message(group, authenticated, 0, rng)
    after = enter_epoch(
        suite=suite,
        context=next_epoch.context_after,
        context_bytes=next_epoch.context_after_bytes,
        tree=next_epoch.tree_after,
        confirmation_tag=tag,
        reinit=next_epoch.reinit,
        own_leaf=group.own_leaf,
        signature_private_key=content.signature.private_key,
        private_tree=created.private_tree,
        epoch_secrets=derived.secrets,
    )
    return Staged(
        message=sealed.message,
        welcome=_make_welcome(group, applied, created, next_epoch, derived, psk, content.signature, rng),
        judged=summarise(group, applied, authenticated, next_epoch),
        next=after,
        current=sealed.group,
        consumed=sealed.consumed,
    )


def _leaf_content(group: Group, new_leaf: NewLeaf | None) -> LeafContent:
    """What the own leaf says from now on."""
    present = own_leaf_node(group)
    if new_leaf is None:
        signature, credential = (
            KeyPair(group.signature_private_key, present.signature_key),
            present.credential,
        )
    else:
        signature, credential = new_leaf.signature, new_leaf.credential
    return LeafContent(signature, credential, present.capabilities, present.extensions)


def _create_path(group: Group, applied: AppliedProposals, content: LeafContent, rng: Rng) -> CreatedPath:
    context = group.context

    def provisional(tree_hash: bytes) -> bytes:
        return encode_group_context(
            replace(context, epoch=context.epoch + 1, tree_hash=tree_hash, extensions=applied.extensions)
        )

    return create_update_path(
        group.suite,
        PathInput(
            tree=applied.tree,
            own_leaf=group.own_leaf,
            group_id=context.group_id,
            content=content,
            added=tuple(one.leaf for one in applied.added),
            group_context=provisional,
        ),
        rng,
    )


def _make_welcome(
    group: Group,
    applied: AppliedProposals,
    created: CreatedPath,
    next_epoch: NextEpoch,
    derived: DerivedEpoch,
    psk: bytes,
    signature: KeyPair,
    rng: Rng,
) -> bytes | None:
    if not applied.added:
        return None
    suite = group.suite
    group_info = sign_group_info(
        suite,
        context=next_epoch.context_after,
        # RFC 9420 §13.5: with an extension that means nothing.
        extensions=(
            ratchet_tree_extension(next_epoch.tree_after),
            Extension(draw_grease(rng), draw(rng, 4)),
        ),
        confirmation_tag=derived.confirmation_tag,
        signer=group.own_leaf,
        signature_private_key=signature.private_key,
    )
    new_members = [
        NewMember(
            key_package_ref(suite, encode_key_package(one.key_package)),
            one.key_package.init_key,
            path_secret_for(created.path_secrets, group.own_leaf, one.leaf),
        )
        for one in applied.added
    ]
    welcome = seal_welcome(
        suite,
        group_info,
        joiner_secret=derived.joiner,
        welcome_secret=welcome_secret(suite, derived.joiner, psk),
        psks=applied.psks,
        new_members=new_members,
        rng=rng,
    )
    return encode_mls_message(welcome)
