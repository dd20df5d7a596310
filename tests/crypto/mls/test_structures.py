"""Codecs of the structures: there and back for each, and any bytes at all into each decoder."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.mls.capabilities import read_capabilities, write_capabilities
from crypto.mls.codec import Reader, Writer, decode, encode
from crypto.mls.commit import decode_commit, encode_commit, read_commit, write_commit
from crypto.mls.credential import (
    BasicCredential,
    Credential,
    ExternalSender,
    decode_credential,
    encode_credential,
    external_senders_extension,
    external_senders_in,
    read_credential,
    write_credential,
)
from crypto.mls.errors import DecodeError
from crypto.mls.extension import (
    Extension,
    RequiredCapabilities,
    decode_extensions,
    encode_extensions,
    read_extensions,
    read_required_capabilities,
    required_capabilities_extension,
    required_capabilities_in,
    write_extensions,
    write_required_capabilities,
)
from crypto.mls.group_context import (
    GroupContext,
    decode_group_context,
    encode_group_context,
    read_group_context,
    write_group_context,
)
from crypto.mls.key_package import (
    decode_key_package,
    encode_key_package,
    read_key_package,
    write_key_package,
)
from crypto.mls.leaf_node import (
    UpdateSource,
    decode_leaf_node,
    encode_leaf_node,
    read_leaf_node,
    write_leaf_node,
)
from crypto.mls.proposal import (
    Add,
    Proposal,
    UnknownProposal,
    decode_proposal,
    encode_proposal,
    proposal_type_of,
    read_proposal,
    read_proposal_body,
    requires_path,
    write_proposal,
    write_proposal_body,
)
from crypto.mls.proposal_type import ProposalType
from crypto.mls.psk_id import (
    ExternalPskId,
    decode_pre_shared_key_id,
    encode_pre_shared_key_id,
    read_pre_shared_key_id,
    write_pre_shared_key_id,
)
from crypto.mls.ratchet_tree import ParentNode, RatchetTree, TreeNode
from crypto.mls.suites import suite_of
from crypto.mls.tree_codec import (
    decode_ratchet_tree,
    encode_ratchet_tree,
    read_parent_node,
    read_ratchet_tree,
    write_parent_node,
    write_ratchet_tree,
)
from crypto.mls.tree_math import LeafIndex, NodeIndex, leaf_index, node_index, node_of_leaf
from crypto.mls.update_path import (
    UpdatePath,
    decode_update_path,
    encode_update_path,
    read_update_path,
    write_update_path,
)
from tests.crypto.mls import structure_samples as samples
from tests.crypto.mls.tree_world import NONE, add_many, code_of, commit, found, new_person
from tests.crypto.seeded_rng import seeded_rng
from tests.crypto.vectors import Record, VectorFile, b, each_vector_file, report


@each_vector_file("mls/messages")
def test_structures_inside_of_messages(file: VectorFile, record_property: Record) -> None:
    # Whole messages are checked with the framing.
    entries = file.entries()
    bodies = (
        (ProposalType.ADD, "add_proposal"),
        (ProposalType.UPDATE, "update_proposal"),
        (ProposalType.REMOVE, "remove_proposal"),
        (ProposalType.PSK, "pre_shared_key_proposal"),
        (ProposalType.REINIT, "re_init_proposal"),
        (ProposalType.EXTERNAL_INIT, "external_init_proposal"),
        (ProposalType.GROUP_CONTEXT_EXTENSIONS, "group_context_extensions_proposal"),
    )
    for entry in entries:
        assert encode_ratchet_tree(decode_ratchet_tree(b(entry["ratchet_tree"]))) == b(entry["ratchet_tree"])
        assert encode_commit(decode_commit(b(entry["commit"]))) == b(entry["commit"])
        for type_code, name in bodies:
            proposal = body_of(b(entry[name]), type_code)
            assert proposal_type_of(proposal) == type_code
            assert not isinstance(proposal, UnknownProposal)
            writer = Writer()
            write_proposal_body(writer, proposal)
            assert writer.finish() == b(entry[name])
    report(file, record_property, len(entries))


def body_of(data: bytes, type_code: int) -> Proposal:
    return decode(data, lambda reader: read_proposal_body(reader, type_code))


@dataclass(frozen=True)
class Codec:
    name: str
    write: Callable[[Writer, Any], object]
    read: Callable[[Reader], Any]
    samples: st.SearchStrategy[Any]

    def encoded(self, value: object) -> bytes:
        return encode(lambda writer: self.write(writer, value))


def plain(value: Any) -> Any:
    return value.nodes() if isinstance(value, RatchetTree) else value


CODECS = [
    Codec("Credential", write_credential, read_credential, samples.credentials),
    Codec("Capabilities", write_capabilities, read_capabilities, samples.capabilities),
    Codec("Extensions", write_extensions, read_extensions, samples.extensions),
    Codec(
        "RequiredCapabilities",
        write_required_capabilities,
        read_required_capabilities,
        samples.required_capabilities,
    ),
    Codec("LeafNode", write_leaf_node, read_leaf_node, samples.leaf_nodes),
    Codec("KeyPackage", write_key_package, read_key_package, samples.key_packages),
    Codec("PreSharedKeyID", write_pre_shared_key_id, read_pre_shared_key_id, samples.pre_shared_key_ids),
    Codec("Proposal", write_proposal, read_proposal, samples.proposals),
    Codec("UpdatePath", write_update_path, read_update_path, samples.update_paths),
    Codec("Commit", write_commit, read_commit, samples.commits),
    Codec("GroupContext", write_group_context, read_group_context, samples.group_contexts),
    Codec("ParentNode", write_parent_node, read_parent_node, samples.parent_nodes),
    Codec("ratchet_tree", write_ratchet_tree, read_ratchet_tree, samples.ratchet_trees()),
]
each_codec = pytest.mark.parametrize("codec", CODECS, ids=[codec.name for codec in CODECS])


@each_codec
def test_a_structure_comes_back_as_it_went(codec: Codec) -> None:
    @settings(derandomize=True, deadline=None, max_examples=30)
    @given(codec.samples)
    def holds(value: object) -> None:
        data = codec.encoded(value)
        back = decode(data, codec.read)
        assert plain(back) == plain(value)
        assert codec.encoded(back) == data

    holds()


def holds(codec: Codec, data: bytes) -> None:
    """Any bytes parse to what has that encoding alone, or raise DecodeError."""
    try:
        value = decode(data, codec.read)
    except DecodeError:
        return
    assert codec.encoded(value) == data
    # Also when nothing is left of the bytes that it was read from.
    if not isinstance(value, tuple | RatchetTree):
        assert codec.encoded(replace(value)) == data


@each_codec
def test_any_bytes_parse_or_raise_decode_error(codec: Codec) -> None:
    @settings(derandomize=True, deadline=None, max_examples=60)
    @given(st.binary(max_size=200))
    def random(data: bytes) -> None:
        holds(codec, data)

    random()


@each_codec
def test_damaged_bytes_parse_or_raise_decode_error(codec: Codec) -> None:
    @settings(derandomize=True, deadline=None, max_examples=40)
    @given(codec.samples.map(codec.encoded), st.integers(0), st.binary(max_size=3), st.integers(0, 8))
    def damaged(good: bytes, where: int, more: bytes, cut: int) -> None:
        at = where % (len(good) + 1)
        for data in (
            good[:at] + more + good[at + len(more) :],
            good[:at] + more + good[at:],
            good[:at] + good[at + cut :],
            good + more,
        ):
            holds(codec, data)

    damaged()


def test_a_structure_alone_is_encoded_and_decoded_as_it_is_within_another() -> None:
    person = new_person(suite_of(1), seeded_rng("alone"))
    leaf, key_package = person.leaf_node, person.created.key_package
    proposal, psk = Add(key_package), ExternalPskId(b"id", b"nonce")
    path = UpdatePath(leaf, ())
    context = GroupContext(1, 1, b"group", 7, b"hash", b"transcript", ())
    cases: list[tuple[Any, Callable[[Any], bytes], Callable[[bytes], Any], Callable[[Writer, Any], object]]]
    cases = [
        (leaf.credential, encode_credential, decode_credential, write_credential),
        (leaf, encode_leaf_node, decode_leaf_node, write_leaf_node),
        (key_package, encode_key_package, decode_key_package, write_key_package),
        (proposal, encode_proposal, decode_proposal, write_proposal),
        (psk, encode_pre_shared_key_id, decode_pre_shared_key_id, write_pre_shared_key_id),
        (path, encode_update_path, decode_update_path, write_update_path),
        (context, encode_group_context, decode_group_context, write_group_context),
    ]
    for value, encode_alone, decode_alone, write in cases:
        writer = Writer()
        write(writer, value)
        data = writer.finish()
        assert encode_alone(value) == data
        assert decode_alone(data) == value
        with pytest.raises(DecodeError):
            decode_alone(data + b"x")


def refused(data: bytes, read: Callable[[Reader], object]) -> bool:
    return code_of(lambda: decode(data, read)) == "decode"


def test_v005_two_extensions_of_one_type_are_refused() -> None:
    one, other = Extension(0xF101, b"a"), Extension(0xF102, b"b")
    assert refused(encode_extensions((one, replace(one, data=b"b"))), read_extensions)
    assert decode_extensions(encode_extensions((one, other))) == (one, other)


def test_v004_more_than_there_can_be_is_refused() -> None:
    many = tuple(Extension(i, b"") for i in range(257))
    assert refused(encode_extensions(many), read_extensions)
    assert not refused(encode_extensions(many[1:]), read_extensions)
    long = encode(lambda writer: write_credential(writer, BasicCredential(bytes(65537))))
    assert refused(long, read_credential)
    for length, ok in ((2 * 1025, False), (2 * 1024, True), (3, False)):
        codes = encode(lambda writer: writer.opaque(bytes(length)).opaque(b"").opaque(b""))  # noqa: B023
        assert refused(codes, read_required_capabilities) != ok


def test_v009_unknown_kinds_are_refused() -> None:
    # A Commit whose one proposal is of kind 3, a PSK of type 3, a resumption PSK of usage 0 and of usage 4.
    assert refused(bytes.fromhex("02030000"), read_commit)
    assert refused(bytes.fromhex("030000"), read_pre_shared_key_id)
    for usage in range(256):
        psk = bytes((2, usage)) + bytes(10)
        assert refused(psk, read_pre_shared_key_id) == (usage not in (1, 2, 3))
    leaf = new_person(suite_of(1), seeded_rng("kinds")).leaf_node
    data = encode_leaf_node(replace(leaf, extensions=(), source=UpdateSource()))
    at = len(data) - len(leaf.signature) - 4
    assert data[at] == 2
    for kind in (0, 4):
        assert refused(data[:at] + bytes((kind,)) + data[at + 1 :], read_leaf_node)


def test_a_key_package_with_something_after_it_is_refused() -> None:
    data = new_person(suite_of(1), seeded_rng("after")).created.bytes
    assert code_of(lambda: decode_key_package(data)) == NONE
    assert code_of(lambda: decode_key_package(data + b"x")) == "decode"


def test_v006_unmerged_leaves_that_are_not_in_increasing_order_are_refused() -> None:
    def node(*leaves: int) -> bytes:
        parent = ParentNode(b"k", b"h", tuple(map(LeafIndex, leaves)))
        return encode(lambda writer: write_parent_node(writer, parent))

    assert decode(node(1, 4), read_parent_node).unmerged_leaves == (1, 4)
    assert refused(node(4, 1), read_parent_node)
    assert refused(node(1, 1), read_parent_node)


RNG = seeded_rng("no tree")
WORLD = commit(add_many(found(suite_of(1), RNG), 2, RNG), LeafIndex(0), (), RNG)
AS_LEAF = b"\x01" + encode_leaf_node(WORLD.leaf_node(0))
AS_PARENT = b"\x02" + encode(lambda writer: write_parent_node(writer, WORLD.parent_node(1)))


def tree_of(*items: bytes | None) -> bytes:
    return Writer().vector(items, lambda inner, item: inner.optional(item, Writer.raw)).finish()


def test_v007_what_is_no_tree_is_refused_though_its_parts_are_good() -> None:
    def code(data: bytes, most: int = 2**16) -> str:
        return code_of(lambda: decode_ratchet_tree(data, most))

    assert code(encode_ratchet_tree(WORLD.tree)) == NONE
    assert code(tree_of(AS_LEAF, AS_PARENT, AS_LEAF)) == NONE
    # Nothing at all, a blank at the end, kinds in the wrong places, a kind that is none.
    for items in (
        (),
        (None,),
        (AS_LEAF, None),
        (AS_LEAF, None, AS_LEAF, None),
        (AS_PARENT, None, AS_LEAF),
        (AS_LEAF, AS_LEAF, AS_LEAF),
        (AS_LEAF, AS_PARENT),
        (AS_LEAF, None, AS_LEAF, AS_PARENT),
        (b"\x03" + AS_LEAF[1:],),
    ):
        assert code(tree_of(*items)) == "decode"
    # Of four leaves at most, the fifth is too many.
    assert code(tree_of(*[AS_LEAF, None] * 3, AS_LEAF), 4) == NONE
    assert code(tree_of(*[AS_LEAF, None] * 4, AS_LEAF), 4) == "decode"


@pytest.mark.parametrize(("count", "leaves"), [(1, 1), (3, 2), (5, 4), (7, 4), (9, 8)])
def test_a_tree_is_the_smallest_that_has_room(count: int, leaves: int) -> None:
    items = [AS_LEAF if i == count - 1 else None for i in range(count)]
    assert decode_ratchet_tree(tree_of(*items)).leaf_count == leaves


def test_nodes_that_are_no_tree_are_the_callers_fault() -> None:
    leaf = WORLD.leaf_node(0)
    shapes: list[list[TreeNode | None]] = [[leaf, None], [leaf, leaf, leaf], [WORLD.parent_node(1)], []]
    for nodes in shapes[1:3]:
        assert code_of(lambda: RatchetTree.of(nodes)) == "tree_shape"  # noqa: B023
    for nodes in (shapes[0], shapes[3]):
        assert code_of(lambda: RatchetTree.of(nodes)) == "tree_size"  # noqa: B023


def test_a_tree_is_asked_for_what_it_has_or_says_whose_mistake_that_is() -> None:
    tree, leaf = WORLD.tree, WORLD.leaf_node(0)
    for blank in (3, 4, 2**32 - 1):
        assert tree.leaf(LeafIndex(blank)) is None
    for call, code in (
        (lambda: tree.node(NodeIndex(7)), "node_index"),
        (lambda: tree.node(NodeIndex(-1)), "node_index"),
        (lambda: tree.parent(NodeIndex(2)), "node_index"),
        (lambda: tree.remove(LeafIndex(3)), "blank_leaf"),
        (lambda: tree.remove(LeafIndex(2**32 - 1)), "blank_leaf"),
        (lambda: tree.update(LeafIndex(3), leaf), "blank_leaf"),
        (lambda: tree.direct_path(LeafIndex(4)), "leaf_index"),
        (lambda: leaf_index(-1), "leaf_index"),
        (lambda: leaf_index(2**32), "leaf_index"),
        (lambda: node_index(2**17 - 1), "node_index"),
        (lambda: node_of_leaf(LeafIndex(2**16)), "node_index"),
    ):
        assert code_of(call) == code


@settings(derandomize=True, deadline=None, max_examples=50)
@given(samples.proposals)
def test_a_proposal_says_whether_its_commit_needs_a_path(proposal: Proposal) -> None:
    # RFC 9420 §12.4
    assert requires_path(proposal) == (proposal_type_of(proposal) not in (1, 4, 5))


@settings(derandomize=True, deadline=None, max_examples=30)
@given(samples.required_capabilities, samples.credentials)
def test_extensions_of_a_group_context_name_what_is_required_and_who_may_propose_from_outside(
    required: RequiredCapabilities, credential: Credential
) -> None:
    senders = (ExternalSender(b"key", credential),)
    both = (required_capabilities_extension(required), external_senders_extension(senders))
    assert required_capabilities_in(both) == required
    assert external_senders_in(both) == senders
    assert required_capabilities_in(()) is None
    assert external_senders_in(()) == ()
