"""Frames of a call (E35, E36), and what stays clear of them."""

import copy
import pickle

import pytest

from crypto.mls.errors import UsageError
from crypto.sframe.frame_decryptor import MAX_FRAME, Dropped, FrameDecryptor, Opened
from crypto.sframe.frame_encryptor import FrameEncryptor, SendEpoch
from crypto.sframe.header import decode_header, encode_header
from crypto.sframe.kid import Kind
from crypto.sframe.protect import protect, unprotect
from crypto.sframe.suites import AES_256_GCM_SHA512 as SUITE
from tests.crypto.sframe.call import (
    OWN_LEAF,
    base_key,
    epoch_of,
    frame_of,
    heard,
    octets,
    receiver,
    seeded,
    sender,
)

KID = 0x12345678 << 16 | 3 << 8 | 7
AUDIO = frame_of(Kind.AUDIO, 80)


def forge(kid: int, ctr: int, key: bytes = base_key(7)) -> bytes:
    """A frame of anybody who knows the base key, with any KID and counter."""
    return protect(SUITE, key, kid, ctr, b"", octets("forged", 40))


def clear_of(kind: Kind, key: bool) -> int:
    if kind in (Kind.AUDIO, Kind.SCREEN_AUDIO):
        return 0
    return 10 if key else 3


@pytest.mark.parametrize("key", [True, False])
@pytest.mark.parametrize("kind", Kind)
def test_a_frame_opens_as_it_was_and_its_clear_bytes_stay(kind: Kind, key: bool) -> None:
    frame, clear = frame_of(kind, 1100, key), clear_of(kind, key)
    sent = sender(kind, 7, 3).encrypt(frame)
    assert sent[:clear] == frame[:clear]
    assert frame[clear : clear + 8] not in sent
    assert receiver(kind, 7)[1].decrypt(sent, 0) == Opened(frame, "ben", 3, 7)
    # It is an SFrame ciphertext behind its clear bytes, which are its metadata.
    opened = unprotect(SUITE, lambda _: base_key(7), frame[:clear], sent[clear:])
    assert opened.plaintext == frame[clear:]
    assert (opened.kid >> 62, opened.kid & 0xFFFF, opened.ctr) == (kind, 3 << 8 | 7, 0)


@pytest.mark.parametrize("kind", Kind)
def test_a_frame_that_was_changed_or_cut_is_dropped(kind: Kind) -> None:
    _, decryptor = receiver(kind, 7)
    sent = sender(kind, 7, 3).encrypt(frame_of(kind, 40))
    for i in range(len(sent)):
        broken = sent[:i] + bytes((sent[i] ^ 0x10,)) + sent[i + 1 :]
        assert isinstance(decryptor.decrypt(broken, 0), Dropped)
        assert isinstance(decryptor.decrypt(sent[:i], 0), Dropped)
    # What does not open moves no window.
    assert heard(decryptor.decrypt(sent, 0)) == "ben"


def test_e35_an_encryptor_counts_from_0_and_draws_its_random_part_itself() -> None:
    encryptor = sender(Kind.AUDIO, 7, 3)
    headers = [decode_header(encryptor.encrypt(AUDIO)) for _ in range(20)]
    assert [ctr for _, ctr, _ in headers] == list(range(20))
    assert len({kid for kid, _, _ in headers}) == 1
    other, _, _ = decode_header(sender(Kind.AUDIO, 7, 3, "another").encrypt(AUDIO))
    assert other & 0xFFFF == headers[0][0] & 0xFFFF
    assert other >> 16 != headers[0][0] >> 16


def test_e36_senders_switch_on_merge() -> None:
    encryptor = sender(Kind.CAMERA, 7, 3)
    before, _, _ = decode_header(encryptor.encrypt(frame_of(Kind.CAMERA, 100)), 3)
    encryptor.encrypt(frame_of(Kind.CAMERA, 101))
    encryptor.switch_to(SendEpoch(8, base_key(8), 3))
    after, ctr, _ = decode_header(encryptor.encrypt(frame_of(Kind.CAMERA, 102)), 3)
    assert (after & 0xFF, ctr) == (8, 0)
    assert after >> 16 != before >> 16


def test_e35_an_encryptor_is_never_copied_or_saved() -> None:
    encryptor = sender(Kind.AUDIO, 7, 3)
    for copied in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(UsageError):
            copied(encryptor)


def test_nothing_is_encrypted_without_an_epoch_or_that_is_no_frame() -> None:
    encryptor = FrameEncryptor(Kind.CAMERA, seeded("new"))
    frame = frame_of(Kind.CAMERA, 100)
    with pytest.raises(UsageError, match="no key"):
        encryptor.encrypt(frame)
    encryptor.switch_to(SendEpoch(7, base_key(7), 3))
    encryptor.encrypt(frame)
    for short in (b"", b"\1\2", bytes(9)):
        with pytest.raises(UsageError, match="no frame"):
            encryptor.encrypt(short)
    encryptor.stop()
    with pytest.raises(UsageError, match="no key"):
        encryptor.encrypt(frame)


def test_a_frame_of_opus_may_be_empty() -> None:
    assert receiver(Kind.AUDIO, 7)[1].decrypt(sender(Kind.AUDIO, 7, 3).encrypt(b""), 0) == Opened(
        b"", "ben", 3, 7
    )


def test_e36_a_frame_is_taken_once_whichever_transceiver_it_comes_through() -> None:
    keys, decryptor = receiver(Kind.AUDIO, 7)
    twin = FrameDecryptor(Kind.AUDIO, keys)
    sent = sender(Kind.AUDIO, 7, 3).encrypt(AUDIO)
    assert [heard(one.decrypt(sent, 0)) for one in (decryptor, twin, decryptor)] == [
        "ben",
        "replay",
        "replay",
    ]


def test_e36_frames_out_of_order_are_taken_within_the_window_and_none_behind() -> None:
    _, decryptor = receiver(Kind.AUDIO, 7)
    order = [5000, 4999, 904, 905, 5001, 905]
    results = [heard(decryptor.decrypt(forge(KID, ctr), 0)) for ctr in order]
    assert results == ["ben", "ben", "replay", "ben", "ben", "replay"]


def test_e36_each_kid_has_a_window() -> None:
    _, decryptor = receiver(Kind.AUDIO, 7)
    for kid in (KID, KID + 0x10000):
        assert heard(decryptor.decrypt(forge(kid, 9000), 0)) == "ben"
        assert heard(decryptor.decrypt(forge(kid, 9000), 0)) == "replay"


def test_e36_another_kind_than_the_transceivers_is_dropped() -> None:
    sent = sender(Kind.SCREEN_AUDIO, 7, 3).encrypt(AUDIO)
    keys, decryptor = receiver(Kind.AUDIO, 7)
    assert decryptor.decrypt(sent, 0) is Dropped.KIND
    assert heard(FrameDecryptor(Kind.SCREEN_AUDIO, keys).decrypt(sent, 0)) == "ben"


def test_e36_people_are_labelled_by_their_leaf() -> None:
    _, decryptor = receiver(Kind.AUDIO, 7)
    anna, ben = sender(Kind.AUDIO, 7, 0), sender(Kind.AUDIO, 7, 3)
    results = [heard(decryptor.decrypt(one.encrypt(AUDIO), 0)) for one in (anna, ben, anna)]
    assert results == ["anna", "ben", "anna"]


@pytest.mark.parametrize(("epoch", "leaf"), [(7, 9), (8, 3), (7, OWN_LEAF)])
def test_e36_an_empty_leaf_an_unknown_epoch_and_ones_own_voice_are_dropped(epoch: int, leaf: int) -> None:
    assert (
        receiver(Kind.AUDIO, 7)[1].decrypt(sender(Kind.AUDIO, epoch, leaf).encrypt(AUDIO), 0)
        is Dropped.NO_KEY
    )


def test_e36_plaintext_and_other_keys_are_dropped() -> None:
    _, decryptor = receiver(Kind.AUDIO, 7)
    assert decryptor.decrypt(forge(KID, 0, octets("other", 32)), 0) is Dropped.FORGED
    assert all(isinstance(decryptor.decrypt(octets(f"plain {i}", i), 0), Dropped) for i in range(300))


def test_bounds_of_counter_and_frame() -> None:
    _, decryptor = receiver(Kind.AUDIO, 7)
    assert decryptor.decrypt(forge(KID, 2**32), 0) is Dropped.MALFORMED
    assert heard(decryptor.decrypt(forge(KID, 2**32 - 1), 0)) == "ben"
    assert decryptor.decrypt(encode_header(KID, 1) + bytes(MAX_FRAME), 0) is Dropped.MALFORMED


def test_64_encryptors_of_a_leaf_are_remembered_and_only_those_that_something_opened_under() -> None:
    _, decryptor = receiver(Kind.AUDIO, 7)

    def kid(i: int, leaf: int = 3) -> int:
        return i << 16 | leaf << 8 | 7

    for i in range(100):
        assert decryptor.decrypt(forge(kid(i), 0)[:-1] + b"\0", 0) is Dropped.FORGED
    assert {heard(decryptor.decrypt(forge(kid(i), 0), 0)) for i in range(100, 164)} == {"ben"}
    assert decryptor.decrypt(forge(kid(164), 0), 0) is Dropped.NO_KEY
    assert heard(decryptor.decrypt(forge(kid(100), 1), 0)) == "ben"
    assert heard(decryptor.decrypt(forge(kid(1, 0), 0), 0)) == "anna"


def test_e36_an_epoch_is_heard_for_ten_seconds_after_it_ended() -> None:
    keys, decryptor = receiver(Kind.AUDIO, 7)
    ben = sender(Kind.AUDIO, 7, 3)
    keys.begin(epoch_of(8), 1000)
    assert heard(decryptor.decrypt(ben.encrypt(AUDIO), 10_999)) == "ben"
    assert decryptor.decrypt(ben.encrypt(AUDIO), 11_000) is Dropped.NO_KEY
    assert keys.expire(11_000) is None
    # It does not come back with an earlier clock.
    assert decryptor.decrypt(ben.encrypt(AUDIO), 0) is Dropped.NO_KEY


def test_e36_it_is_said_when_keys_are_due() -> None:
    keys, _ = receiver(Kind.AUDIO, 7)
    assert keys.expire(500) is None
    keys.begin(epoch_of(8), 1000)
    keys.begin(epoch_of(9), 4000)
    assert [keys.expire(now) for now in (4000, 11_000, 14_000)] == [11_000, 14_000, None]


def test_e36_whoever_was_removed_is_unheard_at_once_in_every_epoch() -> None:
    keys, decryptor = receiver(Kind.AUDIO, 7)
    anna, ben, late = sender(Kind.AUDIO, 7, 0), sender(Kind.AUDIO, 7, 3), sender(Kind.AUDIO, 8, 3)
    assert heard(decryptor.decrypt(ben.encrypt(AUDIO), 0)) == "ben"
    keys.begin(epoch_of(8), 0)
    keys.begin(epoch_of(9, {0: "anna", 255: "cleo"}), 1)
    assert [heard(decryptor.decrypt(one.encrypt(AUDIO), 2)) for one in (ben, late, anna)] == [
        "no_key",
        "no_key",
        "anna",
    ]


def test_e36_whoever_takes_a_removed_persons_leaf_takes_nothing_of_theirs() -> None:
    keys, decryptor = receiver(Kind.AUDIO, 7)
    ben = sender(Kind.AUDIO, 7, 3)
    keys.begin(epoch_of(8, {0: "anna", 3: "dora", 255: "cleo"}), 0)
    assert decryptor.decrypt(ben.encrypt(AUDIO), 1) is Dropped.NO_KEY
    assert heard(decryptor.decrypt(sender(Kind.AUDIO, 8, 3).encrypt(AUDIO), 1)) == "dora"


def test_e36_two_epochs_with_the_same_low_byte_are_never_known_at_once() -> None:
    keys, decryptor = receiver(Kind.AUDIO, 7)
    early = sender(Kind.AUDIO, 7, 3)
    assert heard(decryptor.decrypt(early.encrypt(AUDIO), 0)) == "ben"
    keys.begin(epoch_of(7 + 256), 1)
    assert decryptor.decrypt(early.encrypt(AUDIO), 2) is Dropped.FORGED
    assert decryptor.decrypt(sender(Kind.AUDIO, 263, 3).encrypt(AUDIO), 2) == Opened(AUDIO, "ben", 3, 263)
    # It is the present epoch that stands there now: it does not expire with the old one.
    assert keys.expire(1_000_000) is None
    assert heard(decryptor.decrypt(sender(Kind.AUDIO, 263, 0).encrypt(AUDIO), 1_000_000)) == "anna"


@pytest.mark.parametrize("epoch", [6, 7])
def test_epochs_begin_in_their_order(epoch: int) -> None:
    with pytest.raises(UsageError):
        receiver(Kind.AUDIO, 7)[0].begin(epoch_of(epoch), 1)


def test_when_a_call_is_over_nothing_of_it_is_heard() -> None:
    keys, decryptor = receiver(Kind.AUDIO, 7)
    ben = sender(Kind.AUDIO, 7, 3)
    assert heard(decryptor.decrypt(ben.encrypt(AUDIO), 0)) == "ben"
    keys.close()
    assert decryptor.decrypt(ben.encrypt(AUDIO), 0) is Dropped.NO_KEY
