"""Sets of public keys, compared byte for byte.

For public values only: the time of a look-up depends on them. `bytes` remember their own hash, and trees
share their keys' bytes, so each epoch asks again cheaply.
"""

from collections.abc import Iterable, Sequence


def are_distinct(keys: Sequence[bytes]) -> bool:
    """Whether no key is there twice."""
    return len(set(keys)) == len(keys)


class KeySet:
    __slots__ = ("_keys",)

    def __init__(self, keys: Iterable[bytes] = ()) -> None:
        self._keys = set(keys)

    def add(self, key: bytes) -> bool:
        """Whether the key was not in the set before."""
        size = len(self._keys)
        self._keys.add(key)
        return len(self._keys) > size
