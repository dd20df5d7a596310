"""d01 to d09: defects that were seen in public libraries, each looked for in the suites that we use most."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from crypto.mls.application import propose_update, protect_application, unprotect
from crypto.mls.complete_commit import complete_commit
from crypto.mls.extension import Extension, ExtensionType
from crypto.mls.framing import ApplicationContent
from crypto.mls.group import epoch_authenticator, export_secret
from crypto.mls.group_state import encode_group
from crypto.mls.judge_commit import ProposalReference, commit_of, judge_commit
from crypto.mls.leaf_node import CommitSource, LeafPlace, leaf_signature_is_valid
from crypto.mls.proposal import GroupContextExtensions
from crypto.mls.stage_commit import Staged
from crypto.mls.suite import ROOM_SUITE
from crypto.mls.suites import suite_of
from crypto.mls.tree_math import LeafIndex
from crypto.mls.update_path import UpdatePath
from tests.crypto.mls.forge import Forgery, by_value, forge_commit, forge_private
from tests.crypto.mls.simulation import (
    Client,
    Person,
    add,
    code_of,
    commit_all,
    remove,
    room_extensions,
    room_of,
    welcome_of,
)
from tests.crypto.seeded_rng import seeded_rng

each_suite = pytest.mark.parametrize("suite_id", [1, ROOM_SUITE])


def room(suite_id: int, count: int) -> list[Client]:
    names = [f"member {i}" for i in range(count)]
    return room_of(suite_id, names, seeded_rng(f"defects {suite_id} {count}"))


def one_epoch(clients: Sequence[Client]) -> bool:
    return len({epoch_authenticator(one.group) for one in clients}) == 1


def path_of(staged: Staged) -> UpdatePath:
    path = commit_of(staged.judged.authenticated).path
    assert path is not None
    return path


def verdict(client: Client, message: bytes) -> str:
    """What becomes of a commit that is opened, judged and completed. The client stays where it is."""

    def run() -> None:
        opened = unprotect(client.group, message)
        complete_commit(client.group, judge_commit(client.group, opened.authenticated, []))

    return code_of(run)


def everyone_commits(clients: Sequence[Client]) -> None:
    for author in clients:
        commit_all([author, *(one for one in clients if one is not author)])


@each_suite
def test_d01_the_own_leaf_of_a_path_is_signed_anew_over_key_parent_hash_and_place(suite_id: int) -> None:
    suite, clients = suite_of(suite_id), room(suite_id, 5)
    author = clients[0]
    before = author.group.tree.leaf(author.leaf)
    assert before is not None
    leaf_node = path_of(commit_all(clients)).leaf_node
    place = LeafPlace(author.group.context.group_id, author.leaf)
    assert leaf_signature_is_valid(suite, leaf_node, place)
    assert leaf_node.signature != before.signature
    for changed, where in (
        (replace(leaf_node, encryption_key=before.encryption_key), place),
        (replace(leaf_node, source=CommitSource(b"")), place),
        (leaf_node, replace(place, leaf=LeafIndex(1))),
    ):
        assert not leaf_signature_is_valid(suite, changed, where)


@each_suite
def test_d02_neither_a_replay_nor_an_unsigned_application_message_is_accepted(suite_id: int) -> None:
    ada, ben = room(suite_id, 2)
    sent = ada.send(lambda g: protect_application(g, data=b"once", authenticated_data=b"", rng=ada.rng))
    ben.receive(sent.message)
    assert code_of(lambda: ben.receive(sent.message)) == "v604_generation_used"
    ben.reload()
    assert code_of(lambda: ben.receive(sent.message)) == "v604_generation_used"
    unsigned = forge_private(ada.group, ApplicationContent(b"unsigned"), Forgery(signed_by=b""))
    assert code_of(lambda: ben.receive(unsigned)) == "v607_signature"


@each_suite
def test_d03_the_exporter_does_not_ignore_its_context(suite_id: int) -> None:
    [ada] = room(suite_id, 1)
    contexts = [b"", b"a", b"b", bytes(1), bytes(32)]
    exported = [export_secret(ada.group, "label", context, 32) for context in contexts]
    assert len(set(exported)) == len(contexts)
    assert export_secret(ada.group, "label", b"a", 32) == exported[1]


@each_suite
@pytest.mark.parametrize("blank", ["left", "right"])
def test_d04_the_commit_secret_is_right_when_one_half_of_the_tree_is_blank(suite_id: int, blank: str) -> None:
    clients = room(suite_id, 8)
    everyone_commits(clients)
    stay, go = (clients[4:], clients[:4]) if blank == "left" else (clients[:4], clients[4:])
    commit_all(stay, *map(remove, go))
    assert one_epoch(stay)
    # On the right the left half stays blank, so that the root is no node of anybody's path.
    assert stay[0].group.tree.leaf_count == (8 if blank == "left" else 4)
    everyone_commits(stay)
    assert one_epoch(stay)
    eve = Person(suite_of(suite_id), "eve", stay[0].rng)
    package = eve.key_package()
    welcome = welcome_of(commit_all(stay, add(package)))
    everyone = [eve.join(welcome, package), *stay]
    commit_all(everyone)
    assert one_epoch(everyone)


@each_suite
def test_d05_a_commit_with_a_remove_has_a_path_and_one_without_is_refused(suite_id: int) -> None:
    ada, ben, cyd = room(suite_id, 3)
    assert verdict(ben, forge_commit(ada.group, None, by_value(remove(cyd)))) == "v519_path_missing"
    assert path_of(commit_all([ada, ben], remove(cyd))).nodes
    assert one_epoch([ada, ben])


@each_suite
def test_d06_a_commit_of_extensions_has_a_path_and_the_new_group_context_has_them(suite_id: int) -> None:
    clients = room(suite_id, 3)
    ada, ben, _ = clients
    proposal = GroupContextExtensions(room_extensions("renamed"))
    assert verdict(ben, forge_commit(ada.group, None, by_value(proposal))) == "v519_path_missing"
    assert path_of(commit_all(clients, proposal)).nodes
    title = Extension(ExtensionType.COLLEGIUM_ROOM, b"renamed")
    assert all(title in one.group.context.extensions for one in clients)
    assert one_epoch(clients)


@each_suite
def test_d07_a_valid_welcome_is_accepted_whatever_shape_its_unmerged_leaves_have(suite_id: int) -> None:
    clients = room(suite_id, 7)
    everyone_commits(clients)

    def welcomed(*gone: Client) -> None:
        nonlocal clients
        eve = Person(suite_of(suite_id), f"eve {len(clients)}", clients[0].rng)
        package = eve.key_package()
        stay = [one for one in clients if one not in gone]
        welcome = welcome_of(commit_all(stay, *map(remove, gone), add(package)))
        clients = [*stay, eve.join(welcome, package)]
        assert one_epoch(clients)

    # At every key above, at some of them with blanks between, several at once, and in another's old place.
    welcomed()
    welcomed()
    welcomed(clients[2], clients[5])
    welcomed(clients[4])
    commit_all([clients[-1], *clients[:-1]])
    welcomed()
    tree = clients[0].group.tree
    assert any(one.node.unmerged_leaves for one in tree.parents())
    welcomed(clients[1])


@each_suite
def test_d08_an_update_of_leaf_0_is_accepted_by_reference_and_by_a_path(suite_id: int) -> None:
    ada, ben, cyd = room(suite_id, 3)
    before = ada.group.tree.leaf(ada.leaf)
    assert (ada.leaf, before is None) == (0, False)
    sent = ada.send(lambda g: propose_update(g, authenticated_data=b"", rng=ada.rng))
    ada.references.append(ProposalReference(sent.proposal, sent.ref, ada.leaf))
    for other in (ben, cyd):
        other.receive(sent.message)
    staged = commit_all([ben, ada, cyd], references=ben.references)
    assert staged.judged.updated == (0,)
    after = cyd.group.tree.leaf(ada.leaf)
    assert before is not None
    assert after is not None
    assert before.encryption_key != after.encryption_key
    commit_all([ada, ben, cyd])
    assert one_epoch([ada, ben, cyd])


@each_suite
def test_d09_a_bad_commit_bricks_nobody(suite_id: int) -> None:
    clients = room(suite_id, 4)
    ada, *others = clients
    states = [encode_group(one.group) for one in others]
    honest = path_of(ada.stage())
    emptied = tuple(replace(node, encrypted_path_secrets=()) for node in honest.nodes)
    bad = [
        forge_commit(ada.group, None),
        forge_commit(ada.group, honest, by_value(remove(ada))),
        forge_commit(ada.group, replace(honest, nodes=())),
        forge_commit(ada.group, replace(honest, nodes=emptied)),
        forge_commit(ada.group, honest),
        forge_commit(ada.group, honest, confirmation_tag=b""),
    ]
    for message in bad:
        for one, state in zip(others, states, strict=True):
            assert verdict(one, message) != "nothing raised"
            assert encode_group(one.group) == state
    commit_all([*reversed(others), ada])
    commit_all(clients)
    assert one_epoch(clients)
