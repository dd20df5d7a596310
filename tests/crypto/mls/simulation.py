"""Clients in memory, for tests: each with its own state, and nothing between them but bytes."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import pytest

from crypto.mls.application import OpenedProposal, Protected, Unprotected, unprotect
from crypto.mls.bytes import Rng
from crypto.mls.complete_commit import complete_commit
from crypto.mls.credential import BasicCredential
from crypto.mls.errors import MlsError
from crypto.mls.extension import Extension, Extensions, ExtensionType, RequiredCapabilities
from crypto.mls.extension import required_capabilities_extension as required_capabilities
from crypto.mls.group import Group, NewLeaf, create_group
from crypto.mls.group_state import decode_group, encode_group
from crypto.mls.join_group import join_by_welcome
from crypto.mls.judge_commit import Judged, ProposalReference, judge_commit
from crypto.mls.key_package import CreatedKeyPackage, KeyPackageInput, create_key_package
from crypto.mls.proposal import Add, Proposal, Remove
from crypto.mls.psk import PskLookup, no_psks
from crypto.mls.stage_commit import Staged, stage_commit
from crypto.mls.suite import CipherSuite
from crypto.mls.suites import suite_of
from crypto.mls.tree_math import LeafIndex

NOT_BEFORE, NOT_AFTER = 0, 2**62
GROUP_ID = b"a group of sixteen"

P = TypeVar("P", bound=Protected)


def room_extensions(title: str) -> Extensions:
    """What a room's GroupContext has (E13)."""
    required = RequiredCapabilities(
        extensions=(ExtensionType.COLLEGIUM_ROOM,), proposals=(), credentials=(1,)
    )
    return (required_capabilities(required), Extension(ExtensionType.COLLEGIUM_ROOM, title.encode()))


def code_of(run: Callable[[], object]) -> str:
    """The code of the error that a call ends in."""
    try:
        run()
    except MlsError as error:
        return error.code
    return "nothing raised"


def fault_of(run: Callable[[], object]) -> str:
    """Whose fault the error is that a call ends in."""
    try:
        run()
    except MlsError as error:
        return error.fault
    return "nobody"


class Person:
    """What a client has before it is in a group."""

    def __init__(self, suite: CipherSuite, name: str, rng: Rng) -> None:
        self.suite, self.name, self.rng = suite, name, rng
        self.credential = BasicCredential(name.encode())
        self.signature = suite.signature_key_pair(rng)

    def key_package(self) -> CreatedKeyPackage:
        content = KeyPackageInput(
            signature=self.signature,
            credential=self.credential,
            not_before=NOT_BEFORE,
            not_after=NOT_AFTER,
        )
        return create_key_package(self.suite, content, self.rng)

    def found(self, extensions: Extensions | None = None, group_id: bytes = GROUP_ID) -> "Client":
        group = create_group(
            suite=self.suite,
            group_id=group_id,
            signature=self.signature,
            credential=self.credential,
            not_before=NOT_BEFORE,
            not_after=NOT_AFTER,
            extensions=room_extensions("new") if extensions is None else extensions,
            rng=self.rng,
        )
        return Client(self.name, group, self.rng)

    def join(self, welcome: bytes, key_package: CreatedKeyPackage, psks: PskLookup = no_psks) -> "Client":
        joined = join_by_welcome(
            suite=self.suite,
            welcome=welcome,
            key_package=key_package.bytes,
            secrets=key_package.secrets,
            psks=psks,
        )
        return Client(self.name, joined.group, self.rng)


class Client:
    """A member, whose state moves on."""

    def __init__(self, name: str, group: Group, rng: Rng) -> None:
        self.name, self.group, self.rng = name, group, rng
        self.references: list[ProposalReference] = []

    @property
    def leaf(self) -> LeafIndex:
        return self.group.own_leaf

    def reload(self) -> None:
        """Stored and read again."""
        self.group = decode_group(encode_group(self.group), suite_of)

    def send(self, protect: Callable[[Group], P]) -> P:
        sent = protect(self.group)
        self.group = sent.group
        return sent

    def receive(self, message: bytes) -> Unprotected:
        opened = unprotect(self.group, message)
        self.group = opened.group
        if isinstance(opened.content, OpenedProposal):
            content = opened.content
            self.references.append(ProposalReference(content.proposal, content.ref, opened.sender))
        return opened

    def stage(
        self,
        *proposals: Proposal,
        references: Sequence[ProposalReference] = (),
        new_leaf: NewLeaf | None = None,
        psks: PskLookup = no_psks,
    ) -> Staged:
        staged = stage_commit(
            self.group,
            proposals=proposals,
            references=references,
            authenticated_data=b"id",
            new_leaf=new_leaf,
            psks=psks,
            rng=self.rng,
        )
        self.group = staged.current
        return staged

    def merge(self, staged: Staged) -> None:
        """The own commit was accepted."""
        self._enter(staged.next)

    def judge(self, message: bytes) -> Judged:
        opened = self.receive(message)
        return judge_commit(self.group, opened.authenticated, self.references)

    def follow(self, message: bytes, psks: PskLookup = no_psks) -> bool:
        """Somebody else's commit. Answers False when it removes this member."""
        judged = self.judge(message)
        if judged.removes_me:
            return False
        self._enter(complete_commit(self.group, judged, psks).next)
        return True

    def _enter(self, group: Group) -> None:
        self.group = group
        self.references = []


def room_of(
    suite_id: int, names: Sequence[str], rng: Rng, extensions: Extensions | None = None
) -> list[Client]:
    """A founder and others that were added in one commit."""
    founder, *others = [Person(suite_of(suite_id), name, rng) for name in names]
    first = founder.found(extensions)
    if not others:
        return [first]
    packages = [person.key_package() for person in others]
    staged = first.stage(*map(add, packages))
    first.merge(staged)
    welcome = welcome_of(staged)
    joined = [person.join(welcome, package) for person, package in zip(others, packages, strict=True)]
    return [first, *joined]


def welcome_of(staged: Staged) -> bytes:
    if staged.welcome is None:
        pytest.fail("a commit without a Welcome")
    return staged.welcome


def add(created: CreatedKeyPackage) -> Add:
    return Add(created.key_package)


def remove(client: Client) -> Remove:
    return Remove(client.leaf)


def commit_all(
    clients: Sequence[Client],
    *proposals: Proposal,
    new_leaf: NewLeaf | None = None,
    psks: PskLookup = no_psks,
    references: Sequence[ProposalReference] = (),
) -> Staged:
    """One commit by the first of the clients, followed by the others."""
    author, *others = clients
    staged = author.stage(*proposals, references=references, new_leaf=new_leaf, psks=psks)
    for other in others:
        assert other.follow(staged.message, psks)
    author.merge(staged)
    return staged
