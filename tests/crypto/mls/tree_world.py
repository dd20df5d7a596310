"""A group's tree with everybody's private keys, driven by real paths: what the tests of the tree stand on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from crypto.mls.bytes import Rng
from crypto.mls.credential import BasicCredential
from crypto.mls.errors import MlsError
from crypto.mls.extension import Extensions
from crypto.mls.fresh_keys import fresh_hpke_keys
from crypto.mls.kem import KeyPair
from crypto.mls.key_package import CreatedKeyPackage, KeyPackageInput, create_key_package
from crypto.mls.leaf_node import LeafNode, LeafPlace, UpdateSource, sign_leaf_node
from crypto.mls.private_tree import PrivateTree, private_tree_of, retained
from crypto.mls.ratchet_tree import ParentNode, RatchetTree
from crypto.mls.suite import CipherSuite
from crypto.mls.tree_hash import tree_hash
from crypto.mls.tree_kem import (
    AppliedPath,
    CreatedPath,
    LeafContent,
    NewcomerInput,
    PathInput,
    ReceivedPath,
    apply_update_path,
    create_update_path,
    decrypt_path,
    path_secret_for,
    private_tree_of_newcomer,
)
from crypto.mls.tree_math import LeafIndex, NodeIndex, node_of_leaf
from crypto.mls.tree_validation import TreeClaims, check_members, check_tree
from crypto.mls.update_path import UpdatePath, decode_update_path, encode_update_path

NONE = "nothing raised"


@dataclass(frozen=True, slots=True)
class Person:
    signature: KeyPair
    created: CreatedKeyPackage

    @property
    def leaf_node(self) -> LeafNode:
        return self.created.key_package.leaf_node

    @property
    def init_key(self) -> bytes:
        return self.created.key_package.init_key


def new_person(suite: CipherSuite, rng: Rng, **options: Any) -> Person:
    signature = suite.signature_key_pair(rng)
    content = KeyPackageInput(
        signature=signature, credential=BasicCredential(rng(8)), not_before=0, not_after=1, **options
    )
    return Person(signature, create_key_package(suite, content, rng))


@dataclass(frozen=True, slots=True)
class Seat:
    signature: KeyPair
    keys: PrivateTree


@dataclass(frozen=True, slots=True)
class World:
    """Immutable, like what it tests."""

    suite: CipherSuite
    group_id: bytes
    extensions: Extensions
    tree: RatchetTree
    seats: Mapping[LeafIndex, Seat]

    def leaf_node(self, leaf: int) -> LeafNode:
        node = self.tree.leaf(LeafIndex(leaf))
        assert node is not None
        return node

    def parent_node(self, at: int) -> ParentNode:
        node = self.tree.parent(NodeIndex(at))
        assert node is not None
        return node


def found(suite: CipherSuite, rng: Rng) -> World:
    founder = new_person(suite, rng)
    leaf = LeafIndex(0)
    tree = RatchetTree.of_one(founder.leaf_node)
    return World(suite, b"a group", (), tree, {leaf: _seat_of(leaf, founder)})


def _seat_of(leaf: LeafIndex, person: Person) -> Seat:
    return Seat(person.signature, private_tree_of(leaf, person.created.secrets.encryption_private_key))


def with_tree(world: World, tree: RatchetTree) -> World:
    seats = {
        leaf: Seat(seat.signature, retained(seat.keys, world.tree, tree))
        for leaf, seat in world.seats.items()
        if tree.leaf(leaf) is not None
    }
    return replace(world, tree=tree, seats=seats)


def add(world: World, person: Person) -> tuple[World, LeafIndex]:
    """An Add, as a Commit without a path has it: the newcomer is unmerged wherever there is a key."""
    tree, leaf = world.tree.add(person.leaf_node)
    after = with_tree(world, tree)
    return replace(after, seats={**after.seats, leaf: _seat_of(leaf, person)}), leaf


def add_many(world: World, count: int, rng: Rng) -> World:
    for _ in range(count):
        world, _ = add(world, new_person(world.suite, rng))
    return world


def remove(world: World, leaf: LeafIndex) -> World:
    return with_tree(world, world.tree.remove(leaf))


def update(world: World, leaf: LeafIndex, rng: Rng) -> World:
    """An Update of the leaf, applied."""
    keys = fresh_hpke_keys(world.suite, rng)
    seat = world.seats[leaf]
    renewed = replace(world.leaf_node(leaf), encryption_key=keys.public_key, source=UpdateSource())
    place = LeafPlace(world.group_id, leaf)
    node = sign_leaf_node(world.suite, renewed, seat.signature.private_key, place)
    after = with_tree(world, world.tree.update(leaf, node))
    return replace(
        after, seats={**after.seats, leaf: Seat(seat.signature, private_tree_of(leaf, keys.private_key))}
    )


def context_of(tree_hash_after: bytes) -> bytes:
    """In place of a provisional GroupContext: whatever depends on the tree's hash."""
    return b"context of " + tree_hash_after


def path_input(
    world: World, sender: LeafIndex, leaf: LeafNode, signature: KeyPair, added: tuple[LeafIndex, ...] = ()
) -> PathInput:
    return PathInput(
        tree=world.tree,
        own_leaf=sender,
        group_id=world.group_id,
        content=LeafContent(signature, leaf.credential, leaf.capabilities, leaf.extensions),
        added=added,
        group_context=context_of,
    )


def path_of(world: World, sender: LeafIndex, added: tuple[LeafIndex, ...], rng: Rng) -> CreatedPath:
    content = path_input(world, sender, world.leaf_node(sender), world.seats[sender].signature, added)
    return create_update_path(world.suite, content, rng)


def applied(
    world: World, sender: LeafIndex, path: UpdatePath, added: tuple[LeafIndex, ...] = ()
) -> AppliedPath:
    received = ReceivedPath(
        tree=world.tree,
        sender=sender,
        path=path,
        group_id=world.group_id,
        extensions=world.extensions,
        added=added,
    )
    return apply_update_path(world.suite, received)


def commit(world: World, sender: LeafIndex, added: tuple[LeafIndex, ...], rng: Rng) -> World:
    """A path over the wire: everybody applies it, everybody opens it, and all come to the same secret."""
    suite = world.suite
    created = path_of(world, sender, added, rng)
    received = applied(world, sender, decode_update_path(encode_update_path(created.path)), added)
    assert tree_hash(suite, received.tree) == tree_hash(suite, created.tree)
    check_members(received.tree, world.extensions)
    context = context_of(tree_hash(suite, received.tree))
    seats = {}
    for leaf, seat in world.seats.items():
        if leaf == sender:
            keys = created.private_tree
        elif leaf in added:
            newcomer = NewcomerInput(
                tree=created.tree,
                own_leaf=leaf,
                encryption_private_key=seat.keys[node_of_leaf(leaf)],
                committer=sender,
                path_secret=path_secret_for(created.path_secrets, sender, leaf),
            )
            keys = private_tree_of_newcomer(suite, newcomer)
        else:
            opened = decrypt_path(suite, received, leaf, seat.keys, context)
            assert opened.commit_secret == created.commit_secret
            keys = opened.private_tree
        seats[leaf] = Seat(seat.signature, keys)
    return replace(world, tree=received.tree, seats=seats)


def check_world(world: World, tree: RatchetTree | None = None) -> None:
    """What a newcomer would check of the tree."""
    tree = world.tree if tree is None else tree
    check_tree(world.suite, tree, TreeClaims(world.group_id, tree_hash(world.suite, tree), world.extensions))


def with_leaf(world: World, leaf: LeafIndex, signer: KeyPair | None = None, **changes: Any) -> RatchetTree:
    """The tree with a leaf that somebody has changed and signed again."""
    private_key = (signer or world.seats[leaf].signature).private_key
    changed = replace(world.leaf_node(leaf), **changes)
    node = sign_leaf_node(world.suite, changed, private_key, LeafPlace(world.group_id, leaf))
    return world.tree.with_nodes({node_of_leaf(leaf): node})


def with_parent(world: World, at: int, **changes: Any) -> RatchetTree:
    """The tree with a parent that is not what it was."""
    return world.tree.with_nodes({NodeIndex(at): replace(world.parent_node(at), **changes)})


def code_of(call: Callable[[], object]) -> str:
    """The code of the error that a call ends in."""
    try:
        call()
    except MlsError as error:
        return error.code
    return NONE
