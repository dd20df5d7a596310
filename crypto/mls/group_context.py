"""What all members of a group agree on in one epoch (RFC 9420 §8.1)."""

from dataclasses import dataclass

from crypto.mls.codec import Reader, Writer, decode, encode
from crypto.mls.extension import Extensions, read_extensions, write_extensions


@dataclass(frozen=True, slots=True)
class GroupContext:
    version: int
    suite: int
    group_id: bytes
    epoch: int
    tree_hash: bytes
    confirmed_transcript_hash: bytes
    extensions: Extensions


def write_group_context(writer: Writer, context: GroupContext) -> None:
    writer.uint16(context.version).uint16(context.suite).opaque(context.group_id).uint64(context.epoch)
    writer.opaque(context.tree_hash).opaque(context.confirmed_transcript_hash)
    write_extensions(writer, context.extensions)


def read_group_context(reader: Reader) -> GroupContext:
    return GroupContext(
        version=reader.uint16(),
        suite=reader.uint16(),
        group_id=reader.opaque(),
        epoch=reader.uint64(),
        tree_hash=reader.opaque(),
        confirmed_transcript_hash=reader.opaque(),
        extensions=read_extensions(reader),
    )


def encode_group_context(context: GroupContext) -> bytes:
    return encode(lambda writer: write_group_context(writer, context))


def decode_group_context(data: bytes) -> GroupContext:
    """Raises DecodeError."""
    return decode(data, read_group_context)
