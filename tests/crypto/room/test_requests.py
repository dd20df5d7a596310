"""E22, E25, E27, E28, E29: links, requests, and what travels with a Welcome."""

import contextlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.mls.aead import AES_256_GCM
from crypto.mls.capabilities import own_capabilities
from crypto.mls.credential import CredentialType, X509Credential
from crypto.mls.errors import MlsError
from crypto.mls.key_package import KeyPackageInput, create_key_package, key_package_ref
from crypto.mls.suite import ROOM_SUITE, room_suite
from crypto.room.canonical import encode_canonical
from crypto.room.errors import LinkError, RoomDataError, RoomError, RoomRuleError
from crypto.room.invites import (
    FounderLink,
    InviteLink,
    Link,
    encode_fragment,
    encode_link,
    keys_of,
    parse_fragment,
    parse_link,
)
from crypto.room.join_request import (
    checked_key_package,
    open_join_request,
    read_join_claim,
    seal_join_request,
)
from crypto.room.padding import pad_to
from crypto.room.rejoin import open_rejoin_request, read_rejoin_claim, sign_rejoin_request
from crypto.room.signed_request import sign_request, split_request
from crypto.room.welcome_payload import (
    WelcomeClaim,
    WelcomePayload,
    decode_welcome_payload,
    encode_welcome_payload,
    welcome_reply,
    welcome_reply_is_valid,
)
from tests.crypto.identity.people import NOW, code_of, id_of, seeded, someone, spoilt
from tests.crypto.room.world import ROOM, STAMP, account, invite_by, leaf, refused, request_of

INVITE, OTHER = invite_by("ben"), invite_by("cleo")
KEYS = keys_of(INVITE.fragment.secret)
DORA, EMIL = leaf("dora").package, leaf("emil").package
TOKEN = "A" * 42 + "I"
LINK = InviteLink(TOKEN, INVITE.fragment)


# E27


def test_e27_everything_of_an_invite_comes_from_its_secret() -> None:
    assert KEYS.invite_id == INVITE.open.id
    made = {KEYS.join_key.private_key, KEYS.join_key.public_key, KEYS.welcome_key, KEYS.seal_key}
    assert len(made) == 4
    assert keys_of(spoilt(INVITE.fragment.secret, 0)).invite_id != KEYS.invite_id
    assert INVITE.fragment.secret.hex() not in repr(INVITE)


@pytest.mark.parametrize("link", [FounderLink(TOKEN), LINK])
def test_e27_a_link_goes_through_text_and_back(link: Link) -> None:
    assert parse_link(encode_link(link)) == link


def test_e27_a_link_that_was_cut_or_mistyped_says_so() -> None:
    whole = encode_link(LINK)
    assert len(whole) == 43 + 1 + 44
    wrong = [whole[:length] for length in range(len(whole))]
    wrong += [f"{whole}A", f"{whole}.", f"{whole}.A", f" {whole}", f"F.{TOKEN}", f"f.{TOKEN}="]
    # Two spellings of the same bytes, and letters that only look like base64url.
    wrong += [f"f.{TOKEN[:-1]}J", f"f.{chr(0xFF21) * 43}", f"f.{TOKEN[:-1]}+"]
    assert {refused(lambda text=text: parse_link(text), LinkError) for text in wrong} == {"link_incomplete"}  # type: ignore[misc]
    later = "Ag" + encode_fragment(INVITE.fragment)[2:]
    assert refused(lambda: parse_fragment(later), LinkError) == "link_version"


@settings(max_examples=300, derandomize=True, deadline=None)
@given(st.text(max_size=120))
def test_e27_any_text_parses_or_is_a_link_error(text: str) -> None:
    with contextlib.suppress(LinkError):
        parse_link(text)


# E28


def sealed(**changes: Any) -> bytes:
    said = {
        "room": ROOM,
        "inviter": INVITE.open.inviter,
        "account": account("dora"),
        "name": "Dora D.",
        "not_after": INVITE.open.not_after,
        "key_package": DORA.bytes,
    }
    return seal_join_request(KEYS, **{**said, **changes}, rng=seeded("seal")).sealed


def test_e28_a_request_is_opened_by_whoever_has_the_open_invite() -> None:
    request = open_join_request([OTHER.open, INVITE.open], ROOM, sealed())
    assert request is not None
    assert (request.name, request.account, request.key_package) == (
        "Dora D.",
        account("dora"),
        DORA.key_package,
    )
    assert open_join_request([OTHER.open], ROOM, sealed()) is None
    other_key = replace(INVITE.open, seal_key=OTHER.open.seal_key)
    assert refused(lambda: open_join_request([other_key], ROOM, sealed()), RoomRuleError) == "join_seal"
    elsewhere = lambda: open_join_request([INVITE.open], id_of("another room"), sealed())  # noqa: E731
    assert refused(elsewhere, RoomRuleError) == "join_seal"


def test_e28_its_size_says_nothing_of_the_name_in_it() -> None:
    assert len(sealed(name="D")) == len(sealed(name="Dora with a long and winding name of her own"))


def test_e28_it_names_the_room_the_inviter_and_the_key_package_that_it_is_for() -> None:
    def judge(**changes: Any) -> str:
        return code_of(lambda: open_join_request([INVITE.open], ROOM, sealed(**changes)))

    assert judge() == "nothing was raised"
    assert judge(inviter=account("cleo")) == "join_invite"
    assert judge(name="line\nbreak") == "room_data"
    assert judge(key_package=spoilt(DORA.bytes, -1)) == "v402_key_package_signature"
    reference = key_package_ref(room_suite, EMIL.bytes)
    assert checked_key_package(EMIL.bytes, reference) == EMIL.key_package
    swapped = lambda: checked_key_package(DORA.bytes, reference)  # noqa: E731
    assert refused(swapped, RoomRuleError) == "key_package_ref"


def test_e28_a_request_for_another_room_is_none_for_this_one_though_it_is_sealed_for_it() -> None:
    elsewhere = seal_join_request(
        KEYS,
        room=id_of("another room"),
        inviter=INVITE.open.inviter,
        account=account("dora"),
        name="Dora",
        not_after=INVITE.open.not_after,
        key_package=DORA.bytes,
        rng=seeded("seal"),
    )
    plaintext = pad_to(encode_canonical({"request": elsewhere.bytes, "key_package": DORA.bytes}), 8192)
    ciphertext = AES_256_GCM.seal(KEYS.seal_key, bytes(12), ROOM, plaintext)
    moved = encode_canonical({"invite": KEYS.invite_id, "nonce": bytes(12), "ciphertext": ciphertext})
    assert refused(lambda: open_join_request([INVITE.open], ROOM, moved), RoomRuleError) == "join_room"


def test_e28_e30_a_claim_is_signed_by_the_join_key_of_an_open_invite() -> None:
    data = request_of("dora", INVITE).bytes
    assert read_join_claim(data, lambda _: INVITE.open.join_key).name == "dora"
    assert refused(lambda: read_join_claim(data, lambda _: None), RoomRuleError) == "invite_unknown"
    forged = lambda: read_join_claim(data, lambda _: OTHER.open.join_key)  # noqa: E731
    assert refused(forged, RoomRuleError) == "join_signature"
    for bad in (bytes(64), bytes(4097), data[1:]):
        with pytest.raises(RoomDataError):
            read_join_claim(bad, lambda _: INVITE.open.join_key)


# E22


def rejoin(**changes: Any) -> bytes:
    anew = leaf("ben", 2)
    said = {
        "room": ROOM,
        "device": anew.identity.device_id,
        "old_leaf": 1,
        "epoch": 3,
        "key_package": anew.package.bytes,
    }
    identity = someone("ben").identity
    signed = sign_rejoin_request(
        identity.identity_key.private_key, **{**said, **changes}, rng=seeded("rejoin")
    )
    return signed.sealed


def test_e22_a_rejoin_request_is_signed_by_the_identity_key_for_its_room_and_device() -> None:
    request = open_rejoin_request(ROOM, rejoin())
    assert (request.old_leaf, request.identity.account_id) == (1, account("ben"))
    assert open_rejoin_request(ROOM, rejoin(old_leaf=None)).old_leaf is None

    def judge(data: bytes) -> str:
        return code_of(lambda: open_rejoin_request(ROOM, data))

    assert judge(rejoin(room=id_of("elsewhere"))) == "rejoin_room"
    assert judge(rejoin(device=id_of("other"))) == "rejoin_device"
    assert judge(rejoin(old_leaf=256)) == "room_data"
    too_long = encode_canonical({"request": bytes(4097), "key_package": EMIL.bytes})
    assert judge(too_long) == "room_data"
    with pytest.raises(RoomDataError):
        read_rejoin_claim(bytes(4097))
    # Emil's KeyPackage, asked for by Ben.
    assert judge(rejoin(key_package=EMIL.bytes)) == "rejoin_signature"
    signed = split_request(open_rejoin_request(ROOM, rejoin()).bytes)
    other = sign_request(someone("emil").identity.identity_key.private_key, "rejoin", signed.content)
    swapped = encode_canonical({"request": other, "key_package": leaf("ben", 2).package.bytes})
    assert judge(swapped) == "rejoin_signature"


def test_e13_it_asks_for_a_leaf_with_a_basic_credential() -> None:
    made = leaf("ben", 2)
    content = KeyPackageInput(
        signature=made.made.leaf_key,
        credential=X509Credential((b"certificate",)),
        not_before=NOW // 1000,
        not_after=NOW // 1000 + 86_400,
        capabilities=replace(own_capabilities(ROOM_SUITE), credentials=(CredentialType.X509,)),
    )
    other = create_key_package(room_suite, content, seeded("x509")).bytes
    asked = lambda: open_rejoin_request(ROOM, rejoin(key_package=other))  # noqa: E731
    assert refused(asked, RoomRuleError) == "credential_type"


@settings(max_examples=150, derandomize=True, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.tuples(st.integers(0, 10_000), st.integers(1, 255))))
def test_e22_e28_any_bytes_open_are_nobodys_or_raise_an_error_of_ours(
    drawn: bytes | tuple[int, int],
) -> None:
    opens: list[tuple[bytes, Callable[[bytes], object]]] = [
        (sealed(), lambda data: open_join_request([INVITE.open], ROOM, data)),
        (rejoin(), lambda data: open_rejoin_request(ROOM, data)),
    ]
    for good, open_ in opens:
        if isinstance(drawn, bytes):
            data = drawn
        else:
            changed = bytearray(good)
            changed[drawn[0] % len(changed)] ^= drawn[1]
            data = bytes(changed)
        with contextlib.suppress(RoomError, MlsError):
            open_(data)


# E25, E29

CLAIM = WelcomeClaim(
    request_hash=request_of("dora", INVITE).hash,
    group_id=ROOM,
    epoch=4,
    group_context_hash=seeded("context")(48),
    confirmation_tag=seeded("tag")(48),
    adder_leaf=1,
)
MAC = welcome_reply(INVITE.open.welcome_key, CLAIM)
PAYLOAD = WelcomePayload(seeded("welcome")(60), INVITE.open.id, MAC)


@pytest.mark.parametrize(
    "change",
    [
        {"request_hash": seeded("x")(48)},
        {"group_id": id_of("x")},
        {"epoch": 5},
        {"group_context_hash": seeded("x")(48)},
        {"confirmation_tag": seeded("x")(48)},
        {"adder_leaf": 2},
    ],
    ids=lambda change: next(iter(change)),
)
def test_e29_the_reply_says_that_a_member_answered_this_request_with_this_welcome(
    change: dict[str, Any],
) -> None:
    assert welcome_reply_is_valid(KEYS.welcome_key, CLAIM, MAC)
    assert not welcome_reply_is_valid(OTHER.open.welcome_key, CLAIM, MAC)
    assert not welcome_reply_is_valid(KEYS.welcome_key, replace(CLAIM, **change), MAC)


def test_e29_it_travels_with_the_welcome_and_neither_stands_alone() -> None:
    rejoined = replace(PAYLOAD, invite_id=None, mac=None)
    for payload in (PAYLOAD, rejoined):
        assert decode_welcome_payload(encode_welcome_payload(payload)) == payload
    for half in (replace(PAYLOAD, mac=None), replace(PAYLOAD, invite_id=None)):
        with pytest.raises(RoomDataError):
            decode_welcome_payload(encode_welcome_payload(half))


@settings(max_examples=200, derandomize=True, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.tuples(st.integers(0, 10_000), st.integers(1, 255))))
def test_e25_any_bytes_are_a_payload_or_a_room_data_error(drawn: bytes | tuple[int, int]) -> None:
    if isinstance(drawn, bytes):
        data = drawn
    else:
        changed = bytearray(encode_welcome_payload(PAYLOAD))
        changed[drawn[0] % len(changed)] ^= drawn[1]
        data = bytes(changed)
    with contextlib.suppress(RoomDataError):
        assert encode_welcome_payload(decode_welcome_payload(data)) == data


def test_e28_an_invite_is_open_for_72_hours() -> None:
    assert INVITE.open.not_after == STAMP + 72 * 3_600_000
