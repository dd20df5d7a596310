"""A small group from its founding on: what its members do, they all see alike, and stored states go on."""

from dataclasses import replace
from functools import partial

import pytest

from crypto.mls.application import OpenedApplication, propose_update, protect_application, protect_proposal
from crypto.mls.bytes import Rng
from crypto.mls.complete_commit import complete_commit
from crypto.mls.group import (
    NewLeaf,
    confirmation_tag,
    epoch,
    epoch_authenticator,
    export_secret,
    extensions,
    group_context_bytes,
    group_id,
    members,
    tree_hash,
)
from crypto.mls.judge_commit import ProposalReference
from crypto.mls.proposal import GroupContextExtensions, PreSharedKey, Proposal
from crypto.mls.psk_id import ExternalPskId, PreSharedKeyId, ResumptionPskId
from crypto.mls.stage_commit import Staged
from crypto.mls.suite import ROOM_SUITE
from crypto.mls.suites import suite_of
from tests.crypto.mls.simulation import (
    GROUP_ID,
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


class Life:
    def __init__(self, suite_id: int, rng: Rng) -> None:
        self.suite, self.rng = suite_of(suite_id), rng
        self.clients = room_of(suite_id, ["ada"], rng)

    def agree(self) -> None:
        """All members see the same. Each is stored and read again: the next step begins from there."""
        for client in self.clients:
            client.reload()
        views = {
            (
                epoch_authenticator(client.group),
                tree_hash(client.group),
                export_secret(client.group, "life", b"context", 32),
                group_context_bytes(client.group),
                confirmation_tag(client.group),
            )
            for client in self.clients
        }
        assert len(views) == 1
        leaves = [leaf for leaf, _ in members(self.clients[0].group)]
        assert leaves == sorted(client.leaf for client in self.clients)

    def add(self, author: Client, *names: str) -> None:
        people = [Person(self.suite, name, self.rng) for name in names]
        packages = [person.key_package() for person in people]
        staged = author.stage(*map(add, packages))
        author.reload()
        self.follow(author, staged)
        welcome = welcome_of(staged)
        self.clients += [
            person.join(welcome, package) for person, package in zip(people, packages, strict=True)
        ]
        self.agree()

    def follow(self, author: Client, staged: Staged) -> None:
        for client in self.clients:
            if client is not author:
                assert client.follow(staged.message)
        author.merge(staged)

    def remove(self, author: Client, *gone: Client) -> None:
        staged = author.stage(*map(remove, gone))
        for client in gone:
            self.clients.remove(client)
            judged = client.judge(staged.message)
            assert judged.removes_me
            # However hard it tries: there is nothing to open the commit with.
            tried = partial(complete_commit, client.group, replace(judged, removes_me=False))
            assert code_of(tried) == "v311_path_secret"
        self.follow(author, staged)
        self.agree()

    def say(self, author: Client, text: bytes) -> bytes:
        return author.send(
            lambda group: protect_application(
                group, data=text, authenticated_data=b"id", padded_to=32, rng=self.rng
            )
        ).message

    def talk(self, author: Client) -> None:
        """Three messages, read by each in another order, each once."""
        texts = b"one", b"two", b"three"
        sent = [self.say(author, text) for text in texts]
        author.reload()
        for turn, client in enumerate(client for client in self.clients if client is not author):
            for i in ((0, 1, 2), (2, 0, 1), (2, 1, 0))[turn % 3]:
                opened = client.receive(sent[i])
                assert (opened.sender, opened.content) == (author.leaf, OpenedApplication(texts[i]))
                client.reload()
                assert code_of(partial(client.receive, sent[i])) == "v604_generation_used"

    def propose(self, sender: Client, proposal: Proposal | None = None) -> None:
        """An Update of its own leaf, when nothing else is said."""
        sent = sender.send(
            lambda group: (
                propose_update(group, authenticated_data=b"", rng=self.rng)
                if proposal is None
                else protect_proposal(group, proposal=proposal, authenticated_data=b"", rng=self.rng)
            )
        )
        sender.references.append(ProposalReference(sent.proposal, sent.ref, sender.leaf))
        sender.reload()
        for client in self.clients:
            if client is not sender:
                client.receive(sent.message)


@pytest.mark.parametrize("suite_id", [1, 2, 3, ROOM_SUITE])
def test_a_groups_life(suite_id: int) -> None:
    life = Life(suite_id, seeded_rng(f"life {suite_id}"))
    (ada,) = life.clients
    life.add(ada, "ben", "cyd", "dan")
    _, ben, cyd, dan = life.clients
    life.talk(ben)

    # Each updates its own path, so that the tree is full.
    for client in list(life.clients):
        commit_all([client, *(other for other in life.clients if other is not client)])
        life.agree()
    life.add(dan, "eve")
    eve = life.clients[-1]
    life.talk(eve)

    # A new signature key, and proposals by reference: an Update and a leave.
    signature = life.suite.signature_key_pair(life.rng)
    renewed = NewLeaf(signature, ada.group.tree.members()[0].node.credential)
    commit_all([ada, ben, cyd, dan, eve], new_leaf=renewed)
    life.agree()
    life.propose(eve)
    life.propose(cyd, remove(cyd))
    staged = ben.stage(references=ben.references)
    life.clients.remove(cyd)
    life.follow(ben, staged)
    assert (staged.judged.updated, staged.judged.removed) == ((eve.leaf,), (cyd.leaf,))
    life.agree()
    life.talk(ada)

    # PSKs: one from outside, one from an earlier epoch.
    secrets: dict[PreSharedKeyId, bytes] = {}
    external = ExternalPskId(b"psk", life.rng(life.suite.nh))
    context = ada.group.context
    earlier = ResumptionPskId("application", context.group_id, context.epoch, life.rng(life.suite.nh))
    secrets[external], secrets[earlier] = life.rng(20), ada.group.secrets.resumption
    commit_all([dan, ada, ben, eve])
    commit_all([eve, ada, ben, dan], PreSharedKey(external), PreSharedKey(earlier), psks=secrets.get)
    life.agree()

    # The GroupContext's extensions, together with an Add.
    renamed = room_extensions("another title")
    person = Person(life.suite, "fay", life.rng)
    package = person.key_package()
    staged = ada.stage(GroupContextExtensions(renamed), add(package))
    life.follow(ada, staged)
    life.clients.append(person.join(welcome_of(staged), package))
    life.agree()
    newest = life.clients[-1].group
    assert extensions(newest) == renamed
    assert (group_id(newest), epoch(newest)) == (GROUP_ID, epoch(ada.group))

    # Half of the tree is blanked, and the rest goes on.
    left = [client for client in life.clients if client.leaf >= 4 and client is not eve]
    life.remove(eve, *left, ada)
    life.remove(eve, ben)
    life.talk(dan)
    life.remove(dan, eve)
    life.add(dan, "gil")
    life.talk(life.clients[-1])
