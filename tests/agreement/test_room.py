"""Heads, keys, signatures and hashes of `room.json`, computed once more by other libraries."""

import json
from base64 import urlsafe_b64encode
from hashlib import sha384
from hmac import digest as hmac
from pathlib import Path
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA384
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

from tests.opaque.identity import vector
from tests.opaque.session import first_head, list_hash, next_head
from wire import events

ANSWERS: dict[str, Any] = json.loads(Path(__file__).with_name("room.json").read_text())


def octets(*path: str) -> bytes:
    value: Any = ANSWERS
    for step in path:
        value = value[step]
    return bytes.fromhex(value)


ROOM = octets("room")


def test_e19_the_log_head() -> None:
    head = first_head(ROOM)
    heads = [head]
    for entry in ANSWERS["log"]["entries"]:
        payload_hash = sha384(bytes.fromhex(entry["payload"])).digest()
        head = next_head(head, entry["n"], entry["time"], payload_hash)
        heads.append(head)
    assert [one.hex() for one in heads] == ANSWERS["log"]["heads"]


def test_e20_the_list_hash() -> None:
    devices = [bytes.fromhex(device) for device in ANSWERS["list"]["devices"]]
    assert list_hash(devices) == octets("list", "hash")
    assert list_hash([]) == octets("list", "empty")


def test_e27_what_an_invite_is_made_of() -> None:
    secret = octets("invite", "secret")
    account = octets("event", "account")

    def derived(what: str, length: int) -> bytes:
        return HKDF(SHA384(), length, b"", f"Collegium 1.0 invite {what}".encode()).derive(secret)

    assert derived("id", 16) == octets("invite", "id")
    assert derived("join", 32) == octets("invite", "join_private")
    assert derived("welcome", 32) == octets("invite", "welcome_key")
    assert derived("seal", 32) == octets("invite", "seal_key")
    public = Ed25519PrivateKey.from_private_bytes(derived("join", 32)).public_key().public_bytes_raw()
    assert public == octets("invite", "join_key")
    text = urlsafe_b64encode(b"\1" + secret + account).rstrip(b"=").decode()
    assert text == ANSWERS["invite"]["fragment"]


def test_e16_an_event_and_its_signature() -> None:
    data = octets("event", "envelope")
    envelope = events.decode_envelope(data)
    assert events.encode_canonical(envelope) == data
    assert envelope.counter == 7
    assert envelope.seen == events.Seen(n=3, head=bytes.fromhex(ANSWERS["log"]["heads"][3])[:16])
    body = events.decode_body(envelope.type, envelope.body)
    assert isinstance(body, events.Post)
    assert body.text == "Grüße 👋"
    content = ROOM + envelope.id + vector(envelope.type.encode()) + vector(envelope.body)
    signed = vector(b"Collegium 1.0 event") + vector(content)
    Ed25519PublicKey.from_public_bytes(octets("event", "leaf_key")).verify(envelope.signature, signed)


def test_e15_what_a_commit_shows() -> None:
    envelope = events.decode_envelope(octets("event", "envelope"))
    shown = envelope.id + envelope.seen.n.to_bytes(8, "big") + envelope.seen.head
    assert shown == octets("event", "commit_data")


def test_e24_the_running_hash() -> None:
    envelope = events.decode_envelope(octets("event", "envelope"))
    first = sha384(b"Collegium 1.0 events" + ROOM).digest()
    assert first == octets("event", "first_events_hash")
    author = octets("event", "account") + octets("event", "device")
    n = ANSWERS["event"]["n"].to_bytes(8, "big")
    following = first + n + author + envelope.id + sha384(envelope.signature).digest()
    assert sha384(following).digest() == octets("event", "events_hash")


def test_e18_the_stuck_statement() -> None:
    content = ROOM + ANSWERS["stuck"]["position"].to_bytes(8, "big") + octets("event", "device")
    signed = vector(b"Collegium 1.0 stuck") + vector(content)
    key = Ed25519PublicKey.from_public_bytes(octets("stuck", "identity_key"))
    key.verify(octets("stuck", "signature"), signed)


def test_e29_the_reply() -> None:
    claim = ANSWERS["welcome"]
    content = (
        vector(b"Collegium 1.0 welcome")
        + vector(octets("welcome", "request_hash"))
        + vector(ROOM)
        + claim["epoch"].to_bytes(8, "big")
        + vector(octets("welcome", "group_context_hash"))
        + vector(octets("welcome", "confirmation_tag"))
        + claim["adder_leaf"].to_bytes(4, "big")
    )
    mac = hmac(octets("invite", "welcome_key"), content, "sha384")
    assert mac == octets("welcome", "mac")
    payload = cbor2.loads(octets("welcome", "payload"))
    assert set(payload) == {"welcome", "invite", "mac"}
    assert payload["mac"] == mac


def test_e24_the_snapshot() -> None:
    data = octets("snapshot", "bytes")
    assert sha384(data).digest() == octets("snapshot", "hash")
    state = cbor2.loads(data)
    assert cbor2.dumps(state, canonical=True) == data
    assert state["head"].hex() == ANSWERS["log"]["heads"][3]
    assert [name["account"] for name in state["names"]] == sorted(n["account"] for n in state["names"])


def test_e38_a_signal() -> None:
    payload = octets("ephemeral", "payload")
    header, ciphertext = payload[:14], payload[14:]
    info = b"Collegium 1.0 ephemeral key" + header[:10]
    key = HKDFExpand(SHA384(), 32, info).derive(octets("ephemeral", "exported"))
    nonce = b"\0" * 8 + header[10:]
    padded = AESGCM(key).decrypt(nonce, ciphertext, header)
    assert len(padded) == 64
    content = padded.rstrip(b"\0")
    assert content[-1] == 0x80
    signal = events.decode_signal(content[:-1])
    assert signal == events.Signal(kind="typing", at=ANSWERS["ephemeral"]["at"], on=True)


def test_e13_the_extensions_of_a_room() -> None:
    required, room = ANSWERS["extensions"]
    # extension_types<V> = [0xf101], proposal_types<V> = [], credential_types<V> = [basic]
    assert (required["type"], required["data"]) == (3, "02f10100020001")
    assert room["type"] == 0xF101
    data = bytes.fromhex(room["data"])
    assert cbor2.dumps(cbor2.loads(data), canonical=True) == data
