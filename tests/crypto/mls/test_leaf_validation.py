"""v101 to v109 and v401 to v404: leaves and KeyPackages that break one rule each."""

from dataclasses import replace
from typing import Any

from crypto.mls.capabilities import MLS_10, Capabilities, greased, own_capabilities
from crypto.mls.codec import encode
from crypto.mls.credential import BasicCredential
from crypto.mls.extension import (
    Extension,
    ExtensionType,
    RequiredCapabilities,
    required_capabilities_extension,
    write_extensions,
)
from crypto.mls.grease import GREASE_VALUES
from crypto.mls.key_package import (
    KeyPackage,
    decode_key_package,
    encode_key_package,
    key_package_ref,
    verify_key_package,
)
from crypto.mls.leaf_node import (
    CommitSource,
    KeyPackageSource,
    LeafNode,
    LeafPlace,
    UpdateSource,
    sign_leaf_node,
    write_leaf_node,
)
from crypto.mls.leaf_validation import check_leaf_alone, check_leaf_in_group, check_leaf_succeeds
from crypto.mls.suite import ROOM_SUITE, CipherSuite
from crypto.mls.suites import suite_of
from crypto.mls.tree_math import LeafIndex
from tests.crypto.mls.tree_world import NONE, Person, code_of, new_person
from tests.crypto.seeded_rng import seeded_rng

SUITE = suite_of(1)
RNG = seeded_rng("leaves")
PERSON = new_person(SUITE, RNG)
LEAF = PERSON.leaf_node
PLACE = LeafPlace(b"group", LeafIndex(3))
PRIVATE_TYPE = 0xF777
NOTHING = Capabilities((), (), (), (), ())
NOTHING_REQUIRED = RequiredCapabilities((), (), ())


def resigned(person: Person = PERSON, suite: CipherSuite = SUITE, **changes: Any) -> LeafNode:
    """The leaf with changes, signed again."""
    return sign_leaf_node(suite, replace(person.leaf_node, **changes), person.signature.private_key, PLACE)


def alone(leaf: LeafNode, suite: CipherSuite = SUITE) -> str:
    return code_of(lambda: check_leaf_alone(suite, leaf, leaf.source.kind, PLACE))


def test_a_leaf_is_valid_as_it_was_made_at_any_time_lifetimes_are_the_callers_to_judge() -> None:
    assert LEAF.source == KeyPackageSource(0, 1)
    assert alone(LEAF) == NONE


def test_v101_a_leaf_is_signed_by_its_own_key() -> None:
    flipped = LEAF.signature[:7] + bytes((LEAF.signature[7] ^ 1,)) + LEAF.signature[8:]
    stranger = new_person(SUITE, RNG).signature.public_key
    for forged in (
        replace(LEAF, signature=flipped),
        replace(LEAF, credential=BasicCredential(b"mallory")),
        replace(LEAF, signature_key=stranger),
    ):
        assert alone(forged) == "v101_leaf_signature"


def test_v101_a_leaf_belongs_to_its_group_and_place_once_it_was_renewed() -> None:
    for source in (UpdateSource(), CommitSource(b"hash")):
        leaf = resigned(source=source)
        assert alone(leaf) == NONE
        for place in (replace(PLACE, leaf=LeafIndex(2)), replace(PLACE, group_id=b"other")):
            code = code_of(lambda: check_leaf_alone(SUITE, leaf, leaf.source.kind, place))  # noqa: B023
            assert code == "v101_leaf_signature"
        assert code_of(lambda: check_leaf_alone(SUITE, leaf, leaf.source.kind, None)) == "leaf_place"  # noqa: B023
    assert code_of(lambda: check_leaf_alone(SUITE, LEAF, "key_package", None)) == NONE


def test_v102_a_leaf_comes_from_where_such_a_leaf_comes_from() -> None:
    assert code_of(lambda: check_leaf_alone(SUITE, LEAF, "update", PLACE)) == "v102_leaf_source"
    assert code_of(lambda: check_leaf_alone(SUITE, LEAF, "commit", PLACE)) == "v102_leaf_source"
    updated = resigned(source=UpdateSource())
    assert code_of(lambda: check_leaf_alone(SUITE, updated, "key_package", None)) == "v102_leaf_source"


def test_v103_a_leaf_lists_its_own_credential_type() -> None:
    capabilities = replace(LEAF.capabilities, credentials=(2,))
    assert alone(resigned(capabilities=capabilities)) == "v103_credential_unlisted"


def test_v104_a_leaf_lists_its_own_extensions_but_for_those_that_everyone_knows() -> None:
    extensions = (Extension(PRIVATE_TYPE, b"x"),)
    assert alone(resigned(extensions=extensions)) == "v104_extension_unlisted"
    capabilities = replace(LEAF.capabilities, extensions=(PRIVATE_TYPE,))
    assert alone(resigned(extensions=extensions, capabilities=capabilities)) == NONE
    assert alone(resigned(extensions=(Extension(ExtensionType.APPLICATION_ID, b"x"),))) == NONE
    # GREASE gets no better treatment.
    grease = (Extension(0x1A1A, b"x"),)
    assert alone(resigned(extensions=grease, capabilities=capabilities)) == "v104_extension_unlisted"


def required(leaf: LeafNode = LEAF, **more: tuple[int, ...]) -> str:
    extensions = (required_capabilities_extension(replace(NOTHING_REQUIRED, **more)),)
    return code_of(lambda: check_leaf_in_group(leaf, extensions))


def test_v105_a_leaf_can_do_what_the_group_requires() -> None:
    assert required() == NONE
    assert required(extensions=(ExtensionType.COLLEGIUM_ROOM,), credentials=(1,)) == NONE
    assert required(extensions=(ExtensionType.EXTERNAL_SENDERS,), proposals=(1, 7)) == NONE
    assert required(extensions=(PRIVATE_TYPE,)) == "v105_required_capabilities"
    assert required(proposals=(PRIVATE_TYPE,)) == "v105_required_capabilities"
    # No credential type is known to all.
    assert required(credentials=(2,)) == "v105_required_capabilities"
    assert required(resigned(capabilities=NOTHING), credentials=(1,)) == "v105_required_capabilities"
    malformed = (Extension(ExtensionType.REQUIRED_CAPABILITIES, b"?"),)
    assert code_of(lambda: check_leaf_in_group(LEAF, malformed)) == "decode"


def test_v106_a_leaf_knows_every_extension_of_the_group_context() -> None:
    room = (Extension(ExtensionType.COLLEGIUM_ROOM, b"room"),)
    assert code_of(lambda: check_leaf_in_group(LEAF, room)) == NONE
    without = resigned(capabilities=replace(LEAF.capabilities, extensions=()))
    assert code_of(lambda: check_leaf_in_group(without, room)) == "v106_group_extension"


def test_v107_a_leaf_lists_its_version_and_cipher_suite() -> None:
    for capabilities in (
        replace(LEAF.capabilities, versions=(2,)),
        replace(LEAF.capabilities, suites=(2, 3)),
    ):
        assert alone(resigned(capabilities=capabilities)) == "v107_suite_unlisted"


def test_v108_a_leaf_has_an_encryption_key_that_others_can_encrypt_to() -> None:
    for key in (bytes(32), LEAF.encryption_key[1:], b""):
        assert alone(resigned(encryption_key=key)) == "v108_encryption_key"
    p256 = suite_of(2)
    person = new_person(p256, RNG)
    key = person.leaf_node.encryption_key
    off = key[:64] + bytes((key[64] ^ 1,))
    assert alone(resigned(person, p256), p256) == NONE
    assert alone(resigned(person, p256, encryption_key=off), p256) == "v108_encryption_key"


def test_v108_in_either_half_of_x_wing() -> None:
    room = suite_of(ROOM_SUITE)
    person = new_person(room, RNG)
    good = person.leaf_node.encryption_key

    def with_key(key: bytes) -> str:
        return alone(resigned(person, room, encryption_key=key), room)

    assert with_key(good) == NONE
    # 0xd01 is the modulus: the largest value that is allowed, and the first that is not.
    high = good[1] & 0xF0 | 0x0D
    assert with_key(bytes((0x00, high)) + good[2:]) == NONE
    for bad in (
        bytes((0x01, high)) + good[2:],
        good[:1150] + b"\xff\xff" + good[1152:],
        good[:1184] + bytes(32),
        good[:1215],
    ):
        assert with_key(bad) == "v108_encryption_key"


def test_v109_a_leaf_takes_anothers_place_with_a_fresh_encryption_key() -> None:
    renewed = resigned(source=UpdateSource())
    assert code_of(lambda: check_leaf_succeeds(LEAF, renewed)) == "v109_encryption_key_kept"
    fresh = replace(renewed, encryption_key=PERSON.init_key)
    assert code_of(lambda: check_leaf_succeeds(LEAF, fresh)) == NONE


def test_a_leaf_with_a_changed_field_is_encoded_anew() -> None:
    # Its encoding is kept with it, and must not outlive a change.
    read = decode_key_package(PERSON.created.bytes).leaf_node
    changed = replace(read, extensions=())
    assert encode(lambda writer: write_leaf_node(writer, read)) != encode(
        lambda writer: write_leaf_node(writer, changed)
    )
    assert replace(changed, extensions=read.extensions) == read


def repackaged(**changes: Any) -> KeyPackage:
    """A KeyPackage with changes, signed again."""
    changed = replace(PERSON.created.key_package, **changes)

    def to_be_signed() -> bytes:
        def write(writer: Any) -> None:
            writer.uint16(changed.version).uint16(changed.suite).opaque(changed.init_key)
            write_leaf_node(writer, changed.leaf_node)
            write_extensions(writer, changed.extensions)

        return encode(write)

    signature = SUITE.sign_with_label(PERSON.signature.private_key, "KeyPackageTBS", to_be_signed())
    return replace(changed, signature=signature)


def verified(key_package: KeyPackage) -> str:
    return code_of(lambda: verify_key_package(SUITE, key_package))


def greases(types: tuple[int, ...]) -> list[int]:
    return [one for one in types if one in GREASE_VALUES]


def test_a_key_package_is_valid_as_it_was_made_and_read_with_grease_wherever_it_may_be() -> None:
    read = decode_key_package(PERSON.created.bytes)
    assert read == PERSON.created.key_package
    assert encode_key_package(read) == PERSON.created.bytes
    assert verified(read) == verified(repackaged()) == NONE
    capabilities = LEAF.capabilities
    assert capabilities.versions == (MLS_10,)
    for types in (
        capabilities.suites,
        capabilities.extensions,
        capabilities.proposals,
        capabilities.credentials,
        tuple(one.type for one in LEAF.extensions),
        tuple(one.type for one in read.extensions),
    ):
        assert len(greases(types)) == 1
    assert ExtensionType.COLLEGIUM_ROOM in capabilities.extensions


def test_a_key_package_of_given_capabilities_has_those_and_no_grease() -> None:
    capabilities = own_capabilities(SUITE.id)
    key_package = new_person(SUITE, RNG, capabilities=capabilities).created.key_package
    assert key_package.leaf_node.capabilities == capabilities
    assert key_package.extensions + key_package.leaf_node.extensions == ()
    assert verified(key_package) == NONE


def test_grease_is_of_every_value_in_time_and_of_no_other() -> None:
    seen = {greased(NOTHING, RNG).proposals[0] for _ in range(300)}
    assert sorted(seen) == list(GREASE_VALUES)
    expected = "a0a 1a1a 2a2a 3a3a 4a4a 5a5a 6a6a 7a7a 8a8a 9a9a aaaa baba caca dada eaea"
    assert [f"{one:x}" for one in GREASE_VALUES] == expected.split()


def test_a_key_package_is_named_by_a_hash_of_its_bytes() -> None:
    data = PERSON.created.bytes
    assert key_package_ref(SUITE, data) == SUITE.ref_hash("MLS 1.0 KeyPackage Reference", data)


def test_v401_a_key_package_is_of_the_groups_version_and_cipher_suite() -> None:
    assert verified(repackaged(suite=3)) == "v401_key_package_suite"
    assert verified(repackaged(version=2)) == "v401_key_package_suite"


def test_v402_a_key_package_is_signed_by_its_leafs_key() -> None:
    key_package = PERSON.created.key_package
    stranger = new_person(SUITE, RNG).leaf_node
    for forged in (replace(key_package, extensions=()), replace(key_package, leaf_node=stranger)):
        assert verified(forged) == "v402_key_package_signature"


def test_v403_a_key_package_has_two_keys() -> None:
    assert verified(repackaged(init_key=LEAF.encryption_key)) == "v403_init_key_reused"


def test_v404_a_key_package_has_an_init_key_that_others_can_encrypt_to() -> None:
    assert verified(repackaged(init_key=bytes(32))) == "v404_init_key"


def test_a_key_package_may_have_extensions_that_its_leaf_does_not_list_others_send_grease_so() -> None:
    assert verified(repackaged(extensions=(Extension(PRIVATE_TYPE, b"x"),))) == NONE


def test_v101_v102_v108_a_key_package_has_a_leaf_that_is_valid() -> None:
    assert verified(repackaged(leaf_node=replace(LEAF, extensions=()))) == "v101_leaf_signature"
    assert verified(repackaged(leaf_node=resigned(source=UpdateSource()))) == "v102_leaf_source"
    assert verified(repackaged(leaf_node=resigned(encryption_key=bytes(32)))) == "v108_encryption_key"


def test_private_keys_are_not_in_what_is_printed() -> None:
    secrets = PERSON.created.secrets
    for secret in (
        secrets.init_private_key,
        secrets.encryption_private_key,
        secrets.signature_private_key,
    ):
        assert repr(secret) not in repr(PERSON)
