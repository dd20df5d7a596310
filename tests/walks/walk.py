"""A group's life at random, from a seed: who does what next, and what must be true after it.

Nothing passes between members but bytes. The walk knows who is in the group, and not one secret.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from crypto.mls.bytes import Rng
from crypto.mls.extension import (
    Extension,
    ExtensionType,
    RequiredCapabilities,
    encode_extensions,
    required_capabilities_extension,
)
from crypto.mls.group_context import decode_group_context
from crypto.mls.key_package import decode_key_package
from crypto.mls.proposal import (
    Add,
    GroupContextExtensions,
    PreSharedKey,
    ReInit,
    Remove,
    encode_proposal,
)
from crypto.mls.psk_id import ExternalPskId, ResumptionPskId
from crypto.mls.suites import suite_of
from crypto.mls.tree_math import leaf_index
from tests.crypto.seeded_rng import draw_below, seeded_rng
from tests.walks.member import Made, Member, View, WalkError

MAX_DEPARTED = 4
"""How many of those who were removed go on trying."""

NewMember = Callable[[str, str], Member]
"""From name and seed."""


@dataclass(slots=True)
class Intent:
    """What a commit is to hold, and what becomes of those whom it concerns."""

    proposals: list[bytes] = field(default_factory=list)
    references: list[bytes] = field(default_factory=list)
    joining: list[Member] = field(default_factory=list)
    leaving: list[Member] = field(default_factory=list)
    rotate: bool = False


def room_extensions(title: bytes) -> tuple[Extension, ...]:
    """What a room's GroupContext has (E13)."""
    required = RequiredCapabilities((ExtensionType.COLLEGIUM_ROOM,), (), (1,))
    return (required_capabilities_extension(required), Extension(ExtensionType.COLLEGIUM_ROOM, title))


class Walk:
    """`run` as long as it takes. Any disagreement is an AssertionError that says after which steps."""

    def __init__(self, suite: int, seed: str, most: int, new_member: NewMember) -> None:
        self.suite, self.seed, self.most = suite, seed, most
        self._rng: Rng = seeded_rng(f"walk {seed}")
        self._new_member = new_member
        self._named = 0
        self._departed: deque[Member] = deque()
        self._late: list[bytes] = []
        """Messages of the epoch before, which nobody has read."""
        self._public = False
        """Whether handshake messages of this step are PublicMessages."""
        self.done: Counter[str] = Counter()
        self.steps = 0
        self.largest = 1
        founder = self._person()
        founder.found(self._rng(16), encode_extensions(room_extensions(b"new")))
        self.members: list[Member] = [founder]

    # --- chance ---

    def _below(self, limit: int) -> int:
        return draw_below(self._rng, limit)

    def _chance(self, one_in: int) -> bool:
        return self._below(one_in) == 0

    def _one(self) -> Member:
        return self.members[self._below(len(self.members))]

    def _shuffled(self, items: Iterable[Member]) -> list[Member]:
        out = list(items)
        for i in range(len(out) - 1, 0, -1):
            j = self._below(i + 1)
            out[i], out[j] = out[j], out[i]
        return out

    def _person(self) -> Member:
        self._named += 1
        name = f"member {self._named}"
        return self._new_member(name, f"{self.seed} {name}")

    def _newcomers(self, count: int) -> list[tuple[Member, bytes]]:
        """People, each with the Add that brings it in."""
        people = [self._person() for _ in range(max(0, min(count, self.most - len(self.members))))]
        return [(one, encode_proposal(Add(decode_key_package(one.key_package())))) for one in people]

    def _perhaps_reload(self, member: Member) -> None:
        """Any member may be stored and read again between any two things that happen."""
        if self._chance(4):
            member.reload()

    # --- the step ---

    def run(self, steps: int) -> None:
        for _ in range(steps):
            self._step(*self._next())
            self.largest = max(self.largest, len(self.members))

    def _next(self) -> tuple[str, Callable[[], None]]:
        each = [(name, act) for weight, name, act in self._acts() for _ in range(weight)]
        return each[self._below(len(each))]

    def _step(self, name: str, act: Callable[[], None]) -> None:
        self.steps += 1
        self.done[name] += 1
        self._public = self._chance(5)
        try:
            act()
            self._agree()
        except Exception as error:
            error.add_note(f"walk {self.suite:#06x} {self.most} {self.steps} {self.seed}: {name}")
            raise

    def _acts(self) -> list[tuple[int, str, Callable[[], None]]]:
        crowded, lonely = len(self.members) > self.most // 2, len(self.members) < self.most // 4
        return [
            (4, "add one", lambda: self._add(1)),
            (8 if lonely else 2, "add many", lambda: self._add(2 + self._below(2 + self.most // 4))),
            (3, "remove", lambda: self._remove(1 + self._below(2))),
            (2 if crowded else 0, "remove a half", self._remove_half),
            (3, "update", lambda: self._commit(self._one(), Intent())),
            (2, "new signature key", lambda: self._commit(self._one(), Intent(rotate=True))),
            (3, "remove and add", self._replace),
            (4, "by reference", self._by_reference),
            (2, "extensions", self._rename),
            (2, "psk", self._psk),
            (1, "branch", self._branch),
            (1, "reinit", self._reinit),
            (5, "talk", self._talk),
            (2, "race", self._race),
            (1, "forgery", self._forgery),
        ]

    def _agree(self) -> View:
        """Everyone agrees on everything that two members could compare, and who has left on none of it."""
        first, *others = self.members
        self._perhaps_reload(first)
        view = first.view()
        for member in others:
            self._perhaps_reload(member)
            assert member.view() == view, (first.language, member.language)
        assert len(view.leaves) == len(self.members)
        for gone in self._departed:
            theirs = gone.view()
            assert theirs.authenticator != view.authenticator
            assert theirs.exported != view.exported
        return view

    # --- commits ---

    def _commit(self, author: Member, intent: Intent) -> None:
        self._keep_late()
        made = author.stage(intent.proposals, intent.references, rotate=intent.rotate, in_public=self._public)
        self._perhaps_reload(author)
        self._deliver(author, made, intent)

    def _deliver(self, author: Member, made: Made, intent: Intent) -> None:
        for member in self._shuffled(self.members):
            self._perhaps_reload(member)
            if member is author:
                member.merge()
            elif member in intent.leaving:
                self._part(member, made)
            else:
                assert member.receive(made.message).kind == "commit"
        self.members = [one for one in self.members if one not in intent.leaving]
        assert (made.welcome is not None) == bool(intent.joining)
        for member in intent.joining:
            assert made.welcome is not None
            member.join(made.welcome)
        self.members += intent.joining
        self._read_late()

    def _part(self, member: Member, made: Made) -> None:
        """Who is removed is told so, and has nothing to open the commit with, however hard it tries."""
        if self._chance(2):
            assert code_of(lambda: member.pry(made.message)) == "v311_path_secret"
        else:
            assert member.receive(made.message).kind == "removed"
        self._leave(member)

    def _leave(self, member: Member) -> None:
        self._departed.append(member)
        if len(self._departed) > MAX_DEPARTED:
            self._departed.popleft().forget()

    def _keep_late(self) -> None:
        """Before a commit somebody may say something that nobody reads in time."""
        if self._chance(3):
            self._late = [self._one().send(b"late", b"id", 64) for _ in range(1 + self._below(3))]

    def _read_late(self) -> None:
        """E17: what was said in the epoch before is read no more, and changes nothing."""
        for message in self._late:
            assert code_of(lambda message=message: self._one().receive(message)) == "v602_epoch"  # type: ignore[misc]
        self._late = []

    def _add(self, count: int) -> None:
        newcomers = self._newcomers(count)
        proposals = [proposal for _, proposal in newcomers]
        self._commit(self._one(), Intent(proposals, joining=[one for one, _ in newcomers]))

    def _remove(self, count: int) -> None:
        author, *others = self._shuffled(self.members)
        self._commit(author, self._removal(others[:count]))

    def _removal(self, leaving: list[Member]) -> Intent:
        return Intent([removal(one) for one in leaving], leaving=leaving)

    def _remove_half(self) -> None:
        """Everyone in one half of the tree, so that it is blank, and with luck cut off."""
        author = self._one()
        leaves = {one: one.leaf for one in self.members}
        half = 1
        while 2 * half <= max(leaves.values()):
            half *= 2
        leaving = [one for one, leaf in leaves.items() if (leaf < half) != (leaves[author] < half)]
        self._commit(author, self._removal(leaving))

    def _replace(self) -> None:
        """A Remove and an Add in one commit, in either order."""
        author, *others = self._shuffled(self.members)
        leaving = others[:1]
        newcomers = self._newcomers(1)
        proposals = [*map(removal, leaving), *(proposal for _, proposal in newcomers)]
        if self._chance(2):
            proposals.reverse()
        self._commit(author, Intent(proposals, [], [one for one, _ in newcomers], leaving))

    def _rename(self) -> None:
        proposal = GroupContextExtensions(room_extensions(self._rng(4)))
        self._commit(self._one(), Intent([encode_proposal(proposal)]))

    def _psk(self) -> None:
        """One or two keys that everyone has, of either kind; sometimes with a newcomer, who has them too."""
        nonce_length = suite_of(self.suite).nh
        view = self._one().view()
        newcomers = self._newcomers(self._below(2))
        people = [*self.members, *(one for one, _ in newcomers)]
        proposals = [proposal for _, proposal in newcomers]
        psk_id, secret = self._rng(8), self._rng(32)
        for one in people:
            one.learn(psk_id, secret)
        proposals.append(encode_proposal(PreSharedKey(ExternalPskId(psk_id, self._rng(nonce_length)))))
        # A newcomer has no resumption PSK of an epoch that it was not in.
        if not newcomers and self._chance(2):
            group_id = group_id_of(view)
            psk = ResumptionPskId("application", group_id, view.epoch, self._rng(nonce_length))
            proposals.append(encode_proposal(PreSharedKey(psk)))
        self._commit(self._one(), Intent(proposals, joining=[one for one, _ in newcomers]))

    def _by_reference(self) -> None:
        """Proposals of several members, among them Updates and leaves, taken up by another."""
        author, *others = self._shuffled(self.members)
        intent = Intent()
        if len(others) > 2:
            leaver = others.pop()
            intent.leaving.append(leaver)
            self._propose(intent, leaver, removal(leaver))
        for member in others[: 1 + self._below(3)]:
            self._propose(intent, member, None)
        for newcomer, proposal in self._newcomers(self._below(3)):
            intent.joining.append(newcomer)
            self._propose(intent, self._one(), proposal)
        if self._chance(4):
            extensions = GroupContextExtensions(room_extensions(self._rng(4)))
            self._propose(intent, self._one(), encode_proposal(extensions))
        for i in range(len(intent.references) - 1, 0, -1):
            j = self._below(i + 1)
            intent.references[i], intent.references[j] = intent.references[j], intent.references[i]
        # RFC 9420 §12.4.3.1: who is added first stands further left. They join in any order.
        self._commit(author, intent)

    def _propose(self, intent: Intent, sender: Member, proposal: bytes | None) -> None:
        """None for an Update of the sender's own leaf."""
        in_public = self._chance(3)
        if proposal is None:
            made = sender.update(rotate=self._chance(3), in_public=in_public)
        else:
            made = sender.propose(proposal, in_public=in_public)
        for member in self.members:
            self._perhaps_reload(member)
            if member is not sender:
                received = member.receive(made.message)
                assert (received.kind, received.ref) == ("proposal", made.ref)
        intent.references.append(made.ref)

    def _race(self) -> None:
        """Two members commit at once; the loser drops its own and follows the other's."""
        winner, *others = self._shuffled(self.members)
        if not others:
            return
        loser = others[0]
        lost = loser.stage([], [])
        loser.drop()
        self._perhaps_reload(loser)
        self._keep_late()
        made = winner.stage([], [], in_public=self._public)
        # Everyone sees the lost commit, and it is valid; the order decides.
        for member in self._shuffled(self.members)[:3]:
            if member is not loser:
                member.judge(lost.message)
        self._deliver(winner, made, Intent())
        assert code_of(lambda: self._one().receive(lost.message)) == "v602_epoch"

    # --- other groups ---

    def _branch(self) -> None:
        """RFC 9420 §11.3: some of the members begin a group of their own; sometimes it is the one that goes
        on."""
        chosen = self._shuffled(self.members)[: 1 + self._below(len(self.members))]
        if len(chosen) < 2:
            return
        before = self._agree()
        founder, *others = chosen
        stays = len(chosen) > 2 and self._chance(2)
        packages = [one.key_package() for one in others]
        extensions = encode_extensions(room_extensions(b"branch"))
        made = founder.branch(self._rng(16), extensions, packages)
        assert made.welcome is not None
        for member in others:
            self._perhaps_reload(member)
            member.join_from_origin(made.welcome)
        left = [one for one in self.members if one not in chosen]
        self.members = chosen
        after = self._agree()
        assert (after.epoch, after.exported != before.exported) == (1, True)
        if not stays and left:
            # Those who were left behind go on without them: in their group the others are as good as gone.
            outsider = left[0]
            assert code_of(lambda: outsider.receive(founder.send(b"x", b"id", 64))) == "v601_group"
        for one in left:
            self._leave(one)

    def _reinit(self) -> None:
        """RFC 9420 §11.2: the group ends, and everyone meets in the one that was announced."""
        group_id = self._rng(16)
        proposal = ReInit(group_id, 1, self.suite, room_extensions(b"anew"))
        self._commit(self._one(), Intent([encode_proposal(proposal)]))
        self._agree()
        assert code_of(lambda: self._one().send(b"x", b"id", 64)) == "group_ended"
        founder, *others = self._shuffled(self.members)
        if not others:
            # A group of one has nobody to welcome: it begins anew, as anyone would.
            self.members = [self._person()]
            self.members[0].found(group_id, encode_extensions(room_extensions(b"anew")))
            self._leave(founder)
            return
        made = founder.reinit([one.key_package() for one in others])
        assert made.welcome is not None
        for member in others:
            self._perhaps_reload(member)
            member.join_from_origin(made.welcome)

    # --- messages ---

    def _talk(self) -> None:
        """Messages of several members, read by each in an order of its own, once."""
        sent: list[tuple[Member, bytes, bytes, bytes]] = []
        for _ in range(3 + self._below(6)):
            member = self._one()
            data, authenticated_data = self._rng(self._below(60)), self._rng(16)
            message = member.send(data, authenticated_data, 1 + self._below(128))
            self._perhaps_reload(member)
            sent.append((member, data, authenticated_data, message))
        context = self.members[0].view().context
        for gone in self._departed:
            # As if it were of this epoch: without the epoch's secrets not even the sender can be read.
            assert code_of(lambda gone=gone: gone.overhear(sent[0][3], context)) == "aead"  # type: ignore[misc]
        leaves = {one: one.leaf for one in self.members}
        readers = self._shuffled(self.members)[:12]
        for reader in readers:
            order = list(sent)
            for i in range(len(order) - 1, 0, -1):
                j = self._below(i + 1)
                order[i], order[j] = order[j], order[i]
            for member, data, authenticated_data, message in order:
                if member is reader:
                    continue
                received = reader.receive(message)
                assert (received.sender, received.data) == (leaves[member], data)
                assert received.authenticated_data == authenticated_data
                self._perhaps_reload(reader)
            again = order[self._below(len(order))][3]
            assert code_of(lambda again=again, reader=reader: reader.receive(again)) == (  # type: ignore[misc]
                "v604_generation_used"
            )

    def _forgery(self) -> None:
        """A message that was changed on the way is refused by every member, who then reads it as it was."""
        author = self._one()
        message = author.send(b"as it was", b"id", 64)
        at, bit = self._below(len(message)), 1 << self._below(8)
        forged = message[:at] + bytes([message[at] ^ bit]) + message[at + 1 :]
        for member in self._shuffled(self.members)[:6]:
            if member is author:
                continue
            assert fault_of(lambda member=member: member.receive(forged)) == "peer"  # type: ignore[misc]
            assert member.receive(message).data == b"as it was"


def removal(member: Member) -> bytes:
    return encode_proposal(Remove(leaf_index(member.leaf)))


def group_id_of(view: View) -> bytes:
    return decode_group_context(view.context).group_id


def code_of(run: Callable[[], object]) -> str:
    refused = refusal_of(run)
    return refused.code if refused else "nothing raised"


def fault_of(run: Callable[[], object]) -> str:
    refused = refusal_of(run)
    return refused.fault if refused else "nobody"


def refusal_of(run: Callable[[], object]) -> WalkError | None:
    try:
        run()
    except WalkError as error:
        return error
    return None
