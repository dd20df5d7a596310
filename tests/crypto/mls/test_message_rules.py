"""v601 to v613: messages that break one rule each, and leave the state of whoever reads them as it was."""

from dataclasses import replace
from functools import partial

from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.mls.application import (
    OpenedApplication,
    OpenedProposal,
    propose_update,
    protect_application,
    protect_proposal,
    unprotect,
)
from crypto.mls.commit import Commit
from crypto.mls.credential import ExternalSender, external_senders_extension
from crypto.mls.framing import (
    ApplicationContent,
    AuthData,
    AuthenticatedContent,
    CommitContent,
    Content,
    FramedContent,
    MemberSender,
    NewMemberCommit,
    NewMemberProposal,
    OutsideSender,
    ProposalContent,
    WireFormat,
)
from crypto.mls.group import Group
from crypto.mls.group_state import decode_group, encode_group
from crypto.mls.message_protection import protect_private
from crypto.mls.mls_message import encode_mls_message
from crypto.mls.proposal import ReInit, Update
from crypto.mls.public_messages import open_public_message
from crypto.mls.secret_tree import MAX_FORWARD_DISTANCE, take_next
from crypto.mls.suite import ROOM_SUITE, room_suite
from crypto.mls.tree_math import leaf_index
from tests.crypto.mls.forge import HONEST, Forgery, forge_private, forge_public, some_path
from tests.crypto.mls.simulation import (
    Client,
    Person,
    add,
    code_of,
    commit_all,
    fault_of,
    remove,
    room_extensions,
    room_of,
)
from tests.crypto.seeded_rng import seeded_rng

rng = seeded_rng("message rules")
HELLO = ApplicationContent(b"hello")


def three() -> list[Client]:
    return room_of(ROOM_SUITE, ["ada", "ben", "cyd"], rng)


ADA, BEN, CYD = (client.group for client in three())
REMOVE_CYD = ProposalContent(remove(Client("cyd", CYD, rng)))


def say(client: Client, text: bytes) -> bytes:
    return client.send(
        lambda group: protect_application(group, data=text, authenticated_data=b"id", padded_to=64, rng=rng)
    ).message


def refused(forgery: Forgery, content: Content = HELLO) -> str:
    """The code of what a forged message of Ada's is to Ben, whose state must be as it was."""
    before = encode_group(BEN)
    code = code_of(lambda: unprotect(BEN, forge_private(ADA, content, forgery)))
    assert encode_group(BEN) == before
    return code


def test_a_message_that_breaks_no_rule_is_read() -> None:
    assert unprotect(BEN, forge_private(ADA, HELLO)).content == OpenedApplication(b"hello")
    assert refused(HONEST) == "nothing raised"


def test_v601_is_of_this_group() -> None:
    assert refused(Forgery(group_id=b"another group")) == "v601_group"


def test_v602_is_of_this_epoch_and_not_read_in_another() -> None:
    a, b, c = three()
    late = say(a, b"late")
    staged = commit_all([b, a, c])
    assert code_of(lambda: c.receive(late)) == "v602_epoch"
    assert code_of(lambda: c.receive(staged.message)) == "v602_epoch"
    assert refused(Forgery(epoch=9)) == "v602_epoch"


def test_v603_is_of_a_leaf_that_is_there() -> None:
    for leaf in (3, 0xFFFFFFFF):
        assert refused(Forgery(claims_leaf=leaf_index(leaf))) == "v603_sender"


def test_v604_is_read_once() -> None:
    a, b, _ = three()
    message = say(a, b"once")
    b.receive(message)
    assert code_of(lambda: b.receive(message)) == "v604_generation_used"
    # Not by its author either, whose key is gone.
    assert code_of(lambda: a.receive(message)) == "v604_generation_used"


def test_v605_is_not_too_far_ahead() -> None:
    for generation in (MAX_FORWARD_DISTANCE + 1, 0xFFFFFFFF):
        assert refused(Forgery(claims_generation=generation)) == "v605_generation_too_far"
    assert refused(Forgery(claims_generation=5)) == "aead"


def test_v606_is_padded_with_zeros_alone() -> None:
    assert refused(Forgery(padding=bytes(100))) == "nothing raised"
    assert refused(Forgery(padding=b"\0\0\1\0")) == "v606_padding"
    assert refused(Forgery(padding=b"\0\0\0\1")) == "v606_padding"


def test_v607_is_signed_by_its_sender_for_this_epoch_of_this_group() -> None:
    assert refused(Forgery(signed_by=b"")) == "v607_signature"
    assert refused(Forgery(signed_by=CYD.signature_private_key)) == "v607_signature"
    assert refused(Forgery(context=three()[0].group.context_bytes)) == "v607_signature"
    # What Ada signs does not become Cyd's by being called so: she has not Cyd's keys.
    assert refused(Forgery(sender=MemberSender(CYD.own_leaf))) == "v607_signature"
    assert refused(Forgery(claims_leaf=CYD.own_leaf)) == "aead"


def test_v612_is_in_no_other_wire_format() -> None:
    assert code_of(lambda: unprotect(BEN, forge_public(ADA, REMOVE_CYD))) == "v612_wire_format"
    package = Person(room_suite, "dan", rng).key_package().key_package
    assert code_of(lambda: unprotect(BEN, encode_mls_message(package))) == "v612_wire_format"
    private = forge_private(ADA, HELLO)
    assert code_of(lambda: open_public_message(BEN, private)) == "v612_wire_format"


def test_not_one_bit_of_a_sealed_message_may_differ() -> None:
    message = forge_private(ADA, HELLO)
    for at in range(len(message)):
        changed = bytearray(message)
        changed[at] ^= 1 << (at % 8)
        assert fault_of(partial(unprotect, BEN, bytes(changed))) == "peer"
    assert code_of(lambda: unprotect(BEN, message[:-1])) == "decode"


def test_is_padded_to_a_multiple_whatever_it_says() -> None:
    a, b, _ = three()
    lengths = set()
    for length in range(60):
        message = say(a, b"x" * length)
        lengths.add(len(message))
        assert b.receive(message).content == OpenedApplication(b"x" * length)
    # A signature of 64 bytes and its length are 66, so that up to 61 bytes of content share a bucket of 128.
    assert len(lengths) == 1
    protect = partial(protect_application, a.group, data=b"", authenticated_data=b"", rng=rng)
    assert code_of(lambda: protect(padded_to=0)) == "padding"


def test_too_many_updates_are_not_proposed_in_one_epoch() -> None:
    a = three()[0]

    def propose() -> None:
        a.send(lambda group: propose_update(group, authenticated_data=b"", rng=rng))

    for _ in range(16):
        propose()
    assert code_of(propose) == "too_many_updates"


def test_the_words_of_a_copy_of_this_state_say_whose_they_are() -> None:
    a = three()[0]
    copy = decode_group(encode_group(a.group))
    message = say(a, b"from the copy")
    # E39: a state that was restored from an old copy meets its own later words.
    assert unprotect(copy, message).sender == copy.own_leaf


def public(content: Content, forgery: Forgery = HONEST, reader: Group = BEN, forger: Group = ADA) -> str:
    return code_of(lambda: open_public_message(reader, forge_public(forger, content, forgery)))


def test_a_public_message_that_breaks_no_rule_is_read() -> None:
    opened = open_public_message(BEN, forge_public(ADA, REMOVE_CYD))
    assert opened.sender == ADA.own_leaf
    assert isinstance(opened.content, OpenedProposal)
    # Both languages name it alike: the reference covers the wire format too.
    private = unprotect(BEN, forge_private(ADA, REMOVE_CYD)).content
    assert isinstance(private, OpenedProposal)
    assert private.ref != opened.content.ref


def test_a_public_message_carries_a_proposal_when_that_is_asked_for() -> None:
    sent = protect_proposal(
        ADA,
        proposal=REMOVE_CYD.proposal,
        authenticated_data=b"",
        wire_format=WireFormat.PUBLIC_MESSAGE,
        rng=rng,
    )
    # No key of the sender's ratchet is taken.
    assert (sent.group, sent.consumed) == (ADA, ())
    opened = open_public_message(BEN, sent.message)
    assert opened.content == OpenedProposal(REMOVE_CYD.proposal, sent.ref)


def test_v601_v602_v603_v607_hold_a_public_message_too() -> None:
    assert public(REMOVE_CYD, Forgery(group_id=b"another")) == "v601_group"
    assert public(REMOVE_CYD, Forgery(epoch=0)) == "v602_epoch"
    assert public(REMOVE_CYD, Forgery(sender=MemberSender(leaf_index(3)))) == "v603_sender"
    assert public(REMOVE_CYD, Forgery(signed_by=CYD.signature_private_key)) == "v607_signature"
    assert public(REMOVE_CYD, Forgery(signed_by=b"")) == "v607_signature"


def test_v608_has_the_membership_tag_that_members_alone_can_make() -> None:
    stranger = three()[0].group.secrets.membership
    forger = replace(ADA, secrets=replace(ADA.secrets, membership=stranger))
    assert public(REMOVE_CYD, forger=forger) == "v608_membership_tag"
    message = forge_public(ADA, REMOVE_CYD)
    last = message[:-1] + bytes([message[-1] ^ 1])
    assert code_of(lambda: open_public_message(BEN, last)) == "v608_membership_tag"


def test_v609_is_never_application_data() -> None:
    assert code_of(lambda: forge_public(ADA, HELLO)) == "public_application"
    message = forge_public(ADA, REMOVE_CYD)
    # The same head, with the content type and content of application data.
    forged = message[: 4 + 1 + 18 + 8 + 5 + 1 + 2] + b"\1\5hello\0\0"
    assert code_of(lambda: open_public_message(BEN, forged)) == "v609_public_application"


def test_v610_proposes_only_what_may_come_from_outside() -> None:
    newcomer = Person(room_suite, "eve", rng)
    key = newcomer.signature.private_key
    joining = Forgery(sender=NewMemberProposal(), signed_by=key)
    assert public(ProposalContent(add(newcomer.key_package())), joining) == "nothing raised"
    assert public(REMOVE_CYD, joining) == "v610_external_content"
    pathless = CommitContent(Commit((), None))
    assert public(pathless, Forgery(sender=NewMemberCommit())) == "v610_external_content"
    outside = Forgery(sender=OutsideSender(0))
    assert public(pathless, outside) == "v610_external_content"
    update = ProposalContent(Update(some_path(ADA).leaf_node))
    assert public(update, outside) == "v610_external_content"


def test_v611_comes_from_an_external_sender_that_the_group_context_names() -> None:
    service = Person(room_suite, "service", rng)
    named = external_senders_extension((ExternalSender(service.signature.public_key, service.credential),))
    a, b = room_of(ROOM_SUITE, ["ada", "ben"], rng, (*room_extensions("x"), named))

    def sent(index: int) -> str:
        forgery = Forgery(sender=OutsideSender(index), signed_by=service.signature.private_key)
        return public(ProposalContent(remove(b)), forgery, b.group, a.group)

    assert sent(0) == "nothing raised"
    assert sent(1) == "v611_external_sender"


def test_a_message_from_outside_is_never_private() -> None:
    framed = FramedContent(ADA.context.group_id, ADA.context.epoch, OutsideSender(0), b"", REMOVE_CYD)
    signed = AuthenticatedContent(WireFormat.PRIVATE_MESSAGE, framed, AuthData(b"", None))
    key = take_next(room_suite, ADA.secret_tree, ADA.own_leaf, "handshake").key
    sender_data = ADA.secrets.sender_data
    sealed = partial(protect_private, room_suite, signed, key, sender_data, 0, rng)
    assert code_of(sealed) == "private_sender"


def test_v613_after_a_reinit_the_group_sends_nothing_and_takes_nothing_more() -> None:
    clients = three()
    a, b, _ = clients
    early = say(b, b"before")
    commit_all(clients, ReInit(b"new group", 1, ROOM_SUITE, ()))
    for _ in range(2):
        assert a.group.reinit is not None
        assert a.group.reinit.group_id == b"new group"
        a.reload()
    assert code_of(lambda: say(a, b"after")) == "group_ended"
    assert code_of(a.stage) == "group_ended"
    propose = partial(protect_proposal, a.group, proposal=remove(b), authenticated_data=b"", rng=rng)
    assert code_of(propose) == "group_ended"
    forger = replace(b.group, reinit=None)
    assert code_of(lambda: a.receive(forge_private(forger, HELLO))) == "v613_group_ended"
    assert code_of(lambda: a.receive(early)) == "v602_epoch"


MESSAGES = (forge_private(ADA, HELLO), forge_public(ADA, REMOVE_CYD))


def peer_fault_or_read(data: bytes) -> None:
    for read in (unprotect, open_public_message):
        assert fault_of(partial(read, BEN, data)) in ("nobody", "peer")


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.binary(max_size=400))
def test_any_bytes_are_a_message_or_a_peers_fault(data: bytes) -> None:
    peer_fault_or_read(data)


@settings(max_examples=500, deadline=None, derandomize=True)
@given(st.sampled_from(MESSAGES), st.integers(0, 2000), st.integers(0, 20), st.binary(max_size=20))
def test_so_are_messages_that_were_cut_spliced_or_overwritten(
    message: bytes, at: int, gone: int, put: bytes
) -> None:
    start = at % len(message)
    peer_fault_or_read(message[:start] + put + message[start + gone :])
