"""A call of a group: base keys from its exporter, epochs from its commits (E35, E36)."""

from crypto.mls.group import epoch, export_secret
from crypto.sframe.frame_decryptor import Dropped, FrameDecryptor, Opened
from crypto.sframe.frame_encryptor import FrameEncryptor, SendEpoch
from crypto.sframe.key_derivation import BASE_KEY_LABEL, BASE_KEY_LENGTH
from crypto.sframe.kid import Kind
from crypto.sframe.receive_keys import ReceiveEpoch, ReceiveKeys
from tests.crypto.mls.simulation import Client, commit_all, remove, room_of
from tests.crypto.sframe.call import frame_of, seeded

FRAME = frame_of(Kind.CAMERA, 200)


def base_key(client: Client) -> bytes:
    return export_secret(client.group, BASE_KEY_LABEL, b"", BASE_KEY_LENGTH)


class Participant:
    def __init__(self, client: Client) -> None:
        self.client = client
        self.keys = ReceiveKeys()
        self.encryptor = FrameEncryptor(Kind.CAMERA, seeded(client.name))
        self.decryptor = FrameDecryptor(Kind.CAMERA, self.keys)

    def merged(self, people: list[Client], now: int) -> None:
        number, key, own = epoch(self.client.group), base_key(self.client), self.client.leaf
        self.encryptor.switch_to(SendEpoch(number, key, own))
        self.keys.begin(ReceiveEpoch(number, key, {one.leaf: one.name for one in people}, own), now)


def test_e36_a_removed_member_neither_hears_nor_is_heard() -> None:
    anna, ben, cleo = room_of(1, ["anna", "ben", "cleo"], seeded("call"))
    everyone = [Participant(one) for one in (anna, ben, cleo)]
    for one in everyone:
        one.merged([anna, ben, cleo], 0)
    number = epoch(anna.group)
    spoken = everyone[1].encryptor.encrypt(FRAME)
    assert everyone[0].decryptor.decrypt(spoken, 0) == Opened(FRAME, "ben", ben.leaf, number)

    commit_all([anna, cleo], remove(ben))
    for one in (everyone[0], everyone[2]):
        one.merged([anna, cleo], 1000)
    assert base_key(anna) == base_key(cleo) != base_key(ben)
    late = everyone[1].encryptor.encrypt(FRAME)
    assert everyone[0].decryptor.decrypt(late, 1000) is Dropped.NO_KEY
    after = everyone[2].encryptor.encrypt(FRAME)
    assert everyone[0].decryptor.decrypt(after, 1000) == Opened(FRAME, "cleo", cleo.leaf, number + 1)
    assert everyone[1].decryptor.decrypt(after, 1000) is Dropped.NO_KEY
