"""GroupInfo (RFC 9420 §12.4.3): the group as its signer shows it to those who join."""

from dataclasses import dataclass

from crypto.mls.codec import Reader, Writer, decode, encode
from crypto.mls.errors import InvalidError
from crypto.mls.extension import Extensions, read_extensions, write_extensions
from crypto.mls.group_context import GroupContext, read_group_context, write_group_context
from crypto.mls.suite import CipherSuite
from crypto.mls.tree_math import LeafIndex, leaf_index


@dataclass(frozen=True, slots=True)
class GroupInfo:
    context: GroupContext
    extensions: Extensions
    confirmation_tag: bytes
    signer: LeafIndex
    signature: bytes


_SIGNATURE_LABEL = "GroupInfoTBS"


def _to_be_signed(
    context: GroupContext, extensions: Extensions, confirmation_tag: bytes, signer: LeafIndex
) -> bytes:
    writer = Writer()
    write_group_context(writer, context)
    write_extensions(writer, extensions)
    return writer.opaque(confirmation_tag).uint32(signer).finish()


def write_group_info(writer: Writer, info: GroupInfo) -> None:
    writer.raw(_to_be_signed(info.context, info.extensions, info.confirmation_tag, info.signer))
    writer.opaque(info.signature)


def read_group_info(reader: Reader) -> GroupInfo:
    return GroupInfo(
        context=read_group_context(reader),
        extensions=read_extensions(reader),
        confirmation_tag=reader.opaque(),
        signer=leaf_index(reader.uint32()),
        signature=reader.opaque(),
    )


def encode_group_info(info: GroupInfo) -> bytes:
    return encode(lambda writer: write_group_info(writer, info))


def decode_group_info(data: bytes) -> GroupInfo:
    """Raises DecodeError."""
    return decode(data, read_group_info)


def sign_group_info(
    suite: CipherSuite,
    *,
    context: GroupContext,
    extensions: Extensions,
    confirmation_tag: bytes,
    signer: LeafIndex,
    signature_private_key: bytes,
) -> GroupInfo:
    content = _to_be_signed(context, extensions, confirmation_tag, signer)
    signature = suite.sign_with_label(signature_private_key, _SIGNATURE_LABEL, content)
    return GroupInfo(context, extensions, confirmation_tag, signer, signature)


def verify_group_info(suite: CipherSuite, info: GroupInfo, signature_key: bytes) -> None:
    """Raises InvalidError v704_group_info_signature."""
    content = _to_be_signed(info.context, info.extensions, info.confirmation_tag, info.signer)
    if not suite.verify_with_label(signature_key, _SIGNATURE_LABEL, content, info.signature):
        raise InvalidError("v704_group_info_signature", "a GroupInfo's signature is not its signer's")
