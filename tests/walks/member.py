"""What a walk asks of a member, whichever language drives it: bytes in, bytes out, and codes of errors."""

from dataclasses import dataclass
from typing import Literal, Protocol


class WalkError(Exception):
    """What a member said no to, by its code: the same in both languages."""

    def __init__(self, code: str, fault: str) -> None:
        super().__init__(f"{code} ({fault})")
        self.code, self.fault = code, fault


@dataclass(frozen=True, slots=True)
class Made:
    """A commit of one's own, staged; or the first of a new group, whose message nobody else needs."""

    message: bytes
    welcome: bytes | None


@dataclass(frozen=True, slots=True)
class Proposed:
    message: bytes
    ref: bytes


@dataclass(frozen=True, slots=True)
class Received:
    kind: Literal["application", "proposal", "commit", "removed"]
    sender: int | None
    data: bytes = b""
    authenticated_data: bytes = b""
    ref: bytes = b""


@dataclass(frozen=True, slots=True)
class View:
    """What two members of an epoch can compare, and where this one stands."""

    epoch: int
    authenticator: bytes
    tree_hash: bytes
    exported: bytes
    context: bytes
    leaves: tuple[int, ...]


class Member(Protocol):
    """Every method but the first ones may raise WalkError. Nothing here knows of any other member."""

    name: str
    language: str

    @property
    def leaf(self) -> int: ...

    def key_package(self) -> bytes:
        """A new one, whose private keys the next Welcome takes up."""
        ...

    def found(self, group_id: bytes, extensions: bytes) -> None: ...

    def learn(self, psk_id: bytes, secret: bytes) -> None: ...

    def join(self, welcome: bytes) -> None: ...

    def join_from_origin(self, welcome: bytes) -> None: ...

    def stage(
        self,
        proposals: list[bytes],
        references: list[bytes],
        *,
        rotate: bool = False,
        in_public: bool = False,
    ) -> Made: ...

    def branch(self, group_id: bytes, extensions: bytes, key_packages: list[bytes]) -> Made: ...

    def reinit(self, key_packages: list[bytes]) -> Made: ...

    def merge(self) -> None: ...

    def drop(self) -> None: ...

    def receive(self, message: bytes) -> Received: ...

    def judge(self, message: bytes) -> None:
        """Whether a commit is valid, as far as all members can tell alike. It is not followed."""
        ...

    def pry(self, message: bytes) -> None:
        """Follow a commit that removes this member, with all that it has."""
        ...

    def overhear(self, message: bytes, context: bytes) -> None:
        """Open a message of an epoch that this member is not in, with what it has."""
        ...

    def send(self, data: bytes, authenticated_data: bytes, padded_to: int) -> bytes: ...

    def propose(self, proposal: bytes, *, in_public: bool = False) -> Proposed: ...

    def update(self, *, rotate: bool = False, in_public: bool = False) -> Proposed: ...

    def reload(self) -> None: ...

    def view(self) -> View: ...

    def forget(self) -> None:
        """The member is needed no more."""
        ...
