"""Sealed answers (E34): what one person says to one other alone, though all who are in the room get the event
around it.

box     = EncryptWithLabel(encryption key of the leaf, "Collegium 1.0 sealed", context, answer)  (RFC 9420
§5.1.3) context = group id (16) ‖ epoch (8) ‖ author's leaf (4) ‖ recipient's leaf (4) ‖ event id (16)

One box for each device of the recipient, all of one size, whatever the answer. The context says whose answer
it is and in which event, so a box that another member copies into an event of their own does not open. It is
read in its own epoch, like every event, and never passed on with a room's history: nobody but the recipient
could say what it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal, NamedTuple, TypeAlias

from crypto.identity.root_keys import ID_BYTES
from crypto.identity.statement import sized
from crypto.mls.aead import AES_256_GCM
from crypto.mls.bytes import Rng, u32, u64
from crypto.mls.errors import AeadError, BadKeyError, UsageError
from crypto.mls.group import Group, epoch, group_id, members
from crypto.mls.hpke import HpkeCiphertext
from crypto.mls.suite import room_suite
from crypto.mls.tree_math import LeafIndex, node_of_leaf
from crypto.mls.xwing import MLKEM768_X25519
from crypto.room.canonical import FieldReader, Value, decode_canonical, encode_canonical
from crypto.room.errors import RoomDataError, RoomRuleError
from crypto.room.padding import pad_to, unpad
from crypto.room.room_context import ID_LENGTH, MAX_LEAVES
from crypto.room.roster import MAX_LEAVES_EACH, Roster, leaves_of

_LABEL: Final = "Collegium 1.0 sealed"
# Every answer is padded to it: room for more than any has today.
_CONTENT_LENGTH: Final = 128
_CIPHERTEXT_LENGTH: Final = _CONTENT_LENGTH + AES_256_GCM.nt
_MAX_SEALED_ANSWER: Final = 64 * 1024

# may_know: the author may know whom it is about. fine: it can stay as it is. too_identifying: not yet.
AnswerCode: TypeAlias = Literal["may_know", "fine", "too_identifying"]
_CODES: Final[tuple[AnswerCode, ...]] = ("may_know", "fine", "too_identifying")


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sealed: the answer, and the event that it answers."""

    about: bytes
    answer: AnswerCode


@dataclass(frozen=True, slots=True)
class AnswerPlace:
    """Where an answer is said, and by whom."""

    group_id: bytes
    epoch: int
    author: LeafIndex
    event_id: bytes


class AnswerDevice(NamedTuple):
    """A device that is to read it."""

    leaf: LeafIndex
    encryption_key: bytes


def answer_place(group: Group, author: LeafIndex, event_id: bytes) -> AnswerPlace:
    return AnswerPlace(group_id(group), epoch(group), author, event_id)


def answer_devices(group: Group, roster: Roster, account: bytes) -> tuple[AnswerDevice, ...]:
    """All devices of an account in the present epoch."""
    theirs = leaves_of(roster, account)
    return tuple(
        AnswerDevice(one.leaf, one.node.encryption_key) for one in members(group) if one.leaf in theirs
    )


def seal_answer(place: AnswerPlace, devices: Sequence[AnswerDevice], answer: Answer, rng: Rng) -> bytes:
    """For the devices of one account. Raises UsageError when there are none, or more than one account has."""
    if not 0 < len(devices) <= MAX_LEAVES_EACH:
        raise UsageError("answer_devices", f"an answer for {len(devices)} devices")
    fields = encode_canonical({"about": sized(answer.about, ID_BYTES), "answer": answer.answer})
    content = pad_to(fields, _CONTENT_LENGTH)
    boxes: list[Value] = []
    for leaf, encryption_key in sorted(devices):
        # Each box has an encapsulation of its own, and with it a key that seals nothing else.
        box = room_suite.encrypt_with_label(encryption_key, _LABEL, _context_of(place, leaf), content, rng)
        boxes.append({"leaf": leaf, "kem_output": box.kem_output, "ciphertext": box.ciphertext})
    return encode_canonical({"boxes": boxes})


def open_answer(
    place: AnswerPlace, leaf: LeafIndex, encryption_private_key: bytes, sealed: bytes
) -> Answer | None:
    """The answer in the box of this device, whose leaf and key are given. None when there is none for it: the
    answer is for somebody else. Raises RoomDataError or RoomRuleError.
    """
    box = next((box for at, box in _read_boxes(sealed) if at == leaf), None)
    if box is None:
        return None
    try:
        content = room_suite.decrypt_with_label(encryption_private_key, _LABEL, _context_of(place, leaf), box)
    except (AeadError, BadKeyError) as cause:
        raise RoomRuleError(
            "E34", "answer_sealed", "not sealed to this leaf, by this author, in this event"
        ) from cause
    reader = FieldReader(decode_canonical(unpad(content), _CONTENT_LENGTH), "answer")
    answer = Answer(reader.octets("about", ID_LENGTH), reader.one_of("answer", _CODES))
    reader.finish()
    return answer


def open_answer_in(group: Group, author: LeafIndex, event_id: bytes, sealed: bytes) -> Answer | None:
    """The same with a group's own key of the present epoch. Raises RoomDataError or RoomRuleError."""
    private_key = group.private_tree[node_of_leaf(group.own_leaf)]
    return open_answer(answer_place(group, author, event_id), group.own_leaf, private_key, sealed)


def _read_boxes(sealed: bytes) -> tuple[tuple[LeafIndex, HpkeCiphertext], ...]:
    reader = FieldReader(decode_canonical(sealed, _MAX_SEALED_ANSWER), "sealed answer")
    boxes = reader.list("boxes", 1, MAX_LEAVES_EACH, _read_box)
    reader.finish()
    if any(after <= before for (before, _), (after, _) in pairwise(boxes)):
        raise RoomDataError("boxes out of order, or two for one leaf")
    return boxes


def _read_box(value: object) -> tuple[LeafIndex, HpkeCiphertext]:
    reader = FieldReader(value, "box")
    leaf = LeafIndex(reader.integer("leaf", 0, MAX_LEAVES - 1))
    kem_output = reader.octets("kem_output", MLKEM768_X25519.kem_output_length)
    ciphertext = reader.octets("ciphertext", _CIPHERTEXT_LENGTH)
    reader.finish()
    return leaf, HpkeCiphertext(kem_output, ciphertext)


def _context_of(place: AnswerPlace, recipient: LeafIndex) -> bytes:
    """Parts of fixed length: no two places have the same context."""
    return b"".join(
        (
            sized(place.group_id, ID_BYTES),
            u64(place.epoch),
            u32(place.author),
            u32(recipient),
            sized(place.event_id, ID_BYTES),
        )
    )
