"""STUN (RFC 8489) as far as ICE needs it (RFC 8445 §7): binding requests and answers, to and from bytes.

`parse` reads any bytes or raises StunError. It checks the form and FINGERPRINT; who holds the password is
asked by `Message.holds`, which costs one HMAC.
"""

import hmac
import ipaddress
import struct
from dataclasses import dataclass
from enum import IntEnum
from zlib import crc32

Address = tuple[str, int]
"""Of IPv4 or IPv6, in the form that the socket gives it, and the port."""

COOKIE = 0x2112A442  # RFC 8489 §5
HEADER = 20
MAX_BYTES = 1500  # a datagram of Ethernet: checks fit one packet (§6.1), also where DTLS rides in them
MAX_ATTRIBUTES = 32
MAX_USERNAME = 513  # §14.3
FINGERPRINT_XOR = 0x5354554E  # §14.7
INTEGRITY_BYTES = 20
TRANSACTION_BYTES = 12
BINDING = 0x001


class Class(IntEnum):
    """RFC 8489 §5: the two class bits, which lie at 4 and 8 of the type."""

    REQUEST = 0x000
    INDICATION = 0x010
    SUCCESS = 0x100
    ERROR = 0x110


class Attribute(IntEnum):
    MAPPED_ADDRESS = 0x0001
    USERNAME = 0x0006
    MESSAGE_INTEGRITY = 0x0008
    ERROR_CODE = 0x0009
    UNKNOWN_ATTRIBUTES = 0x000A
    XOR_MAPPED_ADDRESS = 0x0020
    PRIORITY = 0x0024
    USE_CANDIDATE = 0x0025
    SOFTWARE = 0x8022
    FINGERPRINT = 0x8028
    ICE_CONTROLLED = 0x8029
    ICE_CONTROLLING = 0x802A


UNDERSTOOD = frozenset(Attribute)
_SIZES = {
    Attribute.MESSAGE_INTEGRITY: INTEGRITY_BYTES,
    Attribute.PRIORITY: 4,
    Attribute.USE_CANDIDATE: 0,
    Attribute.FINGERPRINT: 4,
    Attribute.ICE_CONTROLLED: 8,
    Attribute.ICE_CONTROLLING: 8,
}
_CLASS_BITS = 0x110


class StunError(Exception):
    """The peer's bytes are no STUN message. `code` says what is wrong with them."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Message:
    """What was read; nothing in it is verified but the form."""

    kind: Class
    method: int
    transaction: bytes
    attributes: dict[int, bytes]
    unknown: tuple[int, ...]
    """Attributes that must be understood and are not (RFC 8489 §14)."""
    data: bytes
    integrity_at: int
    """Where MESSAGE-INTEGRITY begins in the bytes; 0 when there is none."""

    def holds(self, password: bytes) -> bool:
        """RFC 8489 §14.5: whoever made this message knew the password (and it came whole)."""
        if not self.integrity_at:
            return False
        # The length is what it was when MESSAGE-INTEGRITY was the last attribute.
        length = self.integrity_at + 4 + INTEGRITY_BYTES - HEADER
        head = self.data[:2] + length.to_bytes(2, "big") + self.data[4 : self.integrity_at]
        return hmac.compare_digest(
            hmac.digest(password, head, "sha1"), self.attributes[Attribute.MESSAGE_INTEGRITY]
        )

    @property
    def has_fingerprint(self) -> bool:
        return Attribute.FINGERPRINT in self.attributes

    @property
    def username(self) -> bytes:
        return self.attributes.get(Attribute.USERNAME, b"")

    @property
    def priority(self) -> int | None:
        value = self.attributes.get(Attribute.PRIORITY)
        return None if value is None else int.from_bytes(value, "big")

    @property
    def use_candidate(self) -> bool:
        return Attribute.USE_CANDIDATE in self.attributes

    @property
    def mapped(self) -> Address:
        """Raises StunError when there is no readable XOR-MAPPED-ADDRESS."""
        return _read_address(self.attributes.get(Attribute.XOR_MAPPED_ADDRESS, b""), self.transaction)

    @property
    def error(self) -> int:
        """The number of an error response. Raises StunError."""
        value = self.attributes.get(Attribute.ERROR_CODE, b"")
        if len(value) < 4 or not 3 <= value[2] & 7 <= 6 or value[3] > 99:
            raise StunError("stun_error_code")
        return (value[2] & 7) * 100 + value[3]


def parse(data: bytes) -> Message:
    """Raises StunError, and nothing else."""
    if not HEADER <= len(data) <= MAX_BYTES:
        raise StunError("stun_size")
    type_, length, cookie = struct.unpack_from("!HHI", data)
    if type_ & 0xC000 or cookie != COOKIE:
        raise StunError("stun_header")
    if length != len(data) - HEADER or length % 4:
        raise StunError("stun_length")
    attributes: dict[int, bytes] = {}
    unknown: list[int] = []
    integrity_at, at, count = 0, HEADER, 0
    while at < len(data):
        if Attribute.FINGERPRINT in attributes:
            raise StunError("stun_fingerprint_not_last")  # §14.7
        count += 1
        if count > MAX_ATTRIBUTES:
            raise StunError("stun_attributes")
        name, size = struct.unpack_from("!HH", data, at)
        begin, end = at + 4, at + 4 + size
        if end > len(data):
            raise StunError("stun_attribute_length")
        value = data[begin:end]
        if name == Attribute.FINGERPRINT:
            _check_fingerprint(data, at, value)
        # §14: only the first of a kind counts. §14.5: nor does what follows MESSAGE-INTEGRITY.
        if name not in attributes and (not integrity_at or name == Attribute.FINGERPRINT):
            if name not in UNDERSTOOD:
                if name < 0x8000:
                    unknown.append(name)
            elif len(value) != _SIZES.get(Attribute(name), len(value)):
                raise StunError("stun_attribute_size")
            else:
                attributes[name] = value
                if name == Attribute.MESSAGE_INTEGRITY:
                    integrity_at = at
        at = end + -size % 4
    if len(attributes.get(Attribute.USERNAME, b"")) > MAX_USERNAME:
        raise StunError("stun_username")
    kind = Class(type_ & _CLASS_BITS)
    method = (type_ & 0x000F) | (type_ & 0x00E0) >> 1 | (type_ & 0x3E00) >> 2
    return Message(
        kind, method, data[8:HEADER], attributes, tuple(dict.fromkeys(unknown)), data, integrity_at
    )


def _check_fingerprint(data: bytes, at: int, value: bytes) -> None:
    """§14.7: over everything before it, with a length that includes it. The length was checked to be so."""
    if len(value) != 4 or crc32(data[:at]) ^ FINGERPRINT_XOR != int.from_bytes(value, "big"):
        raise StunError("stun_fingerprint")


def request(
    transaction: bytes,
    username: bytes,
    password: bytes,
    *,
    priority: int,
    tie_breaker: int,
    controlling: bool = True,
    use_candidate: bool = False,
) -> bytes:
    """A check of ICE (RFC 8445 §7.2.4), as a client makes it."""
    attributes = [
        (Attribute.USERNAME, username),
        (Attribute.PRIORITY, priority.to_bytes(4, "big")),
        (
            Attribute.ICE_CONTROLLING if controlling else Attribute.ICE_CONTROLLED,
            tie_breaker.to_bytes(8, "big"),
        ),
    ]
    if use_candidate:
        attributes.append((Attribute.USE_CANDIDATE, b""))
    return _build(Class.REQUEST, transaction, attributes, password)


def success(transaction: bytes, address: Address, password: bytes) -> bytes:
    """The answer to a valid check: where it came from (§14.2)."""
    return _build(
        Class.SUCCESS,
        transaction,
        [(Attribute.XOR_MAPPED_ADDRESS, _address(address, transaction))],
        password,
    )


def error(
    transaction: bytes, number: int, reason: str, password: bytes | None, unknown: tuple[int, ...] = ()
) -> bytes:
    """An error response (§14.8). Without a password it has no MESSAGE-INTEGRITY, as for 401 (§9.1.3)."""
    value = struct.pack("!HBB", 0, number // 100, number % 100) + reason.encode()
    attributes = [(Attribute.ERROR_CODE, value)]
    if unknown:
        attributes.append((Attribute.UNKNOWN_ATTRIBUTES, struct.pack(f"!{len(unknown)}H", *unknown)))
    return _build(Class.ERROR, transaction, attributes, password)


def _build(
    kind: Class, transaction: bytes, attributes: list[tuple[Attribute, bytes]], password: bytes | None
) -> bytes:
    body = b"".join(_attribute(name, value) for name, value in attributes)
    if password is not None:
        head = _header(kind, transaction, len(body) + 4 + INTEGRITY_BYTES)
        code = hmac.digest(password, head + body, "sha1")
        body += _attribute(Attribute.MESSAGE_INTEGRITY, code)
    whole = _header(kind, transaction, len(body) + 8) + body
    return whole + _attribute(Attribute.FINGERPRINT, (crc32(whole) ^ FINGERPRINT_XOR).to_bytes(4, "big"))


def _header(kind: Class, transaction: bytes, length: int) -> bytes:
    return struct.pack("!HHI", kind | BINDING, length, COOKIE) + transaction


def _attribute(name: int, value: bytes) -> bytes:
    return struct.pack("!HH", name, len(value)) + value + bytes(-len(value) % 4)


def _address(address: Address, transaction: bytes) -> bytes:
    """§14.2. An IPv4 address that a socket of IPv6 shows as mapped is told as what it is."""
    host = ipaddress.ip_address(address[0].partition("%")[0])
    if isinstance(host, ipaddress.IPv6Address) and host.ipv4_mapped is not None:
        host = host.ipv4_mapped
    family = 1 if host.version == 4 else 2
    port = address[1] ^ COOKIE >> 16
    return struct.pack("!BBH", 0, family, port) + _mask(host.packed, transaction)


def _read_address(value: bytes, transaction: bytes) -> Address:
    if len(value) not in (8, 20) or value[1] != (1 if len(value) == 8 else 2):
        raise StunError("stun_address")
    host = ipaddress.ip_address(_mask(value[4:], transaction))
    return str(host), int.from_bytes(value[2:4], "big") ^ COOKIE >> 16


def _mask(packed: bytes, transaction: bytes) -> bytes:
    mask = COOKIE.to_bytes(4, "big") + transaction
    return bytes(a ^ b for a, b in zip(packed, mask, strict=False))
