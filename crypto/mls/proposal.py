"""Proposals (RFC 9420 §12.1)."""

from dataclasses import dataclass

from crypto.mls.codec import Reader, Writer, decode, encode
from crypto.mls.extension import Extensions, read_extensions, write_extensions
from crypto.mls.key_package import KeyPackage, read_key_package, write_key_package
from crypto.mls.leaf_node import LeafNode, read_leaf_node, write_leaf_node
from crypto.mls.proposal_type import ProposalType
from crypto.mls.psk_id import PreSharedKeyId, read_pre_shared_key_id, write_pre_shared_key_id
from crypto.mls.tree_math import LeafIndex, leaf_index


@dataclass(frozen=True, slots=True)
class Add:
    key_package: KeyPackage


@dataclass(frozen=True, slots=True)
class Update:
    leaf_node: LeafNode


@dataclass(frozen=True, slots=True)
class Remove:
    """Any index that fits the wire: whether somebody is there is for the group to say."""

    removed: LeafIndex


@dataclass(frozen=True, slots=True)
class PreSharedKey:
    psk: PreSharedKeyId


@dataclass(frozen=True, slots=True)
class ReInit:
    group_id: bytes
    version: int
    suite: int
    extensions: Extensions


@dataclass(frozen=True, slots=True)
class ExternalInit:
    kem_output: bytes


@dataclass(frozen=True, slots=True)
class GroupContextExtensions:
    extensions: Extensions


@dataclass(frozen=True, slots=True)
class UnknownProposal:
    """A type that we do not know, read as one vector: its struct has no end that could be found."""

    id: int
    data: bytes


Proposal = (
    Add | Update | Remove | PreSharedKey | ReInit | ExternalInit | GroupContextExtensions | UnknownProposal
)

_TYPES: dict[type, int] = {
    Add: ProposalType.ADD,
    Update: ProposalType.UPDATE,
    Remove: ProposalType.REMOVE,
    PreSharedKey: ProposalType.PSK,
    ReInit: ProposalType.REINIT,
    ExternalInit: ProposalType.EXTERNAL_INIT,
    GroupContextExtensions: ProposalType.GROUP_CONTEXT_EXTENSIONS,
}


def proposal_type_of(proposal: Proposal) -> int:
    """The number by which capabilities and the wire know it."""
    return proposal.id if isinstance(proposal, UnknownProposal) else _TYPES[type(proposal)]


def requires_path(proposal: Proposal) -> bool:
    """RFC 9420 §12.4: a Commit of one of these has a path.

    Of an unknown type nothing says that it may do without.
    """
    return not isinstance(proposal, Add | PreSharedKey | ReInit)


def write_proposal_body(writer: Writer, proposal: Proposal) -> None:
    """The struct of the proposal's type, without the number before it."""
    match proposal:
        case Add():
            write_key_package(writer, proposal.key_package)
        case Update():
            write_leaf_node(writer, proposal.leaf_node)
        case Remove():
            writer.uint32(proposal.removed)
        case PreSharedKey():
            write_pre_shared_key_id(writer, proposal.psk)
        case ReInit():
            writer.opaque(proposal.group_id).uint16(proposal.version).uint16(proposal.suite)
            write_extensions(writer, proposal.extensions)
        case ExternalInit():
            writer.opaque(proposal.kem_output)
        case GroupContextExtensions():
            write_extensions(writer, proposal.extensions)
        case UnknownProposal():
            writer.opaque(proposal.data)


def read_proposal_body(reader: Reader, type_code: int) -> Proposal:
    match type_code:
        case ProposalType.ADD:
            return Add(read_key_package(reader))
        case ProposalType.UPDATE:
            return Update(read_leaf_node(reader))
        case ProposalType.REMOVE:
            return Remove(leaf_index(reader.uint32()))
        case ProposalType.PSK:
            return PreSharedKey(read_pre_shared_key_id(reader))
        case ProposalType.REINIT:
            return ReInit(reader.opaque(), reader.uint16(), reader.uint16(), read_extensions(reader))
        case ProposalType.EXTERNAL_INIT:
            return ExternalInit(reader.opaque())
        case ProposalType.GROUP_CONTEXT_EXTENSIONS:
            return GroupContextExtensions(read_extensions(reader))
        case _:
            return UnknownProposal(type_code, reader.opaque())


def write_proposal(writer: Writer, proposal: Proposal) -> None:
    writer.uint16(proposal_type_of(proposal))
    write_proposal_body(writer, proposal)


def read_proposal(reader: Reader) -> Proposal:
    return read_proposal_body(reader, reader.uint16())


def encode_proposal(proposal: Proposal) -> bytes:
    return encode(lambda writer: write_proposal(writer, proposal))


def decode_proposal(data: bytes) -> Proposal:
    """Raises DecodeError."""
    return decode(data, read_proposal)
