"""Randomness as an argument: `secrets.token_bytes` in the process, a seeded source in tests."""

from collections.abc import Callable

Rng = Callable[[int], bytes]
"""n -> n random bytes."""
