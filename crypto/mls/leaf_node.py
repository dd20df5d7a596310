"""Leaf nodes and what their signatures cover (RFC 9420 §7.2)."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from crypto.mls.bytes import u32
from crypto.mls.capabilities import Capabilities, read_capabilities, write_capabilities
from crypto.mls.codec import Reader, Writer, decode, vector_bytes
from crypto.mls.credential import Credential, read_credential, write_credential
from crypto.mls.errors import DecodeError, UsageError
from crypto.mls.extension import Extensions, read_extensions, write_extensions
from crypto.mls.suite import CipherSuite
from crypto.mls.tree_math import LeafIndex

SourceKind = Literal["key_package", "update", "commit"]


@dataclass(frozen=True, slots=True)
class KeyPackageSource:
    """The lifetime is in seconds since 1970."""

    not_before: int
    not_after: int
    kind: ClassVar[SourceKind] = "key_package"


@dataclass(frozen=True, slots=True)
class UpdateSource:
    kind: ClassVar[SourceKind] = "update"


@dataclass(frozen=True, slots=True)
class CommitSource:
    parent_hash: bytes
    kind: ClassVar[SourceKind] = "commit"


LeafNodeSource = KeyPackageSource | UpdateSource | CommitSource
"""How the leaf came to be."""


@dataclass(frozen=True, slots=True)
class UnsignedLeafNode:
    encryption_key: bytes
    signature_key: bytes
    credential: Credential
    capabilities: Capabilities
    source: LeafNodeSource
    extensions: Extensions
    # The encoding of all these fields, made when it is first asked for. It is no argument of the
    # constructor, so that a leaf with a changed field never inherits it.
    _content: bytes | None = field(default=None, init=False, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class LeafNode(UnsignedLeafNode):
    signature: bytes
    # Extensions of a GroupContext that it is known to fit (`leaf_validation.py`). No argument either.
    fits: Extensions | None = field(default=None, init=False, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class LeafPlace:
    """Where a leaf of source `update` or `commit` stands: its signature covers it."""

    group_id: bytes
    leaf: LeafIndex


_SOURCE_KEY_PACKAGE = 1
_SOURCE_UPDATE = 2
_SOURCE_COMMIT = 3
_SIGNATURE_LABEL = "LeafNodeTBS"


def _write_source(writer: Writer, source: LeafNodeSource) -> None:
    match source:
        case KeyPackageSource():
            writer.uint8(_SOURCE_KEY_PACKAGE).uint64(source.not_before).uint64(source.not_after)
        case UpdateSource():
            writer.uint8(_SOURCE_UPDATE)
        case CommitSource():
            writer.uint8(_SOURCE_COMMIT).opaque(source.parent_hash)


def _read_source(reader: Reader) -> LeafNodeSource:
    kind = reader.uint8()
    if kind == _SOURCE_KEY_PACKAGE:
        return KeyPackageSource(reader.uint64(), reader.uint64())
    if kind == _SOURCE_UPDATE:
        return UpdateSource()
    if kind == _SOURCE_COMMIT:
        return CommitSource(reader.opaque())
    raise DecodeError(f"a leaf node has the unknown source {kind}")


def _content_of(leaf: UnsignedLeafNode) -> bytes:
    content = leaf._content
    if content is None:
        writer = Writer().opaque(leaf.encryption_key).opaque(leaf.signature_key)
        write_credential(writer, leaf.credential)
        write_capabilities(writer, leaf.capabilities)
        _write_source(writer, leaf.source)
        write_extensions(writer, leaf.extensions)
        content = _keep_content(leaf, writer.finish())
    return content


def _keep_content(leaf: UnsignedLeafNode, content: bytes) -> bytes:
    object.__setattr__(leaf, "_content", content)
    return content


def keep_fit(leaf: LeafNode, extensions: Extensions) -> None:
    """`check_leaf_in_group` alone knows that it is so."""
    object.__setattr__(leaf, "fits", extensions)


def write_leaf_node(writer: Writer, leaf: LeafNode) -> None:
    writer.raw(_content_of(leaf)).opaque(leaf.signature)


def read_leaf_node(reader: Reader) -> LeafNode:
    start = reader.position
    encryption_key = reader.opaque()
    signature_key = reader.opaque()
    credential = read_credential(reader)
    capabilities = read_capabilities(reader)
    source = _read_source(reader)
    extensions = read_extensions(reader)
    content = reader.since(start)
    leaf = LeafNode(
        encryption_key, signature_key, credential, capabilities, source, extensions, reader.opaque()
    )
    # What was read has one spelling, so these bytes are what encoding it again would give.
    _keep_content(leaf, content)
    return leaf


def encode_leaf_node(leaf: LeafNode) -> bytes:
    return _content_of(leaf) + vector_bytes(leaf.signature)


def decode_leaf_node(data: bytes) -> LeafNode:
    """Raises DecodeError."""
    return decode(data, read_leaf_node)


def _to_be_signed(leaf: UnsignedLeafNode, place: LeafPlace | None) -> bytes:
    """LeafNodeTBS. Raises UsageError when a leaf that belongs to a group comes without its place."""
    if isinstance(leaf.source, KeyPackageSource):
        return _content_of(leaf)
    if place is None:
        raise UsageError("leaf_place", f"a leaf of source {leaf.source.kind} has a place")
    return _content_of(leaf) + vector_bytes(place.group_id) + u32(place.leaf)


def sign_leaf_node(
    suite: CipherSuite, leaf: UnsignedLeafNode, signature_private_key: bytes, place: LeafPlace | None
) -> LeafNode:
    """The place may be None for a leaf of a KeyPackage, whose signature does not cover it."""
    signature = suite.sign_with_label(signature_private_key, _SIGNATURE_LABEL, _to_be_signed(leaf, place))
    signed = LeafNode(
        leaf.encryption_key,
        leaf.signature_key,
        leaf.credential,
        leaf.capabilities,
        leaf.source,
        leaf.extensions,
        signature,
    )
    _keep_content(signed, _content_of(leaf))
    return signed


def leaf_signature_is_valid(suite: CipherSuite, leaf: LeafNode, place: LeafPlace | None) -> bool:
    signed = _to_be_signed(leaf, place)
    return suite.verify_with_label(leaf.signature_key, _SIGNATURE_LABEL, signed, leaf.signature)
