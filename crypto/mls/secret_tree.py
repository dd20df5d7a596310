"""The secret tree of RFC 9420 §9: one-use keys for every sender of an epoch.

Immutable and lazy. At first it holds the root's secret alone; deriving a leaf replaces each secret on the way
by that of the sibling, so what is held never gives a key that was used. Keys that were skipped wait in a
bounded store (E17). Every call says what it consumed: what no state may hold any more.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from crypto.mls.errors import InvalidError, UsageError
from crypto.mls.suite import CipherSuite
from crypto.mls.tree_math import LeafIndex

MAX_FORWARD_DISTANCE = 4096
"""E17: how far ahead of the last known message of a sender another may be."""
MAX_SKIPPED_KEYS = 64
"""E17: how many skipped keys are kept for each ratchet."""
MAX_GENERATION = 0xFFFFFFFF
"""A generation is 32 bits on the wire."""

RatchetKind = Literal["handshake", "application"]


@dataclass(frozen=True, slots=True, repr=False)
class MessageKey:
    generation: int
    key: bytes
    nonce: bytes


@dataclass(frozen=True, slots=True, repr=False)
class Ratchet:
    next: int
    """The generation that `secret` gives."""
    secret: bytes
    skipped: tuple[MessageKey, ...]
    """In rising order of generation, all below `next`."""


@dataclass(frozen=True, slots=True, repr=False)
class LeafRatchets:
    handshake: Ratchet
    application: Ratchet


@dataclass(frozen=True, slots=True, repr=False)
class SecretTree:
    leaf_count: int
    """A power of two."""
    subtrees: Mapping[int, bytes]
    """Secrets of the subtrees that no key was taken from, by the index of their root."""
    ratchets: Mapping[LeafIndex, LeafRatchets]


@dataclass(frozen=True, slots=True, repr=False)
class TakenKey:
    tree: SecretTree
    key: MessageKey
    consumed: tuple[bytes, ...]


def create_secret_tree(encryption_secret: bytes, leaf_count: int) -> SecretTree:
    """Takes the encryption secret over as the root's: it is named as consumed with the first key."""
    if leaf_count < 1 or leaf_count & (leaf_count - 1):
        raise UsageError("leaf_count", f"{leaf_count} is not a power of two")
    return SecretTree(leaf_count, {leaf_count - 1: encryption_secret}, {})


def take_next(suite: CipherSuite, tree: SecretTree, leaf: LeafIndex, kind: RatchetKind) -> TakenKey:
    """The next unused key of a leaf's ratchet: to send with. Raises UsageError generations_exhausted."""
    opened = _open_leaf(suite, tree, leaf)
    generation = _ratchet_of(opened.ratchets, kind).next
    # A generation is 32 bits on the wire; a key that had no number could not be told from another.
    if generation > MAX_GENERATION:
        raise UsageError("generations_exhausted", "an epoch's keys are used up")
    return _advance(suite, opened, leaf, kind, generation)


def take_at(
    suite: CipherSuite, tree: SecretTree, leaf: LeafIndex, kind: RatchetKind, generation: int
) -> TakenKey:
    """The key of one generation: to read with. The tree that comes back has it no more.

    So no message is read twice. Raises InvalidError v604_generation_used, v605_generation_too_far.
    """
    opened = _open_leaf(suite, tree, leaf)
    ratchet = _ratchet_of(opened.ratchets, kind)
    if generation < ratchet.next:
        key = next((one for one in ratchet.skipped if one.generation == generation), None)
        # RFC 9420 §9.2: a key was deleted when it was used.
        if key is None:
            raise InvalidError("v604_generation_used", "a message's key was used already")
        skipped = tuple(one for one in ratchet.skipped if one is not key)
        left = Ratchet(ratchet.next, ratchet.secret, skipped)
        consumed = (*opened.consumed, key.key, key.nonce)
        return TakenKey(_with_ratchet(opened, leaf, kind, left), key, consumed)
    # E17: a forged generation must not cost more than this.
    if generation - ratchet.next > MAX_FORWARD_DISTANCE:
        raise InvalidError("v605_generation_too_far", "a message's generation is too far ahead")
    return _advance(suite, opened, leaf, kind, generation)


def secret_tree_secrets(tree: SecretTree) -> list[bytes]:
    """Every secret that the tree holds."""
    secrets = list(tree.subtrees.values())
    for ratchets in tree.ratchets.values():
        for ratchet in (ratchets.handshake, ratchets.application):
            secrets.append(ratchet.secret)
            for one in ratchet.skipped:
                secrets += (one.key, one.nonce)
    return secrets


@dataclass(frozen=True, slots=True, repr=False)
class _OpenedLeaf:
    tree: SecretTree
    ratchets: LeafRatchets
    consumed: tuple[bytes, ...]


def _ratchet_of(ratchets: LeafRatchets, kind: RatchetKind) -> Ratchet:
    return ratchets.handshake if kind == "handshake" else ratchets.application


def _node_above(leaf: int, level: int) -> int:
    """The array index of the node `level` steps above a leaf (RFC 9420 Appendix C)."""
    return (leaf >> level << level + 1) + (1 << level) - 1


def _open_leaf(suite: CipherSuite, tree: SecretTree, leaf: LeafIndex) -> _OpenedLeaf:
    """The ratchets of a leaf, derived from the closest subtree secret where no message used them yet."""
    known = tree.ratchets.get(leaf)
    if known is not None:
        return _OpenedLeaf(tree, known, ())
    if leaf >= tree.leaf_count:
        raise UsageError("leaf_range", f"there is no leaf {leaf}")
    top = next(
        (k for k in range(tree.leaf_count.bit_length()) if _node_above(leaf, k) in tree.subtrees), None
    )
    # Each leaf is below a subtree's root or has ratchets: a state without both is not one that this module
    # made.
    if top is None:
        raise UsageError("secret_tree", f"the keys of leaf {leaf} are gone")
    subtrees = dict(tree.subtrees)
    root = secret = subtrees.pop(_node_above(leaf, top))
    for level in range(top, 0, -1):
        at = _node_above(leaf, level)
        half = 1 << (level - 1)
        left = suite.expand_with_label(secret, "tree", b"left", suite.nh)
        right = suite.expand_with_label(secret, "tree", b"right", suite.nh)
        if leaf >> (level - 1) & 1:
            subtrees[at - half], secret = left, right
        else:
            subtrees[at + half], secret = right, left
    ratchets = LeafRatchets(
        Ratchet(0, suite.expand_with_label(secret, "handshake", b"", suite.nh), ()),
        Ratchet(0, suite.expand_with_label(secret, "application", b"", suite.nh), ()),
    )
    opened = SecretTree(tree.leaf_count, subtrees, {**tree.ratchets, leaf: ratchets})
    return _OpenedLeaf(opened, ratchets, (root,))


def _with_ratchet(opened: _OpenedLeaf, leaf: LeafIndex, kind: RatchetKind, ratchet: Ratchet) -> SecretTree:
    tree, before = opened.tree, opened.ratchets
    after = (
        LeafRatchets(ratchet, before.application)
        if kind == "handshake"
        else LeafRatchets(before.handshake, ratchet)
    )
    return SecretTree(tree.leaf_count, tree.subtrees, {**tree.ratchets, leaf: after})


def _advance(
    suite: CipherSuite, opened: _OpenedLeaf, leaf: LeafIndex, kind: RatchetKind, generation: int
) -> TakenKey:
    """Turns a ratchet to `generation`, takes its key, and keeps the youngest of those passed over."""
    ratchet = _ratchet_of(opened.ratchets, kind)
    secret = ratchet.secret
    waiting = list(ratchet.skipped)
    for at in range(ratchet.next, generation):
        if generation - at <= MAX_SKIPPED_KEYS:
            waiting.append(_message_key(suite, secret, at))
        secret = suite.derive_tree_secret(secret, "secret", at, suite.nh)
    key = _message_key(suite, secret, generation)
    following = suite.derive_tree_secret(secret, "secret", generation, suite.nh)
    dropped = waiting[:-MAX_SKIPPED_KEYS]
    turned = Ratchet(generation + 1, following, tuple(waiting[-MAX_SKIPPED_KEYS:]))
    return TakenKey(
        _with_ratchet(opened, leaf, kind, turned),
        key,
        (
            *opened.consumed,
            ratchet.secret,
            key.key,
            key.nonce,
            *(secret for old in dropped for secret in (old.key, old.nonce)),
        ),
    )


def _message_key(suite: CipherSuite, secret: bytes, generation: int) -> MessageKey:
    return MessageKey(
        generation,
        suite.derive_tree_secret(secret, "key", generation, suite.nk),
        suite.derive_tree_secret(secret, "nonce", generation, suite.nn),
    )
