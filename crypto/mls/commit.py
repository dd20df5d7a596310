"""Commits (RFC 9420 §12.4)."""

from dataclasses import dataclass

from crypto.mls.codec import Reader, Writer, decode, encode
from crypto.mls.errors import DecodeError
from crypto.mls.proposal import Proposal, read_proposal, write_proposal
from crypto.mls.update_path import UpdatePath, read_update_path, write_update_path


@dataclass(frozen=True, slots=True)
class ProposalByValue:
    proposal: Proposal


@dataclass(frozen=True, slots=True)
class ProposalByReference:
    reference: bytes


ProposalOrRef = ProposalByValue | ProposalByReference


@dataclass(frozen=True, slots=True)
class Commit:
    proposals: tuple[ProposalOrRef, ...]
    path: UpdatePath | None


_KIND_PROPOSAL = 1
_KIND_REFERENCE = 2
_MAX_PROPOSALS = 1024


def write_proposal_or_ref(writer: Writer, one: ProposalOrRef) -> None:
    match one:
        case ProposalByValue():
            write_proposal(writer.uint8(_KIND_PROPOSAL), one.proposal)
        case ProposalByReference():
            writer.uint8(_KIND_REFERENCE).opaque(one.reference)


def read_proposal_or_ref(reader: Reader) -> ProposalOrRef:
    kind = reader.uint8()
    if kind == _KIND_PROPOSAL:
        return ProposalByValue(read_proposal(reader))
    if kind == _KIND_REFERENCE:
        return ProposalByReference(reader.opaque())
    raise DecodeError(f"a proposal in a Commit is of the unknown kind {kind}")


def write_commit(writer: Writer, commit: Commit) -> None:
    writer.vector(commit.proposals, write_proposal_or_ref).optional(commit.path, write_update_path)


def read_commit(reader: Reader) -> Commit:
    return Commit(
        proposals=reader.vector(read_proposal_or_ref, _MAX_PROPOSALS),
        path=reader.optional(read_update_path),
    )


def encode_commit(commit: Commit) -> bytes:
    return encode(lambda writer: write_commit(writer, commit))


def decode_commit(data: bytes) -> Commit:
    """Raises DecodeError."""
    return decode(data, read_commit)
