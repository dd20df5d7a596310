"""Keys, account id, code text and roster code of `identity.json`, computed once more by other libraries."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA384
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tests.opaque.identity import ACCOUNT_LABEL, vector

ANSWERS: dict[str, Any] = json.loads(Path(__file__).with_name("identity.json").read_text())


def derived(purpose: str) -> bytes:
    salt, info = b"Collegium 1.0 recovery code", f"Collegium 1.0 code {purpose}".encode()
    return HKDF(SHA384(), 32, salt, info).derive(bytes.fromhex(ANSWERS["code"]["bytes"]))


def test_e6_what_a_recovery_code_makes() -> None:
    keys = ANSWERS["keys"]
    for name in ("root", "recovery"):
        seed = derived(name)
        assert seed.hex() == keys[f"{name}_private"]
        public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
        assert public.hex() == keys[f"{name}_key"]
    assert derived("vault").hex() == keys["vault_key"]
    root = bytes.fromhex(keys["root_key"])
    assert sha256(ACCOUNT_LABEL + root).digest()[:16].hex() == ANSWERS["account_id"]


def test_e6_the_text_of_a_recovery_code() -> None:
    alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    code = bytes.fromhex(ANSWERS["code"]["bytes"])
    check = int.from_bytes(sha256(b"Collegium 1.0 recovery code checksum" + code).digest()[:3], "big") >> 4
    number = int.from_bytes(code, "big") << 20 | check
    letters = "".join(alphabet[number >> shift & 31] for shift in range(135, -1, -5))
    assert "-".join(letters[i : i + 4] for i in range(0, 28, 4)) == ANSWERS["code"]["text"]


def test_e7_a_statement_is_signed_over_its_label() -> None:
    chain = bytes.fromhex(ANSWERS["chains"]["one_link"])
    content, signature = chain[2:-64], chain[-64:]
    root = Ed25519PublicKey.from_public_bytes(bytes.fromhex(ANSWERS["keys"]["root_key"]))
    root.verify(signature, vector(b"Collegium 1.0 identity") + vector(content))


def test_e12_the_roster_code() -> None:
    entries = sorted((one["account_id"], one["root_key"]) for one in ANSWERS["roster"]["entries"])
    roster = b"".join(bytes.fromhex(account + root) for account, root in entries)
    kdf = Argon2id(salt=b"Collegium 1.0 roster code", length=32, iterations=3, lanes=1, memory_cost=64 * 1024)
    number = int.from_bytes(kdf.derive(roster), "big") % 10**30
    assert f"{number:030}" == ANSWERS["roster"]["code"]
