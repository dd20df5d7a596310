"""KeyPackages as a server might hand them out, honest and not, the same as in
web/tests/room/keyPackageCases.ts: what is asked for is the laptop of anna, by the keys that she is known by.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from crypto.identity.certificate import revoke_device
from crypto.identity.identity import Identity, supersede_identity
from crypto.identity.statement import read_chain
from crypto.mls.credential import BasicCredential
from crypto.mls.extension import Extension
from crypto.mls.key_package import CreatedKeyPackage, KeyPackageInput, create_key_package, key_package_ref
from crypto.mls.suite import CipherSuite, room_suite
from crypto.mls.suites import suite_of
from crypto.room.key_packages import (
    MAX_KEY_PACKAGE,
    Claiming,
    WantedDevice,
    judge_claimed,
    make_key_package,
)
from tests.crypto.identity.people import DEPLOYMENT, NOW, code_of, device, id_of, seeded, someone, spoilt

DAY: Final = 24 * 3_600_000
STAMP: Final = NOW + DAY
SECONDS: Final = NOW // 1000
MONTH: Final = 30 * 86_400

ANNA: Final = someone("anna")
RENEWED: Final = supersede_identity(ANNA.identity, ANNA.keys, seeded("anna renewed"))


def _leaf(
    who: str,
    identity: Identity | None = None,
    not_before: int = SECONDS,
    lasting: int = MONTH,
    **certified: Any,
) -> KeyPackageInput:
    made = device(identity or someone(who.split(" ")[0]).identity, who, **certified)
    return KeyPackageInput(
        signature=made.leaf_key,
        credential=BasicCredential(made.credential),
        not_before=not_before,
        not_after=not_before + lasting,
    )


def _make(name: str, leaf: KeyPackageInput, last_resort: bool = False) -> CreatedKeyPackage:
    return make_key_package(leaf, last_resort, seeded(f"key package {name}"))


def _by_hand(name: str, suite: CipherSuite, extensions: tuple[Extension, ...] = ()) -> CreatedKeyPackage:
    leaf = _leaf("anna laptop")
    content = KeyPackageInput(
        signature=leaf.signature,
        credential=leaf.credential,
        not_before=leaf.not_before,
        not_after=leaf.not_after,
        extensions=extensions,
    )
    return create_key_package(suite, content, seeded(f"key package {name}"))


MADE: Final[Mapping[str, CreatedKeyPackage]] = {
    "good": _make("good", _leaf("anna laptop")),
    "last_resort": _make("last_resort", _leaf("anna laptop"), last_resort=True),
    "renewed": _make("renewed", _leaf("anna laptop", RENEWED)),
    "other_person": _make("other_person", _leaf("ben laptop")),
    "other_device": _make("other_device", _leaf("anna phone")),
    "other_server": _make("other_server", _leaf("anna laptop", deployment_id=id_of("elsewhere"))),
    "other_suite": _by_hand("other_suite", suite_of(1)),
    "long": _make("long", _leaf("anna laptop", lasting=MONTH + 86_400 + 1)),
    "certificate_over": _make("certificate_over", _leaf("anna laptop", not_after=STAMP - 1)),
    "future": _make("future", _leaf("anna laptop", not_before=SECONDS + 2 * 86_400)),
    "mark_with_data": _by_hand("mark_with_data", room_suite, (Extension(0x000A, b"\1"),)),
}


@dataclass(frozen=True, slots=True)
class Case:
    """`verdict`: the code of the check that it does not pass, or what it is taken for."""

    name: str
    data: bytes
    verdict: str
    identity: Identity = ANNA.identity
    now: int = STAMP
    revocations: tuple[bytes, ...] = ()
    seen: frozenset[bytes] = frozenset()


def ref_of(name: str) -> bytes:
    return key_package_ref(room_suite, MADE[name].bytes)


def _cases() -> tuple[Case, ...]:
    data = {name: one.bytes for name, one in MADE.items()}
    lost = revoke_device(ANNA.identity, id_of("device anna laptop"), 1)
    others = revoke_device(ANNA.identity, id_of("device anna phone"), 1)
    end = (SECONDS + MONTH) * 1000
    return (
        Case("good", data["good"], "single"),
        Case("good to the last second", data["good"], "single", now=end + 999),
        Case("good beside what others are revoked for", data["good"], "single", revocations=(others,)),
        Case("last resort", data["last_resort"], "last_resort"),
        Case(
            "last resort once more",
            data["last_resort"],
            "last_resort",
            seen=frozenset({ref_of("last_resort")}),
        ),
        Case("a newer identity key, known", data["renewed"], "single", identity=RENEWED),
        # THREATS 2: swapped.
        Case("another person", data["other_person"], "key_package_account"),
        Case("another device", data["other_device"], "key_package_device"),
        Case("another server", data["other_server"], "deployment"),
        Case("another identity key than the known one", data["renewed"], "key_package_identity"),
        Case("an identity key that was superseded", data["good"], "key_package_identity", identity=RENEWED),
        # E1: no other suite, whoever signed it.
        Case("another suite", data["other_suite"], "v401_key_package_suite"),
        # THREATS 3: stale, and again.
        Case("over by a second", data["good"], "key_package_expired", now=end + 1000),
        Case("not yet", data["future"], "key_package_expired"),
        Case("before its certificate", data["good"], "not_yet_valid", now=NOW - 1000),
        Case("valid for too long", data["long"], "key_package_lifetime"),
        Case("its certificate is over", data["certificate_over"], "expired"),
        Case("revoked", data["good"], "revoked", revocations=(others, lost)),
        Case("once more", data["good"], "key_package_seen", seen=frozenset({ref_of("good")})),
        # Altered on its way.
        Case("a bit of its signature", spoilt(data["good"], -1), "v402_key_package_signature"),
        Case("a bit of its init key", spoilt(data["good"], 10), "v402_key_package_signature"),
        Case("the mark taken away", _unmarked(), "v402_key_package_signature"),
        Case("a mark with data", data["mark_with_data"], "last_resort"),
        Case("cut", data["good"][:-1], "decode"),
        Case("longer", data["good"] + b"\0", "decode"),
        Case("nothing", b"", "decode"),
        Case("too large", bytes(MAX_KEY_PACKAGE + 1), "decode"),
    )


def _unmarked() -> bytes:
    """The type of the mark changed to that of nothing."""
    data = MADE["last_resort"].bytes
    at = data.rindex(b"\x00\x0a\x00")
    return data[:at] + b"\x00\x0b\x00" + data[at + 3 :]


CASES: Final = _cases()


def wanted_by(identity: Identity) -> WantedDevice:
    chain = read_chain(identity.chain)
    return WantedDevice(
        id_of("device anna laptop"), chain.account_id, chain.identity_key, chain.serial, tuple(chain.roots)
    )


def verdict_of(case: Case) -> str:
    """What this program says of it."""
    at = Claiming(DEPLOYMENT, case.now, case.revocations, case.seen)
    taken: list[str] = []

    def judge() -> None:
        claimed = judge_claimed(case.data, wanted_by(case.identity), at)
        assert claimed.ref == key_package_ref(room_suite, case.data)
        assert claimed.identity.device_id == id_of("device anna laptop")
        assert claimed.not_after == (SECONDS + MONTH) * 1000
        taken.append("last_resort" if claimed.last_resort else "single")

    code = code_of(judge)
    return taken[0] if taken else code
