"""v700 to v711: Welcomes, those of the vectors and those that break one rule each."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.mls.complete_commit import confirm_epoch
from crypto.mls.errors import DecodeError
from crypto.mls.extension import Extension, ExtensionType
from crypto.mls.group import epoch_authenticator
from crypto.mls.group_context import GroupContext, encode_group_context
from crypto.mls.group_info import GroupInfo, sign_group_info, verify_group_info
from crypto.mls.join_group import Joined, join_by_welcome
from crypto.mls.key_package import (
    CreatedKeyPackage,
    KeyPackage,
    KeyPackageSecrets,
    encode_key_package,
    key_package_ref,
)
from crypto.mls.key_schedule import welcome_secret, zero_secret
from crypto.mls.mls_message import decode_mls_message, encode_mls_message
from crypto.mls.proposal import PreSharedKey, Proposal, Remove
from crypto.mls.psk import NamedPsk, PskLookup, no_psks, psk_secret
from crypto.mls.psk_id import ExternalPskId, PreSharedKeyId, ResumptionPskId
from crypto.mls.ratchet_tree import RatchetTree
from crypto.mls.suite import ROOM_SUITE, CipherSuite, room_suite
from crypto.mls.suites import suite_of
from crypto.mls.tree_codec import encode_ratchet_tree, ratchet_tree_extension
from crypto.mls.tree_hash import tree_hash
from crypto.mls.tree_math import MAX_LEAVES, leaf_count_for, leaf_index, node_width
from crypto.mls.welcome import (
    GroupSecrets,
    NewMember,
    Welcome,
    open_group_info,
    open_group_secrets,
    seal_welcome,
)
from tests.crypto.mls.simulation import (
    Person,
    add,
    code_of,
    commit_all,
    fault_of,
    remove,
    room_of,
    welcome_of,
)
from tests.crypto.seeded_rng import seeded_rng
from tests.crypto.vectors import Entry, Record, VectorFile, b, each_in_scope, each_vector_file


@each_vector_file("mls/welcome")
def test_welcome(file: VectorFile, record_property: Record) -> None:
    def check(suite: CipherSuite, entry: Entry) -> None:
        key_package, welcome = (decode_mls_message(b(entry[name])) for name in ("key_package", "welcome"))
        assert isinstance(key_package, KeyPackage)
        assert isinstance(welcome, Welcome)
        reference = key_package_ref(suite, encode_key_package(key_package))
        psk = zero_secret(suite)

        def opened(welcome: Welcome) -> tuple[GroupSecrets, GroupInfo]:
            shared = open_group_secrets(suite, welcome, reference, b(entry["init_priv"]))
            secret = welcome_secret(suite, shared.joiner_secret, psk)
            return shared, open_group_info(suite, welcome, secret)

        shared, info = opened(welcome)
        verify_group_info(suite, info, b(entry["signer_pub"]))
        context = info.context
        confirmed = context.confirmed_transcript_hash
        _, tag = confirm_epoch(suite, shared.joiner_secret, psk, encode_group_context(context), confirmed)
        assert tag == info.confirmation_tag
        # Produced anew for the same member, and read back.
        ours = seal_welcome(
            suite,
            info,
            joiner_secret=shared.joiner_secret,
            welcome_secret=welcome_secret(suite, shared.joiner_secret, psk),
            psks=shared.psks,
            new_members=[NewMember(reference, key_package.init_key, shared.path_secret)],
            rng=seeded_rng("welcome vector"),
        )
        again = decode_mls_message(encode_mls_message(ours))
        assert isinstance(again, Welcome)
        # The same key and nonce over the same GroupInfo give the same bytes.
        assert again.encrypted_group_info == welcome.encrypted_group_info
        assert opened(again) == (shared, info)

    each_in_scope(file, record_property, check)


rng = seeded_rng("welcome")
PSK = rng(32)
WELL = "nothing raised"


def same_context(context: GroupContext) -> GroupContext:
    return context


def same_info(info: GroupInfo) -> GroupInfo:
    return info


def same_secrets(secrets: GroupSecrets) -> GroupSecrets:
    return secrets


class Arrival:
    """A room of three, in which Ada adds Eve, and what Ada could have sent instead."""

    def __init__(self, *psks: PreSharedKeyId) -> None:
        self.eve = Person(room_suite, "eve", rng)
        self.key_package = self.eve.key_package()
        self.ada, self.ben, cyd = room_of(ROOM_SUITE, ["ada", "ben", "cyd"], rng)
        proposals: list[Proposal] = [add(self.key_package), *map(PreSharedKey, psks)]
        self.staged = commit_all([self.ada, self.ben, cyd], *proposals, psks=lambda _: PSK)
        self.welcome = welcome_of(self.staged)
        self.psk = psk_secret(room_suite, [NamedPsk(one, PSK) for one in psks])
        self.reference = key_package_ref(room_suite, self.key_package.bytes)

    def join(
        self,
        welcome: bytes | None = None,
        *,
        psks: PskLookup = no_psks,
        tree: bytes | None = None,
        suite: CipherSuite = room_suite,
        key_package: bytes | None = None,
        secrets: KeyPackageSecrets | None = None,
        max_leaves: int = MAX_LEAVES,
    ) -> Joined:
        return join_by_welcome(
            suite=suite,
            welcome=self.welcome if welcome is None else welcome,
            key_package=self.key_package.bytes if key_package is None else key_package,
            secrets=secrets or self.key_package.secrets,
            psks=psks,
            tree=tree,
            max_leaves=max_leaves,
        )

    def refused(self, welcome: bytes) -> str:
        return code_of(lambda: self.join(welcome))

    def reseal(
        self,
        info: Callable[[GroupInfo], GroupInfo] = same_info,
        secrets: Callable[[GroupSecrets], GroupSecrets] = same_secrets,
        signed_by: bytes | None = None,
        psk: bytes | None = None,
    ) -> bytes:
        """The Welcome with another content, sealed as Ada would, and signed by her or by whom it says."""
        welcome = decode_mls_message(self.welcome)
        assert isinstance(welcome, Welcome)
        init_private_key = self.key_package.secrets.init_private_key
        shared = open_group_secrets(room_suite, welcome, self.reference, init_private_key)
        joiner = shared.joiner_secret
        before = open_group_info(room_suite, welcome, welcome_secret(room_suite, joiner, self.psk))
        said, given = info(before), secrets(shared)
        signed = sign_group_info(
            room_suite,
            context=said.context,
            extensions=said.extensions,
            confirmation_tag=said.confirmation_tag,
            signer=said.signer,
            signature_private_key=signed_by or self.ada.group.signature_private_key,
        )
        sealed = seal_welcome(
            room_suite,
            signed,
            joiner_secret=given.joiner_secret,
            welcome_secret=welcome_secret(room_suite, joiner, self.psk if psk is None else psk),
            psks=given.psks,
            new_members=[NewMember(self.reference, self.key_package.key_package.init_key, given.path_secret)],
            rng=rng,
        )
        return encode_mls_message(sealed)

    def with_context(self, change: Callable[[GroupContext], GroupContext]) -> str:
        return self.refused(self.reseal(lambda info: replace(info, context=change(info.context))))


ARRIVAL = Arrival()


def test_brings_a_newcomer_to_where_the_others_are() -> None:
    joined = ARRIVAL.join()
    assert (joined.adder, joined.psks) == (ARRIVAL.ada.leaf, ())
    assert epoch_authenticator(joined.group) == epoch_authenticator(ARRIVAL.ada.group)
    assert joined.consumed == (ARRIVAL.key_package.secrets.init_private_key,)
    assert ARRIVAL.refused(ARRIVAL.reseal()) == WELL


def test_v700_is_a_welcome() -> None:
    message = encode_mls_message(ARRIVAL.key_package.key_package)
    assert ARRIVAL.refused(message) == "v700_not_a_welcome"


def test_v701_is_of_the_key_packages_suite() -> None:
    changed = ARRIVAL.welcome[:4] + b"\0\1" + ARRIVAL.welcome[6:]
    assert ARRIVAL.refused(changed) == "v701_welcome_suite"


def test_v702_names_the_key_package() -> None:
    assert ARRIVAL.refused(Arrival().welcome) == "v702_welcome_not_for_me"


def test_v703_has_secrets_of_the_suites_length() -> None:
    joiner = ARRIVAL.reseal(secrets=lambda one: replace(one, joiner_secret=one.joiner_secret[1:]))
    path = ARRIVAL.reseal(secrets=lambda one: replace(one, path_secret=bytes(room_suite.nh - 1)))
    assert ARRIVAL.refused(joiner) == ARRIVAL.refused(path) == "v703_welcome_secret_length"


def test_v704_has_a_group_info_that_is_signed_by_the_leaf_that_it_names() -> None:
    ben, key = ARRIVAL.ben.leaf, ARRIVAL.ben.group.signature_private_key
    assert ARRIVAL.refused(ARRIVAL.reseal(signed_by=key)) == "v704_group_info_signature"
    claimed = ARRIVAL.reseal(lambda info: replace(info, signer=ben))
    assert ARRIVAL.refused(claimed) == "v704_group_info_signature"
    # Every member knows the joiner secret: Ben may say that he added Eve, but only in his own name.
    own = ARRIVAL.reseal(lambda info: replace(info, signer=ben), signed_by=key)
    assert ARRIVAL.join(own).adder == ben


def test_v706_is_to_a_group_of_the_same_version_and_suite() -> None:
    assert ARRIVAL.with_context(lambda one: replace(one, suite=1)) == "v706_group_suite"
    assert ARRIVAL.with_context(lambda one: replace(one, version=2)) == "v706_group_suite"
    assert ARRIVAL.with_context(same_context) == WELL


def test_v707_comes_with_a_tree_inside_or_beside_it() -> None:
    def treeless(info: GroupInfo) -> GroupInfo:
        kept = tuple(one for one in info.extensions if one.type != ExtensionType.RATCHET_TREE)
        return replace(info, extensions=kept)

    without = ARRIVAL.reseal(treeless)
    assert ARRIVAL.refused(without) == "v707_tree_missing"
    tree = encode_ratchet_tree(ARRIVAL.ada.group.tree)
    assert code_of(lambda: ARRIVAL.join(without, tree=tree)) == WELL
    assert code_of(lambda: ARRIVAL.join(without, tree=tree[1:])) == "decode"


def wide_welcome(slots: int, key_package: CreatedKeyPackage) -> bytes:
    """To a valid group of two, at the first and the last of so many places."""
    ada = Person(room_suite, "ada", rng).found().group
    newcomer = key_package.key_package
    nodes = [ada.tree.leaf(ada.own_leaf), *[None] * (2 * slots - 3), newcomer.leaf_node]
    tree = RatchetTree.of([*nodes, *[None] * (node_width(leaf_count_for(slots)) - len(nodes))])
    confirmed, joiner, zero = rng(room_suite.nh), rng(room_suite.nh), zero_secret(room_suite)
    context = replace(
        ada.context, epoch=1, tree_hash=tree_hash(room_suite, tree), confirmed_transcript_hash=confirmed
    )
    _, tag = confirm_epoch(room_suite, joiner, zero, encode_group_context(context), confirmed)
    info = sign_group_info(
        room_suite,
        context=context,
        extensions=(ratchet_tree_extension(tree),),
        confirmation_tag=tag,
        signer=ada.own_leaf,
        signature_private_key=ada.signature_private_key,
    )
    sealed = seal_welcome(
        room_suite,
        info,
        joiner_secret=joiner,
        welcome_secret=welcome_secret(room_suite, joiner, zero),
        psks=(),
        new_members=[
            NewMember(key_package_ref(room_suite, key_package.bytes), newcomer.init_key, path_secret=None)
        ],
        rng=rng,
    )
    return encode_mls_message(sealed)


def test_v004_e13_has_a_tree_of_no_more_leaves_than_its_caller_allows() -> None:
    key_package = Person(room_suite, "eve", rng).key_package()

    def joined(slots: int, max_leaves: int) -> Joined:
        return join_by_welcome(
            suite=room_suite,
            welcome=wide_welcome(slots, key_package),
            key_package=key_package.bytes,
            secrets=key_package.secrets,
            max_leaves=max_leaves,
        )

    assert joined(256, 256).group.own_leaf == 255
    assert joined(257, 512).group.own_leaf == 256
    with pytest.raises(DecodeError, match="more than 511 items"):
        joined(257, 256)
    # Beside the Welcome no less than inside.
    tree = encode_ratchet_tree(ARRIVAL.ada.group.tree)
    without = ARRIVAL.reseal(lambda info: replace(info, extensions=()))
    assert ARRIVAL.join(without, tree=tree, max_leaves=4).group.own_leaf == 3
    with pytest.raises(DecodeError, match="more than 3 items"):
        ARRIVAL.join(without, tree=tree, max_leaves=2)


def test_v201_has_the_tree_whose_hash_the_group_context_has() -> None:
    def with_tree(tree: Extension) -> str:
        return ARRIVAL.refused(ARRIVAL.reseal(lambda info: replace(info, extensions=(tree,))))

    tree = ARRIVAL.ada.group.tree
    assert with_tree(ratchet_tree_extension(tree.remove(ARRIVAL.ben.leaf))) == "v201_tree_hash"
    assert with_tree(ratchet_tree_extension(tree)) == WELL


def test_v708_is_signed_by_a_leaf_that_is_there() -> None:
    def signed_by(signer: int) -> str:
        return ARRIVAL.refused(ARRIVAL.reseal(lambda info: replace(info, signer=leaf_index(signer))))

    assert {signed_by(signer) for signer in (5, 99, 0xFFFFFFFF)} == {"v708_signer"}


def test_v709_has_the_key_packages_leaf_in_its_tree() -> None:
    # A room that took Eve out again, with whose tree and context a Welcome for her is signed.
    other = Arrival()
    after = other.ada.stage(Remove(leaf_index(3))).next
    forged = other.reseal(
        lambda info: replace(
            info,
            context=after.context,
            extensions=(ratchet_tree_extension(after.tree),),
            confirmation_tag=after.confirmation_tag,
        )
    )
    assert other.refused(forged) == "v709_not_in_tree"


def test_v710_is_not_from_oneself() -> None:
    group = ARRIVAL.join().group
    own = ARRIVAL.reseal(
        lambda info: replace(info, signer=group.own_leaf), signed_by=group.signature_private_key
    )
    assert ARRIVAL.refused(own) == "v710_own_signature"


def test_v705_is_to_the_epoch_that_its_secrets_belong_to() -> None:
    tag = ARRIVAL.reseal(lambda info: replace(info, confirmation_tag=bytes(room_suite.nh)))
    assert ARRIVAL.refused(tag) == "confirmation_tag"
    assert ARRIVAL.with_context(lambda one: replace(one, epoch=7)) == "confirmation_tag"


def test_v312_v313_has_the_path_secret_of_the_commit() -> None:
    another = ARRIVAL.reseal(secrets=lambda one: replace(one, path_secret=rng(room_suite.nh)))
    assert ARRIVAL.refused(another) == "v312_path_keys"
    missing = ARRIVAL.reseal(secrets=lambda one: replace(one, path_secret=None))
    assert ARRIVAL.refused(missing) == "v313_path_secret_missing"


def test_is_opened_with_the_key_package_that_it_is_for_and_its_keys() -> None:
    secrets = ARRIVAL.key_package.secrets
    other = replace(secrets, signature_private_key=rng(32))
    assert code_of(lambda: ARRIVAL.join(secrets=other)) == "key_package"
    none = replace(secrets, signature_private_key=b"")
    assert code_of(lambda: ARRIVAL.join(secrets=none)) == "key_package"
    assert code_of(lambda: ARRIVAL.join(key_package=b"")) == "key_package"
    assert code_of(lambda: ARRIVAL.join(suite=suite_of(1))) == "key_package"
    init = replace(secrets, init_private_key=rng(32))
    assert code_of(lambda: ARRIVAL.join(secrets=init)) == "aead"


def test_a_newcomer_can_do_at_once_what_the_others_can() -> None:
    other = Arrival()
    client = other.eve.join(other.welcome, other.key_package)
    commit_all([client, other.ada, other.ben])
    commit_all([other.ben, client], remove(other.ada))
    assert epoch_authenticator(client.group) == epoch_authenticator(other.ben.group)


def test_the_psks_of_the_commit_are_needed_and_said() -> None:
    psk = ExternalPskId(b"psk", rng(room_suite.nh))
    arrival = Arrival(psk)
    assert code_of(arrival.join) == "psk_missing"
    assert code_of(lambda: arrival.join(psks=lambda _: bytes(32))) == "aead"
    joined = arrival.join(psks=lambda _: PSK)
    assert joined.psks == (psk,)
    assert epoch_authenticator(joined.group) == epoch_authenticator(arrival.ada.group)


BRANCH = ResumptionPskId("branch", b"commons", 4, rng(room_suite.nh))


def test_v509_v711_the_psks_that_begin_a_group_are_alone_and_in_its_first_epoch() -> None:
    def given_psks(*psks: PreSharedKeyId, psk: bytes | None = None) -> str:
        welcome = ARRIVAL.reseal(secrets=lambda one: replace(one, psks=psks), psk=psk)
        return code_of(lambda: ARRIVAL.join(welcome, psks=lambda _: PSK))

    assert given_psks(BRANCH, replace(BRANCH, nonce=rng(room_suite.nh))) == "v711_psk_usage"
    assert given_psks(replace(BRANCH, nonce=b"")) == "v509_psk_nonce"
    # The same in a Welcome to the second epoch that is right in all else: as an insider could make it.
    psk = psk_secret(room_suite, [NamedPsk(BRANCH, PSK)])
    assert given_psks(BRANCH, psk=psk) == "v711_psk_usage"


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(st.integers(0, 20_000), st.integers(0, 10), st.binary(max_size=10), st.booleans())
def test_any_bytes_are_a_welcome_or_a_peers_fault(at: int, gone: int, put: bytes, raw: bool) -> None:
    start = at % len(ARRIVAL.welcome)
    spliced = put if raw else ARRIVAL.welcome[:start] + put + ARRIVAL.welcome[start + gone :]
    assert fault_of(lambda: ARRIVAL.join(spliced)) in ("nobody", "peer")


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(st.integers(0, 20_000), st.binary(min_size=1, max_size=10))
def test_so_are_any_bytes_of_a_tree_inside_a_welcome(at: int, put: bytes) -> None:
    def spoiled(extension: Extension) -> Extension:
        data, start = extension.data, at % len(extension.data)
        return replace(extension, data=data[:start] + put + data[start + len(put) :])

    forged = ARRIVAL.reseal(lambda info: replace(info, extensions=tuple(map(spoiled, info.extensions))))
    assert fault_of(lambda: ARRIVAL.join(forged)) in ("nobody", "peer")
