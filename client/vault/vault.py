"""Everything this device stores, encrypted under the vault key.

A row is a byte string with a name. Names are stored as MACs, contents sealed; what remains readable is the
number and the size of rows. Writing is a compare-and-set: a transaction names the rows it read, and fails as
a whole when one of them is no longer what this engine last saw (E39: a ratchet state is never used twice).
"""

import asyncio
import hmac
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from client.vault.storage import (
    OpenStorage,
    StorageChange,
    StorageConflictError,
    VaultStorage,
    Wrap,
    WrongOpenerError,
)
from client.vault.wraps import (
    NONCE_BYTES,
    VAULT_KEY_BYTES,
    Opener,
    Rng,
    open_row,
    row_keys,
    seal_row,
    unwrap,
    wrap,
)

NAME_BYTES = 16

Rows = Mapping[str, bytes]


async def stored_wraps(open_storage: OpenStorage) -> Sequence[Wrap]:
    """The wraps that lie on this device; empty when there is no vault. Raises StorageRefusedError."""
    storage = await open_storage()
    try:
        return await storage.wraps()
    finally:
        await storage.close()


async def _wrap(vault_key: bytes, ways: Iterable[Opener], rng: Rng) -> list[Wrap]:
    return [await asyncio.to_thread(wrap, vault_key, way, rng) for way in ways]


class Vault:
    """One open vault. It holds the store's lock until `close`."""

    def __init__(self, storage: VaultStorage, vault_key: bytes, rng: Rng) -> None:
        keys = row_keys(vault_key)
        self._storage, self._vault_key, self._rng = storage, vault_key, rng
        self._seal, self._name = AESGCM(keys.seal), keys.name
        # The nonce of each row as this engine last read or wrote it; None: absent.
        self._seen: dict[str, bytes | None] = {}
        self._keys: dict[str, bytes] = {}

    @classmethod
    async def create(cls, open_storage: OpenStorage, ways: Sequence[Opener], rows: Rows, rng: Rng) -> "Vault":
        """A new vault that the ways given open, with its first rows, in one transaction.

        Raises StorageConflictError when this device has one already, and StorageRefusedError.
        """
        vault_key = rng(VAULT_KEY_BYTES)
        wraps = await _wrap(vault_key, ways, rng)
        storage = await open_storage()
        vault = cls(storage, vault_key, rng)
        try:
            put = {name: vault._sealed(name, value) for name, value in rows.items()}
            change = StorageChange(
                wraps=wraps, put={vault._key(name): row for name, row in put.items()}, only_if_empty=True
            )
            if not await storage.change(change):
                raise StorageConflictError("this device has a vault already")
            vault._saw(put)
        except BaseException:
            await vault.close()
            raise
        return vault

    @classmethod
    async def unlock(cls, open_storage: OpenStorage, opener: Opener, rng: Rng) -> "Vault":
        """Raises WrongOpenerError and StorageRefusedError."""
        storage = await open_storage()
        try:
            stored = next((one for one in await storage.wraps() if one.kind == opener.kind), None)
            if stored is None:
                raise WrongOpenerError(opener.kind)
            return cls(storage, await asyncio.to_thread(unwrap, stored, opener), rng)
        except BaseException:
            await storage.close()
            raise

    async def protect(self, way: Opener) -> None:
        """Replace how this vault opens, but for the recovery code."""
        made = await _wrap(self._vault_key, [way], self._rng)
        kept = [one for one in await self._storage.wraps() if one.kind == "recovery"]
        await self._storage.change(StorageChange(wraps=[*kept, *made]))

    async def erase(self) -> None:
        """Everything of this account leaves this device."""
        await self._storage.clear()

    def _key(self, name: str) -> bytes:
        key = self._keys.get(name)
        if key is None:
            key = hmac.digest(self._name, name.encode(), sha256)[:NAME_BYTES]
            self._keys[name] = key
        return key

    def _sealed(self, name: str, value: bytes) -> bytes:
        return seal_row(self._seal, name, value, self._rng)

    def _saw(self, written: Mapping[str, bytes]) -> None:
        for name, row in written.items():
            self._seen[name] = row[:NONCE_BYTES]

    async def get(self, name: str) -> bytes | None:
        """Raises DamagedRowError and StorageRefusedError."""
        return (await self.get_all([name]))[0]

    async def get_all(self, names: Sequence[str]) -> list[bytes | None]:
        """The values of several rows as of one moment; None where there is none. Raises DamagedRowError and
        StorageRefusedError.
        """
        rows = await self._storage.rows([self._key(name) for name in names])
        return [self._opened(name, row) for name, row in zip(names, rows, strict=True)]

    def _opened(self, name: str, row: bytes | None) -> bytes | None:
        self._seen[name] = None if row is None else row[:NONCE_BYTES]
        return None if row is None else open_row(self._seal, name, row)

    async def write(self, put: Rows, drop: Sequence[str] = ()) -> None:
        """Write rows in one transaction that is on disk when this returns. Raises StorageConflictError and
        StorageRefusedError.
        """
        sealed = {name: self._sealed(name, value) for name, value in put.items()}
        known = [name for name in (*sealed, *drop) if name in self._seen]
        change = StorageChange(
            expect=[(self._key(name), self._seen[name]) for name in known],
            put={self._key(name): row for name, row in sealed.items()},
            drop=[self._key(name) for name in drop],
        )
        if not await self._storage.change(change):
            raise StorageConflictError("a row changed under this engine")
        self._saw(sealed)
        for name in drop:
            self._seen[name] = None

    async def close(self) -> None:
        """Give the store back. Nothing of this object works afterwards."""
        await self._storage.close()
        self._seen.clear()
        self._keys.clear()
