"""What a PrivateMessage says in the clear (RFC 9420 §6.3)."""

from client.room.faults import Fault, judged
from crypto.mls.framing import PrivateMessage
from crypto.mls.mls_message import decode_mls_message


def epoch_of(payload: bytes) -> int | None:
    """The epoch that a message names, or None where it is no PrivateMessage."""
    message = judged(lambda: decode_mls_message(payload))
    if isinstance(message, Fault) or not isinstance(message, PrivateMessage):
        return None
    return message.epoch
