"""The recovery bundle (E22): what a device recovered by code needs, kept by the server, which can't read it.
Sealed to the X-Wing key that the recovery code makes, and signed by the identity key.

struct {
  uint8 version = 1;
  opaque account_id[16];
  opaque identity_key[32];    // private
  opaque chain<V>;
  opaque name<V>;             // UTF-8
  Person people<V>;           // {account_id, root_key}, sorted, each once
  Pin pins<V>;                // {room[16], position, head[48], uint16 people<V>}
  opaque signature[64];       // by the identity key, label "Collegium 1.0 bundle", over all before it
} RecoveryBundle;             // then zeros up to a multiple of 1,024 bytes

struct {
  uint8 version = 1;
  opaque account_id[16];
  opaque kem_output<V>;
  opaque ciphertext<V>;
} SealedBundle;               // 64 KiB at most
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeVar

from crypto.identity.credential import LeafIdentity
from crypto.identity.errors import AsError, BundleError
from crypto.identity.identity import Identity
from crypto.identity.root_keys import ID_BYTES, KEY_BYTES, RootKeys
from crypto.identity.signed import sign_labelled, verify_labelled
from crypto.identity.statement import MAX_CHAIN_BYTES, Chain, read_chain, read_version, sized
from crypto.mls import ed25519
from crypto.mls.bytes import Rng, equal
from crypto.mls.codec import Reader, Writer, decode, encode
from crypto.mls.errors import AeadError, BadKeyError, DecodeError, UsageError
from crypto.mls.hpke import HpkeCiphertext
from crypto.mls.kem import KeyPair
from crypto.mls.suite import room_suite

T = TypeVar("T")

MAX_BUNDLE_BYTES: Final = 64 * 1024  # what the server takes (PROTOCOL.md §1)
MAX_NAME_BYTES: Final = 1024
_VERSION: Final = 1
# Its size tells the server little about how many people and rooms are in it (THREATS 22).
_PADDED_TO: Final = 1024
_HEAD_BYTES: Final = 48
_MAX_PEOPLE: Final = 0x10000
_MAX_POSITION: Final = 2**53 - 1
_SEAL_INFO: Final = b"Collegium 1.0 bundle"


@dataclass(frozen=True, slots=True)
class PinnedAccount:
    account_id: bytes
    root_key: bytes


@dataclass(frozen=True, slots=True)
class Pin:
    """What a room looked like when the bundle was made: who may let the recovered device in again.

    `position` is of the room's log, `head` the head there (E19).
    """

    room: bytes
    accounts: tuple[PinnedAccount, ...]
    position: int
    head: bytes


@dataclass(frozen=True, slots=True)
class Bundle:
    """`name` is as colleagues see it."""

    identity: Identity
    name: str
    pins: tuple[Pin, ...]


def seal_bundle(bundle: Bundle, rng: Rng) -> bytes:
    """Raises UsageError "bundle_too_large" when it doesn't fit into what the server takes."""
    identity = bundle.identity
    content = encode(lambda writer: _write_content(writer, bundle))
    signed = content + sign_labelled(identity.identity_key.private_key, "bundle", content)
    padded = signed.ljust(-(-len(signed) // _PADDED_TO) * _PADDED_TO, b"\0")
    header = encode(lambda writer: writer.uint8(_VERSION).raw(sized(identity.account_id, ID_BYTES)))
    ct = room_suite.hpke_seal(identity.seal_key, _SEAL_INFO, header, padded, rng)
    sealed = encode(lambda writer: writer.raw(header).opaque(ct.kem_output).opaque(ct.ciphertext))
    if len(sealed) > MAX_BUNDLE_BYTES:
        raise UsageError("bundle_too_large", f"a recovery bundle of {len(sealed)} bytes")
    return sealed


def open_bundle(sealed: bytes, keys: RootKeys) -> Bundle:
    """Raises BundleError when it is not the bundle of the account whose recovery code made these keys."""
    outer = _read_sealed(sealed)
    account_id = outer.account_id
    try:
        padded = room_suite.hpke_open(keys.seal.private_key, outer.ct, _SEAL_INFO, outer.header)
    except (AeadError, BadKeyError) as cause:
        raise BundleError("bundle_sealed", "the bundle does not open with this recovery code") from cause
    value, content, signature = _read_padded(padded)
    chain = _verified_chain(value.chain)
    # E6: the code's root is the one in force, so the chain is of the person who holds the code.
    if chain.roots[-1] != keys.root.public_key or chain.account_id != account_id:
        raise BundleError("bundle_root", "the bundle is of another account than this recovery code")
    if value.account_id != account_id:
        raise BundleError("bundle_root", "the bundle names another account than its seal")
    if not equal(ed25519.public_key(value.identity_key), chain.identity_key):
        raise BundleError("bundle_identity", "the bundle's private key is not the account's identity key")
    # E22: anybody could seal to the key; only the account's own devices could sign.
    if not verify_labelled(chain.identity_key, "bundle", content, signature):
        raise BundleError("bundle_signature", "the bundle's signature does not hold")
    identity = Identity(
        account_id=account_id,
        root_key=keys.root.public_key,
        identity_key=KeyPair(value.identity_key, chain.identity_key),
        serial=chain.serial,
        chain=value.chain,
        seal_key=keys.seal.public_key,
    )
    return Bundle(identity, value.name, value.pins)


def pin_allows(pin: Pin, adder: LeafIdentity) -> bool:
    """E22: whether a Welcome for the pinned room may come from this adder: an account on the list, whose keys
    still come from the root that was pinned.
    """
    return any(one.account_id == adder.account_id and one.root_key in adder.roots for one in pin.accounts)


class _Content(NamedTuple):
    account_id: bytes
    identity_key: bytes
    chain: bytes
    name: str
    pins: tuple[Pin, ...]


def _write_content(writer: Writer, bundle: Bundle) -> None:
    identity, name = bundle.identity, bundle.name.encode()
    if len(name) > MAX_NAME_BYTES:
        raise UsageError("bundle_name", "a name that is too long")
    # Colleagues share several rooms: each pair of id and root is written once.
    people = sorted({_person_bytes(one) for pin in bundle.pins for one in pin.accounts})
    index_of = {person: index for index, person in enumerate(people)}
    writer.uint8(_VERSION)
    writer.raw(sized(identity.account_id, ID_BYTES))
    writer.raw(sized(identity.identity_key.private_key, KEY_BYTES))
    writer.opaque(identity.chain)
    writer.opaque(name)
    writer.vector(people, Writer.raw)
    writer.vector(bundle.pins, lambda inner, pin: _write_pin(inner, pin, index_of))


def _person_bytes(person: PinnedAccount) -> bytes:
    return sized(person.account_id, ID_BYTES) + sized(person.root_key, KEY_BYTES)


def _write_pin(writer: Writer, pin: Pin, index_of: Mapping[bytes, int]) -> None:
    writer.raw(sized(pin.room, ID_BYTES)).uint64(pin.position).raw(sized(pin.head, _HEAD_BYTES))
    writer.vector([index_of[_person_bytes(one)] for one in pin.accounts], Writer.uint16)


def _read_content(reader: Reader) -> _Content:
    read_version(reader, _VERSION)
    account_id = reader.raw(ID_BYTES)
    identity_key = reader.raw(KEY_BYTES)
    chain = reader.opaque(MAX_CHAIN_BYTES)
    name = _read_name(reader.opaque(MAX_NAME_BYTES))
    people = reader.vector(_read_person, _MAX_PEOPLE)
    pins = reader.vector(lambda inner: _read_pin(inner, people))
    return _Content(account_id, identity_key, chain, name, pins)


def _read_person(reader: Reader) -> PinnedAccount:
    return PinnedAccount(reader.raw(ID_BYTES), reader.raw(KEY_BYTES))


def _read_pin(reader: Reader, people: tuple[PinnedAccount, ...]) -> Pin:
    room = reader.raw(ID_BYTES)
    position = reader.uint64()
    if position > _MAX_POSITION:
        raise DecodeError("a position beyond 2^53")
    head = reader.raw(_HEAD_BYTES)
    indices = reader.vector(Reader.uint16, _MAX_PEOPLE)
    if any(index >= len(people) for index in indices):
        raise DecodeError("a pin names nobody on the list")
    return Pin(room, tuple(people[index] for index in indices), position, head)


def _read_name(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as cause:
        raise DecodeError("a name that is not UTF-8") from cause


class _Sealed(NamedTuple):
    account_id: bytes
    header: bytes
    ct: HpkeCiphertext


def _read_sealed(data: bytes) -> _Sealed:
    if len(data) > MAX_BUNDLE_BYTES:
        raise BundleError("bundle_malformed", "a bundle that is too long")

    def read(reader: Reader) -> _Sealed:
        read_version(reader, _VERSION)
        account_id = reader.raw(ID_BYTES)
        header = reader.since(0)
        return _Sealed(account_id, header, HpkeCiphertext(reader.opaque(), reader.opaque()))

    return _reading(lambda: decode(data, read))


def _read_padded(padded: bytes) -> tuple[_Content, bytes, bytes]:
    """The bundle, the bytes that are signed, and the signature over them."""

    def read() -> tuple[_Content, bytes, bytes]:
        reader = Reader(padded)
        value = _read_content(reader)
        content = reader.since(0)
        signature = reader.raw(ed25519.SIGNATURE_LENGTH)
        if reader.rest().strip(b"\0"):
            raise DecodeError("padding that is not zero")
        return value, content, signature

    return _reading(read)


def _reading(read: Callable[[], T]) -> T:
    try:
        return read()
    except DecodeError as cause:
        raise BundleError("bundle_malformed", "not a recovery bundle that this program knows") from cause


def _verified_chain(data: bytes) -> Chain:
    try:
        return read_chain(data)
    except AsError as cause:
        raise BundleError("bundle_root", "the bundle's chain of statements does not hold") from cause
