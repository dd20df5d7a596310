"""Frames of a call: the browser's open here and are made here byte for byte, and the other way round.

`sframe.json` is the browser's; `sframe_python.json` is written by `python tests/agreement/test_sframe.py`.
"""

import json
import sys
from collections.abc import Iterator
from hashlib import shake_256
from pathlib import Path
from typing import Any

import pytest

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from crypto.sframe.frame_decryptor import FrameDecryptor, Opened
from crypto.sframe.frame_encryptor import FrameEncryptor, SendEpoch
from crypto.sframe.key_derivation import BASE_KEY_LABEL, BASE_KEY_LENGTH
from crypto.sframe.kid import Kind
from crypto.sframe.receive_keys import ReceiveEpoch, ReceiveKeys

BROWSER = Path(__file__).with_name("sframe.json")
OURS = Path(__file__).with_name("sframe_python.json")
KINDS = {kind.name.lower(): kind for kind in Kind}


def drawn(name: str, length: int) -> bytes:
    return shake_256(f"agreement on frames: {name}".encode()).digest(length)


def frames(kind: Kind) -> Iterator[bytes]:
    """Three delta frames and a key frame where there are such; one so long that its length has two bytes."""
    for length, key in ((40, False), (41, True), (1100, False), (10, True)):
        frame = bytearray(drawn(f"{kind} {length}", length))
        frame[0] = frame[0] & 0xFE if key else frame[0] | 1
        yield bytes(frame)


def sending(kind: Kind, epoch: int, leaf: int) -> dict[str, Any]:
    base_key, random = drawn(f"base key {epoch}", BASE_KEY_LENGTH), drawn(f"random {kind} {leaf}", 6)
    encryptor = FrameEncryptor(kind, lambda _: random)
    encryptor.switch_to(SendEpoch(epoch, base_key, leaf))
    return {
        "kind": kind.name.lower(),
        "epoch": epoch,
        "leaf": leaf,
        "base_key": base_key.hex(),
        "random": random.hex(),
        "frames": [{"plain": frame.hex(), "sent": encryptor.encrypt(frame).hex()} for frame in frames(kind)],
    }


def answers() -> dict[str, Any]:
    return {
        "base_key_label": BASE_KEY_LABEL,
        "senders": [
            sending(kind, 255 + kind, leaf) for kind, leaf in zip(Kind, (0, 1, 200, 255), strict=True)
        ],
    }


def written() -> str:
    return json.dumps(answers(), indent=1) + "\n"


def test_what_python_sends_is_what_is_written() -> None:
    assert OURS.read_text() == written()


def senders(file: Path) -> list[Any]:
    content = json.loads(file.read_text()) if file.exists() else {"senders": []}
    return list(content["senders"])


@pytest.mark.parametrize(
    "made", senders(BROWSER) + senders(OURS), ids=lambda made: f"{made['kind']} {made['leaf']}"
)
def test_e35_a_browsers_frames_open_and_are_made_alike(made: dict[str, Any]) -> None:
    kind, epoch, leaf = KINDS[made["kind"]], made["epoch"], made["leaf"]
    base_key = bytes.fromhex(made["base_key"])
    encryptor = FrameEncryptor(kind, lambda _: bytes.fromhex(made["random"]))
    encryptor.switch_to(SendEpoch(epoch, base_key, leaf))
    keys = ReceiveKeys()
    keys.begin(ReceiveEpoch(epoch, base_key, {leaf: "sender", leaf ^ 1: "receiver"}, leaf ^ 1), 0)
    decryptor = FrameDecryptor(kind, keys)
    assert made["frames"]
    for frame in made["frames"]:
        plain, sent = bytes.fromhex(frame["plain"]), bytes.fromhex(frame["sent"])
        assert decryptor.decrypt(sent, 0) == Opened(plain, "sender", leaf, epoch)
        assert encryptor.encrypt(plain) == sent


def test_both_speak_of_the_same_base_key() -> None:
    assert json.loads(BROWSER.read_text())["base_key_label"] == BASE_KEY_LABEL


if __name__ == "__main__":
    OURS.write_text(written())
