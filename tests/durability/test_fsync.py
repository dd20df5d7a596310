"""SIGKILL cannot show a missing fsync; a system call trace can: a completed sync between each commit and its
acks.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.house_server import HouseServer, run
from tests.opaque.session import Session

MESSAGES = 40
CALLS = "pwrite64,pwritev,write,writev,sendto,sendmsg,fsync,fdatasync"
BROKEN = (
    "import server.database; server.database.SYNCHRONOUS = 'OFF'; from server.cli import main; "
    "import sys; sys.argv = ['server', 'serve']; main()"
)
LINE = re.compile(r"^(?P<pid>\d+) +(?P<rest>.*)$")
START = re.compile(r"^(?P<call>\w+)\((?P<arguments>.*)$")
RESUMED = re.compile(r"^<\.\.\. (?P<call>\w+) resumed>(?P<arguments>.*)$")
PATH = re.compile(r"<((?:\\x[0-9a-f]{2})+)>")
ACK = r"\\x61\\x74\\x63\\x61\\x63\\x6b"  # the field t of the text ack


@pytest.fixture(scope="module")
def strace() -> str:
    found = shutil.which("strace")
    if found is None and shutil.which("apt-get") and os.geteuid() == 0:
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "install", "-y", "-qq", "strace"], env=quiet, capture_output=True)
        found = shutil.which("strace")
    if found is None:
        pytest.skip("strace is not installed, and only root can install it: sudo apt install strace")
    probe = subprocess.run([found, "-o", "/dev/null", "true"], capture_output=True)
    if probe.returncode != 0:
        pytest.skip("this machine does not let one process trace another")
    return found


def acks_without_sync(trace: str) -> tuple[int, list[str]]:
    """How many acks were written, and what is wrong: an ack that no completed sync of the WAL precedes, after
    the last write to the WAL before it.
    """
    unfinished: dict[str, str] = {}
    unsynced, syncs, acks = False, 0, 0
    writes_during: dict[str, bool] = {}  # a sync under way, and whether the WAL was written meanwhile
    wrong = []
    for number, line in enumerate(trace.splitlines(), start=1):
        found = LINE.match(line)
        if found is None:
            continue
        pid, rest = found["pid"], found["rest"]
        resumed = RESUMED.match(rest)
        if resumed is not None:
            rest, begins, ends = unfinished.pop(pid, "") + resumed["arguments"], False, True
        elif rest.endswith("<unfinished ...>"):
            unfinished[pid] = rest = rest.removesuffix("<unfinished ...>")
            begins, ends = True, False
        else:
            begins = ends = True
        start = START.match(rest)
        if start is None:
            continue
        call, arguments = start["call"], start["arguments"]
        wal = "collegium.sqlite-wal>" in arguments.split(",")[0].split(")")[0]
        match call:
            case "pwrite64" | "pwritev" if wal and begins:
                unsynced = True
                writes_during = dict.fromkeys(writes_during, True)
            case "fdatasync" | "fsync" if wal:
                if begins:
                    writes_during[pid] = False
                if ends and rest.rstrip().endswith("= 0") and not writes_during.pop(pid, True):
                    unsynced = False
                    syncs += 1
            case "write" | "writev" | "sendto" | "sendmsg" if begins and re.search(ACK, arguments):
                acks += 1
                if unsynced or syncs == 0:
                    wrong.append(f"line {number}: an ack before the sync of what it acknowledges")
                syncs = 0
    return acks, wrong


def traced(strace: str, folder: Path, main: list[str] | None) -> str:
    """The trace of a server while one member sends one message after another."""
    folder.mkdir()
    out = folder / "trace"
    wrap = [
        strace,
        "-f",
        "-y",
        "-xx",
        "-s",
        "48",
        "-e",
        f"trace={CALLS}",
        "-e",
        "signal=none",
        "-o",
        str(out),
    ]
    house = HouseServer(folder, wrap=wrap, main=main).start()
    try:

        async def work() -> None:
            me = Session(house.base)
            await me.register(house.token())
            room = await me.create_room()
            await me.connect()
            for _ in range(MESSAGES):
                await me.say(room, b"x" * 200)
            await me.close()

        run(work())
        house.stop()
    finally:
        house.close()
    # With -xx the paths of descriptors are in hex as well.
    return PATH.sub(lambda m: "<" + bytes.fromhex(m[1].replace("\\x", "")).decode() + ">", out.read_text())


def test_every_ack_follows_a_completed_sync(strace: str, tmp_path: Path) -> None:
    acks, wrong = acks_without_sync(traced(strace, tmp_path / "full", None))
    assert acks == MESSAGES
    assert wrong == []


def test_the_trace_shows_a_missing_sync(strace: str, tmp_path: Path) -> None:
    """Broken on purpose: the same server with synchronous=OFF is found out."""
    acks, wrong = acks_without_sync(traced(strace, tmp_path / "off", ["-c", BROKEN]))
    assert acks == MESSAGES
    assert len(wrong) == MESSAGES


def test_the_reader_of_traces_sees_a_write_during_a_sync() -> None:
    trace = "\n".join(
        (
            "7 pwrite64(3</d/collegium.sqlite-wal>, , 1, 0) = 1",
            "7 fdatasync(3</d/collegium.sqlite-wal> <unfinished ...>",
            "8 pwrite64(3</d/collegium.sqlite-wal>, , 1, 0) = 1",
            "7 <... fdatasync resumed>) = 0",
            '9 write(5<TCP:[]>, "\\x61\\x74\\x63\\x61\\x63\\x6b", 6) = 6',
        )
    )
    assert acks_without_sync(trace) == (1, ["line 5: an ack before the sync of what it acknowledges"])
