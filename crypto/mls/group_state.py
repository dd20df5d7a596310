"""A group as it is stored: `epoch` changes with commits alone, `ratchets` with every message.

Both hold secrets: the store encrypts them.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from crypto.mls.bytes import equal
from crypto.mls.codec import Reader, Writer, decode
from crypto.mls.errors import MlsError, StorageError
from crypto.mls.group import Group, PendingLeaf
from crypto.mls.group_context import GroupContext, encode_group_context, read_group_context
from crypto.mls.key_schedule import SECRET_NAMES, KeptSecrets
from crypto.mls.private_tree import PrivateTree
from crypto.mls.proposal import ReInit, read_proposal, write_proposal
from crypto.mls.ratchet_tree import RatchetTree
from crypto.mls.secret_tree import (
    MAX_GENERATION,
    MAX_SKIPPED_KEYS,
    LeafRatchets,
    MessageKey,
    Ratchet,
    SecretTree,
)
from crypto.mls.suite import CipherSuite, SuiteLookup, room_suite_of
from crypto.mls.transcript import interim_transcript_hash
from crypto.mls.tree_codec import read_ratchet_tree, write_ratchet_tree
from crypto.mls.tree_hash import tree_hash
from crypto.mls.tree_math import LeafIndex, NodeIndex, leaf_index, leaves_below, node_index


@dataclass(frozen=True, slots=True)
class StoredGroup:
    epoch: bytes = field(repr=False)
    ratchets: bytes = field(repr=False)


FORMAT = 1
"""Of everything of a group that is stored."""

T = TypeVar("T")


def encode_group(group: Group) -> StoredGroup:
    return StoredGroup(encode_epoch(group), encode_ratchets(group))


def in_same_epoch(a: Group, b: Group) -> bool:
    """Whether two states are of one epoch of one group: the stored `epoch` of one serves the other."""
    return a.secrets is b.secrets


def encode_epoch(group: Group) -> bytes:
    writer = Writer().uint8(FORMAT).raw(group.context_bytes)
    write_ratchet_tree(writer, group.tree)
    writer.opaque(group.confirmation_tag).optional(group.reinit, write_proposal)
    writer.uint32(group.own_leaf).opaque(group.signature_private_key)
    writer.vector(group.private_tree.items(), _write_numbered)
    for name in SECRET_NAMES:
        writer.opaque(getattr(group.secrets, name))
    return writer.finish()


def encode_ratchets(group: Group) -> bytes:
    # The tag names the epoch: no other has it.
    writer = Writer().uint8(FORMAT).opaque(group.confirmation_tag)
    writer.vector(group.secret_tree.subtrees.items(), _write_numbered)
    writer.vector(group.secret_tree.ratchets.items(), _write_leaf_ratchets)
    writer.vector(group.pending_leaves, _write_pending_leaf)
    return writer.finish()


def decode_group(stored: StoredGroup, suites: SuiteLookup = room_suite_of) -> Group:
    """Raises StorageError group_epoch, group_ratchets, or what else names the damage."""
    epoch = guarded("group_epoch", lambda: decode(stored.epoch, lambda reader: _read_epoch(reader, suites)))
    moving = guarded(
        "group_ratchets",
        lambda: decode(
            stored.ratchets, lambda reader: _read_ratchets(reader, epoch.suite, epoch.tree.leaf_count)
        ),
    )
    # A row of one epoch beside one of another would use keys again that were used.
    if not equal(moving.confirmation_tag, epoch.confirmation_tag):
        raise StorageError("group_ratchets", "the stored ratchets are of another epoch")
    context = epoch.context
    return Group(
        suite=epoch.suite,
        context=context,
        context_bytes=encode_group_context(context),
        tree=epoch.tree,
        confirmation_tag=epoch.confirmation_tag,
        interim_transcript_hash=interim_transcript_hash(
            epoch.suite, context.confirmed_transcript_hash, epoch.confirmation_tag
        ),
        reinit=epoch.reinit,
        own_leaf=epoch.own_leaf,
        signature_private_key=epoch.signature_private_key,
        private_tree=epoch.private_tree,
        secrets=epoch.secrets,
        secret_tree=moving.secret_tree,
        pending_leaves=moving.pending_leaves,
    )


def guarded(code: str, read: Callable[[], T]) -> T:
    """Whatever is wrong with stored bytes is the store's fault."""
    try:
        return read()
    except StorageError:
        raise
    except MlsError as cause:
        raise StorageError(code, "a stored group is damaged") from cause


def require_format(reader: Reader) -> None:
    found = reader.uint8()
    if found != FORMAT:
        raise StorageError("group_format", f"there is no stored format {found}")


def read_secret(reader: Reader, length: int) -> bytes:
    secret = reader.opaque(length)
    if len(secret) != length:
        raise StorageError("group_secret", "a stored secret has another length")
    return secret


def _write_numbered(writer: Writer, item: tuple[int, bytes]) -> None:
    writer.uint32(item[0]).opaque(item[1])


@dataclass(frozen=True, slots=True, repr=False)
class _StoredEpoch:
    suite: CipherSuite
    context: GroupContext
    tree: RatchetTree
    confirmation_tag: bytes
    reinit: ReInit | None
    own_leaf: LeafIndex
    signature_private_key: bytes
    private_tree: PrivateTree
    secrets: KeptSecrets


def _read_epoch(reader: Reader, suites: SuiteLookup) -> _StoredEpoch:
    require_format(reader)
    context = read_group_context(reader)
    suite = suites(context.suite)
    tree = read_ratchet_tree(reader)
    if not equal(tree_hash(suite, tree), context.tree_hash):
        raise StorageError("group_tree", "the stored tree is not the one of the stored context")
    confirmation_tag = read_secret(reader, suite.nh)
    reinit = reader.optional(read_reinit)
    own_leaf = leaf_index(reader.uint32())
    if tree.leaf(own_leaf) is None:
        raise StorageError("group_leaf", "the own leaf is not in the stored tree")
    return _StoredEpoch(
        suite=suite,
        context=context,
        tree=tree,
        confirmation_tag=confirmation_tag,
        reinit=reinit,
        own_leaf=own_leaf,
        signature_private_key=reader.opaque(),
        private_tree=_read_private_tree(reader),
        secrets=KeptSecrets(*(read_secret(reader, suite.nh) for _ in SECRET_NAMES)),
    )


def read_reinit(reader: Reader) -> ReInit:
    proposal = read_proposal(reader)
    if not isinstance(proposal, ReInit):
        raise StorageError("group_reinit", "a stored ReInit is none")
    return proposal


def _read_private_tree(reader: Reader) -> PrivateTree:
    def read_key(inner: Reader) -> tuple[NodeIndex, bytes]:
        return node_index(inner.uint32()), inner.opaque()

    return dict(reader.vector(read_key))


def _write_ratchet(writer: Writer, ratchet: Ratchet) -> None:
    # One more than the last generation fits no 32 bits.
    writer.uint64(ratchet.next).opaque(ratchet.secret).vector(ratchet.skipped, _write_message_key)


def _write_message_key(writer: Writer, key: MessageKey) -> None:
    writer.uint32(key.generation).opaque(key.key).opaque(key.nonce)


def _write_leaf_ratchets(writer: Writer, item: tuple[LeafIndex, LeafRatchets]) -> None:
    leaf, ratchets = item
    writer.uint32(leaf)
    _write_ratchet(writer, ratchets.handshake)
    _write_ratchet(writer, ratchets.application)


def _write_pending_leaf(writer: Writer, pending: PendingLeaf) -> None:
    writer.opaque(pending.encryption_key).opaque(pending.encryption_private_key)
    writer.opaque(pending.signature_private_key)


def _read_ratchet(reader: Reader, suite: CipherSuite) -> Ratchet:
    following = reader.uint64()
    if following > MAX_GENERATION + 1:
        raise StorageError("group_ratchets", "a stored ratchet is beyond its end")

    def read_message_key(inner: Reader) -> MessageKey:
        return MessageKey(inner.uint32(), read_secret(inner, suite.nk), read_secret(inner, suite.nn))

    return Ratchet(
        following, read_secret(reader, suite.nh), reader.vector(read_message_key, MAX_SKIPPED_KEYS)
    )


@dataclass(frozen=True, slots=True, repr=False)
class _StoredRatchets:
    confirmation_tag: bytes
    secret_tree: SecretTree
    pending_leaves: tuple[PendingLeaf, ...]


def _read_ratchets(reader: Reader, suite: CipherSuite, leaf_count: int) -> _StoredRatchets:
    def read_subtree(inner: Reader) -> tuple[int, bytes]:
        return inner.uint32(), read_secret(inner, suite.nh)

    def read_leaf(inner: Reader) -> tuple[LeafIndex, LeafRatchets]:
        leaf = leaf_index(inner.uint32())
        return leaf, LeafRatchets(_read_ratchet(inner, suite), _read_ratchet(inner, suite))

    require_format(reader)
    confirmation_tag = read_secret(reader, suite.nh)
    subtrees, ratchets = dict(reader.vector(read_subtree)), dict(reader.vector(read_leaf))
    pending_leaves = reader.vector(_read_pending_leaf)
    _require_whole(subtrees, ratchets, leaf_count)
    return _StoredRatchets(confirmation_tag, SecretTree(leaf_count, subtrees, ratchets), pending_leaves)


def _read_pending_leaf(reader: Reader) -> PendingLeaf:
    return PendingLeaf(reader.opaque(), reader.opaque(), reader.opaque())


def _require_whole(subtrees: Iterable[int], leaves: Iterable[LeafIndex], leaf_count: int) -> None:
    """Each leaf has its ratchets, or is below one secret: without, a later message would find no key."""
    covered = [int(leaf) for leaf in leaves]
    for at in subtrees:
        covered += leaves_below(node_index(at))
    if sorted(covered) != list(range(leaf_count)):
        raise StorageError("group_ratchets", "the stored ratchets are not those of the stored tree")
