"""The roster code (E12): thirty digits that the people of a room read to each other.

Equal digits mean that every device holds the same root key for everyone, whatever the server says. 2^100
codes would be few for a server that could try keys in microseconds, so each try costs 64 MiB of memory.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from crypto.identity.root_keys import ID_BYTES, KEY_BYTES
from crypto.identity.statement import sized
from crypto.mls.errors import UsageError

ROSTER_DIGITS: Final = 30
_GROUP_DIGITS: Final = 5
# E12, E39: fixed in code, so that nobody can ask for less.
_PASSES: Final = 3
_MEMORY_KIB: Final = 64 * 1024
_HASH_BYTES: Final = 32
# Fixed: everyone has to come to the same digits.
_SALT: Final = b"Collegium 1.0 roster code"


class RosterEntry(NamedTuple):
    """`root_key` is the root in force."""

    account_id: bytes
    root_key: bytes


def roster_code(roster: Iterable[RosterEntry]) -> str:
    """Thirty digits. It takes a good part of a second. Raises UsageError when there is nobody, or somebody
    twice.
    """
    argon2 = Argon2id(salt=_SALT, length=_HASH_BYTES, iterations=_PASSES, lanes=1, memory_cost=_MEMORY_KIB)
    number = int.from_bytes(argon2.derive(_roster_bytes(roster)), "big")
    # 256 bits modulo 10^30: some digits are likelier than others by less than one part in 2^156.
    return f"{number % 10**ROSTER_DIGITS:0{ROSTER_DIGITS}}"


def roster_code_groups(code: str) -> list[str]:
    """In the groups of five in which it is read out."""
    return [code[at : at + _GROUP_DIGITS] for at in range(0, ROSTER_DIGITS, _GROUP_DIGITS)]


def _roster_bytes(roster: Iterable[RosterEntry]) -> bytes:
    entries = sorted(roster)
    if not entries:
        raise UsageError("roster", "a roster of nobody")
    if len({entry.account_id for entry in entries}) < len(entries):
        raise UsageError("roster", "an account is on the roster twice")
    # Entries are of one size, so no two rosters give the same bytes.
    return b"".join(
        sized(account_id, ID_BYTES) + sized(root_key, KEY_BYTES) for account_id, root_key in entries
    )
