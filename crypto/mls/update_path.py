"""The new keys of a committer's path, and the secrets for them (RFC 9420 §7.6)."""

from dataclasses import dataclass

from crypto.mls.codec import Reader, Writer, decode, encode
from crypto.mls.hpke import HpkeCiphertext
from crypto.mls.leaf_node import LeafNode, read_leaf_node, write_leaf_node
from crypto.mls.tree_math import MAX_LEAVES


@dataclass(frozen=True, slots=True)
class UpdatePathNode:
    encryption_key: bytes
    encrypted_path_secrets: tuple[HpkeCiphertext, ...]
    """One for each node of the copath child's resolution, without the leaves that the same Commit adds."""


@dataclass(frozen=True, slots=True)
class UpdatePath:
    leaf_node: LeafNode
    nodes: tuple[UpdatePathNode, ...]


_MAX_PATH_LENGTH = MAX_LEAVES.bit_length() - 1


def write_hpke_ciphertext(writer: Writer, ct: HpkeCiphertext) -> None:
    writer.opaque(ct.kem_output).opaque(ct.ciphertext)


def read_hpke_ciphertext(reader: Reader) -> HpkeCiphertext:
    return HpkeCiphertext(reader.opaque(), reader.opaque())


def _write_update_path_node(writer: Writer, node: UpdatePathNode) -> None:
    writer.opaque(node.encryption_key).vector(node.encrypted_path_secrets, write_hpke_ciphertext)


def _read_update_path_node(reader: Reader) -> UpdatePathNode:
    return UpdatePathNode(reader.opaque(), reader.vector(read_hpke_ciphertext, MAX_LEAVES))


def write_update_path(writer: Writer, path: UpdatePath) -> None:
    write_leaf_node(writer, path.leaf_node)
    writer.vector(path.nodes, _write_update_path_node)


def read_update_path(reader: Reader) -> UpdatePath:
    return UpdatePath(read_leaf_node(reader), reader.vector(_read_update_path_node, _MAX_PATH_LENGTH))


def encode_update_path(path: UpdatePath) -> bytes:
    return encode(lambda writer: write_update_path(writer, path))


def decode_update_path(data: bytes) -> UpdatePath:
    """Raises DecodeError."""
    return decode(data, read_update_path)
