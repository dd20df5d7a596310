"""The load of the media bench: `load.c`, built here with the machine's compiler, and called from Python."""

import ctypes
import shutil
import socket
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from signaling.sfu.srtp import Keys

SOURCE = Path(__file__).with_name("load.c")
BUCKETS = 100_000
BUCKET_MS = 0.01
INSTALL = "apt-get install gcc libc6-dev libsrtp2-dev"

VIDEO_RATE, VIDEO_BYTES = 80, 1090
AUDIO_RATE, AUDIO_BYTES = 50, 80
"""Packets in a second, and bytes of each one's payload."""


class Figures(ctypes.Structure):
    """As in `load.c`."""

    _fields_ = [
        *(
            (name, ctypes.c_int64)
            for name in (
                "sent",
                "unsent",
                "arrived",
                "repairs",
                "padding",
                "rtcp",
                "refused",
                "nacks",
                "keys",
            )
        ),
        *((f"window_{name}", ctypes.c_int64) for name in ("begin", "end", "sent", "expected", "arrived")),
        ("delays", ctypes.c_int64 * (BUCKETS + 1)),
        ("lateness", ctypes.c_int64 * (BUCKETS + 1)),
    ]


@dataclass(frozen=True, slots=True)
class Sends:
    """Two streams of one connection: voice and camera."""

    audio: int  # SSRCs
    video: int
    audio_mid: str
    video_mid: str
    receivers: int


class NoLoadError(Exception):
    """The load cannot be built here. Says what to install."""


@cache
def built() -> ctypes.CDLL:
    """The library. Raises NoLoadError."""
    if shutil.which("cc") is None:
        raise NoLoadError(f"there is no C compiler: {INSTALL}")
    with tempfile.TemporaryDirectory(prefix="collegium-bench-") as folder:
        library = Path(folder) / "load.so"
        command = ["cc", "-O2", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-lsrtp2"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise NoLoadError(f"the load did not compile ({INSTALL}):\n{done.stderr[-1000:]}")
        return ctypes.CDLL(str(library))


class Load:
    """One thread at a time calls the methods; `figures` may be read by others."""

    def __init__(self) -> None:
        self._library = library = built()
        library.load_new.restype = ctypes.c_void_p
        library.load_figures.restype = ctypes.POINTER(Figures)
        library.load_figures.argtypes = [ctypes.c_void_p]
        library.load_add.argtypes = [
            ctypes.c_void_p,
            ctypes.c_int,
            ctypes.c_int,
            ctypes.c_char_p,
            ctypes.c_char_p,
            ctypes.c_uint32,
            ctypes.c_int,
            ctypes.c_char_p,
            ctypes.c_int,
        ]
        library.load_stream.argtypes = [
            ctypes.c_void_p,
            ctypes.c_int,
            ctypes.c_bool,
            ctypes.c_uint8,
            ctypes.c_uint32,
            ctypes.c_int,
            ctypes.c_int,
            ctypes.c_int,
        ]
        library.load_end.argtypes = [ctypes.c_void_p]
        library.load_remove.argtypes = [ctypes.c_void_p, ctypes.c_int]
        library.load_window.argtypes = library.load_run.argtypes = [ctypes.c_void_p, ctypes.c_int64]
        self._load = library.load_new()
        if not self._load:
            raise NoLoadError("libsrtp does not start")
        self.figures: Figures = library.load_figures(self._load).contents

    def add(
        self,
        connection: socket.socket,
        keys: Keys,
        ssrc: int,
        check: bytes,
        *,
        wide_id: int,
        sends: Sends | None,
    ) -> int:
        """A connection that is ready. `check` is sent again now and then, as consent (RFC 7675)."""
        place: int = self._library.load_add(
            self._load,
            connection.fileno(),
            keys.profile.number,
            keys.client,
            keys.server,
            ssrc,
            wide_id,
            check,
            len(check),
        )
        if place < 0:
            raise RuntimeError("the load does not take the connection")
        for video, mid, source, rate, size in (
            (
                (False, sends.audio_mid, sends.audio, AUDIO_RATE, AUDIO_BYTES),
                (True, sends.video_mid, sends.video, VIDEO_RATE, VIDEO_BYTES),
            )
            if sends
            else ()
        ):
            made = self._library.load_stream(
                self._load, place, video, ord(mid), source, rate, size, sends.receivers if sends else 0
            )
            if made < 0:
                raise RuntimeError("the load does not take the stream")
        return place

    def remove(self, place: int) -> None:
        """Before its socket is closed."""
        self._library.load_remove(self._load, place)

    def close(self) -> None:
        """When every connection is removed. Nothing may be called after it."""
        self._library.load_end(self._load)

    def run(self, seconds: float) -> None:
        """Send and receive for so long. Other threads of Python run meanwhile."""
        self._library.load_run(self._load, int(seconds * 1e9))

    def window(self, seconds: float) -> None:
        """Delays and losses are those of packets that are sent from now on for so long."""
        self._library.load_window(self._load, int(seconds * 1e9))


def quantile(buckets: "ctypes.Array[ctypes.c_int64]", q: float) -> float:
    """Milliseconds, upwards to the bucket's end; not a number when there is nothing."""
    counts = list(buckets)
    total, seen = sum(counts), 0
    for number, count in enumerate(counts):
        seen += count
        if count and seen >= q * total:
            return (number + 1) * BUCKET_MS
    return float("nan")
