"""Members in TypeScript: states in a Node process, which speaks CBOR over its standard input and output."""

import subprocess
from itertools import count
from typing import Any

import cbor2

from tests.programs import WEB, node_program
from tests.walks.member import Made, Proposed, Received, View, WalkError


class TypeScriptPeer:
    """One process for as many members as a walk has."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            node_program("peer"), cwd=WEB, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._numbers = count()

    def ask(self, op: str, who: int, **more: object) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        request = cbor2.dumps({"op": op, "who": who, **more})
        self.process.stdin.write(len(request).to_bytes(4, "big") + request)
        self.process.stdin.flush()
        length = int.from_bytes(self.process.stdout.read(4), "big")
        answer = cbor2.loads(self.process.stdout.read(length))
        if "code" in answer:
            raise WalkError(answer["code"], answer["fault"])
        if "crash" in answer:
            raise AssertionError(f"the TypeScript member crashed at {op}: {answer['crash']}")
        return answer["value"]

    def member(self, suite: int, name: str, seed: str) -> "TypeScriptMember":
        who = next(self._numbers)
        self.ask("person", who, suite=suite, name=name, seed=seed)
        return TypeScriptMember(self, who, name)

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(timeout=30)


class TypeScriptMember:
    language = "TypeScript"

    def __init__(self, peer: TypeScriptPeer, who: int, name: str) -> None:
        self.name = name
        self._peer, self._who = peer, who

    def _ask(self, op: str, **more: object) -> Any:
        return self._peer.ask(op, self._who, **more)

    @property
    def leaf(self) -> int:
        leaf: int = self._ask("view")["leaf"]
        return leaf

    def key_package(self) -> bytes:
        encoded: bytes = self._ask("key_package")
        return encoded

    def found(self, group_id: bytes, extensions: bytes) -> None:
        self._ask("found", group_id=group_id, extensions=extensions)

    def learn(self, psk_id: bytes, secret: bytes) -> None:
        self._ask("learn", id=psk_id, secret=secret)

    def join(self, welcome: bytes) -> None:
        self._ask("join", welcome=welcome)

    def join_from_origin(self, welcome: bytes) -> None:
        self._ask("join_from_origin", welcome=welcome)

    def stage(
        self,
        proposals: list[bytes],
        references: list[bytes],
        *,
        rotate: bool = False,
        in_public: bool = False,
    ) -> Made:
        more = {"rotate": rotate, "in_public": in_public}
        return Made(**self._ask("stage", proposals=proposals, references=references, **more))

    def branch(self, group_id: bytes, extensions: bytes, key_packages: list[bytes]) -> Made:
        more = {"group_id": group_id, "extensions": extensions, "key_packages": key_packages}
        return Made(b"", self._ask("branch", **more)["welcome"])

    def reinit(self, key_packages: list[bytes]) -> Made:
        return Made(b"", self._ask("reinit", key_packages=key_packages)["welcome"])

    def merge(self) -> None:
        self._ask("merge")

    def drop(self) -> None:
        self._ask("drop")

    def receive(self, message: bytes) -> Received:
        return Received(**self._ask("receive", message=message))

    def judge(self, message: bytes) -> None:
        self._ask("judge", message=message)

    def verdicts(self, messages: list[bytes]) -> list[bytes | str]:
        """What becomes of each message, whose effects are forgotten again: what was said, or whose fault."""
        outcomes: list[bytes | str] = self._ask("verdicts", all=messages)
        return outcomes

    def pry(self, message: bytes) -> None:
        self._ask("pry", message=message)

    def overhear(self, message: bytes, context: bytes) -> None:
        self._ask("overhear", message=message, context=context)

    def send(self, data: bytes, authenticated_data: bytes, padded_to: int) -> bytes:
        more = {"authenticated_data": authenticated_data, "padded_to": padded_to}
        message: bytes = self._ask("send", data=data, **more)
        return message

    def propose(self, proposal: bytes, *, in_public: bool = False) -> Proposed:
        return Proposed(**self._ask("propose", proposal=proposal, in_public=in_public))

    def update(self, *, rotate: bool = False, in_public: bool = False) -> Proposed:
        return Proposed(**self._ask("update", rotate=rotate, in_public=in_public))

    def reload(self) -> None:
        self._ask("reload")

    def view(self) -> View:
        seen = self._ask("view")
        seen.pop("leaf")
        return View(**{**seen, "leaves": tuple(seen["leaves"])})

    def forget(self) -> None:
        self._ask("forget")
