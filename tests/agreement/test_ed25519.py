"""The one Ed25519 rule (E3): the signatures of `ed25519.json`, judged by the Python."""

import json
from hashlib import sha512
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from crypto.mls import ed25519
from crypto.mls.errors import BadKeyError
from tests.crypto.seeded_rng import draw_below, seeded_rng

CASES: list[dict[str, Any]] = json.loads(Path(__file__).with_name("ed25519.json").read_text())
BY_NAME = {case["name"]: case for case in CASES}


def parts(case: dict[str, Any]) -> tuple[bytes, bytes, bytes]:
    return tuple(bytes.fromhex(case[name]) for name in ("public_key", "message", "signature"))  # type: ignore[return-value]


def openssl(public_key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


@pytest.mark.parametrize("case", CASES, ids=list(BY_NAME))
def test_v901_e3_a_signature_at_the_edge(case: dict[str, Any]) -> None:
    assert ed25519.verify(*parts(case)) == case["valid"]
    breaks_check_one = case["name"].startswith(("A of small order", "A non-canonical"))
    # Check 1 is ours alone; on the others OpenSSL gives the same answers by itself.
    if not breaks_check_one:
        assert openssl(*parts(case)) == case["valid"]
    is_key = not breaks_check_one and case["name"] != "A not on the curve"
    assert ed25519.is_public_key(parts(case)[0]) == is_key


def test_e3_openssl_alone_would_take_what_check_one_refuses() -> None:
    taken = [case["name"] for case in CASES if openssl(*parts(case)) and not case["valid"]]
    assert any(name.startswith("A of small order") for name in taken)
    assert any(name.startswith("A non-canonical") for name in taken)


# RFC 8032 §5.1 in plain integers: what the rule says, by another road than OpenSSL's.
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
Point = tuple[int, int]


def add(a: Point, b: Point) -> Point:
    (x1, y1), (x2, y2) = a, b
    t = D * x1 * x2 * y1 * y2 % P
    return (x1 * y2 + x2 * y1) * pow(1 + t, -1, P) % P, (y1 * y2 + x1 * x2) * pow(1 - t, -1, P) % P


def times(k: int, point: Point) -> Point:
    out: Point = (0, 1)
    while k:
        if k & 1:
            out = add(out, point)
        point = add(point, point)
        k >>= 1
    return out


def decode(data: bytes) -> Point | None:
    sign, y = data[31] >> 7, int.from_bytes(data, "little") & (2**255 - 1)
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if y >= P or (x * x - square) % P or (x == 0 and sign):
        return None
    return (P - x if x & 1 != sign else x), y


def encode(point: Point) -> bytes:
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


BASE = decode(bytes.fromhex("58" + "66" * 31))


def by_the_rule(public_key: bytes, message: bytes, signature: bytes) -> bool:
    a, s = decode(public_key), int.from_bytes(signature[32:], "little")
    if a is None or times(8, a) == (0, 1) or s >= L or BASE is None:
        return False
    k = int.from_bytes(sha512(signature[:32] + public_key + message).digest(), "little") % L
    minus_a = (P - a[0], a[1])
    return encode(add(times(s, BASE), times(k, minus_a))) == signature[:32]


@pytest.mark.parametrize("case", CASES, ids=list(BY_NAME))
def test_e3_the_rule_written_out_gives_the_same_answer(case: dict[str, Any]) -> None:
    assert by_the_rule(*parts(case)) == case["valid"]


def test_e3_the_points_of_small_order_are_those_that_the_rule_finds() -> None:
    found = {decode(parts(case)[0]) for case in CASES if case["name"].startswith("A of small order")}
    torsion = {times(k, point) for k in range(8) for point in found if point is not None}
    assert len(torsion) == 8
    for point in torsion:
        assert times(8, point) == (0, 1)
        assert not ed25519.is_public_key(encode(point))


def test_keys_are_those_on_the_curve() -> None:
    rng = seeded_rng("keys on the curve")
    answers = []
    for _ in range(60):
        key = rng(32)
        point = decode(key)
        answers.append(ed25519.is_public_key(key))
        assert answers[-1] == (point is not None and times(8, point) != (0, 1))
    assert {True, False} == set(answers)
    key = ed25519.generate(rng).public_key
    assert ed25519.is_public_key(key)
    assert not any(ed25519.is_public_key(other) for other in (b"", key[:-1], key + bytes(1)))


def test_the_answers_of_rfc_8032() -> None:
    secret = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    key = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    assert ed25519.public_key(secret) == key
    assert ed25519.sign(secret, b"").hex() == (
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25b"
        "f5f0595bbe24655141438e7a100b"
    )
    assert ed25519.verify(key, b"", ed25519.sign(secret, b""))


def test_any_bit_changed_in_key_or_signature_is_seen() -> None:
    rng = seeded_rng("bits")
    for _ in range(50):
        keys, message = ed25519.generate(rng), rng(draw_below(rng, 100))
        signed = keys.public_key + ed25519.sign(keys.private_key, message)
        assert ed25519.verify(signed[:32], message, signed[32:])
        changed = bytearray(signed)
        bit = draw_below(rng, 8 * len(signed))
        changed[bit >> 3] ^= 1 << (bit & 7)
        assert not ed25519.verify(bytes(changed[:32]), message, bytes(changed[32:]))


def test_any_bytes_are_answered_and_nothing_is_raised() -> None:
    rng = seeded_rng("any bytes")
    for _ in range(300):
        key = rng(draw_below(rng, 40))
        assert ed25519.verify(key, b"", rng(draw_below(rng, 70))) is False
        assert ed25519.verify(rng(32), b"", bytes(64)) is False


def test_private_keys_of_another_length_are_refused() -> None:
    for wrong in (b"", bytes(31), bytes(64)):
        with pytest.raises(BadKeyError):
            ed25519.sign(wrong, b"")
        with pytest.raises(BadKeyError):
            ed25519.public_key(wrong)
