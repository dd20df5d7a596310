"""VAPID: who calls a push service (RFC 8292). One key pair for this deployment, made once, in the database.

A subscription is bound to the public key, so the key is part of a backup: without it, every device would have
to subscribe again.
"""

import json
from collections import OrderedDict

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import Connection, insert, select

from server.tables import META
from wire.bounds import to_base64url

KEY = "vapid_key"
SCALAR_BYTES = 32
# RFC 8292 §2: at most 24 hours from the request. Half of that, and made again when half of it is over.
LIFETIME_S = 12 * 3600
RENEW_S = LIFETIME_S // 2
MAX_AUDIENCES = 64


def vapid_key(database: Connection) -> bytes:
    """The private key of this deployment, made at its first start."""
    found = database.execute(select(META.c.value).where(META.c.name == KEY)).scalar_one_or_none()
    if found is None:
        fresh = ec.generate_private_key(ec.SECP256R1())
        found = fresh.private_numbers().private_value.to_bytes(SCALAR_BYTES, "big")
        database.execute(insert(META).values(name=KEY, value=found))
    return bytes(found)


class Vapid:
    """Signs for push services. `contact` is whom they may write to: a mailto: or https: URI."""

    def __init__(self, key: bytes, contact: str) -> None:
        self._key = ec.derive_private_key(int.from_bytes(key, "big"), ec.SECP256R1())
        self._contact = contact
        self.public_key = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self._made: OrderedDict[str, tuple[int, str]] = OrderedDict()

    def authorization(self, audience: str, now_s: int) -> str:
        """The Authorization header for the push service of this origin (RFC 8292 §3)."""
        made_at, token = self._made.get(audience, (0, ""))
        if not made_at <= now_s < made_at + RENEW_S or not token:
            token = self._token(audience, now_s)
            self._made[audience] = (now_s, token)
            if len(self._made) > MAX_AUDIENCES:
                self._made.popitem(last=False)
        return f"vapid t={token}, k={to_base64url(self.public_key)}"

    def _token(self, audience: str, now_s: int) -> str:
        claims = {"aud": audience, "exp": now_s + LIFETIME_S, "sub": self._contact}
        signed = f"{_part({'typ': 'JWT', 'alg': 'ES256'})}.{_part(claims)}"
        # RFC 7518 §3.4: R and S side by side, not in DER.
        r, s = decode_dss_signature(self._key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        signature = r.to_bytes(SCALAR_BYTES, "big") + s.to_bytes(SCALAR_BYTES, "big")
        return f"{signed}.{to_base64url(signature)}"


def _part(value: dict[str, object]) -> str:
    return to_base64url(json.dumps(value, separators=(",", ":")).encode())
