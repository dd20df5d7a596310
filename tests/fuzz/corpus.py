"""Well-formed bytes of every structure, from a group's life: what is changed until it is so no more."""

from collections import defaultdict

from crypto.attachments.descriptor import FileDescriptor, encode_descriptor
from crypto.attachments.geometry import MIN_CHUNK_SIZE
from crypto.mls.commit import decode_commit, encode_commit
from crypto.mls.credential import BasicCredential, encode_credential
from crypto.mls.extension import encode_extensions
from crypto.mls.group_info import encode_group_info
from crypto.mls.judge_commit import commit_of
from crypto.mls.key_package import encode_key_package, key_package_ref
from crypto.mls.key_schedule import welcome_secret
from crypto.mls.leaf_node import encode_leaf_node
from crypto.mls.mls_message import decode_mls_message, encode_mls_message
from crypto.mls.proposal import GroupContextExtensions, PreSharedKey, Proposal, ReInit, encode_proposal
from crypto.mls.psk import psk_secret
from crypto.mls.psk_id import ExternalPskId, ResumptionPskId, encode_pre_shared_key_id
from crypto.mls.suites import suite_of
from crypto.mls.tree_codec import encode_ratchet_tree
from crypto.mls.update_path import encode_update_path
from crypto.mls.welcome import Welcome, encode_group_secrets, open_group_info, open_group_secrets
from crypto.sframe.header import encode_header
from tests.crypto.mls.simulation import Person, add, commit_all, remove, room_extensions, room_of, welcome_of
from tests.crypto.seeded_rng import seeded_rng

Corpus = dict[str, list[bytes]]
"""By the name that `DECODERS` and the TypeScript peer have for a structure."""


def corpus(suite_id: int) -> Corpus:
    suite, rng = suite_of(suite_id), seeded_rng(f"corpus {suite_id}")
    clients = room_of(suite_id, ["ada", "ben", "cyd", "dan"], rng)
    eve = Person(suite, "eve", rng)
    package = eve.key_package()
    nonce = bytes(suite.nh)
    psks = (ExternalPskId(b"psk", nonce), ResumptionPskId("branch", b"commons", 7, nonce))
    others: list[Proposal] = [
        GroupContextExtensions(room_extensions("corpus")),
        ReInit(b"anew", 1, suite_id, room_extensions("anew")),
        *(PreSharedKey(psk) for psk in psks),
    ]
    staged = commit_all(clients[:3], remove(clients[3]), add(package))
    welcome = welcome_of(staged)
    opened = decode_mls_message(welcome)
    assert isinstance(opened, Welcome)
    reference = key_package_ref(suite, package.bytes)
    secrets = open_group_secrets(suite, opened, reference, package.secrets.init_private_key)
    psk = psk_secret(suite, [])
    info = open_group_info(suite, opened, welcome_secret(suite, secrets.joiner_secret, psk))
    commit = commit_of(staged.judged.authenticated)
    assert commit.path is not None
    group = clients[0].group
    found: Corpus = defaultdict(list)
    found["attachment"] = [
        encode_descriptor(FileDescriptor(rng(32), size, MIN_CHUNK_SIZE << 4, rng(32), name, "image/jpeg"))
        for size, name in ((0, "a"), (123_456, "Röntgen links.jpg"))
    ]
    found["commit"] = [encode_commit(commit)]
    found["credential"] = [encode_credential(BasicCredential(b"identity"))]
    found["extensions"] = [encode_extensions(info.extensions), encode_extensions(group.context.extensions)]
    found["group_context"] = [group.context_bytes]
    found["group_info"] = [encode_group_info(info)]
    found["group_secrets"] = [encode_group_secrets(secrets)]
    found["key_package"] = [encode_key_package(package.key_package)]
    found["leaf_node"] = [encode_leaf_node(one.node) for one in group.tree.members()]
    found["mls_message"] = [staged.message, welcome, encode_mls_message(package.key_package)]
    found["proposal"] = [encode_proposal(one) for one in (add(package), remove(clients[1]), *others)]
    found["psk_id"] = [encode_pre_shared_key_id(one) for one in psks]
    found["ratchet_tree"] = [encode_ratchet_tree(group.tree)]
    found["sframe_header"] = [
        encode_header(kid, ctr) + b"and what follows"
        for kid in (0, 7, 8, 2**32, 2**64 - 1)
        for ctr in (7, 255, 2**32)
    ]
    found["update_path"] = [encode_update_path(commit.path)]
    found["welcome"] = [welcome]
    assert all(decode_commit(one) for one in found["commit"])
    return dict(found)
