"""A member's whole view of a group in one epoch (RFC 9420 §8, §11).

Immutable: every change is a new value.
"""

from dataclasses import dataclass, fields

from crypto.mls.bytes import Rng
from crypto.mls.capabilities import MLS_10, greased, own_capabilities
from crypto.mls.credential import Credential
from crypto.mls.errors import UsageError
from crypto.mls.extension import Extensions
from crypto.mls.fresh_keys import fresh_hpke_keys
from crypto.mls.group_context import GroupContext, encode_group_context
from crypto.mls.kem import KeyPair, draw
from crypto.mls.key_schedule import SECRET_NAMES, EpochSecrets, KeptSecrets, epoch_secrets, exporter
from crypto.mls.leaf_node import KeyPackageSource, LeafNode, UnsignedLeafNode, sign_leaf_node
from crypto.mls.private_tree import PrivateTree, private_tree_of
from crypto.mls.proposal import ReInit
from crypto.mls.ratchet_tree import Member, RatchetTree
from crypto.mls.secret_tree import SecretTree, create_secret_tree, secret_tree_secrets
from crypto.mls.suite import CipherSuite
from crypto.mls.transcript import compute_confirmation_tag, interim_transcript_hash
from crypto.mls.tree_hash import tree_hash as hash_of_tree
from crypto.mls.tree_math import LeafIndex, leaf_index
from crypto.mls.tree_validation import check_members


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class PublicGroup:
    """What all members of an epoch see alike."""

    suite: CipherSuite
    context: GroupContext
    context_bytes: bytes
    """`context` encoded, once for the epoch: every signature covers it."""
    tree: RatchetTree
    confirmation_tag: bytes
    interim_transcript_hash: bytes
    reinit: ReInit | None
    """Set by a committed ReInit: this group sends and takes nothing more (RFC 9420 §12.4.2)."""


@dataclass(frozen=True, slots=True, repr=False)
class PendingLeaf:
    """The keys of a leaf that this member has proposed for itself."""

    encryption_key: bytes
    encryption_private_key: bytes
    signature_private_key: bytes


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Group(PublicGroup):
    own_leaf: LeafIndex
    signature_private_key: bytes
    private_tree: PrivateTree
    secrets: KeptSecrets
    """The same object for as long as the epoch lasts: only what follows changes between two commits."""
    secret_tree: SecretTree
    pending_leaves: tuple[PendingLeaf, ...]
    """For the Updates that this member has proposed in this epoch: one of them may be committed."""


@dataclass(frozen=True, slots=True)
class NewLeaf:
    """What one's own leaf says from now on: another signature key, another credential."""

    signature: KeyPair
    credential: Credential


def create_group(
    *,
    suite: CipherSuite,
    group_id: bytes,
    signature: KeyPair,
    credential: Credential,
    not_before: int,
    not_after: int,
    extensions: Extensions,
    rng: Rng,
) -> Group:
    """RFC 9420 §11: a group of one. The lifetime of the founder's leaf is in seconds since 1970.

    Raises InvalidError when the founder's leaf does not fit the extensions.
    """
    encryption = fresh_hpke_keys(suite, rng)
    leaf = sign_leaf_node(
        suite,
        UnsignedLeafNode(
            encryption_key=encryption.public_key,
            signature_key=signature.public_key,
            credential=credential,
            capabilities=greased(own_capabilities(suite.id), rng),
            source=KeyPackageSource(not_before, not_after),
            extensions=(),
        ),
        signature.private_key,
        None,
    )
    tree = RatchetTree.of_one(leaf)
    check_members(tree, extensions)
    context = GroupContext(
        version=MLS_10,
        suite=suite.id,
        group_id=group_id,
        epoch=0,
        tree_hash=hash_of_tree(suite, tree),
        confirmed_transcript_hash=b"",
        extensions=extensions,
    )
    secrets = epoch_secrets(suite, draw(rng, suite.nh))
    own_leaf = leaf_index(0)
    return enter_epoch(
        suite=suite,
        context=context,
        context_bytes=encode_group_context(context),
        tree=tree,
        confirmation_tag=compute_confirmation_tag(suite, secrets.kept.confirmation, b""),
        reinit=None,
        own_leaf=own_leaf,
        signature_private_key=signature.private_key,
        private_tree=private_tree_of(own_leaf, encryption.private_key),
        epoch_secrets=secrets,
    )


def enter_epoch(
    *,
    suite: CipherSuite,
    context: GroupContext,
    context_bytes: bytes,
    tree: RatchetTree,
    confirmation_tag: bytes,
    reinit: ReInit | None,
    own_leaf: LeafIndex,
    signature_private_key: bytes,
    private_tree: PrivateTree,
    epoch_secrets: EpochSecrets,
) -> Group:
    """The state at the beginning of an epoch whose confirmation tag is known to be right."""
    return Group(
        suite=suite,
        context=context,
        context_bytes=context_bytes,
        tree=tree,
        confirmation_tag=confirmation_tag,
        interim_transcript_hash=interim_transcript_hash(
            suite, context.confirmed_transcript_hash, confirmation_tag
        ),
        reinit=reinit,
        own_leaf=own_leaf,
        signature_private_key=signature_private_key,
        private_tree=private_tree,
        secrets=epoch_secrets.kept,
        secret_tree=create_secret_tree(epoch_secrets.encryption, tree.leaf_count),
        pending_leaves=(),
    )


def members(group: PublicGroup) -> tuple[Member, ...]:
    """From the left."""
    return group.tree.members()


def group_id(group: PublicGroup) -> bytes:
    return group.context.group_id


def epoch(group: PublicGroup) -> int:
    return group.context.epoch


def extensions(group: PublicGroup) -> Extensions:
    return group.context.extensions


def tree_hash(group: PublicGroup) -> bytes:
    return group.context.tree_hash


def group_context_bytes(group: PublicGroup) -> bytes:
    return group.context_bytes


def confirmation_tag(group: PublicGroup) -> bytes:
    return group.confirmation_tag


def epoch_authenticator(group: Group) -> bytes:
    """RFC 9420 §8.7: equal for two members exactly when they see the same epoch."""
    return group.secrets.authenticator


def resumption_psk(group: Group) -> bytes:
    """RFC 9420 §8.6: for the caller to keep as long as its policy says (E31)."""
    return group.secrets.resumption


def export_secret(group: Group, label: str, context: bytes, length: int) -> bytes:
    """MLS-Exporter (RFC 9420 §8.5)."""
    return exporter(group.suite, group.secrets.exporter, label, context, length)


def group_secrets(group: Group) -> list[bytes]:
    """Every secret that the state holds."""
    return [
        group.signature_private_key,
        *group.private_tree.values(),
        *(getattr(group.secrets, name) for name in SECRET_NAMES),
        *secret_tree_secrets(group.secret_tree),
        *(
            secret
            for leaf in group.pending_leaves
            for secret in (leaf.encryption_private_key, leaf.signature_private_key)
        ),
    ]


def superseded_secrets(before: Group, after: Group | None) -> tuple[bytes, ...]:
    """Every secret of `before` that `after` does not hold: what no store may keep. None: all of them."""
    kept = frozenset(() if after is None else group_secrets(after))
    return tuple(secret for secret in group_secrets(before) if secret not in kept)


def require_active(group: PublicGroup) -> None:
    """RFC 9420 §12.4.2: after a ReInit the group is used no more. Raises UsageError group_ended."""
    if group.reinit is not None:
        raise UsageError("group_ended", "a ReInit has ended this group")


_MOVING = frozenset(("secret_tree", "pending_leaves"))
_LASTING = tuple(one.name for one in fields(Group) if one.name not in _MOVING)


def with_ratchets(
    group: Group, secret_tree: SecretTree, pending_leaves: tuple[PendingLeaf, ...] | None = None
) -> Group:
    """The same epoch after a message: all that changes between two commits."""
    lasting = {name: getattr(group, name) for name in _LASTING}
    pending = group.pending_leaves if pending_leaves is None else pending_leaves
    return Group(**lasting, secret_tree=secret_tree, pending_leaves=pending)


def own_leaf_node(group: Group) -> LeafNode:
    """Raises UsageError own_leaf in a state that none of these modules made."""
    leaf = group.tree.leaf(group.own_leaf)
    if leaf is None:
        raise UsageError("own_leaf", "the own leaf is blank")
    return leaf
