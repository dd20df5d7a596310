"""Identity statements (E7): which identity key an account has, said by its root key.

struct {
  uint8 version = 1;
  opaque account_id[16];
  uint32 serial;
  opaque root_key[32];
  opaque identity_key[32];
  optional<opaque[32]> new_root;
  opaque signature[64];      // by root_key, label "Collegium 1.0 identity", over all that stands before it
} IdentityStatement;

IdentityStatement chain<V>;  // 1 to 8: each but the last names the root that signs the next
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from crypto.identity.errors import AsError
from crypto.identity.root_keys import ID_BYTES, KEY_BYTES, account_id_of
from crypto.identity.signed import sign_labelled, verify_labelled
from crypto.mls.codec import Reader, Writer, decode, encode
from crypto.mls.ed25519 import SIGNATURE_LENGTH
from crypto.mls.errors import DecodeError, UsageError

T = TypeVar("T")

MAX_LINKS: Final = 8
# Eight links with a new root each take 1,458 bytes.
MAX_CHAIN_BYTES: Final = 1536
_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class IdentityStatement:
    """`new_root` is the root that signs from now on: a new recovery code."""

    account_id: bytes
    serial: int
    root_key: bytes
    identity_key: bytes
    new_root: bytes | None


@dataclass(frozen=True, slots=True)
class Chain:
    """What a verified chain says. `roots`: every root the account has had, the first one first; the last is
    in force.
    """

    account_id: bytes
    roots: tuple[bytes, ...]
    identity_key: bytes
    serial: int


def sign_statement(root_private_key: bytes, statement: IdentityStatement) -> bytes:
    """One statement, signed. Raises BadKeyError or UsageError."""
    content = encode(lambda writer: _write_content(writer, statement))
    return content + sign_labelled(root_private_key, "identity", content)


def encode_chain(statements: Sequence[bytes]) -> bytes:
    """Raises UsageError when there are none or too many."""
    if not 0 < len(statements) <= MAX_LINKS:
        raise UsageError("chain_length", f"a chain of {len(statements)} statements")
    return encode(lambda writer: writer.opaque(b"".join(statements)))


def split_chain(data: bytes) -> tuple[bytes, ...]:
    """The statements of a chain as they came, none of them verified. Raises AsError "malformed"."""
    return tuple(link.whole for link in _read_statements(data))


def read_chain(data: bytes) -> Chain:
    """Verify every link (E7): the account id is that of the first root, each link but the last names the root
    that signs the next, serials rise, no root comes twice, every signature holds. Raises AsError.
    """
    links = _read_statements(data)
    first, last = links[0].statement, links[-1].statement
    # E6: an account proves itself.
    if first.account_id != account_id_of(first.root_key):
        raise AsError("chain_account", "the account id is not that of the first root key")
    roots: list[bytes] = []
    before: IdentityStatement | None = None
    for link in links:
        statement = link.statement
        if statement.account_id != first.account_id:
            raise AsError("chain_account", "the links are of different accounts")
        if before is not None and before.new_root != statement.root_key:
            raise AsError("chain_root", "a link is signed by a root that the one before it does not name")
        # E7: who has a successor signs nothing more, not even by coming back as somebody's successor.
        if statement.root_key in roots:
            raise AsError("chain_root", "a root that has a successor signs again")
        # E7: only a higher serial supersedes.
        if before is not None and statement.serial <= before.serial:
            raise AsError("chain_serial", "serials do not rise along the chain")
        if not verify_labelled(statement.root_key, "identity", link.content, link.signature):
            raise AsError("statement_signature", "an identity statement's signature does not hold")
        roots.append(statement.root_key)
        before = statement
    # The new root signs for itself, so nobody can be succeeded by a key whose owner doesn't have it.
    if last.new_root is not None:
        raise AsError("chain_root", "the new root has signed nothing yet")
    return Chain(first.account_id, tuple(roots), last.identity_key, last.serial)


def is_prefix(older: Sequence[bytes], newer: Sequence[bytes]) -> bool:
    """Whether `older` are the first of `newer`, or the same."""
    return tuple(older) == tuple(newer[: len(older)])


@dataclass(frozen=True, slots=True)
class _Link:
    statement: IdentityStatement
    content: bytes
    signature: bytes

    @property
    def whole(self) -> bytes:
        return self.content + self.signature


def _read_statements(data: bytes) -> tuple[_Link, ...]:
    def read(reader: Reader) -> tuple[_Link, ...]:
        links = reader.vector(_read_link, MAX_LINKS)
        if not links:
            raise DecodeError("a chain without a link")
        return links

    return decode_as("a chain of statements", data, MAX_CHAIN_BYTES, read)


def _read_link(reader: Reader) -> _Link:
    start = reader.position
    statement = _read_content(reader)
    content = reader.since(start)
    return _Link(statement, content, reader.raw(SIGNATURE_LENGTH))


def _write_content(writer: Writer, statement: IdentityStatement) -> None:
    writer.uint8(_VERSION)
    writer.raw(sized(statement.account_id, ID_BYTES))
    writer.uint32(statement.serial)
    writer.raw(sized(statement.root_key, KEY_BYTES))
    writer.raw(sized(statement.identity_key, KEY_BYTES))
    writer.optional(statement.new_root, lambda inner, root: inner.raw(sized(root, KEY_BYTES)))


def _read_content(reader: Reader) -> IdentityStatement:
    read_version(reader, _VERSION)
    return IdentityStatement(
        account_id=reader.raw(ID_BYTES),
        serial=reader.uint32(),
        root_key=reader.raw(KEY_BYTES),
        identity_key=reader.raw(KEY_BYTES),
        new_root=reader.optional(lambda inner: inner.raw(KEY_BYTES)),
    )


def sized(value: bytes, length: int) -> bytes:
    """A field of fixed size that our own code fills. Raises UsageError."""
    if len(value) != length:
        raise UsageError("field_length", f"a field of {len(value)} bytes, not {length}")
    return value


def read_version(reader: Reader, version: int) -> None:
    """Raises DecodeError when it is a version that this program does not know."""
    found = reader.uint8()
    if found != version:
        raise DecodeError(f"version {found}, not {version}")


def decode_as(what: str, data: bytes, limit: int, read: Callable[[Reader], T]) -> T:
    """Read a structure of a peer that takes up all of `data`. Raises AsError "malformed" and nothing else."""
    if len(data) > limit:
        raise AsError("malformed", f"{what} of {len(data)} bytes")
    try:
        return decode(data, read)
    except DecodeError as cause:
        raise AsError("malformed", f"not {what}") from cause
