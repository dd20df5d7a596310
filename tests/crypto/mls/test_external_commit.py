"""External commits (RFC 9420 §12.4.3.2), made here as an outsider makes them: rooms only ever refuse them
(E14).
"""

from dataclasses import replace

import pytest

from crypto.mls.apply_proposals import AppliedProposals, apply_proposals
from crypto.mls.capabilities import own_capabilities
from crypto.mls.commit import Commit, ProposalByValue
from crypto.mls.complete_commit import complete_commit, confirm_epoch
from crypto.mls.framing import (
    AuthData,
    AuthenticatedContent,
    CommitContent,
    FramedContent,
    NewMemberCommit,
    WireFormat,
)
from crypto.mls.group import Group, enter_epoch, epoch_authenticator
from crypto.mls.group_context import encode_group_context
from crypto.mls.hpke import HpkeExport
from crypto.mls.judge_commit import JudgedProposal, judge_commit, plan_epoch
from crypto.mls.key_schedule import external_key_pair, joiner_secret, zero_secret
from crypto.mls.leaf_node import CommitSource, LeafPlace, UnsignedLeafNode, sign_leaf_node
from crypto.mls.message_protection import protect_public, sign_framed_content
from crypto.mls.mls_message import encode_mls_message
from crypto.mls.proposal import ExternalInit, Proposal, Remove
from crypto.mls.public_messages import open_public_message
from crypto.mls.suite import ROOM_SUITE
from crypto.mls.suites import suite_of
from crypto.mls.transcript import SignedCommit
from crypto.mls.tree_kem import CreatedPath, LeafContent, PathInput, create_update_path
from crypto.mls.update_path import UpdatePath
from tests.crypto.mls.simulation import Client, Person, code_of, commit_all, room_of
from tests.crypto.seeded_rng import seeded_rng


class Outsider:
    """Whoever comes in with what a GroupInfo shows: the public parts of a member's state, and the external
    key.
    """

    def __init__(self, group: Group, person: Person, removes: Client | None = None) -> None:
        self.group, self.person, self.suite = group, person, group.suite
        public_key = external_key_pair(self.suite, group.secrets.external).public_key
        self.init: HpkeExport = self.suite.hpke_export_sender(
            public_key, b"", b"MLS 1.0 external init secret", self.suite.nh, person.rng
        )
        self.proposals: list[Proposal] = [ExternalInit(self.init.kem_output)]
        if removes is not None:
            self.proposals.append(Remove(removes.leaf))
        judged = [JudgedProposal(one, None, by_reference=False) for one in self.proposals]
        self.applied: AppliedProposals = apply_proposals(group, None, judged)
        self.created: CreatedPath = self._create_path()

    def _create_path(self) -> CreatedPath:
        context, person = self.group.context, self.person
        capabilities = own_capabilities(self.suite.id)
        return create_update_path(
            self.suite,
            PathInput(
                tree=self.applied.tree,
                own_leaf=self.applied.committer,
                group_id=context.group_id,
                content=LeafContent(person.signature, person.credential, capabilities, ()),
                added=(),
                group_context=lambda tree_hash: encode_group_context(
                    replace(context, epoch=context.epoch + 1, tree_hash=tree_hash)
                ),
            ),
            person.rng,
        )

    def commit(self, path: UpdatePath, tag: bytes) -> bytes:
        """A PublicMessage with this path and confirmation tag."""
        framed, signature = self._sign(path)
        content = AuthenticatedContent(WireFormat.PUBLIC_MESSAGE, framed, AuthData(signature, tag))
        return encode_mls_message(protect_public(self.suite, content, b"", self.group.context_bytes))

    def _sign(self, path: UpdatePath) -> tuple[FramedContent, bytes]:
        context = self.group.context
        commit = Commit(tuple(map(ProposalByValue, self.proposals)), path)
        framed = FramedContent(context.group_id, context.epoch, NewMemberCommit(), b"", CommitContent(commit))
        key = self.person.signature.private_key
        signature = sign_framed_content(
            self.suite, WireFormat.PUBLIC_MESSAGE, framed, key, self.group.context_bytes
        )
        return framed, signature

    def come_in(self) -> tuple[bytes, Client]:
        """The commit, and the member that it makes of the outsider."""
        suite, path = self.suite, self.created.path
        signed = SignedCommit(WireFormat.PUBLIC_MESSAGE, *self._sign(path))
        following = plan_epoch(self.group, self.applied, signed, path)
        context = following.context_after
        joiner = joiner_secret(
            suite, self.init.secret, self.created.commit_secret, following.context_after_bytes
        )
        secrets, tag = confirm_epoch(
            suite,
            joiner,
            zero_secret(suite),
            following.context_after_bytes,
            context.confirmed_transcript_hash,
        )
        group = enter_epoch(
            suite=suite,
            context=context,
            context_bytes=following.context_after_bytes,
            tree=following.tree_after,
            confirmation_tag=tag,
            reinit=None,
            own_leaf=self.applied.committer,
            signature_private_key=self.person.signature.private_key,
            private_tree=self.created.private_tree,
            epoch_secrets=secrets,
        )
        return self.commit(path, tag), Client(self.person.name, group, self.person.rng)


def follow(client: Client, message: bytes) -> None:
    opened = open_public_message(client.group, message)
    assert opened.sender is None
    judged = judge_commit(client.group, opened.authenticated, ())
    client.group = complete_commit(client.group, judged).next


@pytest.mark.parametrize("suite_id", [1, ROOM_SUITE])
def test_an_outsider_comes_in_and_is_a_member_like_any_other(suite_id: int) -> None:
    rng = seeded_rng(f"external {suite_id}")
    clients = room_of(suite_id, ["ada", "ben", "cyd", "dan"], rng)
    commit_all(clients)
    message, eve = Outsider(clients[0].group, Person(suite_of(suite_id), "eve", rng)).come_in()
    for client in clients:
        follow(client, message)
    assert eve.leaf == 4
    assert {epoch_authenticator(one.group) for one in clients} == {epoch_authenticator(eve.group)}
    commit_all([eve, *clients])
    commit_all([clients[2], eve, clients[0], clients[1], clients[3]])


def test_whoever_comes_back_takes_the_place_of_its_old_leaf() -> None:
    rng = seeded_rng("coming back")
    suite = suite_of(ROOM_SUITE)
    ada, ben, cyd = room_of(ROOM_SUITE, ["ada", "ben", "cyd"], rng)
    outsider = Outsider(ada.group, Person(suite, "ben", rng), removes=ben)
    message, again = outsider.come_in()
    for client in (ada, cyd):
        follow(client, message)
    assert again.leaf == ben.leaf
    commit_all([again, ada, cyd])

    # The one who is replaced is told so.
    opened = open_public_message(ben.group, message)
    assert judge_commit(ben.group, opened.authenticated, ()).removes_me


def test_v109_and_brings_another_encryption_key_than_that_one() -> None:
    rng = seeded_rng("kept key")
    suite = suite_of(ROOM_SUITE)
    ada, ben, _ = room_of(ROOM_SUITE, ["ada", "ben", "cyd"], rng)
    outsider = Outsider(ada.group, Person(suite, "ben", rng), removes=ben)
    path = outsider.created.path
    source = path.leaf_node.source
    old = ada.group.tree.leaf(ben.leaf)
    assert isinstance(source, CommitSource)
    assert old is not None
    leaf = sign_leaf_node(
        suite,
        UnsignedLeafNode(
            encryption_key=old.encryption_key,
            signature_key=outsider.person.signature.public_key,
            credential=path.leaf_node.credential,
            capabilities=path.leaf_node.capabilities,
            source=source,
            extensions=(),
        ),
        outsider.person.signature.private_key,
        LeafPlace(ada.group.context.group_id, ben.leaf),
    )

    def judged(path: UpdatePath) -> str:
        opened = open_public_message(ada.group, outsider.commit(path, bytes(suite.nh)))
        return code_of(lambda: judge_commit(ada.group, opened.authenticated, ()))

    assert judged(path) == "nothing raised"
    assert judged(replace(path, leaf_node=leaf)) == "v109_encryption_key_kept"


def test_the_key_of_another_epoch_opens_nothing() -> None:
    rng = seeded_rng("late outsider")
    ada, ben = room_of(ROOM_SUITE, ["ada", "ben"], rng)
    message, _ = Outsider(ada.group, Person(suite_of(ROOM_SUITE), "eve", rng)).come_in()
    wrong = replace(ben.group, secrets=replace(ben.group.secrets, external=bytes(48)))
    opened = open_public_message(ben.group, message)
    judged = judge_commit(ben.group, opened.authenticated, ())
    assert code_of(lambda: complete_commit(wrong, judged)) == "confirmation_tag"
    commit_all([ada, ben])
    assert code_of(lambda: open_public_message(ben.group, message)) == "v602_epoch"
