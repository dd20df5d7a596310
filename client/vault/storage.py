"""Where the vault's bytes lie: wraps of the vault key, and sealed rows under hidden names.

The real one is SQLite (`sqlite.py`); tests have one that records, refuses and dies.

VaultError        (code)
├── StorageRefusedError    the disk: storage_denied, storage_full, storage_newer, storage_busy
├── StorageConflictError   storage_conflict: another program, or an old copy, wrote here
├── DamagedRowError        storage_damaged
└── WrongOpenerError       wrong_opener, recovery_code_other: whoever opens it
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from client.errors import CollegiumError

WrapKind = Literal["passphrase", "recovery"]


class VaultError(CollegiumError):
    """The store does not do what was asked; `code` says why."""


class StorageRefusedError(VaultError):
    """The disk refuses, is full, or the store is in use or of a later version."""


class StorageConflictError(VaultError):
    """A stored row is not what this engine wrote last: another program, or an old copy, was here."""

    def __init__(self, detail: str = "") -> None:
        super().__init__("storage_conflict", detail)


class DamagedRowError(VaultError):
    """A stored row was changed or damaged."""

    def __init__(self, row: str) -> None:
        super().__init__("storage_damaged", f"the row {row!r} does not open under this vault's key")
        self.row = row


class WrongOpenerError(VaultError):
    """The passphrase or code is not the one that this vault was wrapped with."""

    def __init__(self, kind: WrapKind) -> None:
        super().__init__("wrong_opener" if kind == "passphrase" else "recovery_code_other")
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Wrap:
    """The vault key, sealed under a key that the opener makes with `salt` (32 bytes)."""

    kind: WrapKind
    salt: bytes
    sealed: bytes


@dataclass(frozen=True, slots=True)
class StorageChange:
    """What one transaction does. It happens as a whole, and is on disk when `change` returns."""

    # The first bytes (nonce) of rows as they were last seen, None for absent: another value makes nothing
    # happen.
    expect: Sequence[tuple[bytes, bytes | None]] = ()
    put: Mapping[bytes, bytes] = field(default_factory=dict)
    drop: Sequence[bytes] = ()
    # All wraps from now on.
    wraps: Sequence[Wrap] | None = None
    # Nothing happens when there are wraps already.
    only_if_empty: bool = False


class VaultStorage(Protocol):
    """Every method raises StorageRefusedError when the disk does not do it."""

    async def wraps(self) -> Sequence[Wrap]: ...

    async def rows(self, keys: Sequence[bytes]) -> Sequence[bytes | None]: ...

    async def change(self, change: StorageChange) -> bool:
        """False when an expectation did not hold: then nothing has changed."""
        ...

    async def clear(self) -> None:
        """Take everything away."""
        ...

    async def close(self) -> None: ...


OpenStorage = Callable[[], Awaitable[VaultStorage]]
