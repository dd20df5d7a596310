"""Joining by Welcome (RFC 9420 §12.4.3.1).

v700  it is a Welcome                                   v707  it comes with a tree
v701  of the KeyPackage's cipher suite                  v708  whoever signs its GroupInfo is in the tree
v702  which names the KeyPackage                        v709  and the KeyPackage's leaf is there too
v703  its secrets are as long as the suite's            v710  and is another than the signer
v704  its GroupInfo's signature is its signer's         v711  a PSK that begins a group is the only such one,
v706  the group is of the KeyPackage's version and            and the epoch is the first one of a commit
      suite
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from crypto.mls.bytes import equal
from crypto.mls.capabilities import MLS_10
from crypto.mls.complete_commit import confirm_epoch
from crypto.mls.errors import InvalidError, MlsError, UsageError
from crypto.mls.extension import ExtensionType, find_extension
from crypto.mls.group import Group, enter_epoch
from crypto.mls.group_context import encode_group_context
from crypto.mls.group_info import GroupInfo, verify_group_info
from crypto.mls.key_package import KeyPackage, KeyPackageSecrets, decode_key_package, key_package_ref
from crypto.mls.key_schedule import welcome_secret
from crypto.mls.mls_message import decode_mls_message
from crypto.mls.psk import PskLookup, find_psks, no_psks, psk_secret
from crypto.mls.psk_id import PreSharedKeyId, begins_group
from crypto.mls.ratchet_tree import RatchetTree
from crypto.mls.suite import CipherSuite
from crypto.mls.tree_codec import decode_ratchet_tree
from crypto.mls.tree_kem import NewcomerInput, private_tree_of_newcomer
from crypto.mls.tree_math import MAX_LEAVES, LeafIndex
from crypto.mls.tree_validation import TreeClaims, check_tree
from crypto.mls.welcome import Welcome, open_group_info, open_group_secrets


@dataclass(frozen=True, slots=True)
class Joined:
    group: Group
    adder: LeafIndex
    """Who signed the GroupInfo."""
    psks: tuple[PreSharedKeyId, ...]
    """Those that went into the epoch: `join_from_origin` compares with the group that one of reinit or branch
    names.
    """
    consumed: tuple[bytes, ...] = field(repr=False)
    """No store may keep them once `group` is stored: a KeyPackage joins once."""


def join_by_welcome(
    *,
    suite: CipherSuite,
    welcome: bytes,
    key_package: bytes,
    secrets: KeyPackageSecrets,
    psks: PskLookup = no_psks,
    tree: bytes | None = None,
    max_leaves: int = MAX_LEAVES,
) -> Joined:
    """`welcome` is an MLSMessage; `key_package` the structure, as it was published; `tree` the encoded
    ratchet tree, for a Welcome that has none inside; `max_leaves` a bound of the caller's on either tree.

    The whole tree is validated. The AS check, lifetimes, and whether the client is in such a group already,
    are the caller's. Raises MlsError of the peer's fault, and UsageError for a KeyPackage that is not ours or
    not what it should be.
    """
    own_key_package = _own_key_package(suite, key_package, secrets)
    message = _read_welcome_message(welcome)
    reference = key_package_ref(suite, key_package)
    shared = open_group_secrets(suite, message, reference, secrets.init_private_key)
    _check_psk_ids(suite, shared.psks)
    psk = psk_secret(suite, find_psks(shared.psks, psks))
    group_info = _read_group_info(suite, message, shared.joiner_secret, psk)
    group_tree = _read_tree(group_info, tree, max_leaves)
    own_leaf = _check_group(suite, group_info, group_tree, own_key_package)
    # RFC 9420 §11.2, §11.3: a group that is branched or reinitialised is joined at its first commit.
    context = group_info.context
    if context.epoch != 1 and any(map(begins_group, shared.psks)):
        raise InvalidError("v711_psk_usage", f"a PSK that begins a group, in epoch {context.epoch}")

    context_bytes = encode_group_context(context)
    epoch_secrets, confirmation_tag = confirm_epoch(
        suite, shared.joiner_secret, psk, context_bytes, context.confirmed_transcript_hash
    )
    if not equal(confirmation_tag, group_info.confirmation_tag):
        raise InvalidError("confirmation_tag", "a GroupInfo's confirmation tag is wrong")
    private_tree = private_tree_of_newcomer(
        suite,
        NewcomerInput(
            tree=group_tree,
            own_leaf=own_leaf,
            encryption_private_key=secrets.encryption_private_key,
            committer=group_info.signer,
            path_secret=shared.path_secret,
        ),
    )
    group = enter_epoch(
        suite=suite,
        context=context,
        context_bytes=context_bytes,
        tree=group_tree,
        confirmation_tag=confirmation_tag,
        reinit=None,
        own_leaf=own_leaf,
        signature_private_key=secrets.signature_private_key,
        private_tree=private_tree,
        epoch_secrets=epoch_secrets,
    )
    return Joined(group, group_info.signer, shared.psks, (secrets.init_private_key,))


def _own_key_package(suite: CipherSuite, data: bytes, secrets: KeyPackageSecrets) -> KeyPackage:
    try:
        key_package = decode_key_package(data)
        signature_key = suite.signature_public_key(secrets.signature_private_key)
    except MlsError as cause:
        raise UsageError("key_package", "the KeyPackage to join with is none") from cause
    if key_package.suite != suite.id or not equal(signature_key, key_package.leaf_node.signature_key):
        raise UsageError("key_package", "the KeyPackage to join with has another suite or other keys")
    return key_package


def _read_welcome_message(message: bytes) -> Welcome:
    decoded = decode_mls_message(message)
    if not isinstance(decoded, Welcome):
        raise InvalidError("v700_not_a_welcome", f"a {type(decoded).__name__} where a Welcome belongs")
    return decoded


def _check_psk_ids(suite: CipherSuite, psks: Sequence[PreSharedKeyId]) -> None:
    if any(len(psk.nonce) != suite.nh for psk in psks):
        raise InvalidError("v509_psk_nonce", "a PSK's nonce is not as long as a hash")
    if sum(map(begins_group, psks)) > 1:
        raise InvalidError("v711_psk_usage", "two PSKs that begin a group")


def _read_group_info(suite: CipherSuite, welcome: Welcome, joiner_secret: bytes, psk: bytes) -> GroupInfo:
    group_info = open_group_info(suite, welcome, welcome_secret(suite, joiner_secret, psk))
    context = group_info.context
    if context.version != MLS_10 or context.suite != suite.id:
        raise InvalidError("v706_group_suite", "a Welcome to a group of another version or cipher suite")
    return group_info


def _read_tree(group_info: GroupInfo, beside: bytes | None, max_leaves: int) -> RatchetTree:
    """The tree inside, else the one that came beside: the tree hash says whether it is the right one.

    One of more leaves is left at the first node too many, so that nothing is made of the rest.
    """
    inside = find_extension(group_info.extensions, ExtensionType.RATCHET_TREE)
    data = beside if inside is None else inside.data
    if data is None:
        raise InvalidError("v707_tree_missing", "a Welcome comes without a tree")
    return decode_ratchet_tree(data, max_leaves)


def _check_group(
    suite: CipherSuite, group_info: GroupInfo, tree: RatchetTree, key_package: KeyPackage
) -> LeafIndex:
    """The GroupInfo's signature, the whole tree, and the own leaf in it."""
    context, signer = group_info.context, group_info.signer
    signer_leaf = tree.leaf(signer)
    if signer_leaf is None:
        raise InvalidError("v708_signer", f"a GroupInfo is signed by the blank leaf {signer}")
    verify_group_info(suite, group_info, signer_leaf.signature_key)
    check_tree(suite, tree, TreeClaims(context.group_id, context.tree_hash, context.extensions))
    found = next((leaf for leaf, node in tree.members() if node == key_package.leaf_node), None)
    if found is None:
        raise InvalidError("v709_not_in_tree", "a Welcome's tree does not have the KeyPackage's leaf")
    if found == signer:
        raise InvalidError("v710_own_signature", "a Welcome from oneself")
    return found
