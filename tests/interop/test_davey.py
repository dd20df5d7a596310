"""Live with OpenMLS, through davey: suite 2, and PublicMessages, since that is what it speaks.

Who comes and who goes is proposed by an external sender, here the test; members commit by reference. Each
commits for the other, and both know the same epoch. The twin of web/tests/interop/davey.test.ts.
"""

from collections.abc import Sequence

import davey
import pytest

from crypto.mls.application import OpenedProposal
from crypto.mls.bytes import u64
from crypto.mls.capabilities import greased, own_capabilities
from crypto.mls.codec import Writer, vector_bytes
from crypto.mls.complete_commit import complete_commit
from crypto.mls.credential import (
    BasicCredential,
    ExternalSender,
    external_senders_extension,
    write_external_sender,
)
from crypto.mls.errors import MlsError
from crypto.mls.framing import (
    AuthData,
    FramedContent,
    OutsideSender,
    ProposalContent,
    PublicMessage,
    WireFormat,
)
from crypto.mls.group import Group, create_group, epoch_authenticator
from crypto.mls.group_state import decode_group, encode_group
from crypto.mls.join_group import join_by_welcome
from crypto.mls.judge_commit import ProposalReference, judge_commit
from crypto.mls.key_package import KeyPackageInput, create_key_package, decode_key_package
from crypto.mls.message_protection import sign_framed_content
from crypto.mls.mls_message import encode_mls_message
from crypto.mls.proposal import Add, Proposal, Remove
from crypto.mls.public_messages import open_public_message
from crypto.mls.stage_commit import stage_commit
from crypto.mls.suites import suite_of
from crypto.mls.tree_math import leaf_index
from tests.conftest import SOAK
from tests.crypto.seeded_rng import draw_below, seeded_rng

SUITE = suite_of(2)
RNG = seeded_rng("davey")
CHANNEL = 7
NOT_BEFORE, NOT_AFTER = 0, 2**62
WELCOME_HEADER = bytes((0, 1, 0, 3))
STEPS, MOST = (300, 20) if SOAK else (15, 8)

SERVICE = SUITE.signature_key_pair(RNG)
"""Who proposes: its key is in the GroupContext, and it is no member."""
SENDER = ExternalSender(SERVICE.public_key, BasicCredential(u64(1)))


def proposed(epoch: int, proposal: Proposal) -> bytes:
    framed = FramedContent(u64(CHANNEL), epoch, OutsideSender(0), b"", ProposalContent(proposal))
    signature = sign_framed_content(SUITE, WireFormat.PUBLIC_MESSAGE, framed, SERVICE.private_key, b"")
    return encode_mls_message(PublicMessage(framed, AuthData(signature, None), None))


class Theirs:
    """A member of OpenMLS'."""

    def __init__(self, user: int) -> None:
        self.session = davey.DaveSession(1, user, CHANNEL)
        writer = Writer()
        write_external_sender(writer, SENDER)
        self.session.set_external_sender(writer.finish())

    @property
    def epoch(self) -> int:
        return self.session.epoch or 0

    @property
    def authenticator(self) -> bytes:
        return bytes(self.session.get_epoch_authenticator() or b"")

    @property
    def leaf(self) -> int:
        return self.session.own_leaf_index or 0

    def addition(self) -> Proposal:
        return Add(decode_key_package(bytes(self.session.get_serialized_key_package())))

    def join(self, welcome: bytes) -> None:
        self.session.process_welcome(welcome)

    def propose(self, message: bytes) -> tuple[bytes, bytes | None]:
        """Each of theirs commits at once what it is told; only the author's is sent, and the others' lose."""
        operation = davey.ProposalsOperationType.append
        made = self.session.process_proposals(operation, vector_bytes(message))
        assert made is not None
        return bytes(made.commit), bytes(made.welcome) if made.welcome else None

    def receive(self, commit: bytes) -> None:
        self.session.process_commit(commit)


class Ours:
    """A member of ours, stored and read again after every commit."""

    def __init__(self, user: int) -> None:
        self.signature = SUITE.signature_key_pair(RNG)
        self.credential = BasicCredential(u64(user))
        # No GREASE among the extensions: OpenMLS finds it in no capabilities, also when it is there (its
        # issue 2156).
        content = KeyPackageInput(
            signature=self.signature,
            credential=self.credential,
            not_before=NOT_BEFORE,
            not_after=NOT_AFTER,
            capabilities=greased(own_capabilities(SUITE.id), RNG),
        )
        self._key_package = create_key_package(SUITE, content, RNG)
        self._group: Group | None = None
        self._references: list[ProposalReference] = []

    @property
    def group(self) -> Group:
        assert self._group is not None
        return self._group

    @property
    def epoch(self) -> int:
        return self.group.context.epoch

    @property
    def authenticator(self) -> bytes:
        return epoch_authenticator(self.group)

    @property
    def leaf(self) -> int:
        return self.group.own_leaf

    def addition(self) -> Proposal:
        return Add(self._key_package.key_package)

    def found(self) -> "Ours":
        self._group = create_group(
            suite=SUITE,
            group_id=u64(CHANNEL),
            signature=self.signature,
            credential=self.credential,
            not_before=NOT_BEFORE,
            not_after=NOT_AFTER,
            extensions=(external_senders_extension((SENDER,)),),
            rng=RNG,
        )
        return self

    def join(self, welcome: bytes) -> None:
        made = self._key_package
        message = WELCOME_HEADER + welcome
        self._enter(
            join_by_welcome(suite=SUITE, welcome=message, key_package=made.bytes, secrets=made.secrets).group
        )

    def propose(self, message: bytes) -> None:
        opened = open_public_message(self.group, message)
        assert isinstance(opened.content, OpenedProposal)
        content = opened.content
        self._references.append(ProposalReference(content.proposal, content.ref, opened.sender))

    def commit(self) -> tuple[bytes, bytes | None]:
        """Everything that was proposed, by reference."""
        staged = stage_commit(
            self.group,
            proposals=[],
            references=self._references,
            authenticated_data=b"",
            wire_format=WireFormat.PUBLIC_MESSAGE,
            rng=RNG,
        )
        self._enter(staged.next)
        return staged.message, staged.welcome and staged.welcome[len(WELCOME_HEADER) :]

    def receive(self, commit: bytes) -> None:
        opened = open_public_message(self.group, commit)
        judged = judge_commit(self.group, opened.authenticated, self._references)
        self._enter(complete_commit(self.group, judged).next)

    def _enter(self, group: Group) -> None:
        self._group = decode_group(encode_group(group), suite_of)
        self._references = []


class Both:
    """Whoever is in the group, whichever program drives it."""

    def __init__(self, founder: Ours | Theirs) -> None:
        self.members: list[Ours | Theirs] = [founder]
        self._epoch = 0
        self._user = 100

    @property
    def ours(self) -> list[Ours]:
        return [one for one in self.members if isinstance(one, Ours)]

    @property
    def theirs(self) -> list[Theirs]:
        return [one for one in self.members if isinstance(one, Theirs)]

    def add(self, kind: type[Ours] | type[Theirs], author: Ours | Theirs) -> None:
        self._user += 1
        newcomer = kind(self._user)
        welcome = self._commit(newcomer.addition(), author)
        assert welcome is not None
        newcomer.join(welcome)
        self.members.append(newcomer)
        self.agree()

    def remove(self, gone: Ours | Theirs, author: Ours | Theirs) -> None:
        self.members.remove(gone)
        self._commit(Remove(leaf_index(gone.leaf)), author)
        self.agree()
        assert gone.epoch == self._epoch - 1

    def agree(self) -> None:
        assert {one.epoch for one in self.members} == {self._epoch}
        assert len({one.authenticator for one in self.members}) == 1

    def _commit(self, proposal: Proposal, author: Ours | Theirs) -> bytes | None:
        message = proposed(self._epoch, proposal)
        for one in self.ours:
            one.propose(message)
        made = {one: one.propose(message) for one in self.theirs}
        commit, welcome = author.commit() if isinstance(author, Ours) else made[author]
        for member in self.members:
            if isinstance(member, Theirs) or member is not author:
                member.receive(commit)
        self._epoch += 1
        return welcome


def test_its_group_is_joined_by_welcome_and_both_commit_and_who_came_by_our_welcome_does() -> None:
    ada = Theirs(1)
    group = Both(ada)
    group.add(Ours, ada)
    group.add(Theirs, group.ours[0])
    group.add(Ours, group.theirs[1])
    group.remove(ada, group.ours[1])
    group.add(Theirs, group.theirs[0])
    group.remove(group.ours[0], group.theirs[1])


def test_ours_is_joined_by_welcome() -> None:
    ada = Ours(1).found()
    group = Both(ada)
    for _ in range(4):
        group.add(Theirs, ada)
    group.remove(group.theirs[1], group.theirs[2])
    group.add(Ours, group.theirs[0])
    group.remove(ada, group.theirs[2])


def test_a_walk_at_random_holds_who_comes_who_goes_who_commits() -> None:
    group = Both(Theirs(1))
    group.add(Ours, group.theirs[0])

    def one(items: Sequence[Ours | Theirs]) -> Ours | Theirs:
        return items[draw_below(RNG, len(items))]

    for _ in range(STEPS):
        author, gone = one(group.members), one(group.members)
        few = len(group.members) < 3
        grows = few or (len(group.members) < MOST and draw_below(RNG, 3) > 0)
        if grows or gone is author:
            group.add(Ours if draw_below(RNG, 2) else Theirs, author)
        else:
            group.remove(gone, author)


def test_what_was_changed_on_the_way_is_refused_by_both() -> None:
    ada = Theirs(1)
    group = Both(ada)
    group.add(Ours, ada)
    [ben] = group.ours

    def spoilt(data: bytes) -> bytes:
        return data[:-40] + bytes([data[-40] ^ 1]) + data[-39:]

    message = proposed(1, Ours(3).addition())
    commit, _ = ada.propose(message)
    ben.propose(message)
    with pytest.raises(MlsError):
        ben.receive(spoilt(commit))
    with pytest.raises(ValueError, match="InvalidMembershipTag"):
        ada.receive(spoilt(ben.commit()[0]))
