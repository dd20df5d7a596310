"""The link that a first member opens, and how tokens are kept."""

import secrets
from hashlib import sha256

from sqlalchemy import Engine, delete, insert

from server.database import now_ms
from server.settings import Settings
from server.tables import TOKENS
from wire.bounds import SECRET_BYTES, to_base64url

FOUNDER_MS = 72 * 3600 * 1000


def hashed(secret: bytes) -> bytes:
    """Secrets of 256 random bits need no salt and no slow hash."""
    return sha256(secret).digest()


def founder_link(engine: Engine, found: Settings) -> str:
    """A one-time link for a first member. The link before it, if it was not used, no longer works."""
    token = secrets.token_bytes(SECRET_BYTES)
    with engine.begin() as database:
        database.execute(delete(TOKENS).where(TOKENS.c.room.is_(None), TOKENS.c.used_by.is_(None)))
        database.execute(
            insert(TOKENS).values(
                hash=hashed(token),
                room=None,
                invite=None,
                minted_by=None,
                not_after=now_ms() + FOUNDER_MS,
                used_by=None,
                request=None,
            )
        )
    return f"{found.origins[0]}/join#f.{to_base64url(token)}"
