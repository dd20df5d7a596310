"""The statement of whoever cannot complete a Commit that is valid for everyone (E18)."""

from crypto.identity.signed import sign_labelled, verify_labelled
from crypto.room.bodies import Stuck


def _content_to_sign(room_id: bytes, position: int, device: bytes) -> bytes:
    return room_id + position.to_bytes(8, "big") + device


def sign_stuck(identity_private_key: bytes, room_id: bytes, position: int, device: bytes) -> Stuck:
    """By the identity key: it says that this device could not complete the Commit at `position`."""
    content = _content_to_sign(room_id, position, device)
    return Stuck(position, sign_labelled(identity_private_key, "stuck", content))


def stuck_is_valid(identity_key: bytes, room_id: bytes, device: bytes, stuck: Stuck) -> bool:
    content = _content_to_sign(room_id, stuck.position, device)
    return verify_labelled(identity_key, "stuck", content, stuck.signature)
