"""How the pre-shared keys of one commit become one secret (RFC 9420 §8.4)."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

from crypto.mls.codec import Writer, encode
from crypto.mls.errors import InvalidError
from crypto.mls.key_schedule import zero_secret
from crypto.mls.psk_id import PreSharedKeyId, write_pre_shared_key_id
from crypto.mls.suite import CipherSuite

PskLookup = Callable[[PreSharedKeyId], bytes | None]
"""Finds the secret that an id names, or answers None. The nonce is no part of the name."""


@dataclass(frozen=True, slots=True)
class NamedPsk:
    id: PreSharedKeyId
    secret: bytes = field(repr=False)


def no_psks(_id: PreSharedKeyId) -> None:
    """The lookup of a client that keeps none."""
    return


def find_psks(ids: Iterable[PreSharedKeyId], lookup: PskLookup) -> list[NamedPsk]:
    """Looks every id up. Raises InvalidError psk_missing."""
    found = []
    for psk_id in ids:
        secret = lookup(psk_id)
        if secret is None:
            raise InvalidError("psk_missing", "a PSK is named that is not here")
        found.append(NamedPsk(psk_id, secret))
    return found


def _write_label(writer: Writer, psk: PreSharedKeyId, index: int, count: int) -> None:
    write_pre_shared_key_id(writer, psk)
    writer.uint16(index).uint16(count)


def psk_secret(suite: CipherSuite, psks: Sequence[NamedPsk]) -> bytes:
    """`psk_secret` over the PSKs in their order; without any, the all-zero vector."""
    secret = zero_secret(suite)
    for index, psk in enumerate(psks):
        extracted = suite.extract(zero_secret(suite), psk.secret)
        label = encode(partial(_write_label, psk=psk.id, index=index, count=len(psks)))
        secret = suite.extract(suite.expand_with_label(extracted, "derived psk", label, suite.nh), secret)
    return secret
