"""The secret tree keeps what may still be needed and nothing else."""

from dataclasses import replace
from functools import partial

from crypto.mls.message_protection import sender_data_key
from crypto.mls.secret_tree import (
    MAX_FORWARD_DISTANCE,
    MAX_GENERATION,
    MAX_SKIPPED_KEYS,
    MessageKey,
    RatchetKind,
    SecretTree,
    create_secret_tree,
    secret_tree_secrets,
    take_at,
    take_next,
)
from crypto.mls.suite import CipherSuite, room_suite
from crypto.mls.tree_math import leaf_index
from tests.crypto.mls.simulation import code_of
from tests.crypto.seeded_rng import seeded_rng
from tests.crypto.vectors import Entry, Record, VectorFile, b, each_in_scope, each_vector_file

LEAF = leaf_index(2)
KINDS: tuple[RatchetKind, ...] = ("handshake", "application")


@each_vector_file("mls/secret-tree")
def test_secret_tree(file: VectorFile, record_property: Record) -> None:
    def check(suite: CipherSuite, entry: Entry) -> None:
        given = entry["sender_data"]
        derived = sender_data_key(suite, b(given["sender_data_secret"]), b(given["ciphertext"]))
        assert derived == (b(given["key"]), b(given["nonce"]))
        tree = create_secret_tree(b(entry["encryption_secret"]), len(entry["leaves"]))
        for index, generations in enumerate(entry["leaves"]):
            for one in generations:
                for kind in KINDS:
                    taken = take_at(suite, tree, leaf_index(index), kind, one["generation"])
                    expected = b(one[f"{kind}_key"]), b(one[f"{kind}_nonce"])
                    assert (taken.key.key, taken.key.nonce) == expected
                    tree = taken.tree

    each_in_scope(file, record_property, check)


def fresh_tree() -> SecretTree:
    return create_secret_tree(seeded_rng("secret tree")(room_suite.nh), 4)


def at(tree: SecretTree, generation: int) -> str:
    """What comes of asking for a key of LEAF's application ratchet."""
    return code_of(lambda: take_at(room_suite, tree, LEAF, "application", generation))


def in_order(count: int) -> list[MessageKey]:
    keys, tree = [], fresh_tree()
    for _ in range(count):
        taken = take_next(room_suite, tree, LEAF, "application")
        keys.append(taken.key)
        tree = taken.tree
    return keys


def test_v604_gives_each_key_in_any_order_and_never_twice() -> None:
    expected, tree = in_order(6), fresh_tree()
    for generation in (3, 0, 5, 4, 1, 2):
        taken = take_at(room_suite, tree, LEAF, "application", generation)
        assert taken.key == expected[generation]
        tree = taken.tree
        assert at(tree, generation) == "v604_generation_used"


def test_leaves_the_state_it_was_given_as_it_was() -> None:
    before = take_next(room_suite, fresh_tree(), LEAF, "handshake").tree
    first, second = (take_next(room_suite, before, LEAF, "handshake") for _ in range(2))
    assert first.key == second.key
    assert at(before, MAX_FORWARD_DISTANCE + 1) == "v605_generation_too_far"
    assert take_at(room_suite, before, LEAF, "application", 0).key.generation == 0


def test_v605_follows_a_sender_4096_generations_and_keeps_the_64_youngest_skipped_keys() -> None:
    tree = take_at(room_suite, fresh_tree(), LEAF, "application", MAX_FORWARD_DISTANCE).tree
    oldest = MAX_FORWARD_DISTANCE - MAX_SKIPPED_KEYS
    kept = [one.generation for one in tree.ratchets[LEAF].application.skipped]
    assert kept == list(range(oldest, MAX_FORWARD_DISTANCE))
    assert take_at(room_suite, tree, LEAF, "application", oldest).key.generation == oldest
    assert at(tree, oldest - 1) == "v604_generation_used"
    later = take_at(room_suite, tree, LEAF, "application", MAX_FORWARD_DISTANCE + 3).tree
    assert len(later.ratchets[LEAF].application.skipped) == MAX_SKIPPED_KEYS
    assert at(later, oldest + 1) == "v604_generation_used"
    assert at(later, oldest + 2) == "nothing raised"


def test_holds_no_secret_from_which_a_used_key_follows() -> None:
    """RFC 9420 §9.2."""
    start = fresh_tree()
    (root,) = start.subtrees.values()
    taken = take_at(room_suite, start, LEAF, "application", 2)
    held = secret_tree_secrets(taken.tree)
    assert root not in held
    assert root in taken.consumed
    # Leaves 0 and 1 below one subtree, leaf 3 below another; two ratchets, two skipped keys.
    assert sorted(taken.tree.subtrees) == [1, 6]
    assert len(held) == 2 + 2 + 2 * 2
    assert not set(taken.consumed) & set(held)


def test_names_as_consumed_all_that_the_new_state_no_longer_holds() -> None:
    tree = fresh_tree()
    done = 0
    for generation in (70, 3, 69, 80, 150, 79):
        if at(tree, generation) != "nothing raised":
            continue
        taken = take_at(room_suite, tree, LEAF, "application", generation)
        after = set(secret_tree_secrets(taken.tree))
        assert set(secret_tree_secrets(tree)) - after <= set(taken.consumed)
        assert not after & set(taken.consumed)
        tree = taken.tree
        done += 1
    assert done == 4


def test_gives_no_key_for_a_leaf_that_it_does_not_have() -> None:
    for count in (0, 3, -4):
        assert code_of(partial(create_secret_tree, bytes(48), count)) == "leaf_count"
    assert code_of(lambda: take_next(room_suite, fresh_tree(), leaf_index(4), "handshake")) == "leaf_range"
    emptied = replace(fresh_tree(), subtrees={})
    assert code_of(lambda: take_next(room_suite, emptied, LEAF, "handshake")) == "secret_tree"


def test_the_last_generation_is_used_and_nothing_follows_it() -> None:
    tree = take_next(room_suite, fresh_tree(), LEAF, "handshake").tree
    ratchets = tree.ratchets[LEAF]
    worn = replace(ratchets, handshake=replace(ratchets.handshake, next=MAX_GENERATION))
    last = take_next(room_suite, replace(tree, ratchets={LEAF: worn}), LEAF, "handshake")
    assert last.key.generation == MAX_GENERATION
    assert code_of(lambda: take_next(room_suite, last.tree, LEAF, "handshake")) == "generations_exhausted"
