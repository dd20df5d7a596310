"""STUN: the vectors of RFC 5769, both ways, and any bytes."""

import contextlib
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signaling.sfu import stun
from signaling.sfu.stun import Attribute, Class, StunError

# RFC 5769 §2: all messages are of this password and user.
PASSWORD = b"VOkJxbRl1RmTxUk/WvJxBt"
USERNAME = b"evtj:h6vY"
TRANSACTION = bytes.fromhex("b7e7a701bc34d686fa87dfae")
REQUEST = bytes.fromhex(
    "000100582112a442b7e7a701bc34d686fa87dfae"
    "802200105354554e207465737420636c69656e74"
    "002400046e0001ff"
    "80290008932ff9b151263b36"
    "000600096576746a3a68367659202020"
    "000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2"
    "80280004e57a3bcf"
)
RESPONSE_IPV4 = bytes.fromhex(
    "0101003c2112a442b7e7a701bc34d686fa87dfae"
    "8022000b7465737420766563746f7220"
    "002000080001a147e112a643"
    "000800142b91f599fd9e90c38c7489f92af9ba53f06be7d7"
    "80280004c07d4c96"
)
RESPONSE_IPV6 = bytes.fromhex(
    "010100482112a442b7e7a701bc34d686fa87dfae"
    "8022000b7465737420766563746f7220"
    "002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9"
    "00080014a382954e4be67bf11784c97c8292c275bfe3ed41"
    "80280004c8fb0b4c"
)


def test_rfc_5769_request() -> None:
    message = stun.parse(REQUEST)
    assert (message.kind, message.method, message.transaction) == (Class.REQUEST, 1, TRANSACTION)
    assert message.username == USERNAME
    assert message.priority == 0x6E0001FF
    assert message.attributes[Attribute.ICE_CONTROLLED] == bytes.fromhex("932ff9b151263b36")
    assert not message.use_candidate
    assert message.has_fingerprint
    assert message.unknown == ()
    assert message.holds(PASSWORD)
    assert not message.holds(PASSWORD + b"x")


@pytest.mark.parametrize(
    ("data", "address"),
    [(RESPONSE_IPV4, ("192.0.2.1", 32853)), (RESPONSE_IPV6, ("2001:db8:1234:5678:11:2233:4455:6677", 32853))],
)
def test_rfc_5769_responses(data: bytes, address: stun.Address) -> None:
    message = stun.parse(data)
    assert (message.kind, message.transaction) == (Class.SUCCESS, TRANSACTION)
    assert message.holds(PASSWORD)
    assert message.mapped == address
    # Ours is the same but for SOFTWARE.
    ours = stun.parse(stun.success(TRANSACTION, address, PASSWORD))
    assert ours.attributes[Attribute.XOR_MAPPED_ADDRESS] == message.attributes[Attribute.XOR_MAPPED_ADDRESS]
    assert ours.holds(PASSWORD)
    assert ours.has_fingerprint


def test_an_ipv4_address_on_an_ipv6_socket_is_told_as_ipv4() -> None:
    message = stun.parse(stun.success(TRANSACTION, ("::ffff:192.0.2.1", 32853), PASSWORD))
    assert message.mapped == ("192.0.2.1", 32853)


def test_a_request_comes_back_as_it_was_made() -> None:
    data = stun.request(TRANSACTION, USERNAME, PASSWORD, priority=7, tie_breaker=2**63, use_candidate=True)
    message = stun.parse(data)
    assert (message.username, message.priority, message.use_candidate) == (USERNAME, 7, True)
    assert message.attributes[Attribute.ICE_CONTROLLING] == struct.pack("!Q", 2**63)
    assert message.holds(PASSWORD)


def test_an_error_says_what_was_not_understood() -> None:
    message = stun.parse(stun.error(TRANSACTION, 420, "Unknown Attribute", PASSWORD, (0x7777, 0x7778)))
    assert (message.kind, message.error) == (Class.ERROR, 420)
    assert message.attributes[Attribute.UNKNOWN_ATTRIBUTES] == bytes.fromhex("77777778")
    assert message.holds(PASSWORD)


def test_every_changed_bit_of_a_request_is_noticed() -> None:
    for bit in range(8 * len(REQUEST)):
        changed = bytearray(REQUEST)
        changed[bit // 8] ^= 1 << bit % 8
        try:
            message = stun.parse(bytes(changed))
        except StunError:
            continue
        # FINGERPRINT's own name became another's: then the password still speaks for what is before it.
        assert not message.has_fingerprint or not message.holds(PASSWORD)


def body(*attributes: tuple[int, bytes]) -> bytes:
    whole = b"".join(
        struct.pack("!HH", name, len(value)) + value + bytes(-len(value) % 4) for name, value in attributes
    )
    return struct.pack("!HHI", 1, len(whole), stun.COOKIE) + TRANSACTION + whole


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "stun_size"),
        (REQUEST + bytes(stun.MAX_BYTES), "stun_size"),
        (b"\x40" + REQUEST[1:], "stun_header"),
        (REQUEST[:4] + b"\0" + REQUEST[5:], "stun_header"),
        (REQUEST[:-4], "stun_length"),
        (body()[:20] + b"", None),
        (body((Attribute.PRIORITY, b"12345678")), "stun_attribute_size"),
        (body((Attribute.USERNAME, bytes(514))), "stun_username"),
        (body(*[(0x8001, b"")] * 33), "stun_attributes"),
        (body((Attribute.FINGERPRINT, bytes(4))), "stun_fingerprint"),
        (REQUEST[:3] + b"\x5c" + REQUEST[4:] + b"\x80\x01\0\0", "stun_fingerprint"),
        (body((0x0006, b"abcd"))[:-8] + b"\0\6\xff\xffabcd", "stun_attribute_length"),
    ],
)
def test_what_is_malformed_has_a_code(data: bytes, code: str | None) -> None:
    if code is None:
        assert stun.parse(data).attributes == {}
        return
    with pytest.raises(StunError) as caught:
        stun.parse(data)
    assert caught.value.code == code


def test_nothing_counts_after_the_integrity() -> None:
    data = stun.request(TRANSACTION, USERNAME, PASSWORD, priority=7, tie_breaker=1)
    at = stun.parse(data).integrity_at
    late = body(*[(Attribute.USE_CANDIDATE, b"")])[20:]
    cut = data[: at + 24] + late
    forged = cut[:2] + struct.pack("!H", len(cut) - 20) + cut[4:]
    message = stun.parse(forged)
    assert message.holds(PASSWORD)
    assert not message.use_candidate


@settings(derandomize=True, deadline=None)
@given(st.binary(max_size=200) | st.binary(max_size=120).map(lambda tail: REQUEST[:20] + tail))
def test_any_bytes_parse_or_are_the_error(data: bytes) -> None:
    try:
        message = stun.parse(data)
    except StunError:
        return
    message.holds(PASSWORD)
    assert isinstance(message.username, bytes)
    for read in ("mapped", "error"):
        with contextlib.suppress(StunError):
            getattr(message, read)


@settings(derandomize=True, deadline=None)
@given(st.integers(0, len(REQUEST) * 8 - 1), st.binary(max_size=12))
def test_a_damaged_request_parses_or_is_the_error(bit: int, end: bytes) -> None:
    changed = bytearray(REQUEST + end)
    changed[bit // 8] ^= 1 << bit % 8
    changed[2:4] = struct.pack("!H", len(changed) - 20)
    with contextlib.suppress(StunError):
        stun.parse(bytes(changed))
