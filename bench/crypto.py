"""What the cryptography costs, in both languages; groups beside ts-mls (npm), fetched when first needed.

./run bench crypto            everything (some minutes)
./run bench crypto mls        groups: suites 1 and 0xFC02, of 8 and of 50
./run bench crypto sframe     frames of a call as SFrame, and chunks of an attachment
./run bench crypto mls cpu    by the processor's time, where the machine is busy with other things
"""

import json
import os
import runpy
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from statistics import median

from bench import crypto_sframe
from bench.crypto_mls import BATCH, Samples, python_samples
from tests.programs import node_program

ROOT = Path(__file__).resolve().parents[1]
TS_MLS = ROOT / "bench/ts-mls"
PARTS = ("mls", "sframe")
SIZES = (8, 50)
SUITES = ((1, 1), (0xFC02, 83))
"""Ours, and the one of ts-mls: it has no 0xFC02, and the nearest is X-Wing with SHA-512."""
ROWS = (
    ("add_many", "add all the others in one commit", 1),
    ("join", "join by Welcome", 1),
    ("update_first_create", "first update: create", 1),
    ("update_first_process", "first update: process", 1),
    ("update_create", "update: create", 1),
    ("update_process", "update: process", 1),
    ("encrypt", "encrypt a message of 200 bytes", BATCH),
    ("decrypt", "decrypt it", BATCH),
    ("add_many_bytes", "bytes of the commit with the Adds", 1),
    ("welcome_bytes", "bytes of the Welcome", 1),
    ("update_first_bytes", "bytes of the first update", 1),
    ("update_bytes", "bytes of an update", 1),
)


def typescript_samples(suite: int, size: int) -> Samples:
    return _samples([*node_program("benchMls"), str(suite), str(size)])


def ts_mls_samples(suite: int, size: int) -> Samples:
    node = node_program("benchMls")[0]
    return _samples([node, str(TS_MLS / "bench.mjs"), str(suite), str(size)])


def _samples(command: list[str]) -> Samples:
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT)
    samples: Samples = json.loads(done.stdout)
    return samples


def fetch_ts_mls() -> bool:
    """Whether ts-mls is there, with the versions that it pins, in a folder of its own."""
    value = sha256((TS_MLS / "package-lock.json").read_bytes()).hexdigest()
    stamp = TS_MLS / "node_modules/.collegium"
    if stamp.exists() and stamp.read_text() == value:
        return True
    npm, env = runpy.run_path(str(ROOT / "run"))["node"]()
    done = subprocess.run(
        [*npm, "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=TS_MLS, env=env
    )
    if done.returncode == 0:
        stamp.write_text(value)
    return done.returncode == 0


def groups() -> None:
    there = fetch_ts_mls()
    if not there:
        print("ts-mls could not be fetched: its column stays empty")
    unit = "ms of the processor" if os.environ.get("COLLEGIUM_BENCH_CPU") == "1" else "ms"
    for suite, other in SUITES:
        for size in SIZES:
            columns = [
                python_samples(suite, size),
                typescript_samples(suite, size),
                ts_mls_samples(other, size) if there else {},
            ]
            note = "" if other == suite else f" (ts-mls: its suite {other})"
            print(f"\nsuite {suite:#06x}, {size} members{note}: medians in {unit}")
            print(f"{'':<36}{'Python':>12}{'TypeScript':>12}{'ts-mls':>12}{'ts-mls / TypeScript':>22}")
            for name, what, per in ROWS:
                values = [median(one[name]) / per if name in one else None for one in columns]
                ratio = values[2] / values[1] if values[1] and values[2] else None
                cells = "".join(f"{_figure(value, name):>12}" for value in values)
                print(f"{what:<36}{cells}{f'{ratio:.2f}' if ratio else '-':>22}", flush=True)


def _figure(value: float | None, name: str) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if name.endswith("bytes") else f"{value:.2f}"


def main(arguments: list[str]) -> None:
    if "cpu" in arguments:
        os.environ["COLLEGIUM_BENCH_CPU"] = "1"
    parts = [one for one in arguments if one != "cpu"] or list(PARTS)
    if not set(parts) <= set(PARTS):
        sys.exit(f"./run bench crypto [PART] [cpu], where PART is {' or '.join(PARTS)}")
    if "mls" in parts:
        groups()
    if "sframe" in parts:
        print()
        crypto_sframe.main()


if __name__ == "__main__":
    main(sys.argv[1:])
