"""Members in Python, in this process."""

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from crypto.mls.application import (
    OpenedApplication,
    OpenedProposal,
    Protected,
    ProtectedProposal,
    Unprotected,
    propose_update,
    protect_application,
    protect_proposal,
    unprotect,
)
from crypto.mls.complete_commit import complete_commit
from crypto.mls.credential import BasicCredential
from crypto.mls.errors import MlsError
from crypto.mls.extension import decode_extensions
from crypto.mls.framing import PublicMessage, WireFormat
from crypto.mls.group import (
    Group,
    NewLeaf,
    create_group,
    epoch_authenticator,
    export_secret,
    tree_hash,
)
from crypto.mls.group_context import decode_group_context
from crypto.mls.group_origin import (
    GroupOrigin,
    OriginFounding,
    branch_group,
    join_from_origin,
    origin_of,
    reinit_group,
)
from crypto.mls.group_state import decode_group, encode_group
from crypto.mls.join_group import join_by_welcome
from crypto.mls.judge_commit import Judged, ProposalReference, judge_commit
from crypto.mls.key_package import (
    CreatedKeyPackage,
    KeyPackageInput,
    create_key_package,
    decode_key_package,
)
from crypto.mls.leaf_node import LeafNode
from crypto.mls.mls_message import decode_mls_message
from crypto.mls.proposal import decode_proposal
from crypto.mls.psk_id import ExternalPskId, PreSharedKeyId
from crypto.mls.public_messages import OpenedPublic, open_public_message
from crypto.mls.stage_commit import Staged, stage_commit
from crypto.mls.suites import suite_of
from tests.crypto.seeded_rng import seeded_rng
from tests.walks.member import Made, Proposed, Received, View, WalkError

MAX_ORIGINS = 8
"""Epochs of which a member keeps what another group may begin from."""
NOT_BEFORE, NOT_AFTER = 0, 2**62

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S", bound="PythonMember")
T = TypeVar("T", bound=Protected)


def coded(method: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
    """What MLS says no to, as the walk knows it."""

    @wraps(method)
    def run(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return method(self, *args, **kwargs)
        except MlsError as error:
            raise WalkError(error.code, error.fault) from error

    return run


def same_member(old: LeafNode, present: LeafNode) -> bool:
    return old.credential == present.credential


def wire_format(in_public: bool) -> WireFormat:
    return WireFormat.PUBLIC_MESSAGE if in_public else WireFormat.PRIVATE_MESSAGE


class PythonMember:
    language = "Python"

    def __init__(self, suite: int, name: str, seed: str) -> None:
        self.name = name
        self._suite = suite_of(suite)
        self._rng = seeded_rng(seed)
        self._credential = BasicCredential(name.encode())
        self._signature = self._suite.signature_key_pair(self._rng)
        self._key_package: CreatedKeyPackage | None = None
        self._group: Group | None = None
        self._staged: Staged | None = None
        self._references: list[ProposalReference] = []
        self._secrets: dict[bytes, bytes] = {}
        self._origins: dict[tuple[bytes, int], GroupOrigin] = {}

    @property
    def group(self) -> Group:
        assert self._group is not None
        return self._group

    @property
    def leaf(self) -> int:
        return self.group.own_leaf

    @coded
    def key_package(self) -> bytes:
        content = KeyPackageInput(
            signature=self._signature,
            credential=self._credential,
            not_before=NOT_BEFORE,
            not_after=NOT_AFTER,
        )
        self._key_package = create_key_package(self._suite, content, self._rng)
        return self._key_package.bytes

    @coded
    def found(self, group_id: bytes, extensions: bytes) -> None:
        self._enter(
            create_group(
                suite=self._suite,
                group_id=group_id,
                signature=self._signature,
                credential=self._credential,
                not_before=NOT_BEFORE,
                not_after=NOT_AFTER,
                extensions=decode_extensions(extensions),
                rng=self._rng,
            )
        )

    def learn(self, psk_id: bytes, secret: bytes) -> None:
        self._secrets[psk_id] = secret

    @coded
    def join(self, welcome: bytes) -> None:
        created = self._created()
        joined = join_by_welcome(
            suite=self._suite,
            welcome=welcome,
            key_package=created.bytes,
            secrets=created.secrets,
            psks=self._psks,
        )
        self._enter(joined.group)

    @coded
    def join_from_origin(self, welcome: bytes) -> None:
        created = self._created()
        joined = join_from_origin(
            suite=self._suite,
            welcome=welcome,
            key_package=created.bytes,
            secrets=created.secrets,
            psks=self._psks,
            origins=lambda group_id, epoch: self._origins.get((group_id, epoch)),
            same_member=same_member,
        )
        self._enter(joined.group)

    @coded
    def stage(
        self,
        proposals: list[bytes],
        references: list[bytes],
        *,
        rotate: bool = False,
        in_public: bool = False,
    ) -> Made:
        known = {one.ref: one for one in self._references}
        self._staged = stage_commit(
            self.group,
            proposals=[decode_proposal(one) for one in proposals],
            references=[known[ref] for ref in references],
            authenticated_data=b"id",
            new_leaf=self._new_leaf() if rotate else None,
            psks=self._psks,
            wire_format=wire_format(in_public),
            rng=self._rng,
        )
        self._group = self._staged.current
        return Made(self._staged.message, self._staged.welcome)

    @coded
    def branch(self, group_id: bytes, extensions: bytes, key_packages: list[bytes]) -> Made:
        return self._begin(
            branch_group(
                origin_of(self.group),
                self._founding(key_packages),
                suite=self._suite,
                group_id=group_id,
                extensions=decode_extensions(extensions),
            )
        )

    @coded
    def reinit(self, key_packages: list[bytes]) -> Made:
        return self._begin(reinit_group(origin_of(self.group), self._founding(key_packages), suite_of))

    def merge(self) -> None:
        assert self._staged is not None
        self._enter(self._staged.next)

    def drop(self) -> None:
        self._staged = None

    @coded
    def receive(self, message: bytes) -> Received:
        opened, authenticated_data = self._open(message)
        content = opened.content
        if isinstance(content, OpenedApplication):
            return Received("application", opened.sender, content.data, authenticated_data)
        if isinstance(content, OpenedProposal):
            return Received("proposal", opened.sender, ref=content.ref)
        judged = self._judged(opened)
        if judged.removes_me:
            return Received("removed", opened.sender)
        self._enter(complete_commit(self.group, judged, self._psks).next)
        return Received("commit", opened.sender)

    @coded
    def judge(self, message: bytes) -> None:
        self._judged(self._open(message)[0])

    @coded
    def verdict(self, message: bytes) -> bytes:
        """What becomes of a message, whose effects are forgotten again: what was said, or nothing."""
        before = self._group, list(self._references), dict(self._origins)
        try:
            return self.receive(message).data
        finally:
            self._group, self._references, self._origins = before

    @coded
    def pry(self, message: bytes) -> None:
        judged = self._judged(self._open(message)[0])
        complete_commit(self.group, replace(judged, removes_me=False), self._psks)

    @coded
    def overhear(self, message: bytes, context: bytes) -> None:
        unprotect(replace(self.group, context=decode_group_context(context), reinit=None), message)

    @coded
    def send(self, data: bytes, authenticated_data: bytes, padded_to: int) -> bytes:
        sealed = protect_application(
            self.group,
            data=data,
            authenticated_data=authenticated_data,
            padded_to=padded_to,
            rng=self._rng,
        )
        return self._sent(sealed).message

    @coded
    def propose(self, proposal: bytes, *, in_public: bool = False) -> Proposed:
        sealed = protect_proposal(
            self.group,
            proposal=decode_proposal(proposal),
            authenticated_data=b"",
            wire_format=wire_format(in_public),
            rng=self._rng,
        )
        return self._proposed(sealed)

    @coded
    def update(self, *, rotate: bool = False, in_public: bool = False) -> Proposed:
        sealed = propose_update(
            self.group,
            new_leaf=self._new_leaf() if rotate else None,
            authenticated_data=b"",
            wire_format=wire_format(in_public),
            rng=self._rng,
        )
        return self._proposed(sealed)

    @coded
    def reload(self) -> None:
        self._group = decode_group(encode_group(self.group), suite_of)

    @coded
    def view(self) -> View:
        group = self.group
        return View(
            epoch=group.context.epoch,
            authenticator=epoch_authenticator(group),
            tree_hash=tree_hash(group),
            exported=export_secret(group, "walk", group.context.group_id, 32),
            context=group.context_bytes,
            leaves=tuple(one.leaf for one in group.tree.members()),
        )

    def forget(self) -> None:
        self._group = None

    def _created(self) -> CreatedKeyPackage:
        assert self._key_package is not None
        return self._key_package

    def _new_leaf(self) -> NewLeaf:
        return NewLeaf(self._suite.signature_key_pair(self._rng), self._credential)

    def _founding(self, key_packages: list[bytes]) -> OriginFounding:
        return OriginFounding(
            signature=self._signature,
            credential=self._credential,
            not_before=NOT_BEFORE,
            not_after=NOT_AFTER,
            key_packages=[decode_key_package(one) for one in key_packages],
            same_member=same_member,
            authenticated_data=b"",
            rng=self._rng,
        )

    def _begin(self, staged: Staged) -> Made:
        self._enter(staged.next)
        return Made(staged.message, staged.welcome)

    def _sent(self, sealed: T) -> T:
        self._group = sealed.group
        return sealed

    def _proposed(self, sealed: ProtectedProposal) -> Proposed:
        self._sent(sealed)
        self._references.append(ProposalReference(sealed.proposal, sealed.ref, self.group.own_leaf))
        return Proposed(sealed.message, sealed.ref)

    def _open(self, message: bytes) -> tuple[Unprotected | OpenedPublic, bytes]:
        opened: Unprotected | OpenedPublic
        if isinstance(decode_mls_message(message), PublicMessage):
            opened = open_public_message(self.group, message)
        else:
            private = opened = unprotect(self.group, message)
            self._group = private.group
        if isinstance(opened.content, OpenedProposal):
            content = opened.content
            self._references.append(ProposalReference(content.proposal, content.ref, opened.sender))
        return opened, opened.authenticated.framed.authenticated_data

    def _judged(self, opened: Unprotected | OpenedPublic) -> Judged:
        return judge_commit(self.group, opened.authenticated, self._references)

    def _psks(self, psk: PreSharedKeyId) -> bytes | None:
        if isinstance(psk, ExternalPskId):
            return self._secrets.get(psk.id)
        origin = self._origins.get((psk.group_id, psk.epoch))
        return None if origin is None else origin.psk

    def _enter(self, group: Group) -> None:
        self._group = group
        self._references = []
        self._origins[group.context.group_id, group.context.epoch] = origin_of(group)
        if len(self._origins) > MAX_ORIGINS:
            self._origins.pop(next(iter(self._origins)))
