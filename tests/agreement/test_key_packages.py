"""KeyPackages to be claimed, as both languages make and judge them (E9, E10; THREATS 2, 3).

`key_packages.json` holds what `tests/crypto/room/key_package_cases.py` makes from fixed seeds, and the
verdict on each case. TypeScript makes the same file of its own cases (web/tests/room/keyPackages.test.ts), so
that each judges what the other made. `python tests/agreement/test_key_packages.py` writes it again.
"""

import json
import sys
from hashlib import sha256
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.crypto.room.key_package_cases import CASES, MADE, verdict_of

FILE = Path(__file__).with_name("key_packages.json")


def written() -> str:
    made = {
        name: {"data": one.bytes.hex(), "init": one.secrets.init_private_key.hex()}
        for name, one in MADE.items()
    }
    cases = [
        {"case": one.name, "hash": sha256(one.data).hexdigest(), "verdict": verdict_of(one)} for one in CASES
    ]
    return json.dumps({"made": made, "cases": cases}, indent=1) + "\n"


def test_e9_both_languages_make_the_same_and_judge_the_same() -> None:
    assert FILE.read_text() == written()


if __name__ == "__main__":
    FILE.write_text(written())
