"""A set of public keys, compared byte for byte."""


class KeySet:
    """For public values only: the time of a look-up depends on them.

    `bytes` remember their own hash, and trees share their keys' bytes, so each epoch asks again cheaply.
    """

    __slots__ = ("_keys",)

    def __init__(self) -> None:
        self._keys: set[bytes] = set()

    def add(self, key: bytes) -> bool:
        """Whether the key was not in the set before."""
        size = len(self._keys)
        self._keys.add(key)
        return len(self._keys) > size
