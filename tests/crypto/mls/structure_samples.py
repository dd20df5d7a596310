"""Arbitrary values of every structure of trees and Commits, for hypothesis.

Well-formed, and without meaning.
"""

from hypothesis import strategies as st

from crypto.mls.capabilities import Capabilities
from crypto.mls.commit import Commit, ProposalByReference, ProposalByValue
from crypto.mls.credential import BasicCredential, Credential, UnknownCredential, X509Credential
from crypto.mls.extension import Extension, Extensions, RequiredCapabilities
from crypto.mls.group_context import GroupContext
from crypto.mls.hpke import HpkeCiphertext
from crypto.mls.key_package import KeyPackage
from crypto.mls.leaf_node import CommitSource, KeyPackageSource, LeafNode, LeafNodeSource, UpdateSource
from crypto.mls.proposal import (
    Add,
    ExternalInit,
    GroupContextExtensions,
    PreSharedKey,
    Proposal,
    ReInit,
    Remove,
    UnknownProposal,
    Update,
)
from crypto.mls.psk_id import ExternalPskId, PreSharedKeyId, ResumptionPskId, ResumptionUsage
from crypto.mls.ratchet_tree import ParentNode, RatchetTree, TreeNode
from crypto.mls.tree_math import LeafIndex, leaf_count_for, node_width
from crypto.mls.update_path import UpdatePath, UpdatePathNode

blobs = st.binary(max_size=80)
uint16 = st.integers(0, 2**16 - 1)
uint32 = st.integers(0, 2**32 - 1)
uint64 = st.integers(0, 2**64 - 1)
codes = st.lists(uint16, max_size=5).map(tuple)
unknown_types = st.integers(8, 2**16 - 1)
leaf_indices = uint32.map(LeafIndex)

credentials: st.SearchStrategy[Credential] = st.one_of(
    st.builds(BasicCredential, blobs),
    st.builds(X509Credential, st.lists(blobs, max_size=3).map(tuple)),
    st.builds(UnknownCredential, unknown_types, blobs),
)
capabilities = st.builds(Capabilities, codes, codes, codes, codes, codes)
required_capabilities = st.builds(RequiredCapabilities, codes, codes, codes)
extensions: st.SearchStrategy[Extensions] = st.lists(
    st.builds(Extension, uint16, blobs), max_size=4, unique_by=lambda one: one.type
).map(tuple)
sources: st.SearchStrategy[LeafNodeSource] = st.one_of(
    st.builds(KeyPackageSource, uint64, uint64), st.just(UpdateSource()), st.builds(CommitSource, blobs)
)
leaf_nodes = st.builds(LeafNode, blobs, blobs, credentials, capabilities, sources, extensions, blobs)
key_packages = st.builds(KeyPackage, uint16, uint16, blobs, leaf_nodes, extensions, blobs)
USAGES: tuple[ResumptionUsage, ...] = ("application", "reinit", "branch")
pre_shared_key_ids: st.SearchStrategy[PreSharedKeyId] = st.one_of(
    st.builds(ExternalPskId, blobs, blobs),
    st.builds(ResumptionPskId, st.sampled_from(USAGES), blobs, uint64, blobs),
)
proposals: st.SearchStrategy[Proposal] = st.one_of(
    st.builds(Add, key_packages),
    st.builds(Update, leaf_nodes),
    st.builds(Remove, leaf_indices),
    st.builds(PreSharedKey, pre_shared_key_ids),
    st.builds(ReInit, blobs, uint16, uint16, extensions),
    st.builds(ExternalInit, blobs),
    st.builds(GroupContextExtensions, extensions),
    st.builds(UnknownProposal, unknown_types, blobs),
)
ciphertexts = st.lists(st.builds(HpkeCiphertext, blobs, blobs), max_size=3).map(tuple)
update_paths = st.builds(
    UpdatePath, leaf_nodes, st.lists(st.builds(UpdatePathNode, blobs, ciphertexts), max_size=4).map(tuple)
)
commits = st.builds(
    Commit,
    st.lists(
        st.one_of(st.builds(ProposalByValue, proposals), st.builds(ProposalByReference, blobs)), max_size=3
    ).map(tuple),
    st.none() | update_paths,
)
group_contexts = st.builds(GroupContext, uint16, uint16, blobs, uint64, blobs, blobs, extensions)
parent_nodes = st.builds(
    ParentNode, blobs, blobs, st.sets(leaf_indices, max_size=4).map(lambda leaves: tuple(sorted(leaves)))
)


@st.composite
def ratchet_trees(draw: st.DrawFn) -> RatchetTree:
    """Any blanks and nodes, as long as the last leaf stands in the right half: such a tree has one
    encoding.
    """
    leaves = draw(st.integers(1, 8))
    nodes: list[TreeNode | None] = []
    for i in range(leaves):
        if i > 0:
            nodes.append(draw(st.none() | parent_nodes))
        nodes.append(draw(leaf_nodes if i == leaves - 1 else st.none() | leaf_nodes))
    return RatchetTree.of([*nodes, *[None] * (node_width(leaf_count_for(leaves)) - len(nodes))])
