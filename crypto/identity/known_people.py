"""What this device remembers of the people it has met (E7, E11): a fold over leaves as they come by. It
decides what a person is shown and what is due to be removed, and never whether a Commit is valid (E14).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, NamedTuple, TypeAlias

from crypto.identity.credential import LeafIdentity
from crypto.identity.root_keys import ID_BYTES, KEY_BYTES
from crypto.identity.statement import MAX_LINKS, is_prefix, read_version
from crypto.mls.codec import Reader, Writer, decode, encode
from crypto.mls.errors import DecodeError, StorageError, UsageError

# introduced: by an invite, never compared. changed: another identity key or root since then. verified:
# compared by voice. blocked: two successors of one root claim to be this person; nothing counts until
# compared by voice.
Standing: TypeAlias = Literal["introduced", "changed", "verified", "blocked"]


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """`roots`: every root this device has seen in force, the first one first. `disputed`: roots that claimed
    to follow and conflict with them; after a comparison, those that lost it.
    """

    account_id: bytes
    roots: tuple[bytes, ...]
    identity_key: bytes
    identity_serial: int
    standing: Standing
    disputed: tuple[bytes, ...]


# By account id. Never changed once it is made.
KnownPeople: TypeAlias = Mapping[bytes, KnownPerson]

# What a leaf tells that was not known. introduced: somebody new. changed: a new identity key under the same
# root. root_changed: a new recovery code. blocked: see Standing. outdated: the leaf is under keys that were
# superseded, or that never superseded the known ones, and is due to be removed.
News: TypeAlias = Literal["introduced", "changed", "root_changed", "blocked", "outdated"]

NOBODY: Final[KnownPeople] = {}

# Whoever signs more successors than these adds nothing to the dispute.
_MAX_DISPUTED: Final = 16


class Met(NamedTuple):
    known: KnownPeople
    news: News | None


def meet(known: KnownPeople, leaf: LeafIdentity) -> Met:
    """Take notice of a leaf that the authentication service has verified."""
    person = known.get(leaf.account_id)
    if person is None:
        return Met(_put(known, _introduce(leaf)), "introduced")
    blocked = person.standing == "blocked"
    match _relate(person, leaf):
        case "conflict":
            claimed = next(root for root in leaf.roots if root not in person.roots)
            disputed = _add_roots(person.disputed, [claimed])
            after = replace(person, standing="blocked", disputed=disputed)
            return Met(_put(known, after), None if blocked else "blocked")
        case "older":
            return Met(known, None if blocked else "outdated")
        case "same":
            return Met(known, None)
        case _ if blocked:
            # Who is blocked stays so, whatever either successor signs.
            return Met(known, None)
        case "renewed":
            return Met(_put(known, _with_keys(person, leaf, person.standing)), None)
        case "changed" | "root_changed" as news:
            return Met(_put(known, _with_keys(person, leaf, "changed")), news)


def standing(known: KnownPeople, account_id: bytes) -> Standing | None:
    """None of somebody this device has never met."""
    person = known.get(account_id)
    return None if person is None else person.standing


def mark_verified(known: KnownPeople, leaf: LeafIdentity) -> KnownPeople:
    """Compared by voice (E12): these are the person's keys. It ends a block, and a successor that conflicts
    with them counts no more.

    Raises UsageError when the keys were superseded, so that no comparison can have been about them.
    """
    person = known.get(leaf.account_id) or _introduce(leaf)
    relation = _relate(person, leaf)
    if relation == "older":
        raise UsageError("outdated", "keys that were superseded cannot be verified")
    if relation == "same":
        return _put(known, replace(person, standing="verified"))
    others = [root for root in (*person.roots, *person.disputed) if root not in leaf.roots]
    verified = _with_keys(person, leaf, "verified")
    return _put(known, replace(verified, disputed=_add_roots((), others)))


# How a leaf stands to what is known of its account. renewed: the same identity key, said again later.
_Relation: TypeAlias = Literal["same", "older", "renewed", "changed", "root_changed", "conflict"]


def _relate(person: KnownPerson, leaf: LeafIdentity) -> _Relation:
    new_roots = len(leaf.roots) - len(person.roots)
    same_key = leaf.identity_key == person.identity_key
    if any(root in person.disputed for root in leaf.roots):
        # After a comparison the successors that lost it are as good as superseded.
        return "conflict" if person.standing == "blocked" else "older"
    # E7: whoever has seen a root's successor refuses all else that the old root signs. A device whose chain
    # is not yet renewed is refused nothing while its identity key is the one that the successor names as
    # well.
    stale: _Relation = "same" if same_key and person.standing != "blocked" else "older"
    if new_roots < 0 and is_prefix(leaf.roots, person.roots):
        return stale
    # E7: two successors block the account until compared by voice.
    if not is_prefix(person.roots, leaf.roots):
        return "conflict"
    # E7: only a higher serial supersedes. A successor below what its own root has said is a conflict of the
    # root's.
    if new_roots > 0:
        return "root_changed" if leaf.identity_serial > person.identity_serial else "conflict"
    if leaf.identity_serial > person.identity_serial:
        return "renewed" if same_key else "changed"
    return "same" if leaf.identity_serial == person.identity_serial and same_key else stale


def _introduce(leaf: LeafIdentity) -> KnownPerson:
    return KnownPerson(
        account_id=leaf.account_id,
        roots=leaf.roots,
        identity_key=leaf.identity_key,
        identity_serial=leaf.identity_serial,
        standing="introduced",
        disputed=(),
    )


def _with_keys(person: KnownPerson, leaf: LeafIdentity, shown: Standing) -> KnownPerson:
    return replace(
        person,
        roots=leaf.roots,
        identity_key=leaf.identity_key,
        identity_serial=leaf.identity_serial,
        standing=shown,
    )


def _add_roots(roots: Sequence[bytes], more: Iterable[bytes]) -> tuple[bytes, ...]:
    out = list(roots)
    for root in more:
        if root not in out and len(out) < _MAX_DISPUTED:
            out.append(root)
    return tuple(out)


def _put(known: KnownPeople, person: KnownPerson) -> KnownPeople:
    return {**known, person.account_id: person}


_VERSION: Final = 1
_STANDINGS: Final[tuple[Standing, ...]] = ("introduced", "changed", "verified", "blocked")


def encode_people(known: KnownPeople) -> bytes:
    """For the vault: the same people give the same bytes."""
    people = sorted(known.values(), key=lambda person: person.account_id)
    return encode(lambda writer: writer.uint8(_VERSION).vector(people, _write_person))


def decode_people(data: bytes) -> KnownPeople:
    """Raises StorageError "people" when it is not what was stored."""

    def read(reader: Reader) -> tuple[KnownPerson, ...]:
        read_version(reader, _VERSION)
        return reader.vector(_read_person)

    try:
        return {person.account_id: person for person in decode(data, read)}
    except DecodeError as cause:
        raise StorageError("people", "the known people are damaged") from cause


def _write_person(writer: Writer, person: KnownPerson) -> None:
    writer.raw(person.account_id).raw(person.identity_key).uint32(person.identity_serial)
    writer.uint8(_STANDINGS.index(person.standing))
    writer.vector(person.roots, Writer.raw).vector(person.disputed, Writer.raw)


def _read_person(reader: Reader) -> KnownPerson:
    account_id = reader.raw(ID_BYTES)
    identity_key = reader.raw(KEY_BYTES)
    identity_serial = reader.uint32()
    shown = reader.uint8()
    if shown >= len(_STANDINGS):
        raise DecodeError("not a standing")
    roots = reader.vector(_read_key, MAX_LINKS)
    disputed = reader.vector(_read_key, _MAX_DISPUTED)
    return KnownPerson(account_id, roots, identity_key, identity_serial, _STANDINGS[shown], disputed)


def _read_key(reader: Reader) -> bytes:
    return reader.raw(KEY_BYTES)
