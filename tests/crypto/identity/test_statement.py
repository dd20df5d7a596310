"""E7: chains of statements, each rule broken once."""

import contextlib
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.identity.errors import AsError
from crypto.identity.identity import new_identity, succeed_root, supersede_identity
from crypto.identity.root_keys import account_id_of
from crypto.identity.statement import (
    MAX_CHAIN_BYTES,
    MAX_LINKS,
    Chain,
    IdentityStatement,
    encode_chain,
    read_chain,
    sign_statement,
    split_chain,
)
from crypto.mls import ed25519
from crypto.mls.codec import vector_bytes
from crypto.mls.errors import DecodeError, UsageError
from crypto.mls.kem import KeyPair
from crypto.mls.sign_label import sign_content
from tests.crypto.identity.people import code_of, key_pair, seeded, someone, spoilt

ANNA = someone("anna")
NEXT = someone("anna's new code")
R0, R1, R2 = key_pair("r0"), key_pair("r1"), key_pair("r2")
ACCOUNT = account_id_of(R0.public_key)
KEY = key_pair("identity").public_key
MOVED = succeed_root(ANNA.identity, ANNA.keys, NEXT.keys)


def link(root: KeyPair, serial: int, following: KeyPair | None = None, account: bytes = ACCOUNT) -> bytes:
    new_root = None if following is None else following.public_key
    statement = IdentityStatement(account, serial, root.public_key, KEY, new_root)
    return sign_statement(root.private_key, statement)


def judge(*links: bytes) -> str:
    return code_of(lambda: read_chain(encode_chain(links)))


def test_e7_one_statement_says_whose_it_is() -> None:
    root, identity = ANNA.keys.root.public_key, ANNA.identity
    assert read_chain(identity.chain) == Chain(
        account_id_of(root), (root,), identity.identity_key.public_key, 1
    )


def test_e7_its_bytes_and_what_is_signed() -> None:
    content = b"\x01" + ACCOUNT + (7).to_bytes(4, "big") + R0.public_key + KEY + b"\0"
    signature = ed25519.sign(R0.private_key, sign_content("Collegium 1.0 identity", content))
    assert link(R0, 7) == content + signature
    assert encode_chain([link(R0, 7)]) == vector_bytes(content + signature)
    # E5: under another label it is none.
    other = ed25519.sign(R0.private_key, sign_content("Collegium 1.0 device", content))
    assert judge(content + other) == "statement_signature"


@pytest.mark.parametrize(
    ("links", "code"),
    [
        ((link(R0, 1),), "nothing was raised"),
        ((link(R0, 1, R1), link(R1, 2)), "nothing was raised"),
        # E6
        ((link(R0, 1, account=spoilt(ACCOUNT, 0)),), "chain_account"),
        ((link(R1, 1),), "chain_account"),
        ((link(R0, 1, R1), link(R1, 2, account=account_id_of(R1.public_key))), "chain_account"),
        # Each is signed by the root that the one before it names, and the last one by itself.
        ((link(R0, 1, R1), link(R2, 2)), "chain_root"),
        ((link(R0, 1), link(R1, 2)), "chain_root"),
        ((link(R0, 1, R1),), "chain_root"),
        # Who has a successor signs nothing more.
        ((link(R0, 1, R1), link(R1, 2, R0), link(R0, 3)), "chain_root"),
        ((link(R0, 1, R0), link(R0, 2)), "chain_root"),
        # Only a higher serial supersedes.
        ((link(R0, 2, R1), link(R1, 2)), "chain_serial"),
        ((link(R0, 2, R1), link(R1, 1)), "chain_serial"),
        # Every signature.
        ((spoilt(link(R0, 1, R1), -1), link(R1, 2)), "statement_signature"),
        ((link(R0, 1, R1), spoilt(link(R1, 2), -1)), "statement_signature"),
        ((link(KeyPair(R1.private_key, R0.public_key), 1),), "statement_signature"),
    ],
)
def test_e7_each_rule_of_a_chain(links: tuple[bytes, ...], code: str) -> None:
    assert judge(*links) == code


def test_e7_at_most_eight_links() -> None:
    roots = [key_pair(f"root {i}") for i in range(MAX_LINKS + 1)]
    account = account_id_of(roots[0].public_key)
    links = [link(root, i, following, account) for i, (root, following) in enumerate(pairwise(roots))]
    eight = encode_chain([*links[:7], link(roots[7], 7, account=account)])
    assert read_chain(eight).roots == tuple(root.public_key for root in roots[:8])
    assert len(eight) <= MAX_CHAIN_BYTES
    nine = [*links, link(roots[8], 8, account=account)]
    with pytest.raises(UsageError):
        encode_chain(nine)
    assert code_of(lambda: read_chain(vector_bytes(b"".join(nine)))) == "malformed"
    # Nine short ones are within the bytes of a chain, and too many.
    short = b"".join(link(R0, i) for i in range(9))
    assert len(short) < MAX_CHAIN_BYTES
    assert code_of(lambda: read_chain(vector_bytes(short))) == "malformed"


def test_e7_what_is_no_chain_is_refused_and_what_is_too_long_is_not_read() -> None:
    other = b"\x02" + link(R0, 1)[1:]
    good = ANNA.identity.chain
    for bad in (b"\0", good[:-1], good + b"x", encode_chain([other]), bytes(MAX_CHAIN_BYTES + 1)):
        assert code_of(lambda bad=bad: read_chain(bad)) == "malformed"  # type: ignore[misc]
    with pytest.raises(AsError) as read:
        read_chain(bytes(MAX_CHAIN_BYTES))
    assert isinstance(read.value.__cause__, DecodeError)
    with pytest.raises(AsError) as unread:
        read_chain(bytes(MAX_CHAIN_BYTES + 1))
    assert unread.value.__cause__ is None


@settings(max_examples=200, derandomize=True, deadline=None)
@given(st.one_of(st.binary(max_size=400), st.tuples(st.integers(0, 10_000), st.integers(0, 255))))
def test_e7_any_bytes_and_any_change_are_a_chain_or_an_as_error(drawn: bytes | tuple[int, int]) -> None:
    if isinstance(drawn, bytes):
        data = drawn
    else:
        changed = bytearray(MOVED.chain)
        changed[drawn[0] % len(changed)] = drawn[1]
        data = bytes(changed)
    with contextlib.suppress(AsError):
        read_chain(data)
        assert data == MOVED.chain


def test_e7_new_keys_of_an_account() -> None:
    renewed = supersede_identity(ANNA.identity, ANNA.keys, seeded("renewed"))
    assert read_chain(renewed.chain).serial == renewed.serial == 2
    assert renewed.identity_key != ANNA.identity.identity_key
    chain = read_chain(MOVED.chain)
    assert chain.roots == (ANNA.keys.root.public_key, NEXT.keys.root.public_key)
    assert (chain.serial, chain.identity_key) == (3, ANNA.identity.identity_key.public_key)
    assert (MOVED.root_key, MOVED.seal_key) == (NEXT.keys.root.public_key, NEXT.keys.seal.public_key)
    again = supersede_identity(MOVED, NEXT.keys, seeded("again"))
    assert read_chain(again.chain).serial == 4
    assert len(split_chain(again.chain)) == 2


def test_e7_only_the_root_in_force_makes_them() -> None:
    with pytest.raises(UsageError):
        supersede_identity(MOVED, ANNA.keys, seeded("x"))
    with pytest.raises(UsageError):
        succeed_root(MOVED, ANNA.keys, someone("third").keys)


def test_e7_after_seven_successors_the_chain_is_at_its_end() -> None:
    identity, keys = new_identity(ANNA.keys, seeded("many")), ANNA.keys
    for i in range(1, MAX_LINKS):
        following = someone(f"code {i}").keys
        identity, keys = succeed_root(identity, keys, following), following
    assert len(read_chain(identity.chain).roots) == MAX_LINKS
    with pytest.raises(UsageError):
        succeed_root(identity, keys, someone("one more").keys)


def test_e7_fields_of_another_size_are_our_own_mistake() -> None:
    statement = IdentityStatement(ACCOUNT, 1, R0.public_key, KEY, None)
    for wrong in (
        replace(statement, account_id=bytes(15)),
        replace(statement, identity_key=bytes(31)),
        replace(statement, new_root=bytes(33)),
        replace(statement, serial=-1),
    ):
        with pytest.raises(UsageError):
            sign_statement(R0.private_key, wrong)
