"""v501 to v520 and what only one member can tell: commits that break one rule each, and brick nobody."""

from dataclasses import replace
from functools import partial

from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.mls.application import (
    OpenedApplication,
    propose_update,
    protect_application,
    protect_proposal,
    unprotect,
)
from crypto.mls.apply_proposals import apply_proposals
from crypto.mls.commit import Commit, ProposalByReference, ProposalOrRef, decode_commit, encode_commit
from crypto.mls.complete_commit import complete_commit
from crypto.mls.errors import DecodeError
from crypto.mls.extension import Extension, RequiredCapabilities, required_capabilities_extension
from crypto.mls.framing import CommitContent, NewMemberCommit
from crypto.mls.group import Group, NewLeaf, own_leaf_node
from crypto.mls.group_state import decode_group, encode_group
from crypto.mls.judge_commit import (
    Judged,
    JudgedProposal,
    ProposalReference,
    commit_of,
    judge_commit,
)
from crypto.mls.kem import KeyPair
from crypto.mls.leaf_node import CommitSource, LeafPlace, UnsignedLeafNode, UpdateSource, sign_leaf_node
from crypto.mls.proposal import (
    Add,
    ExternalInit,
    GroupContextExtensions,
    PreSharedKey,
    Proposal,
    ReInit,
    Remove,
    UnknownProposal,
    Update,
)
from crypto.mls.psk_id import ExternalPskId, ResumptionPskId
from crypto.mls.public_messages import open_public_message
from crypto.mls.ratchet_tree import RatchetTree
from crypto.mls.suite import ROOM_SUITE, room_suite
from crypto.mls.tree_math import MAX_LEAVES, leaf_index
from crypto.mls.update_path import UpdatePath
from tests.crypto.mls.forge import Forgery, by_value, forge_commit, forge_private, forge_public, some_path
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
    welcome_of,
)
from tests.crypto.seeded_rng import seeded_rng

rng = seeded_rng("commit rules")


def four() -> list[Client]:
    return room_of(ROOM_SUITE, ["ada", "ben", "cyd", "dan"], rng)


ADA, BEN, CYD, DAN = four()
PATH = some_path(ADA.group)
WELL = "nothing raised"


def newcomer(name: str = "eve") -> Add:
    return add(Person(room_suite, name, rng).key_package())


def nonce() -> bytes:
    return rng(room_suite.nh)


def judged_by(group: Group, message: bytes, references: tuple[ProposalReference, ...] = ()) -> Judged:
    return judge_commit(group, unprotect(group, message).authenticated, references)


def verdict(
    proposals: tuple[ProposalOrRef, ...],
    references: tuple[ProposalReference, ...] = (),
    path: UpdatePath | None = PATH,
) -> str:
    """What Ben says of a commit that Ada forged. His state must be as it was."""
    before = encode_group(BEN.group)
    message = forge_commit(ADA.group, path, proposals)
    code = code_of(lambda: judged_by(BEN.group, message, references))
    assert encode_group(BEN.group) == before
    return code


def by_both(*proposals: Proposal) -> str:
    """The same when Ada states the proposals by value; and her own client refuses to make such a commit."""
    code = verdict(by_value(*proposals))
    assert code_of(lambda: ADA.stage(*proposals)) == code
    return code


def reference(proposal: Proposal, sender: Client | None) -> ProposalReference:
    return ProposalReference(proposal, nonce(), None if sender is None else sender.leaf)


def refer_to(*references: ProposalReference) -> str:
    code = verdict(tuple(ProposalByReference(one.ref) for one in references), references)
    assert code_of(lambda: ADA.stage(references=references)) == code
    return code


def update_of(client: Client) -> Proposal:
    return propose_update(client.group, authenticated_data=b"", rng=rng).proposal


def test_a_list_may_be_empty_and_then_the_path_is_what_it_brings() -> None:
    assert verdict(()) == WELL


def test_v501_refers_to_proposals_of_this_epoch() -> None:
    assert verdict((ProposalByReference(nonce()),)) == "v501_unknown_reference"


def test_v502_has_no_update_of_the_committer() -> None:
    assert refer_to(reference(update_of(ADA), ADA)) == "v502_own_update"
    assert by_both(update_of(ADA)) == "v502_own_update"


def test_v503_does_not_remove_the_committer() -> None:
    assert by_both(remove(ADA)) == "v503_own_remove"
    assert refer_to(reference(remove(ADA), ADA)) == "v503_own_remove"


def test_v504_changes_a_leaf_once() -> None:
    assert by_both(remove(CYD), remove(CYD)) == "v504_leaf_twice"
    first, second = (reference(update_of(CYD), CYD) for _ in range(2))
    assert refer_to(first, second) == "v504_leaf_twice"
    assert refer_to(first, reference(remove(CYD), DAN)) == "v504_leaf_twice"


def test_v505_adds_a_client_once() -> None:
    proposal = newcomer()
    assert by_both(proposal, proposal) == "v505_added_twice"
    person = Person(room_suite, "eve", rng)
    assert by_both(add(person.key_package()), add(person.key_package())) == "v505_added_twice"


def test_v506_adds_nobody_who_is_there_and_stays() -> None:
    founder, person = (Person(room_suite, name, rng) for name in ("ada", "ben"))
    author, package = founder.found(), person.key_package()
    staged = author.stage(add(package))
    author.merge(staged)
    ben = person.join(welcome_of(staged), package)
    again = add(person.key_package())
    assert code_of(lambda: author.stage(again)) == "v506_add_member"
    # E22: a rejoin removes and adds in one.
    judged = author.stage(remove(ben), again).judged
    assert ([one.leaf for one in judged.added], judged.removed) == ([ben.leaf], (ben.leaf,))


def test_v507_names_a_psk_once() -> None:
    psk = PreSharedKey(ExternalPskId(b"psk", nonce()))
    assert by_both(psk, psk) == "v507_psk_twice"


def test_v508_has_a_psk_of_a_branch_or_a_reinit_in_a_groups_first_commit_alone() -> None:
    first = ResumptionPskId("branch", b"x", 3, nonce())
    for psk in (first, replace(first, usage="reinit")):
        assert by_both(PreSharedKey(psk)) == "v508_psk_usage"
        founder = Person(room_suite, "founder", rng).found()
        begin = partial(founder.stage, psks=lambda _: bytes(48))
        assert code_of(partial(begin, PreSharedKey(psk))) == WELL
        two = PreSharedKey(psk), PreSharedKey(replace(psk, nonce=nonce()))
        assert code_of(partial(begin, *two)) == "v508_psk_usage"


def test_v509_has_a_nonce_as_long_as_a_hash_with_each_psk() -> None:
    for length in (0, room_suite.nh - 1, room_suite.nh + 1):
        assert by_both(PreSharedKey(ExternalPskId(b"psk", bytes(length)))) == "v509_psk_nonce"


def test_v510_sets_the_group_contexts_extensions_once() -> None:
    one, other = (GroupContextExtensions(room_extensions(title)) for title in "ab")
    assert by_both(one, other) == "v510_extensions_twice"


def test_v511_v512_has_a_reinit_alone_and_not_to_an_older_version() -> None:
    reinit = ReInit(b"new", 1, ROOM_SUITE, ())
    assert verdict(by_value(reinit)) == WELL
    assert by_both(reinit, newcomer()) == "v511_reinit_not_alone"
    assert by_both(reinit, reinit) == "v511_reinit_not_alone"
    assert by_both(replace(reinit, version=0)) == "v512_reinit_version"


def test_v513_has_no_external_init_from_a_member() -> None:
    assert by_both(ExternalInit(b"")) == "v513_external_init"


def test_v514_has_no_proposal_of_an_unknown_type() -> None:
    # GREASE too: leaves say that they know it, so that nobody relies on what they say.
    for number in (0, 8, 0x0A0A, 0xF001):
        assert by_both(UnknownProposal(number, b"?")) == "v514_unknown_proposal"


def test_v515_removes_and_updates_whoever_is_there() -> None:
    for leaf in (4, 5, 2**16, 0xFFFFFFFF):
        assert by_both(Remove(leaf_index(leaf))) == "v515_no_member"
    gone = ProposalReference(update_of(CYD), nonce(), leaf_index(7))
    assert refer_to(gone) == "v515_no_member"


def test_v516_has_updates_of_members_by_reference() -> None:
    assert refer_to(reference(update_of(CYD), None)) == "v516_update_sender"


def test_v519_has_the_path_that_it_requires() -> None:
    pathless = partial(verdict, path=None)
    assert pathless(()) == "v519_path_missing"
    assert pathless(by_value(remove(CYD))) == "v519_path_missing"
    assert pathless(by_value(GroupContextExtensions(room_extensions("x")))) == "v519_path_missing"
    update = reference(update_of(CYD), CYD)
    assert pathless((ProposalByReference(update.ref),), (update,)) == "v519_path_missing"
    assert pathless(by_value(newcomer())) == WELL


def test_v520_adds_no_more_members_than_a_tree_has_leaves() -> None:
    leaf = own_leaf_node(ADA.group)
    nodes = [None if at % 2 else leaf for at in range(2 * MAX_LEAVES - 1)]
    full = replace(ADA.group, tree=RatchetTree.of(nodes))
    judged = [JudgedProposal(newcomer(), ADA.leaf, by_reference=False)]
    assert code_of(lambda: apply_proposals(full, ADA.leaf, judged)) == "v520_tree_full"


def test_v401_v402_v101_v109_adds_valid_key_packages_and_updates_to_valid_leaves() -> None:
    package = newcomer().key_package
    assert by_both(Add(replace(package, extensions=()))) == "v402_key_package_signature"
    assert by_both(Add(replace(package, suite=1))) == "v401_key_package_suite"
    # An Update that Dan signed for his own place is none for Cyd's.
    assert refer_to(reference(update_of(DAN), CYD)) == "v101_leaf_signature"
    own = own_leaf_node(CYD.group)
    kept = sign_leaf_node(
        room_suite,
        UnsignedLeafNode(
            own.encryption_key,
            own.signature_key,
            own.credential,
            own.capabilities,
            UpdateSource(),
            own.extensions,
        ),
        CYD.group.signature_private_key,
        LeafPlace(CYD.group.context.group_id, CYD.leaf),
    )
    assert kept.encryption_key == own.encryption_key
    assert refer_to(reference(Update(kept), CYD)) == "v109_encryption_key_kept"


def test_v207_v303_leads_to_no_tree_with_a_key_in_two_places() -> None:
    # Ada's new leaf takes Ben's signature key; his private one is borrowed here, so that all else is right.
    ben = own_leaf_node(BEN.group)
    taken = NewLeaf(KeyPair(BEN.group.signature_private_key, ben.signature_key), PATH.leaf_node.credential)
    assert code_of(lambda: ADA.stage(new_leaf=taken)) == "v207_duplicate_signature_key"
    twin = sign_leaf_node(
        room_suite,
        UnsignedLeafNode(
            ben.encryption_key,
            ben.signature_key,
            ben.credential,
            ben.capabilities,
            CommitSource(b""),
            ben.extensions,
        ),
        ADA.group.signature_private_key,
        LeafPlace(ADA.group.context.group_id, ADA.leaf),
    )
    assert verdict((), path=replace(PATH, leaf_node=twin)) == "v303_path_key_reused"


def test_v105_v106_requires_nothing_that_a_member_lacks() -> None:
    required = required_capabilities_extension(RequiredCapabilities((0xF777,), (), ()))
    assert by_both(GroupContextExtensions((required,))) == "v105_required_capabilities"
    assert by_both(GroupContextExtensions((Extension(0xF777, b""),))) == "v106_group_extension"


def test_v303_a_path_that_was_used_once_is_no_path_again() -> None:
    a, b, c, d = four()
    staged = commit_all([a, b, c, d])
    used = commit_of(staged.judged.authenticated).path
    assert used is not None
    assert code_of(lambda: b.judge(forge_commit(a.group, used))) == "v109_encryption_key_kept"
    mixed = replace(some_path(c.group), nodes=used.nodes)
    assert code_of(lambda: b.judge(forge_commit(c.group, mixed)))[:3] == "v30"


def test_v314_v311_one_bad_commit_is_followed_by_nobody_and_bricks_nobody() -> None:
    a, b, c, d = four()
    honest = some_path(a.group)
    before = encode_group(b.group)
    judged = judged_by(b.group, forge_commit(a.group, honest))
    assert code_of(lambda: complete_commit(b.group, judged)) == "confirmation_tag"
    # A path secret that is spoiled for Ben alone: valid for all to judge, and he alone cannot follow (E18).
    first, *others = honest.nodes
    secrets = tuple(
        replace(ct, ciphertext=bytes([ct.ciphertext[0] ^ 1]) + ct.ciphertext[1:])
        for ct in first.encrypted_path_secrets
    )
    spoiled = replace(honest, nodes=(replace(first, encrypted_path_secrets=secrets), *others))
    message = forge_commit(a.group, spoiled)
    assert code_of(lambda: complete_commit(b.group, judged_by(b.group, message))) == "v311_path_secret"
    assert code_of(lambda: complete_commit(c.group, judged_by(c.group, message))) == "confirmation_tag"
    assert encode_group(b.group) == before
    # The room goes on.
    commit_all([d, a, b, c])
    commit_all([a, b, c, d])


def test_v311_a_path_secret_is_for_one_tree_and_no_other_paths() -> None:
    a, b, _, _ = four()
    one, two = some_path(a.group, "one"), some_path(a.group, "two")
    # The secrets of one path under the public keys of another, so that the parent hashes are right.
    nodes = tuple(
        replace(node, encrypted_path_secrets=other.encrypted_path_secrets)
        for node, other in zip(one.nodes, two.nodes, strict=True)
    )
    judged = judged_by(b.group, forge_commit(a.group, replace(one, nodes=nodes)))
    # HPKE binds each secret to the whole new tree, which is another here.
    assert code_of(lambda: complete_commit(b.group, judged)) == "v311_path_secret"


def test_v316_nobody_commits_in_this_members_name_but_this_state() -> None:
    a = four()[0]
    copy = decode_group(encode_group(a.group))
    judged = judged_by(copy, a.stage().message)
    assert code_of(lambda: complete_commit(copy, judged)) == "own_commit"


def test_v317_no_update_of_this_member_is_followed_that_it_has_no_keys_for() -> None:
    a, b, _, _ = four()
    proposed = propose_update(b.group, authenticated_data=b"", rng=rng)
    b.references = [ProposalReference(proposed.proposal, proposed.ref, b.leaf)]
    judged = b.judge(a.stage(references=b.references).message)
    assert code_of(lambda: complete_commit(b.group, judged)) == "own_update"


def test_an_update_may_bring_a_new_signature_key_and_of_several_the_committed_one_counts() -> None:
    a, b, c, _ = four()
    signature = room_suite.signature_key_pair(rng)
    renewed = NewLeaf(signature, own_leaf_node(b.group).credential)
    first, second = (
        b.send(partial(propose_update, new_leaf=new_leaf, authenticated_data=b"", rng=rng))
        for new_leaf in (None, renewed)
    )
    b.reload()
    taken = ProposalReference(second.proposal, second.ref, b.leaf)
    for client in (a, c):
        client.receive(first.message)
        client.receive(second.message)
        assert client.references[-1] == taken
    b.references.append(taken)
    staged = a.stage(references=[taken])
    assert b.follow(staged.message)
    assert c.follow(staged.message)
    a.merge(staged)
    assert own_leaf_node(b.group).signature_key == signature.public_key
    commit_all([b, a, c])


def test_v315_whoever_lacks_a_psk_cannot_follow_and_says_which_kind_of_lack_it_is() -> None:
    a, b, _, _ = four()
    psk = PreSharedKey(ExternalPskId(b"psk", nonce()))
    assert code_of(lambda: a.stage(psk)) == "psk_missing"
    secret = rng(32)
    judged = b.judge(a.stage(psk, psks=lambda _: secret).message)
    assert code_of(lambda: complete_commit(b.group, judged)) == "psk_missing"
    assert code_of(lambda: complete_commit(b.group, judged, lambda _: bytes(32))) == "confirmation_tag"
    assert code_of(lambda: complete_commit(b.group, judged, lambda _: secret)) == WELL


def test_a_resumption_psk_of_the_present_epoch_is_at_hand() -> None:
    clients = four()
    context = clients[0].group.context
    psk = ResumptionPskId("application", context.group_id, context.epoch, nonce())
    commit_all(clients, PreSharedKey(psk))
    assert clients[1].group.context.epoch == context.epoch + 1


def test_v318_who_is_removed_is_told_so_and_cannot_complete_the_commit() -> None:
    a, b, c, _ = four()
    message = a.stage(remove(b)).message
    judged = b.judge(message)
    assert (judged.removes_me, judged.removed, c.judge(message).removes_me) == (True, (b.leaf,), False)
    assert code_of(lambda: complete_commit(b.group, judged)) == "removed"


def test_a_leafs_own_remove_by_reference_is_honoured_by_whoever_commits() -> None:
    a, b, c, _ = four()
    leave = b.send(lambda group: protect_proposal(group, proposal=remove(b), authenticated_data=b"", rng=rng))
    for client in (a, c):
        client.receive(leave.message)
    staged = c.stage(references=c.references)
    assert staged.judged.proposals == (JudgedProposal(remove(b), b.leaf, by_reference=True),)
    assert a.follow(staged.message)
    assert a.group.tree.leaf(b.leaf) is None


def test_group_context_extensions_are_replaced_as_a_whole_and_newcomers_see_the_new_ones() -> None:
    clients = four()
    person = Person(room_suite, "eve", rng)
    package = person.key_package()
    extensions = room_extensions("another title")
    staged = commit_all(clients, GroupContextExtensions(extensions), add(package))
    eve = person.join(welcome_of(staged), package)
    assert {client.group.context.extensions for client in [*clients, eve]} == {extensions}
    assert staged.judged.extensions_after == extensions


def test_v319_a_verdict_holds_for_the_state_it_was_given_in() -> None:
    a, b, c, d = four()
    judged = b.judge(a.stage().message)
    early = unprotect(c.group, forge_commit(d.group, some_path(d.group))).authenticated
    commit_all([d, a, b, c])
    assert code_of(lambda: complete_commit(b.group, judged)) == "other_state"
    assert code_of(lambda: judge_commit(c.group, early, ())) == "commit_epoch"
    said = protect_application(d.group, data=b"", authenticated_data=b"", rng=rng).message
    assert code_of(lambda: judged_by(c.group, said)) == "not_a_commit"


def test_the_winner_of_two_commits_is_followed_and_the_lost_one_no_more() -> None:
    a, b, c, d = four()
    lost, won = a.stage(), b.stage()
    for client in (a, c, d):
        client.follow(won.message)
    b.merge(won)
    assert code_of(lambda: c.receive(lost.message)) == "v602_epoch"
    commit_all([a, b, c, d])


def test_a_new_signature_key_is_used_from_the_next_epoch_on() -> None:
    clients = four()
    a, b, _, _ = clients
    signature = room_suite.signature_key_pair(rng)
    commit_all(clients, new_leaf=NewLeaf(signature, PATH.leaf_node.credential))
    leaf = b.group.tree.leaf(a.leaf)
    assert leaf is not None
    assert leaf.signature_key == signature.public_key
    sent = a.send(lambda group: protect_application(group, data=b"new key", authenticated_data=b"", rng=rng))
    assert b.receive(sent.message).content == OpenedApplication(b"new key")


OUTSIDER = room_suite.signature_key_pair(rng)


def external(*proposals: ProposalOrRef) -> str:
    leaf = replace(PATH.leaf_node, signature_key=OUTSIDER.public_key)
    content = CommitContent(Commit(proposals, replace(PATH, leaf_node=leaf)))
    forgery = Forgery(sender=NewMemberCommit(), signed_by=OUTSIDER.private_key)
    opened = open_public_message(BEN.group, forge_public(ADA.group, content, forgery))
    return code_of(lambda: judge_commit(BEN.group, opened.authenticated, ()))


def test_v517_an_external_commit_has_one_external_init_at_most_one_remove_and_psks() -> None:
    init = ExternalInit(rng(1120))
    assert external(*by_value(remove(CYD))) == "v517_external_list"
    assert external(*by_value(init, init)) == "v517_external_list"
    assert external(*by_value(init, remove(CYD), remove(DAN))) == "v517_external_list"
    assert external(*by_value(init, newcomer())) == "v517_external_list"
    # This list is right, and the path is not the one of such a commit.
    assert external(*by_value(init))[:3] in ("v30", "v10")


def test_v518_an_external_commit_refers_to_nothing() -> None:
    assert external(ProposalByReference(nonce())) == "v518_external_reference"


def test_whatever_a_member_commits_is_followed_or_a_peers_fault() -> None:
    staged = ADA.stage(newcomer(), remove(CYD)).judged.authenticated
    original = encode_commit(commit_of(staged))
    forgery = Forgery(confirmation_tag=staged.auth.confirmation_tag)
    before = encode_group(BEN.group)
    reached = 0

    @settings(max_examples=200, deadline=None, derandomize=True, database=None)
    @given(st.integers(0, len(original) - 1), st.sampled_from((0, 0, 0, 1, 2)), st.binary(max_size=8))
    def check(at: int, gone: int, put: bytes) -> None:
        nonlocal reached
        try:
            commit = decode_commit(original[:at] + put + original[at + len(put) + gone :])
        except DecodeError:
            return
        reached += 1
        message = forge_private(ADA.group, CommitContent(commit), forgery)
        follow = partial(complete_commit, BEN.group)
        assert fault_of(lambda: follow(judged_by(BEN.group, message))) in ("nobody", "peer")

    check()
    assert reached > 20
    assert encode_group(BEN.group) == before
