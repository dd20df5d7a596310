"""The vault's storage in memory: it records every change, and refuses or dies when told to."""

from collections.abc import Sequence

from client.vault.storage import StorageChange, StorageRefusedError, VaultStorage, Wrap


class MemoryStorage:
    """One device's disk: what is stored outlives `close`."""

    def __init__(self) -> None:
        self.kept: dict[bytes, bytes] = {}
        self.kept_wraps: list[Wrap] = []
        self.changes: list[StorageChange] = []
        self.refuse: str | None = None
        self.open_count = 0

    async def open(self) -> VaultStorage:
        self.open_count += 1
        return self

    async def wraps(self) -> Sequence[Wrap]:
        return list(self.kept_wraps)

    async def rows(self, keys: Sequence[bytes]) -> Sequence[bytes | None]:
        return [self.kept.get(key) for key in keys]

    async def change(self, change: StorageChange) -> bool:
        if self.refuse is not None:
            raise StorageRefusedError(self.refuse)
        if change.only_if_empty and self.kept_wraps:
            return False
        for key, nonce in change.expect:
            row = self.kept.get(key)
            if (row is None) != (nonce is None) or (row is not None and not row.startswith(nonce or b"")):
                return False
        if change.wraps is not None:
            self.kept_wraps = list(change.wraps)
        self.kept.update(change.put)
        for key in change.drop:
            self.kept.pop(key, None)
        self.changes.append(change)
        return True

    async def clear(self) -> None:
        self.kept.clear()
        self.kept_wraps.clear()

    async def close(self) -> None:
        self.open_count -= 1
