"""From a judged commit to the next epoch: what takes private keys (RFC 9420 §12.4.2, E18)."""

from dataclasses import dataclass, field

from crypto.mls.bytes import equal
from crypto.mls.errors import InvalidError, UsageError
from crypto.mls.group import Group, enter_epoch, superseded_secrets
from crypto.mls.judge_commit import Judged, NextEpoch, require_same_epoch
from crypto.mls.key_schedule import (
    EpochSecrets,
    epoch_secret,
    epoch_secrets,
    joiner_secret,
    receive_external_init,
    zero_secret,
)
from crypto.mls.private_tree import PrivateTree, retained
from crypto.mls.psk import PskLookup, find_psks, no_psks, psk_secret
from crypto.mls.psk_id import PreSharedKeyId, ResumptionPskId
from crypto.mls.suite import CipherSuite
from crypto.mls.transcript import compute_confirmation_tag
from crypto.mls.tree_kem import decrypt_path
from crypto.mls.tree_math import node_of_leaf


@dataclass(frozen=True, slots=True)
class Completed:
    next: Group
    consumed: tuple[bytes, ...] = field(repr=False)
    """Secrets that no store may keep once `next` is stored."""


def complete_commit(group: Group, judged: Judged, psks: PskLookup = no_psks) -> Completed:
    """Valid for all, and yet this member may not be able to follow: then it raises, and `group` is what it
    was.

    Raises InvalidError v311_path_secret, v312_path_keys, confirmation_tag, psk_missing, own_commit,
    own_update; BadKeyError for an external commit's KEM output that is none; UsageError removed, when the
    commit removes this member.
    """
    require_same_epoch(group, judged)
    if judged.removes_me:
        raise UsageError("removed", "a commit removes this member")
    # One's own is merged from where it was staged. Another in one's name is a copy's of this state, or a
    # thief's.
    if judged.committer == group.own_leaf:
        raise InvalidError("own_commit", "a commit of this member that this state did not make")
    suite, next_epoch = group.suite, judged.next_epoch
    psk = psk_secret(suite, find_psks(next_epoch.psks, with_own_resumption(group, psks)))
    known, signature_private_key = _own_keys_after(group, judged)
    private_tree, commit_secret = _follow_path(group, known, next_epoch)
    derived = derive_epoch(group, next_epoch, commit_secret, psk)
    # RFC 9420 §12.4.2: whoever computes another tag is in another group than its sender.
    if not equal(derived.confirmation_tag, judged.authenticated.auth.confirmation_tag or b""):
        raise InvalidError("confirmation_tag", "a commit's confirmation tag is wrong")
    after = enter_epoch(
        suite=suite,
        context=next_epoch.context_after,
        context_bytes=next_epoch.context_after_bytes,
        tree=next_epoch.tree_after,
        confirmation_tag=derived.confirmation_tag,
        reinit=next_epoch.reinit,
        own_leaf=group.own_leaf,
        signature_private_key=signature_private_key,
        private_tree=private_tree,
        epoch_secrets=derived.secrets,
    )
    return Completed(after, superseded_secrets(group, after))


def with_own_resumption(group: Group, psks: PskLookup) -> PskLookup:
    """A group's own resumption PSK of its present epoch needs no other memory."""
    context = group.context

    def lookup(psk: PreSharedKeyId) -> bytes | None:
        own = (
            isinstance(psk, ResumptionPskId)
            and psk.epoch == context.epoch
            and equal(psk.group_id, context.group_id)
        )
        return group.secrets.resumption if own else psks(psk)

    return lookup


def _own_keys_after(group: Group, judged: Judged) -> tuple[PrivateTree, bytes]:
    """The private tree and the signature key after the proposals: an Update's, when it was taken up."""
    after = judged.next_epoch.tree_with_proposals
    known = retained(group.private_tree, group.tree, after)
    if group.own_leaf not in judged.updated:
        return known, group.signature_private_key
    leaf = after.leaf(group.own_leaf)
    for pending in group.pending_leaves:
        if leaf is not None and equal(pending.encryption_key, leaf.encryption_key):
            own = node_of_leaf(group.own_leaf)
            return {**known, own: pending.encryption_private_key}, pending.signature_private_key
    raise InvalidError("own_update", "an Update that this state did not propose")


def _follow_path(group: Group, known: PrivateTree, next_epoch: NextEpoch) -> tuple[PrivateTree, bytes]:
    """The private tree after the path, and the commit secret."""
    if next_epoch.applied_path is None:
        return known, zero_secret(group.suite)
    path = decrypt_path(
        group.suite, next_epoch.applied_path, group.own_leaf, known, next_epoch.provisional_context
    )
    return path.private_tree, path.commit_secret


@dataclass(frozen=True, slots=True, repr=False)
class DerivedEpoch:
    joiner: bytes
    """For a Welcome."""
    secrets: EpochSecrets
    confirmation_tag: bytes


def derive_epoch(group: Group, next_epoch: NextEpoch, commit_secret: bytes, psk: bytes) -> DerivedEpoch:
    """RFC 9420 §8: the key schedule's step into the next epoch."""
    suite, before = group.suite, group.secrets
    external_init = next_epoch.external_init
    init = (
        before.init if external_init is None else receive_external_init(suite, before.external, external_init)
    )
    context = next_epoch.context_after_bytes
    joiner = joiner_secret(suite, init, commit_secret, context)
    confirmed = next_epoch.context_after.confirmed_transcript_hash
    secrets, tag = confirm_epoch(suite, joiner, psk, context, confirmed)
    return DerivedEpoch(joiner, secrets, tag)


def confirm_epoch(
    suite: CipherSuite, joiner: bytes, psk: bytes, context_bytes: bytes, confirmed: bytes
) -> tuple[EpochSecrets, bytes]:
    """The secrets of an epoch from its joiner secret, and the tag that its commit must carry."""
    secrets = epoch_secrets(suite, epoch_secret(suite, joiner, psk, context_bytes))
    return secrets, compute_confirmation_tag(suite, secrets.kept.confirmation, confirmed)
