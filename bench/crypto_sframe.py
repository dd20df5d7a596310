"""What frames of a call and chunks of an attachment cost, in both languages: `python -m bench.crypto_sframe`.

`python_samples()` and `typescript_samples()` are for the table of all of crypto/.
"""

import json
import os
import subprocess
import time
from collections.abc import Callable
from statistics import median

from crypto.attachments.chunk_cipher import ChunkCipher
from crypto.attachments.geometry import Geometry
from crypto.sframe.frame_decryptor import FrameDecryptor, Opened
from crypto.sframe.frame_encryptor import FrameEncryptor, SendEpoch
from crypto.sframe.kid import Kind
from crypto.sframe.receive_keys import ReceiveEpoch, ReceiveKeys

Samples = dict[str, list[float]]
"""µs for one frame or chunk, one sample for each batch."""

FRAME = 1100
KEY_FRAME = 60_000
CHUNK = 64 * 1024
BATCHES = 100
BATCH = 100


def python_samples() -> Samples:
    samples: Samples = {}

    def timed(name: str, count: int, run: Callable[[int], object]) -> None:
        started = time.perf_counter()
        for i in range(count):
            run(i)
        samples.setdefault(name, []).append((time.perf_counter() - started) / count * 1e6)

    for _ in range(BATCHES):
        _frames(Kind.AUDIO, FRAME, BATCH, "Opus, 1,100 bytes", timed)
        _frames(Kind.CAMERA, FRAME, BATCH, "VP8, 1,100 bytes", timed)
        _frames(Kind.CAMERA, KEY_FRAME, BATCH // 10, "VP8, 60,000 bytes", timed)
        _chunks(BATCH // 10, timed)
    return samples


Timed = Callable[[str, int, Callable[[int], object]], None]


def _frames(kind: Kind, length: int, count: int, name: str, timed: Timed) -> None:
    base_key = os.urandom(32)
    encryptor = FrameEncryptor(kind, os.urandom)
    encryptor.switch_to(SendEpoch(7, base_key, 3))
    keys = ReceiveKeys()
    keys.begin(ReceiveEpoch(7, base_key, {3: "sender", 4: "receiver"}, 4), 0)
    decryptor = FrameDecryptor(kind, keys)
    frame = os.urandom(length)
    # The first frame of a sender makes its receivers derive its key.
    decryptor.decrypt(encryptor.encrypt(frame), 0)
    sent: list[bytes] = []
    timed(f"encrypt: {name}", count, lambda _: sent.append(encryptor.encrypt(frame)))
    opened: list[object] = []
    timed(f"decrypt: {name}", count, lambda i: opened.append(decryptor.decrypt(sent[i], 0)))
    if not all(isinstance(one, Opened) and one.frame == frame for one in opened):
        raise RuntimeError("a frame did not open")


def _chunks(count: int, timed: Timed) -> None:
    cipher = ChunkCipher(os.urandom(32), Geometry(count * CHUNK, CHUNK))
    chunk = os.urandom(CHUNK)
    sealed: list[bytes] = []
    timed("seal: chunk of 64 KiB", count, lambda i: sealed.append(cipher.seal(i, chunk)))
    timed("open: chunk of 64 KiB", count, lambda i: cipher.open(i, sealed[i]))


def typescript_samples() -> Samples:
    """In Node, with WebCrypto as in the browser, and beside it what noble would take."""
    from tests.programs import node_program

    done = subprocess.run(node_program("benchSframe"), capture_output=True, text=True, check=True)
    samples: Samples = json.loads(done.stdout)
    return samples


def main() -> None:
    python, typescript = python_samples(), typescript_samples()
    print("µs each: median (best) of batches; one at a time, each awaited")
    print(f"{'':<32}{'Python':>18}{'TypeScript':>18}")
    for name in {**python, **typescript}:
        cells = [
            f"{median(samples[name]):.1f} ({min(samples[name]):.1f})" if name in samples else "-"
            for samples in (python, typescript)
        ]
        print(f"{name:<32}{cells[0]:>18}{cells[1]:>18}")


if __name__ == "__main__":
    main()
