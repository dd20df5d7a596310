"""People with fixed keys, and randomness that is the same at every run."""

from collections.abc import Callable
from functools import cache
from hashlib import sha256
from typing import Final

from crypto.identity.identity import Identity, new_identity
from crypto.identity.recovery_code import new_recovery_code
from crypto.identity.root_keys import root_keys

NOW: Final = 1_800_000_000_000


def seeded(name: str) -> Callable[[int], bytes]:
    blocks = 0

    def rng(length: int) -> bytes:
        nonlocal blocks
        parts = []
        for _ in range(0, length, 32):
            parts.append(sha256(name.encode() + blocks.to_bytes(4, "big")).digest())
            blocks += 1
        return b"".join(parts)[:length]

    return rng


def id_of(name: str) -> bytes:
    return seeded(f"id {name}")(16)


DEPLOYMENT: Final = id_of("deployment")


@cache
def identity_of(name: str) -> Identity:
    """The same person whenever the name is the same."""
    return new_identity(root_keys(new_recovery_code(seeded(f"code {name}"))), seeded(f"identity {name}"))
