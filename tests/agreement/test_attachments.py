"""Attachments: what the browser sealed opens here and is sealed alike, and the other way round.

`attachments.json` is the browser's; `attachments_python.json` is written by
`python tests/agreement/test_attachments.py`. Byte i of each file is (i·i + seed) mod 251.
"""

import json
import sys
from hashlib import shake_256
from pathlib import Path
from typing import Any

import pytest

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from crypto.attachments.descriptor import decode_descriptor, encode_descriptor
from crypto.attachments.file_opener import ChunkOpener, FileOpener
from crypto.attachments.file_sealer import FileSealer

BROWSER = Path(__file__).with_name("attachments.json")
OURS = Path(__file__).with_name("attachments_python.json")
LONGEST_WRITTEN = 10_000
"""Of longer files the hash alone is kept."""


def content(size: int, seed: int) -> bytes:
    return bytes((i * i + seed) % 251 for i in range(size))


def sealed(key: bytes, size: int, seed: int, chunk_size: int, name: str, type_: str) -> dict[str, Any]:
    sealer = FileSealer(size, lambda _: key, chunk_size)
    ciphertext = b"".join([*sealer.push(content(size, seed)), *sealer.finish()])
    return {
        "seed": seed,
        "size": size,
        "chunk_size": chunk_size,
        "descriptor": encode_descriptor(sealer.descriptor(name, type_)).hex(),
        "ciphertext": ciphertext.hex() if size <= LONGEST_WRITTEN else None,
    }


def answers() -> list[dict[str, Any]]:
    def key(name: str) -> bytes:
        return shake_256(f"agreement on attachments: {name}".encode()).digest(32)

    return [
        sealed(key("empty"), 0, 1, 65_536, "Nichts.txt", "text/plain"),
        sealed(key("short"), 9000, 2, 4096, "Grüße 👋.pdf", "application/pdf"),
        sealed(key("long"), 290_000, 3, 65_536, "image", "image/jpeg"),
        sealed(key("padded"), 290_000, 4, 5000, "a", "application/vnd.oasis.opendocument.text"),
    ]


def written() -> str:
    return json.dumps(answers(), indent=1) + "\n"


def test_what_python_seals_is_what_is_written() -> None:
    assert OURS.read_text() == written()


def files(file: Path) -> list[Any]:
    return list(json.loads(file.read_text())) if file.exists() else []


def test_there_are_files_of_both() -> None:
    assert files(BROWSER)
    assert files(OURS)


@pytest.mark.parametrize(
    "made", files(BROWSER) + files(OURS), ids=lambda made: f"{made['size']} {made['seed']}"
)
def test_a_file_of_either_language_opens_and_is_sealed_alike(made: dict[str, Any]) -> None:
    descriptor = decode_descriptor(bytes.fromhex(made["descriptor"]))
    again = sealed(
        descriptor.key, made["size"], made["seed"], made["chunk_size"], descriptor.name, descriptor.type
    )
    assert again == made
    if made["ciphertext"] is None:
        return
    ciphertext, whole = bytes.fromhex(made["ciphertext"]), content(made["size"], made["seed"])
    opener = FileOpener(descriptor)
    assert b"".join([*opener.push(ciphertext), opener.finish()]) == whole
    one = ChunkOpener(descriptor)
    for n in range(one.geometry.chunks):
        start, end = one.geometry.chunk_range(n)
        assert (
            one.open(n, ciphertext[start:end]) == whole[n * descriptor.chunk_size :][: descriptor.chunk_size]
        )


if __name__ == "__main__":
    OURS.write_text(written())
