"""What travels in rooms, in two languages (E13 to E34, E38).

`room.json` comes from TypeScript, `room_python.json` from here: both are what these fixed seeds make. The one
part that nothing fixes is the encapsulation inside a sealed answer, so that is opened instead. `python
tests/agreement/test_room.py` writes `room_python.json` again.
"""

import json
import sys
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import pytest

from crypto.identity.auth_service import identify_leaf
from crypto.mls.bytes import Rng
from crypto.mls.credential import BasicCredential
from crypto.mls.extension import Extension
from crypto.mls.key_package import KeyPackageInput, create_key_package
from crypto.mls.suite import room_suite
from crypto.mls.tree_math import LeafIndex
from crypto.room.bodies import Post, Stuck, decode_body, encode_body
from crypto.room.calls import Also, Ring, Rings
from crypto.room.calls import Answer as RingAnswer
from crypto.room.ephemeral import EphemeralSender, Signal, new_sender, open_signal, seal_signal
from crypto.room.events import (
    CommitData,
    Envelope,
    Unsigned,
    decode_commit_data,
    decode_envelope,
    encode_commit_data,
    encode_envelope,
    event_signature_is_valid,
    sign_event,
)
from crypto.room.fold import FOLD_VERSION, EventPlace, Fold, first_fold, next_events_hash
from crypto.room.invites import Fragment, encode_fragment, keys_of, parse_fragment
from crypto.room.join_request import SealedRequest, open_join_request, seal_join_request
from crypto.room.log_head import first_head, list_hash, next_head, payload_hash, seen_of
from crypto.room.meetings import Answer as Coming
from crypto.room.meetings import Meeting, Meetings, Moved
from crypto.room.rejoin import open_rejoin_request, sign_rejoin_request
from crypto.room.room_context import (
    Guest,
    JoinGrounds,
    OpenInvite,
    Pending,
    Policy,
    PolicyChange,
    RemoveChange,
    RoomContext,
    read_room_extensions,
    room_extensions,
)
from crypto.room.sealed_answer import Answer, AnswerDevice, AnswerPlace, open_answer, seal_answer
from crypto.room.snapshot import Snapshot, decode_snapshot, encode_snapshot, snapshot_hash
from crypto.room.stuck import sign_stuck, stuck_is_valid
from crypto.room.welcome_payload import (
    WelcomeClaim,
    WelcomePayload,
    decode_welcome_payload,
    encode_welcome_payload,
    welcome_reply,
    welcome_reply_is_valid,
)
from tests.crypto.identity.people import NOW, device, id_of, key_pair, seeded, someone

FOLDER = Path(__file__).parent
PYTHON = FOLDER / "room_python.json"
DAY = 24 * 3600


class Seeds:
    """Everything in one of the files. `prefix` stands before every seed, so that the files have nothing in
    common.
    """

    def __init__(self, file: str, prefix: str, person: str, shown: str) -> None:
        self.file, self.prefix, self.shown = file, prefix, shown
        self.person = someone(person).identity
        self.made = device(self.person, "laptop", serial=4)
        self.leaf_key, self.identity_key = key_pair(f"{prefix}leaf"), key_pair(f"{prefix}identity")
        self.room, self.account, self.device = self.id("room"), self.id("account"), self.id("device")

    def id(self, name: str) -> bytes:
        return id_of(self.prefix + name)

    def rng(self, name: str) -> Rng:
        return seeded(self.prefix + name)

    def given(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((FOLDER / self.file).read_text())
        return found

    # The parts

    def log(self) -> tuple[list[dict[str, Any]], list[bytes]]:
        """Entries as they stand in the file, and the head before and after each."""
        payloads = [self.rng("one")(5), self.rng("two")(300), self.rng("three")(1)]
        entries, heads = [], [first_head(self.room)]
        for n, payload in enumerate(payloads, start=1):
            time = NOW + 1000 * (n - 1)
            heads.append(next_head(heads[-1], n, time, payload_hash(payload)))
            entries.append({"n": n, "time": time, "payload": payload.hex()})
        return entries, heads

    def open_invite(self) -> OpenInvite:
        keys = keys_of(self.rng("secret")(16))
        return OpenInvite(
            keys.invite_id, self.account, keys.join_key.public_key, keys.welcome_key, keys.seal_key, NOW
        )

    def key_package(self) -> bytes:
        content = KeyPackageInput(
            signature=self.made.leaf_key,
            credential=BasicCredential(self.made.credential),
            not_before=NOW // 1000,
            not_after=NOW // 1000 + 30 * DAY,
        )
        return create_key_package(room_suite, content, self.rng("key package")).bytes

    def join(self) -> SealedRequest:
        return seal_join_request(
            keys_of(self.rng("secret")(16)),
            room=self.room,
            inviter=self.account,
            account=self.person.account_id,
            name="Dora",
            not_after=NOW,
            key_package=self.key_package(),
            rng=self.rng("join"),
        )

    def rejoin(self) -> SealedRequest:
        return sign_rejoin_request(
            self.person.identity_key.private_key,
            room=self.room,
            device=self.made.device_id,
            old_leaf=3,
            epoch=12,
            key_package=self.key_package(),
            rng=self.rng("rejoin"),
        )

    def envelope(self) -> Envelope:
        body = encode_body(Post("Grüße 👋", reply_to=self.id("earlier")))
        unsigned = Unsigned(self.id("event"), "post", body)
        signature = sign_event(self.leaf_key.private_key, self.room, unsigned)
        head = self.log()[1][3]
        return Envelope(unsigned.id, unsigned.type, 7, seen_of(3, head), body, signature)

    def claim(self) -> WelcomeClaim:
        return WelcomeClaim(
            request_hash=self.rng("request")(48),
            group_id=self.room,
            epoch=300,
            group_context_hash=self.rng("context")(48),
            confirmation_tag=self.rng("tag")(48),
            adder_leaf=70_000,
        )

    def welcome(self) -> WelcomePayload:
        mac = welcome_reply(keys_of(self.rng("secret")(16)).welcome_key, self.claim())
        return WelcomePayload(self.rng("welcome")(40), self.id("invite"), mac)

    def snapshot(self) -> Snapshot:
        names = {self.account: self.shown, self.id("other"): "Ben"}
        rings, meetings = self.planned()
        events = self.rng("events")(48)
        fold = Fold(FOLD_VERSION, names, {self.device: 7}, events, rings, meetings)
        return Snapshot(3, self.log()[1][3], fold)

    def planned(self) -> tuple[Rings, Meetings]:
        """A ring that was answered, and a meeting that was moved: what an open state may hold."""
        other = self.id("other")
        ring = Ring(
            *(self.id("call"), 2, NOW, self.account, "now", "Urgent", 2),
            also=(Also(self.id("also"), other, NOW + 5, "Me too"),),
            answers=(RingAnswer(other, "later", NOW + 9, NOW + 900),),
        )
        meeting = Meeting(
            *(self.id("meeting"), 3, NOW, self.account, "Grüße 👋", "2026-03-03T18:00", "Europe/Lisbon", 60),
            rule="FREQ=WEEKLY;BYDAY=TU",
            moved=(Moved("2026-03-10T18:00", "2026-03-11T19:30", 90),),
            cancelled=("2026-03-17T18:00",),
            answers=(Coming("", other, "yes"), Coming("2026-03-10T18:00", other, "no")),
        )
        return (ring,), (meeting,)

    def sender(self) -> EphemeralSender:
        made = new_sender(5, self.rng("session"))
        return EphemeralSender(made.leaf, made.session, 9)

    def exported(self) -> bytes:
        return self.rng("exported")(48)

    def place(self) -> AnswerPlace:
        return AnswerPlace(self.room, 300, LeafIndex(2), self.id("event"))

    def answer_keys(self) -> dict[LeafIndex, bytes]:
        """The private keys of the devices that an answer is for, by leaf."""
        leaves = (LeafIndex(7), LeafIndex(200))
        return {at: room_suite.derive_key_pair(self.rng(f"leaf {at}")(48)).private_key for at in leaves}

    def answer(self) -> Answer:
        return Answer(self.id("earlier"), "may_know")

    def context(self) -> RoomContext:
        approvers = tuple(sorted((self.account, self.device)))
        invite = OpenInvite(
            id=self.id("invite"),
            inviter=self.account,
            join_key=key_pair(f"{self.prefix}join").public_key,
            welcome_key=self.rng("welcome")(32),
            seal_key=self.rng("seal")(32),
            not_after=NOW,
        )
        return RoomContext(
            kind="case",
            parent=self.id("commons"),
            title="Thursdays",
            policy=Policy(2),
            charter_hash=self.rng("charter")(48),
            founder=self.account,
            guests=(Guest(self.id("guest"), NOW),),
            invites=(invite,),
            pending=(
                Pending(PolicyChange(Policy(3)), approvers),
                Pending(RemoveChange(self.id("target")), approvers),
            ),
            revocations=(self.rng("revocation")(100),),
            grounds=JoinGrounds(self.rng("request")(90)),
        )

    # The file

    def answers(self, sealed_answer: str) -> dict[str, Any]:
        entries, heads = self.log()
        devices = [self.id("b"), self.id("a"), self.id("c")]
        secret = self.rng("secret")(16)
        keys, claim, welcome = keys_of(secret), self.claim(), self.welcome()
        envelope, snapshot = self.envelope(), encode_snapshot(self.snapshot())
        first = first_fold(self.room).events
        place, signal = self.place(), Signal("typing", on=True)
        stuck = sign_stuck(self.identity_key.private_key, self.room, 3, self.device)
        return {
            "room": self.room.hex(),
            "log": {"entries": entries, "heads": [head.hex() for head in heads]},
            "list": {
                "devices": [one.hex() for one in devices],
                "hash": list_hash(devices).hex(),
                "empty": list_hash([]).hex(),
            },
            "invite": {
                "secret": secret.hex(),
                "fragment": encode_fragment(Fragment(secret, self.account)),
                "id": keys.invite_id.hex(),
                "join_private": keys.join_key.private_key.hex(),
                "join_key": keys.join_key.public_key.hex(),
                "welcome_key": keys.welcome_key.hex(),
                "seal_key": keys.seal_key.hex(),
            },
            "requests": {
                "account": self.person.account_id.hex(),
                "device": self.made.device_id.hex(),
                "key_package": self.key_package().hex(),
                "join": _request(self.join()),
                "rejoin": _request(self.rejoin()),
            },
            "event": {
                "leaf_key": self.leaf_key.public_key.hex(),
                "envelope": encode_envelope(envelope).hex(),
                "commit_data": encode_commit_data(envelope.id, envelope.seen).hex(),
                "account": self.account.hex(),
                "device": self.device.hex(),
                "n": 4,
                "first_events_hash": first.hex(),
                "events_hash": next_events_hash(
                    first, EventPlace(4, self.account, self.device, NOW), envelope
                ).hex(),
            },
            "stuck": {
                "identity_key": self.identity_key.public_key.hex(),
                "position": 3,
                "signature": stuck.signature.hex(),
            },
            "welcome": {
                "request_hash": claim.request_hash.hex(),
                "epoch": claim.epoch,
                "group_context_hash": claim.group_context_hash.hex(),
                "confirmation_tag": claim.confirmation_tag.hex(),
                "adder_leaf": claim.adder_leaf,
                "mac": (welcome.mac or b"").hex(),
                "payload": encode_welcome_payload(welcome).hex(),
            },
            "snapshot": {"bytes": snapshot.hex(), "hash": snapshot_hash(snapshot).hex()},
            "ephemeral": {
                "exported": self.exported().hex(),
                "payload": seal_signal(self.exported(), self.sender(), signal, NOW).payload.hex(),
                "at": NOW,
            },
            "sealed_answer": {
                "epoch": place.epoch,
                "author": place.author,
                "event": place.event_id.hex(),
                "devices": [{"leaf": leaf, "private": key.hex()} for leaf, key in self.answer_keys().items()],
                "about": self.answer().about.hex(),
                "answer": self.answer().answer,
                "sealed": sealed_answer,
            },
            "extensions": [
                {"type": one.type, "data": one.data.hex()} for one in room_extensions(self.context())
            ],
        }


def _request(request: SealedRequest) -> dict[str, str]:
    return {
        "sealed": request.sealed.hex(),
        "signed": request.bytes.hex(),
        "hash": request.hash.hex(),
    }


WRITTEN = {
    "TypeScript": Seeds("room.json", "", "dora", "Anna"),
    "Python": Seeds(PYTHON.name, "python ", "emil", "Jürgen 🦉"),
}
both = pytest.mark.parametrize("seeds", WRITTEN.values(), ids=WRITTEN)


@both
def test_e13_to_e38_both_languages_write_the_same(seeds: Seeds) -> None:
    found = seeds.given()
    assert found == seeds.answers(found["sealed_answer"]["sealed"])


@both
def test_e13_the_extensions_of_a_room_are_read(seeds: Seeds) -> None:
    given = seeds.given()["extensions"]
    extensions = tuple(Extension(one["type"], bytes.fromhex(one["data"])) for one in given)
    assert read_room_extensions(extensions) == seeds.context()


@both
def test_e16_an_event_is_read(seeds: Seeds) -> None:
    given = seeds.given()["event"]
    envelope = decode_envelope(bytes.fromhex(given["envelope"]))
    assert envelope == seeds.envelope()
    assert event_signature_is_valid(bytes.fromhex(given["leaf_key"]), seeds.room, envelope)
    assert decode_body(envelope.type, envelope.body) == Post("Grüße 👋", reply_to=seeds.id("earlier"))
    commit = decode_commit_data(bytes.fromhex(given["commit_data"]))
    assert commit == CommitData(envelope.id, envelope.seen)


@both
def test_e18_a_stuck_statement_is_read(seeds: Seeds) -> None:
    given = seeds.given()["stuck"]
    stuck = Stuck(given["position"], bytes.fromhex(given["signature"]))
    assert stuck_is_valid(bytes.fromhex(given["identity_key"]), seeds.room, seeds.device, stuck)


@both
def test_e22_a_rejoin_request_is_read(seeds: Seeds) -> None:
    given = seeds.given()["requests"]
    request = open_rejoin_request(seeds.room, bytes.fromhex(given["rejoin"]["sealed"]))
    assert (request.old_leaf, request.epoch, request.device) == (3, 12, seeds.made.device_id)
    assert request.identity == identify_leaf(seeds.made.credential, seeds.made.leaf_key.public_key)
    assert request.hash.hex() == given["rejoin"]["hash"]


@both
def test_e24_a_snapshot_is_read(seeds: Seeds) -> None:
    assert decode_snapshot(bytes.fromhex(seeds.given()["snapshot"]["bytes"])) == seeds.snapshot()


@both
def test_e27_a_link_is_read(seeds: Seeds) -> None:
    given = seeds.given()["invite"]
    assert parse_fragment(given["fragment"]) == Fragment(bytes.fromhex(given["secret"]), seeds.account)


@both
def test_e28_a_join_request_is_read(seeds: Seeds) -> None:
    given = seeds.given()["requests"]
    request = open_join_request([seeds.open_invite()], seeds.room, bytes.fromhex(given["join"]["sealed"]))
    assert request is not None
    assert (request.name, request.account) == ("Dora", seeds.person.account_id)
    assert request.key_package_bytes.hex() == given["key_package"]
    assert request.key_package.leaf_node.credential == BasicCredential(seeds.made.credential)
    assert request.hash.hex() == given["join"]["hash"]


@both
def test_e29_a_welcome_payload_is_read(seeds: Seeds) -> None:
    given = seeds.given()
    payload = decode_welcome_payload(bytes.fromhex(given["welcome"]["payload"]))
    assert payload == seeds.welcome()
    assert payload.mac is not None
    welcome_key = bytes.fromhex(given["invite"]["welcome_key"])
    assert welcome_reply_is_valid(welcome_key, seeds.claim(), payload.mac)


@both
def test_e34_a_sealed_answer_opens_on_each_device_of_its_recipient(seeds: Seeds) -> None:
    sealed = bytes.fromhex(seeds.given()["sealed_answer"]["sealed"])
    for leaf, private_key in seeds.answer_keys().items():
        assert open_answer(seeds.place(), leaf, private_key, sealed) == seeds.answer()
    assert open_answer(seeds.place(), LeafIndex(8), bytes(32), sealed) is None


@both
def test_e38_a_signal_is_read(seeds: Seeds) -> None:
    given = seeds.given()["ephemeral"]
    opened = open_signal(seeds.exported(), {}, bytes.fromhex(given["payload"]), given["at"])
    assert opened is not None
    assert (opened.leaf, opened.signal) == (5, Signal("typing", on=True))
    assert list(opened.seen.values()) == [9]


def sealed_anew() -> str:
    seeds = WRITTEN["Python"]
    devices = [
        AnswerDevice(leaf, room_suite.derive_key_pair(seeds.rng(f"leaf {leaf}")(48)).public_key)
        for leaf in seeds.answer_keys()
    ]
    return seal_answer(seeds.place(), devices, seeds.answer(), seeds.rng("answer")).hex()


def written(sealed_answer: str) -> str:
    answers = WRITTEN["Python"].answers(sealed_answer)
    return json.dumps(answers, indent=1, ensure_ascii=False) + "\n"


def test_the_file_for_typescript_is_in_the_form_that_is_written() -> None:
    found = PYTHON.read_text()
    assert found == written(json.loads(found)["sealed_answer"]["sealed"])


if __name__ == "__main__":
    PYTHON.write_text(written(sealed_anew()))
