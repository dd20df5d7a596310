"""What a call of the client is refused with, whoever's fault it is.

CollegiumError          `code` is stable, str() is plain words with what to do
├── ServerError         the server refused, or could not be reached ("offline")
└── VaultError          the store on this device (client/vault/storage.py)
"""

from collections.abc import Iterator
from contextlib import contextmanager

from client.words import words_for


class CollegiumError(Exception):
    """Refused. `detail` is for whoever looks into it, never for the person."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(words_for(code))
        self.code, self.detail = code, detail

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.code!r}, {self.detail!r})"


class ServerError(CollegiumError):
    """The server refused (`status` is that of HTTP), or could not be reached (`code` "offline", status 0)."""

    def __init__(self, code: str, status: int, retry_after: int | None = None, detail: str = "") -> None:
        super().__init__(code, detail)
        self.status, self.retry_after = status, retry_after


# What other layers and the server call what people have another word for.
TRANSLATED = {
    # The server's.
    "sign_in": "signed_out",
    "recovery": "recovery_code_unknown",
    "grant": "recovery_code_unknown",
    "too_many_invites": "too_many_links",
    # Calls: of `call_ended`.
    "answer_refused": "call_refused",
    "full": "call_full",
    "lost": "call_lost",
    "replaced": "call_replaced",
    "removed": "room_closed",
    "not_in_call": "call_over",
    "paused": "room_paused",
    "session_taken": "call_lost",
    "too_often": "too_many",
    # The rooms' (room/surface, crypto/room/plans).
    "already_approved": "not_allowed",
    "already_here": "link_member",
    "emoji": "not_allowed",
    "invite_expired": "invite_gone",
    "invite_not_yours": "not_allowed",
    "invite_unknown": "invite_gone",
    "leaving": "room_closed",
    "name": "name_invalid",
    "not_a_member": "room_closed",
    "not_approved": "not_allowed",
    "not_here": "not_found",
    "not_your_device": "not_allowed",
    "not_yours": "target_gone",
    "nothing_to_do": "not_allowed",
    "outbox_full": "room_not_ready",
    "own_leaf": "not_allowed",
    "rejoining": "room_not_ready",
    "target": "target_gone",
    "text": "text_too_long",
    "title": "title_invalid",
    "too_many_approvals": "room_not_ready",
    "yourself": "not_allowed",
}


def error_code(error: BaseException) -> str:
    """The code for people, of whatever layer the error is; else "unexpected"."""
    code = getattr(error, "code", None)
    if not isinstance(code, str):
        return "unexpected"
    if code.startswith("bundle_"):
        return "bundle"
    return TRANSLATED.get(code, code)


@contextmanager
def translated() -> Iterator[None]:
    """What the room's core or the cryptography refuses becomes an error of the client's."""
    try:
        yield
    except CollegiumError as error:
        if error.code not in TRANSLATED:
            raise
        raise CollegiumError(TRANSLATED[error.code], error.detail) from error
    except Exception as error:
        if not isinstance(getattr(error, "code", None), str):
            raise  # a fault of ours: not to be hidden behind words
        raise CollegiumError(error_code(error), str(error)) from error
