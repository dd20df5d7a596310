"""A GroupOrigin as it is stored: cases begin from epochs of the commons that are long past (E31).

It holds a secret: the store encrypts it, and drops it when no group may begin from that epoch any more.
"""

from crypto.mls.codec import Reader, Writer, decode
from crypto.mls.group_context import read_group_context, write_group_context
from crypto.mls.group_origin import GroupOrigin
from crypto.mls.group_state import FORMAT, guarded, read_reinit, read_secret, require_format
from crypto.mls.leaf_node import read_leaf_node, write_leaf_node
from crypto.mls.proposal import write_proposal
from crypto.mls.suite import SuiteLookup, room_suite_of
from crypto.mls.tree_math import MAX_LEAVES


def encode_origin(origin: GroupOrigin) -> bytes:
    writer = Writer().uint8(FORMAT)
    write_group_context(writer, origin.context)
    writer.optional(origin.reinit, write_proposal).vector(origin.members, write_leaf_node)
    return writer.opaque(origin.psk).finish()


def decode_origin(stored: bytes, suites: SuiteLookup = room_suite_of) -> GroupOrigin:
    """Raises StorageError group_origin, or what else names the damage."""
    return guarded("group_origin", lambda: decode(stored, lambda reader: _read_origin(reader, suites)))


def _read_origin(reader: Reader, suites: SuiteLookup) -> GroupOrigin:
    require_format(reader)
    context = read_group_context(reader)
    suite = suites(context.suite)
    return GroupOrigin(
        context=context,
        reinit=reader.optional(read_reinit),
        members=reader.vector(read_leaf_node, MAX_LEAVES),
        psk=read_secret(reader, suite.nh),
    )
