"""The same bytes into both languages: each decoder reads them or says `decode`, and both say the same.

`./run fuzz [MINUTES] [SEED]` goes on for as long as it is told, a minute when it is not, from a seed that it
prints. What it finds is made as small as it can be, and printed as hex: it becomes a test.
"""

import secrets
import sys
import time
from collections import Counter
from collections.abc import Callable

from crypto.attachments.descriptor import decode_descriptor, encode_descriptor
from crypto.mls.bytes import Rng
from crypto.mls.commit import decode_commit, encode_commit
from crypto.mls.credential import decode_credential, encode_credential
from crypto.mls.errors import MlsError
from crypto.mls.extension import decode_extensions, encode_extensions
from crypto.mls.group_context import decode_group_context, encode_group_context
from crypto.mls.group_info import decode_group_info, encode_group_info
from crypto.mls.key_package import decode_key_package, encode_key_package
from crypto.mls.leaf_node import decode_leaf_node, encode_leaf_node
from crypto.mls.mls_message import decode_mls_message, encode_mls_message
from crypto.mls.proposal import Add, decode_proposal, encode_proposal
from crypto.mls.psk_id import decode_pre_shared_key_id, encode_pre_shared_key_id
from crypto.mls.suite import ROOM_SUITE
from crypto.mls.tree_codec import decode_ratchet_tree, encode_ratchet_tree
from crypto.mls.update_path import decode_update_path, encode_update_path
from crypto.mls.welcome import decode_group_secrets, encode_group_secrets
from crypto.room.errors import RoomError
from crypto.sframe.frame_decryptor import Dropped
from crypto.sframe.header import decode_header, encode_header
from crypto.sframe.kid import Kind
from tests.crypto.seeded_rng import draw_below, seeded_rng
from tests.fuzz.corpus import corpus
from tests.fuzz.frames import BASE_KEY, EPOCH, frames, judged
from tests.fuzz.mutate import mutated
from tests.walks.member import WalkError
from tests.walks.python_member import PythonMember
from tests.walks.typescript_member import TypeScriptMember, TypeScriptPeer
from tests.walks.walk import room_extensions


def read_header(data: bytes) -> bytes:
    kid, ctr, length = decode_header(data)
    return encode_header(kid, ctr) + data[length:]


DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "attachment": lambda data: encode_descriptor(decode_descriptor(data)),
    "commit": lambda data: encode_commit(decode_commit(data)),
    "credential": lambda data: encode_credential(decode_credential(data)),
    "extensions": lambda data: encode_extensions(decode_extensions(data)),
    "group_context": lambda data: encode_group_context(decode_group_context(data)),
    "group_info": lambda data: encode_group_info(decode_group_info(data)),
    "group_secrets": lambda data: encode_group_secrets(decode_group_secrets(data)),
    "key_package": lambda data: encode_key_package(decode_key_package(data)),
    "leaf_node": lambda data: encode_leaf_node(decode_leaf_node(data)),
    "mls_message": lambda data: encode_mls_message(decode_mls_message(data)),
    "proposal": lambda data: encode_proposal(decode_proposal(data)),
    "psk_id": lambda data: encode_pre_shared_key_id(decode_pre_shared_key_id(data)),
    "ratchet_tree": lambda data: encode_ratchet_tree(decode_ratchet_tree(data)),
    "sframe_header": read_header,
    "update_path": lambda data: encode_update_path(decode_update_path(data)),
    "welcome": lambda data: encode_mls_message(decode_mls_message(data)),
}
"""Each decoder, with what it has read written again. The same names are in web/tests/programs/peer.ts."""

BATCH = 100
UNREAD = ("peer decode", "peer room_data")
"""What a decoder says of bytes that are not its structure."""
DROPPED = tuple(f"dropped {why}" for why in Dropped)
Outcome = bytes | str
"""What was read, written again; or whose fault it is, and its code."""


def outcome(run: Callable[[bytes], bytes], data: bytes) -> Outcome:
    try:
        return run(data)
    except (MlsError, RoomError) as error:
        return f"{error.fault} {error.code}"


class Fuzz:
    """Decoders alone, and members of one group who are sent what was changed on the way."""

    def __init__(self, seed: str, peer: TypeScriptPeer) -> None:
        self._rng: Rng = seeded_rng(f"fuzz {seed}")
        self._peer = peer
        self._good = {
            kind: [data for suite in (1, ROOM_SUITE) for data in corpus(suite)[kind]] for kind in DECODERS
        }
        self._frames = frames(seeded_rng(f"frames {seed}"))
        self.tried: Counter[str] = Counter()
        self.read: Counter[str] = Counter()
        self.slowest = 0.0
        self._enter(seed)

    def _enter(self, seed: str) -> None:
        """A group of three: whoever sends, and one reader in each language."""
        self._sender = PythonMember(1, "sender", seed)
        self._python = PythonMember(1, "python", f"{seed} python")
        self._typescript: TypeScriptMember = self._peer.member(1, "typescript", f"{seed} typescript")
        self._sender.found(self._rng(16), encode_extensions(room_extensions(b"fuzz")))
        adds = [
            encode_proposal(Add(decode_key_package(one.key_package())))
            for one in (self._python, self._typescript)
        ]
        made = self._sender.stage(adds, [])
        self._sender.merge()
        assert made.welcome is not None
        self._python.join(made.welcome)
        self._typescript.join(made.welcome)
        self._messages = [
            self._sender.send(b"what was said", b"id", 64),
            self._sender.propose(adds[0]).message,
            self._sender.propose(adds[0], in_public=True).message,
            self._sender.update(in_public=True).message,
            self._sender.stage([], []).message,
            self._sender.stage([], [], in_public=True).message,
        ]

    def decoders(self) -> None:
        """A batch of changed bytes for each decoder."""
        for kind, good in self._good.items():
            batch = [
                mutated(self._rng, good[draw_below(self._rng, len(good))], self._anything())
                for _ in range(BATCH)
            ]
            self._compare(kind, batch, lambda data, kind=kind: self._judge(kind, data))  # type: ignore[misc]

    def messages(self) -> None:
        """A batch of changed messages for two members of one epoch, who then are where they were."""
        batch = [
            mutated(self._rng, self._messages[draw_below(self._rng, len(self._messages))], self._anything())
            for _ in range(BATCH // 4)
        ]
        self._compare("message", batch, self._receive)

    def frames(self) -> None:
        """A batch of changed frames, half of them of another kind, for a receiver of each kind (E36)."""
        for kind in Kind:
            each = len(self._frames) // len(Kind)
            own = self._frames[kind * each : (kind + 1) * each]
            batch = []
            for _ in range(BATCH // 4):
                good = own if draw_below(self._rng, 2) else self._frames
                other = self._frames[draw_below(self._rng, len(self._frames))]
                batch.append(mutated(self._rng, good[draw_below(self._rng, len(good))], other))
            self._compare("frame", batch, lambda data, kind=kind: self._hear(kind, data))  # type: ignore[misc]

    def _hear(self, kind: Kind, batch: list[bytes]) -> list[tuple[Outcome, Outcome]]:
        python = [judged(kind, data) for data in batch]
        more = {"kind": kind.name.lower(), "epoch": EPOCH, "base_key": BASE_KEY, "all": batch}
        typescript: list[Outcome] = self._peer.ask("frames", 0, **more)
        return list(zip(python, typescript, strict=True))

    def _anything(self) -> bytes:
        kinds = list(self._good)
        good = self._good[kinds[draw_below(self._rng, len(kinds))]]
        return good[draw_below(self._rng, len(good))]

    def _compare(
        self, kind: str, batch: list[bytes], judge: Callable[[list[bytes]], list[tuple[Outcome, Outcome]]]
    ) -> None:
        started = time.perf_counter()
        outcomes = judge(batch)
        self.slowest = max(self.slowest, time.perf_counter() - started)
        self.tried[kind] += len(batch)
        for data, (python, typescript) in zip(batch, outcomes, strict=True):
            self.read[kind] += isinstance(python, bytes)
            if fault(kind, data, python, typescript):
                small = shrunk(data, lambda one: fault(kind, one, *judge([one])[0]))
                raise AssertionError(f"{kind} {small.hex()}: {judge([small])[0]}")

    def _judge(self, kind: str, batch: list[bytes]) -> list[tuple[Outcome, Outcome]]:
        python = [outcome(DECODERS[kind], data) for data in batch]
        typescript: list[Outcome] = self._peer.ask("decode", 0, kind=kind, all=batch)
        return list(zip(python, typescript, strict=True))

    def _receive(self, batch: list[bytes]) -> list[tuple[Outcome, Outcome]]:
        python: list[Outcome] = []
        for data in batch:
            try:
                python.append(self._python.verdict(data))
            except WalkError as error:
                python.append(f"{error.fault} {error.code}")
        return list(zip(python, self._typescript.verdicts(batch), strict=True))


def fault(kind: str, data: bytes, python: Outcome, typescript: Outcome) -> bool:
    """Whether the two differ, or are what no decoder and no reader may answer."""
    if python != typescript:
        return True
    if isinstance(python, str):
        if kind == "frame":
            return python not in DROPPED
        return not python.startswith("peer ") or (kind != "message" and python not in UNREAD)
    if kind == "frame":
        return b" replay " not in python
    return kind != "message" and python != data


def shrunk(data: bytes, fails: Callable[[bytes], bool]) -> bytes:
    """The same fault with as few bytes as leaving out finds."""
    size = max(1, len(data) // 2)
    while size:
        at = 0
        while at < len(data):
            shorter = data[:at] + data[at + size :]
            if fails(shorter):
                data = shorter
            else:
                at += size
        size //= 2
    return data


def main(arguments: list[str]) -> None:
    minutes = float(arguments[0]) if arguments else 1.0
    seed = arguments[1] if len(arguments) > 1 else secrets.token_hex(8)
    print(f"seed {seed}", flush=True)
    peer = TypeScriptPeer()
    fuzz = Fuzz(seed, peer)
    end = time.monotonic() + 60 * minutes
    while time.monotonic() < end:
        fuzz.decoders()
        fuzz.messages()
        fuzz.frames()
    peer.close()
    for kind, tried in fuzz.tried.items():
        print(f"{kind:<14}{tried:>10,} tried, {fuzz.read[kind]:>8,} of them read")
    print(f"slowest batch of {BATCH} in both languages: {fuzz.slowest:.3f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
