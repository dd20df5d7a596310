"""What MLS costs in Python, in ms.

web/tests/programs/benchMls.ts and bench/ts-mls/bench.mjs measure the same, in the same order.
"""

import os
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from crypto.mls.application import protect_application, unprotect
from crypto.mls.complete_commit import complete_commit
from crypto.mls.credential import BasicCredential
from crypto.mls.group import Group, create_group
from crypto.mls.join_group import join_by_welcome
from crypto.mls.judge_commit import judge_commit
from crypto.mls.key_package import (
    CreatedKeyPackage,
    KeyPackageInput,
    create_key_package,
    decode_key_package,
)
from crypto.mls.proposal import Add
from crypto.mls.stage_commit import Staged, stage_commit
from crypto.mls.suites import suite_of

Samples = dict[str, list[float]]
"""Milliseconds, or bytes where the name ends so; `encrypt` and `decrypt` are for BATCH messages each."""

MESSAGES = 1000
BATCH = 50
ROUNDS = 7
FOUNDINGS = 25  # what runs first is not compiled yet
JOININGS = 4  # of everybody
DATA = bytes([7]) * 200
AUTHENTICATED = b"sixteen bytes id"
NOT_AFTER = 2**62

P = ParamSpec("P")
T = TypeVar("T")


def clock() -> Callable[[], float]:
    """In seconds. The processor's time where the machine is busy with other things: COLLEGIUM_BENCH_CPU=1."""
    return time.process_time if os.environ.get("COLLEGIUM_BENCH_CPU") == "1" else time.perf_counter


def python_samples(suite_id: int, size: int) -> Samples:
    suite = suite_of(suite_id)
    rng = os.urandom
    now = clock()
    samples: Samples = {}

    def timed(name: str, run: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        started = now()
        value = run(*args, **kwargs)
        samples.setdefault(name, []).append((now() - started) * 1000)
        return value

    def commit(group: Group) -> Staged:
        return stage_commit(group, proposals=[], authenticated_data=AUTHENTICATED, rng=rng)

    def follow(group: Group, message: bytes) -> Group:
        opened = unprotect(group, message)
        return complete_commit(opened.group, judge_commit(opened.group, opened.authenticated, [])).next

    def add_all() -> Staged:
        adds = [Add(decode_key_package(one.bytes)) for one in packages]
        return stage_commit(founder, proposals=adds, authenticated_data=AUTHENTICATED, rng=rng)

    founder = create_group(
        suite=suite,
        group_id=b"a group of sixteen",
        signature=suite.signature_key_pair(rng),
        credential=BasicCredential(b"member 0"),
        not_before=0,
        not_after=NOT_AFTER,
        extensions=(),
        rng=rng,
    )
    packages = [
        create_key_package(
            suite,
            KeyPackageInput(
                signature=suite.signature_key_pair(rng),
                credential=BasicCredential(f"member {i}".encode()),
                not_before=0,
                not_after=NOT_AFTER,
            ),
            rng,
        )
        for i in range(1, size)
    ]
    for _ in range(FOUNDINGS):
        added = timed("add_many", add_all)
    welcome = added.welcome or b""

    def join(one: CreatedKeyPackage) -> Group:
        return join_by_welcome(suite=suite, welcome=welcome, key_package=one.bytes, secrets=one.secrets).group

    for _ in range(JOININGS):
        groups = [added.next, *(timed("join", join, one) for one in packages)]

    def encrypt(group: Group, sent: list[bytes]) -> Group:
        for _ in range(BATCH):
            sealed = protect_application(
                group, data=DATA, authenticated_data=AUTHENTICATED, padded_to=256, rng=rng
            )
            group = sealed.group
            sent.append(sealed.message)
        return group

    def decrypt(group: Group, sent: list[bytes]) -> Group:
        for message in sent:
            group = unprotect(group, message).group
        return group

    sender, reader = groups[0], groups[1]
    for _ in range(MESSAGES // BATCH):
        sent: list[bytes] = []
        sender = timed("encrypt", encrypt, sender, sent)
        reader = timed("decrypt", decrypt, reader, sent)

    # The first Update after everyone was added: there is no key in the tree but those of leaves.
    for _ in range(ROUNDS):
        staged = timed("update_first_create", commit, groups[0])
        timed("update_first_process", follow, groups[-1], staged.message)
        samples["update_first_bytes"] = [len(staged.message)]

    # Everyone commits, and the tree is full of keys; whoever has is left behind, but for the last two.
    for i in range(size):
        staged = commit(groups[i])
        samples["update_bytes"] = [len(staged.message)]
        for j in range(min(i + 1, size - 2), size):
            groups[j] = staged.next if j == i else follow(groups[j], staged.message)
    author, other = groups[-1], groups[-2]
    for _ in range(ROUNDS):
        staged = timed("update_create", commit, author)
        author, other = timed("update_process", follow, other, staged.message), staged.next

    samples["add_many_bytes"] = [len(added.message)]
    samples["welcome_bytes"] = [len(welcome)]
    return samples
