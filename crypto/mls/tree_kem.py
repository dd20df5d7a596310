"""Update paths (RFC 9420 §7.4 to §7.6).

What everyone can check alike is `apply_update_path`; what only a member under each copath node can is
`decrypt_path` (E18).

    v301  as many nodes as the filtered direct path        v305  the leaf's parent hash fits the path
    v302  as many ciphertexts as each resolution           v311  the path secret opens, and is one
    v303  no key that is in the tree, or twice in the path v312  the secret leads to the public keys of the
    path v304  every key is a key of the suite                  v313  a newcomer gets the path secret that
    it needs
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from crypto.mls.bytes import Rng, equal
from crypto.mls.capabilities import Capabilities
from crypto.mls.credential import Credential
from crypto.mls.errors import AeadError, BadKeyError, InvalidError, UsageError
from crypto.mls.extension import Extensions
from crypto.mls.fresh_keys import fresh_hpke_keys
from crypto.mls.kem import KeyPair, draw
from crypto.mls.key_set import KeySet
from crypto.mls.leaf_node import CommitSource, LeafPlace, UnsignedLeafNode, sign_leaf_node
from crypto.mls.leaf_validation import (
    check_leaf_alone,
    check_leaf_in_group,
    check_leaf_succeeds,
    check_public_key,
)
from crypto.mls.parent_hash import with_path_keys
from crypto.mls.private_tree import PrivateTree
from crypto.mls.ratchet_tree import RatchetTree
from crypto.mls.suite import CipherSuite
from crypto.mls.tree_hash import tree_hash
from crypto.mls.tree_math import LeafIndex, NodeIndex, common_ancestor, is_within, node_of_leaf
from crypto.mls.update_path import UpdatePath, UpdatePathNode

_ENCRYPT_LABEL = "UpdatePathNode"


class _DerivedNode(NamedTuple):
    node: NodeIndex
    keys: KeyPair
    path_secret: bytes


def _derive_upwards(
    suite: CipherSuite, first: bytes, nodes: Iterable[NodeIndex]
) -> tuple[list[_DerivedNode], bytes]:
    """RFC 9420 §7.4: the keys of these nodes from the first one's path secret, and the secret after the
    last.
    """
    path_secret = first
    derived = []
    for node in nodes:
        node_secret = suite.derive_secret(path_secret, "node")
        derived.append(_DerivedNode(node, suite.derive_key_pair(node_secret), path_secret))
        path_secret = suite.derive_secret(path_secret, "path")
    return derived, path_secret


def _recipients(
    tree: RatchetTree, copath_child: NodeIndex, added: Sequence[LeafIndex]
) -> tuple[NodeIndex, ...]:
    """The resolution of a copath node without the leaves that the same Commit adds (RFC 9420 §7.5)."""
    resolution = tree.resolution(copath_child)
    if not added:
        return resolution
    excluded = set(map(node_of_leaf, added))
    return tuple(at for at in resolution if at not in excluded)


@dataclass(frozen=True, slots=True)
class LeafContent:
    """What the committer's leaf says of it from now on."""

    signature: KeyPair
    credential: Credential
    capabilities: Capabilities
    extensions: Extensions


@dataclass(frozen=True, slots=True, kw_only=True)
class PathInput:
    tree: RatchetTree
    """With the Commit's proposals applied. The committer's leaf may be blank: that is an external Commit."""
    own_leaf: LeafIndex
    group_id: bytes
    content: LeafContent
    added: tuple[LeafIndex, ...]
    """The leaves that the same Commit adds: they get their path secret in the Welcome."""
    group_context: Callable[[bytes], bytes]
    """From the new tree's hash, the provisional GroupContext, encoded (RFC 9420 §12.4.1)."""


@dataclass(frozen=True, slots=True)
class CreatedPath:
    path: UpdatePath
    tree: RatchetTree
    private_tree: PrivateTree = field(repr=False)
    """All that the committer knows from now on: its leaf's key and those of its path."""
    commit_secret: bytes = field(repr=False)
    path_secrets: Mapping[NodeIndex, bytes] = field(repr=False)
    """By node of the path. Outdated as soon as the Welcomes are made (RFC 9420 §7.5)."""


def create_update_path(suite: CipherSuite, content: PathInput, rng: Rng) -> CreatedPath:
    tree, own_leaf, leaf = content.tree, content.own_leaf, content.content
    own = node_of_leaf(own_leaf)
    steps = tree.filtered_direct_path(own_leaf)
    leaf_keys = fresh_hpke_keys(suite, rng)
    derived, after = _derive_upwards(suite, draw(rng, suite.nh), [step.node for step in steps])
    merged = with_path_keys(suite, tree, own_leaf, steps, [one.keys.public_key for one in derived])
    # RFC 9420 §7.5: the leaf is signed anew, over its new key and its parent hash.
    leaf_node = sign_leaf_node(
        suite,
        UnsignedLeafNode(
            encryption_key=leaf_keys.public_key,
            signature_key=leaf.signature.public_key,
            credential=leaf.credential,
            capabilities=leaf.capabilities,
            source=CommitSource(merged.leaf_parent_hash),
            extensions=leaf.extensions,
        ),
        leaf.signature.private_key,
        LeafPlace(content.group_id, own_leaf),
    )
    new_tree = merged.tree.with_nodes({own: leaf_node})
    context = content.group_context(tree_hash(suite, new_tree))
    nodes = tuple(
        UpdatePathNode(
            one.keys.public_key,
            tuple(
                suite.encrypt_with_label(key, _ENCRYPT_LABEL, context, one.path_secret, rng)
                for key in _keys_at(tree, _recipients(tree, step.copath_child, content.added))
            ),
        )
        for step, one in zip(steps, derived, strict=True)
    )
    return CreatedPath(
        path=UpdatePath(leaf_node, nodes),
        tree=new_tree,
        private_tree={own: leaf_keys.private_key, **{one.node: one.keys.private_key for one in derived}},
        commit_secret=after,
        path_secrets={one.node: one.path_secret for one in derived},
    )


def _keys_at(tree: RatchetTree, nodes: Iterable[NodeIndex]) -> list[bytes]:
    """The public keys of nodes that are in a resolution, so not blank."""
    return [node.encryption_key for node in map(tree.node, nodes) if node is not None]


def path_secret_for(
    path_secrets: Mapping[NodeIndex, bytes], committer: LeafIndex, newcomer: LeafIndex
) -> bytes:
    """The path secret that a leaf which the Commit adds must get in its Welcome (RFC 9420 §12.4.3.1).

    Raises UsageError.
    """
    secret = path_secrets.get(common_ancestor(node_of_leaf(committer), node_of_leaf(newcomer)))
    if secret is None:
        raise UsageError("path_secret", f"leaf {newcomer} has no node on the path")
    return secret


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedPath:
    tree: RatchetTree
    """With the Commit's proposals applied."""
    sender: LeafIndex
    path: UpdatePath
    group_id: bytes
    extensions: Extensions
    """Those of the GroupContext after the Commit's proposals."""
    added: tuple[LeafIndex, ...]


class AppliedStep(NamedTuple):
    """A node of the path: where it is, what it is sent to, and in which order."""

    node: NodeIndex
    copath_child: NodeIndex
    recipients: tuple[NodeIndex, ...]


@dataclass(frozen=True, slots=True)
class AppliedPath:
    sender: LeafIndex
    path: UpdatePath
    tree: RatchetTree
    steps: tuple[AppliedStep, ...]


def apply_update_path(suite: CipherSuite, received: ReceivedPath) -> AppliedPath:
    """Everything about a path that all members can check alike, and the tree after it (RFC 9420 §7.5,
    §12.4.2).

    How the new leaf gets on with the other members is for `check_members` to say. Raises InvalidError.
    """
    tree, sender, path = received.tree, received.sender, received.path
    filtered = tree.filtered_direct_path(sender)
    steps = tuple(
        AppliedStep(node, copath_child, _recipients(tree, copath_child, received.added))
        for node, copath_child in filtered
    )
    if len(path.nodes) != len(steps):
        raise InvalidError("v301_path_length", f"a path of {len(path.nodes)} nodes, not {len(steps)}")
    for step, node in zip(steps, path.nodes, strict=True):
        if len(node.encrypted_path_secrets) != len(step.recipients):
            raise InvalidError(
                "v302_path_ciphertexts", "a node of a path has too many or too few ciphertexts"
            )
    before = tree.leaf(sender)
    # Before the general rule of v303, so that the error says which key was kept.
    if before is not None:
        check_leaf_succeeds(before, path.leaf_node)
    keys = [node.encryption_key for node in path.nodes]
    _require_fresh_keys(tree, [path.leaf_node.encryption_key, *keys])
    for key in keys:
        check_public_key(suite, key, "v304_path_key")
    check_leaf_alone(suite, path.leaf_node, "commit", LeafPlace(received.group_id, sender))
    check_leaf_in_group(path.leaf_node, received.extensions)
    merged = with_path_keys(suite, tree, sender, filtered, keys)
    source = path.leaf_node.source
    if not isinstance(source, CommitSource) or not equal(source.parent_hash, merged.leaf_parent_hash):
        raise InvalidError("v305_path_parent_hash", "a path's leaf has another parent hash than its path")
    return AppliedPath(sender, path, merged.tree.with_nodes({node_of_leaf(sender): path.leaf_node}), steps)


def _require_fresh_keys(tree: RatchetTree, keys: Iterable[bytes]) -> None:
    """RFC 9420 §12.4.2: none of a path's public keys is in the tree that it is merged into."""
    seen = KeySet(tree.encryption_keys())
    for key in keys:
        if not seen.add(key):
            raise InvalidError("v303_path_key_reused", "a path brings a key that is in use")


@dataclass(frozen=True, slots=True)
class DecryptedPath:
    private_tree: PrivateTree = field(repr=False)
    commit_secret: bytes = field(repr=False)


def decrypt_path(
    suite: CipherSuite,
    applied: AppliedPath,
    own_leaf: LeafIndex,
    known: PrivateTree,
    group_context: bytes,
) -> DecryptedPath:
    """What one member alone can tell about a path that was applied: its path secret opens and leads to the
    public keys. `known` are the keys that still stand in the tree with the proposals applied. Raises
    InvalidError.
    """
    if own_leaf == applied.sender:
        raise UsageError("own_path", "one's own path is not decrypted")
    own = node_of_leaf(own_leaf)
    steps = applied.steps
    start = next((i for i, step in enumerate(steps) if is_within(own, step.copath_child)), None)
    if start is None:
        raise InvalidError("v311_path_secret", "a path has no node above this member")
    place = next((i for i, at in enumerate(steps[start].recipients) if at in known), None)
    if place is None:
        raise InvalidError("v311_path_secret", "a path has no ciphertext that is for this member")
    private_key = known[steps[start].recipients[place]]
    ct = applied.path.nodes[start].encrypted_path_secrets[place]
    try:
        path_secret = suite.decrypt_with_label(private_key, _ENCRYPT_LABEL, group_context, ct)
    except (AeadError, BadKeyError) as cause:
        raise InvalidError("v311_path_secret", "a path secret does not open") from cause
    if len(path_secret) != suite.nh:
        raise InvalidError("v311_path_secret", f"a path secret of {len(path_secret)} bytes")
    keys, after = _matching_keys(suite, applied.tree, path_secret, [step.node for step in steps[start:]])
    # Whatever was known of the sender's direct path is replaced or blank.
    on_path = set(applied.tree.direct_path(applied.sender))
    kept = {at: key for at, key in known.items() if at not in on_path}
    return DecryptedPath({**kept, **keys}, after)


def _matching_keys(
    suite: CipherSuite, tree: RatchetTree, path_secret: bytes, nodes: Sequence[NodeIndex]
) -> tuple[dict[NodeIndex, bytes], bytes]:
    """Private keys for these nodes of the tree, from the first one's path secret. Raises InvalidError."""
    derived, after = _derive_upwards(suite, path_secret, nodes)
    keys = {}
    for at, pair, _ in derived:
        node = tree.node(at)
        if node is None or not equal(pair.public_key, node.encryption_key):
            raise InvalidError("v312_path_keys", "a path secret leads to other keys than the tree has")
        keys[at] = pair.private_key
    return keys, after


@dataclass(frozen=True, slots=True, kw_only=True)
class NewcomerInput:
    tree: RatchetTree
    """Of the epoch that the Welcome opens."""
    own_leaf: LeafIndex
    encryption_private_key: bytes = field(repr=False)
    committer: LeafIndex
    """The signer of the GroupInfo, who made the Commit."""
    path_secret: bytes | None = field(repr=False)
    """From the GroupSecrets; None when the Commit had no path."""


def private_tree_of_newcomer(suite: CipherSuite, content: NewcomerInput) -> PrivateTree:
    """What a newcomer knows (RFC 9420 §12.4.3.1): its leaf's key, and those of the path from the lowest
    node that it shares with the committer. Raises InvalidError when the secret does not fit the tree, or
    is missing: such a member could not follow the next Commit."""
    tree, own_leaf, path_secret = content.tree, content.own_leaf, content.path_secret
    own = node_of_leaf(own_leaf)
    known = {own: content.encryption_private_key}
    direct_path = tree.direct_path(own_leaf)
    if path_secret is not None:
        shared = common_ancestor(own, node_of_leaf(content.committer))
        nodes = [at for at in direct_path if is_within(shared, at) and not tree.is_blank(at)]
        if len(path_secret) != suite.nh or not nodes or nodes[0] != shared:
            raise InvalidError("v311_path_secret", "a Welcome's path secret belongs to no node")
        # The commit secret reaches a newcomer within the joiner secret.
        keys, _ = _matching_keys(suite, tree, path_secret, nodes)
        known.update(keys)
    for at in direct_path:
        node = tree.parent(at)
        if node is not None and own_leaf not in node.unmerged_leaves and at not in known:
            raise InvalidError("v313_path_secret_missing", f"a Welcome keeps back the key of node {at}")
    return known
