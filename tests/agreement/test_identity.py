"""Who somebody is, in two languages (E5 to E12, E22).

`identity.json` comes from TypeScript, `identity_python.json` from here: both are what these fixed names make.
The one part that nothing fixes is the encapsulation inside a sealed bundle, so a bundle is opened instead.
`python tests/agreement/test_identity.py` writes `identity_python.json` again.
"""

import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import pytest

from crypto.identity.auth_service import identify_leaf
from crypto.identity.bundle import Bundle, Pin, PinnedAccount, open_bundle, seal_bundle
from crypto.identity.certificate import read_revocation, revoke_device, revokes
from crypto.identity.identity import Identity, succeed_root, supersede_identity
from crypto.identity.recovery_code import format_recovery_code, parse_recovery_code
from crypto.identity.root_keys import root_keys
from crypto.identity.roster_code import RosterEntry, roster_code
from crypto.identity.statement import read_chain
from tests.crypto.identity.people import device, leaf_of, seeded, someone

FOLDER = Path(__file__).parent
PYTHON = FOLDER / "identity_python.json"


class Names(NamedTuple):
    file: str
    first: str
    others: tuple[str, ...]
    shown: str


WRITTEN = {
    "TypeScript": Names("identity.json", "anna", ("ben", "cleo"), "Anna"),
    "Python": Names(PYTHON.name, "dora", ("emil", "fred"), "Dora 🦉"),
}


def given(file: str) -> dict[str, Any]:
    answers: dict[str, Any] = json.loads((FOLDER / file).read_text())
    return answers


def colleagues(names: Names) -> list[Identity]:
    return [someone(name).identity for name in (names.first, *names.others)]


def bundle_of(names: Names) -> Bundle:
    accounts = tuple(PinnedAccount(one.account_id, one.root_key) for one in colleagues(names))
    pin = Pin(seeded("room")(16), accounts, 77, seeded("head")(48))
    return Bundle(someone(names.first).identity, names.shown, (pin,))


def answers(names: Names, sealed: str) -> dict[str, Any]:
    """The file, with `sealed` where the bundle stands."""
    person = someone(names.first)
    following = someone(f"{names.first}'s new code")
    renewed = supersede_identity(person.identity, person.keys, seeded("renewed"))
    moved = succeed_root(person.identity, person.keys, following.keys)
    laptop = device(moved, "laptop", serial=4)
    leaf = leaf_of(moved, "laptop", serial=4)
    keys, bundle = person.keys, bundle_of(names)
    return {
        "code": {"bytes": person.code.hex(), "text": format_recovery_code(person.code)},
        "keys": {
            "root_private": keys.root.private_key.hex(),
            "root_key": keys.root.public_key.hex(),
            "recovery_private": keys.recovery.private_key.hex(),
            "recovery_key": keys.recovery.public_key.hex(),
            "seal_private": keys.seal.private_key.hex(),
            "seal_key": keys.seal.public_key.hex(),
            "vault_key": keys.vault_key.hex(),
        },
        "account_id": person.identity.account_id.hex(),
        "identity_private": person.identity.identity_key.private_key.hex(),
        "chains": {
            "one_link": person.identity.chain.hex(),
            "higher_serial": renewed.chain.hex(),
            "new_root": {"code": format_recovery_code(following.code), "chain": moved.chain.hex()},
        },
        "leaf": {
            "credential": laptop.credential.hex(),
            "signature_key": laptop.leaf_key.public_key.hex(),
            "account_id": leaf.account_id.hex(),
            "roots": [root.hex() for root in leaf.roots],
            "identity_key": leaf.identity_key.hex(),
            "identity_serial": leaf.identity_serial,
            "deployment_id": leaf.deployment_id.hex(),
            "device_id": leaf.device_id.hex(),
            "certificate_serial": leaf.certificate_serial,
            "not_before": leaf.not_before,
            "not_after": leaf.not_after,
        },
        "revocation": revoke_device(person.identity, laptop.device_id, 4).hex(),
        "roster": {
            "entries": [
                {"account_id": one.account_id.hex(), "root_key": one.root_key.hex()}
                for one in colleagues(names)
            ],
            "code": roster_code(RosterEntry(one.account_id, one.root_key) for one in colleagues(names)),
        },
        "bundle": {
            "name": bundle.name,
            "pins": [
                {
                    "room": pin.room.hex(),
                    "accounts": [one.account_id.hex() for one in pin.accounts],
                    "position": pin.position,
                    "head": pin.head.hex(),
                }
                for pin in bundle.pins
            ],
            "sealed": sealed,
        },
    }


@pytest.mark.parametrize("names", WRITTEN.values(), ids=WRITTEN)
def test_e5_to_e12_both_languages_write_the_same(names: Names) -> None:
    found = given(names.file)
    assert found == answers(names, found["bundle"]["sealed"])


@pytest.mark.parametrize("names", WRITTEN.values(), ids=WRITTEN)
def test_e5_to_e12_what_was_written_is_read(names: Names) -> None:
    found = given(names.file)
    code = parse_recovery_code(found["code"]["text"])
    assert root_keys(code) == someone(names.first).keys
    leaf, chains = found["leaf"], found["chains"]
    identified = identify_leaf(bytes.fromhex(leaf["credential"]), bytes.fromhex(leaf["signature_key"]))
    assert [root.hex() for root in identified.roots] == leaf["roots"]
    serials = [chains["one_link"], chains["higher_serial"], chains["new_root"]["chain"]]
    assert [read_chain(bytes.fromhex(chain)).serial for chain in serials] == [1, 2, 3]
    assert revokes(read_revocation(bytes.fromhex(found["revocation"])), identified)


@pytest.mark.parametrize("names", WRITTEN.values(), ids=WRITTEN)
def test_e22_the_bundle_opens(names: Names) -> None:
    found = given(names.file)
    sealed = bytes.fromhex(found["bundle"]["sealed"])
    assert open_bundle(sealed, someone(names.first).keys) == bundle_of(names)


def test_the_file_for_typescript_is_in_the_form_that_is_written() -> None:
    found = PYTHON.read_text()
    assert found == written(json.loads(found)["bundle"]["sealed"])


def written(sealed: str) -> str:
    return json.dumps(answers(WRITTEN["Python"], sealed), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PYTHON.write_text(written(seal_bundle(bundle_of(WRITTEN["Python"]), seeded("seal")).hex()))
