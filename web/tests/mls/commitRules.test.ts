/** v501 to v520 and what only one member can tell: commits that break one rule each, and brick nobody. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EMPTY, utf8 } from "../../src/bytes/bytes";
import { proposeUpdate, protectApplication, protectProposal, unprotect } from "../../src/mls/application";
import { applyProposals } from "../../src/mls/applyProposals";
import { decodeCommit, encodeCommit, type ProposalOrRef } from "../../src/mls/commit";
import { completeCommit } from "../../src/mls/completeCommit";
import { MlsError } from "../../src/mls/errors";
import { requiredCapabilitiesExtension } from "../../src/mls/extension";
import type { Content } from "../../src/mls/framing";
import { decodeGroup, encodeGroup } from "../../src/mls/groupState";
import { judgeCommit, type ProposalReference } from "../../src/mls/judgeCommit";
import { signLeafNode } from "../../src/mls/leafNode";
import type { Proposal } from "../../src/mls/proposal";
import type { PreSharedKeyId } from "../../src/mls/pskId";
import { openPublicMessage } from "../../src/mls/publicMessages";
import { RatchetTree } from "../../src/mls/ratchetTree";
import { ROOM_SUITE } from "../../src/mls/suite";
import { suiteOf } from "../../src/mls/suites";
import { leafIndex, MAX_LEAVES } from "../../src/mls/treeMath";
import { byValue, type Forgery, forgeCommit, forgePrivate, forgePublic, somePath } from "./forge";
import { codeOf } from "./randomWalk";
import { seededRng } from "./seededRng";
import { add, type Client, commitAll, Person, remove, roomExtensions, roomOf } from "./simulation";

const suite = suiteOf(ROOM_SUITE);
const rng = seededRng("commit rules");

function four(): [Client, Client, Client, Client] {
  return roomOf(ROOM_SUITE, ["ada", "ben", "cyd", "dan"], rng) as [Client, Client, Client, Client];
}

const [ada, ben, cyd, dan] = four();
const path = somePath(ada);

function newcomer(): Proposal {
  return add(new Person(suite, "eve", rng).keyPackage().keyPackage);
}

function nonce(): Uint8Array {
  return rng(suite.nh);
}

/** What Ben says of a commit that Ada forged. His state must be as it was. */
function verdict(
  proposals: readonly ProposalOrRef[],
  references: readonly ProposalReference[] = [],
  commitPath: typeof path | null = path,
): string {
  const before = encodeGroup(ben.group);
  const message = forgePrivate(ada, { type: "commit", commit: { proposals, path: commitPath } });
  const code = codeOf(() => judgeCommit(ben.group, unprotect(ben.group, message), references));
  expect(encodeGroup(ben.group)).toEqual(before);
  return code;
}

/** The same, when Ada states the proposals by value; and her own client refuses to make such a commit at all. */
function byBoth(...proposals: readonly Proposal[]): string {
  const code = verdict(byValue(...proposals));
  expect(codeOf(() => ada.stage({ proposals }))).toBe(code);
  return code;
}

function reference(proposal: Proposal, sender: Client | null): ProposalReference {
  return { proposal, ref: rng(suite.nh), sender: sender?.leaf ?? null };
}

function referTo(...references: readonly ProposalReference[]): string {
  const list = references.map(({ ref }): ProposalOrRef => ({ kind: "reference", reference: ref }));
  const code = verdict(list, references);
  expect(codeOf(() => ada.stage({ references }))).toBe(code);
  return code;
}

function updateOf(client: Client): Proposal {
  return proposeUpdate(client.group, { authenticatedData: EMPTY, rng }).proposal;
}

describe("a commit's list of proposals", () => {
  it("may be empty, and then the path is what it brings", () => {
    expect(verdict([])).toBe("nothing thrown");
  });

  it("v501: refers to proposals of this epoch", () => {
    expect(verdict([{ kind: "reference", reference: rng(suite.nh) }])).toBe("v501_unknown_reference");
  });

  it("v502: has no Update of the committer", () => {
    expect(referTo(reference(updateOf(ada), ada))).toBe("v502_own_update");
    expect(byBoth(updateOf(ada))).toBe("v502_own_update");
  });

  it("v503: does not remove the committer", () => {
    expect(byBoth(remove(ada))).toBe("v503_own_remove");
    expect(referTo(reference(remove(ada), ada))).toBe("v503_own_remove");
  });

  it("v504: changes a leaf once", () => {
    expect(byBoth(remove(cyd), remove(cyd))).toBe("v504_leaf_twice");
    expect(referTo(reference(updateOf(cyd), cyd), reference(updateOf(cyd), cyd))).toBe("v504_leaf_twice");
    expect(referTo(reference(updateOf(cyd), cyd), reference(remove(cyd), dan))).toBe("v504_leaf_twice");
  });

  it("v505: adds a client once", () => {
    const proposal = newcomer();
    expect(byBoth(proposal, proposal)).toBe("v505_added_twice");
    const person = new Person(suite, "eve", rng);
    expect(byBoth(add(person.keyPackage().keyPackage), add(person.keyPackage().keyPackage))).toBe(
      "v505_added_twice",
    );
  });

  it("v506: adds nobody who is there and stays", () => {
    const people = [0, 1].map((i) => new Person(suite, `twin ${i}`, rng));
    const packages = people.map((person) => person.keyPackage());
    const author = people[0]!.found();
    const staged = author.stage({ proposals: [add(packages[1]!.keyPackage)] });
    author.merge(staged);
    const twin = people[1]!.join(staged.welcome!, packages[1]!);
    const again = add(people[1]!.keyPackage().keyPackage);
    expect(codeOf(() => author.stage({ proposals: [again] }))).toBe("v506_add_member");
    // E22: a rejoin removes and adds in one.
    const rejoined = author.stage({ proposals: [remove(twin), again] });
    expect(rejoined.judged.added.map(({ leaf }) => leaf)).toEqual([twin.leaf]);
    expect(rejoined.judged.removed).toEqual([twin.leaf]);
  });

  it("v507: names a PSK once", () => {
    const psk: PreSharedKeyId = { kind: "external", id: utf8("psk"), nonce: nonce() };
    expect(byBoth({ type: "psk", psk }, { type: "psk", psk })).toBe("v507_psk_twice");
  });

  it("v508: has a PSK of a branch or a ReInit in a group's first commit alone", () => {
    for (const usage of ["branch", "reinit"] as const) {
      const psk: PreSharedKeyId = {
        kind: "resumption",
        usage,
        groupId: utf8("x"),
        epoch: 3n,
        nonce: nonce(),
      };
      expect(byBoth({ type: "psk", psk })).toBe("v508_psk_usage");
      const founder = new Person(suite, "founder", rng).found();
      const other = { ...psk, nonce: nonce() };
      const psks = () => new Uint8Array(suite.nh);
      expect(codeOf(() => founder.stage({ proposals: [{ type: "psk", psk }], psks }))).toBe("nothing thrown");
      const two: Proposal[] = [psk, other].map((id) => ({ type: "psk", psk: id }));
      expect(codeOf(() => founder.stage({ proposals: two, psks }))).toBe("v508_psk_usage");
    }
  });

  it("v509: has a nonce as long as a hash with each PSK", () => {
    for (const length of [0, suite.nh - 1, suite.nh + 1]) {
      const psk: PreSharedKeyId = { kind: "external", id: utf8("psk"), nonce: new Uint8Array(length) };
      expect(byBoth({ type: "psk", psk })).toBe("v509_psk_nonce");
    }
  });

  it("v510: sets the GroupContext's extensions once", () => {
    const proposals = ["a", "b"].map((title): Proposal => {
      return { type: "group_context_extensions", extensions: roomExtensions(title) };
    });
    expect(byBoth(...proposals)).toBe("v510_extensions_twice");
  });

  it("v511, v512: has a ReInit alone, and not to an older version", () => {
    const reinit = {
      type: "reinit",
      groupId: utf8("new"),
      version: 1,
      suite: ROOM_SUITE,
      extensions: [],
    } as const;
    expect(verdict(byValue(reinit))).toBe("nothing thrown");
    expect(byBoth(reinit, newcomer())).toBe("v511_reinit_not_alone");
    expect(byBoth(reinit, reinit)).toBe("v511_reinit_not_alone");
    expect(byBoth({ ...reinit, version: 0 })).toBe("v512_reinit_version");
  });

  it("v513: has no ExternalInit from a member", () => {
    expect(byBoth({ type: "external_init", kemOutput: EMPTY })).toBe("v513_external_init");
  });

  it("v514: has no proposal of an unknown type, also where leaves say that they know it", () => {
    for (const id of [0, 8, 0x0a0a, 0xf001]) {
      expect(byBoth({ type: "unknown", id, data: utf8("?") })).toBe("v514_unknown_proposal");
    }
  });

  it("v515: removes and updates whoever is there", () => {
    for (const leaf of [4, 5, 2 ** 16, 0xffffffff]) {
      expect(byBoth({ type: "remove", removed: leafIndex(leaf) })).toBe("v515_no_member");
    }
    const gone = { proposal: updateOf(cyd), ref: rng(suite.nh), sender: leafIndex(7) };
    expect(referTo(gone)).toBe("v515_no_member");
  });

  it("v516: has Updates of members, by reference", () => {
    expect(referTo(reference(updateOf(cyd), null))).toBe("v516_update_sender");
  });

  it("v519: has the path that it requires", () => {
    const extensions = roomExtensions("x");
    expect(verdict([], [], null)).toBe("v519_path_missing");
    expect(verdict(byValue(remove(cyd)), [], null)).toBe("v519_path_missing");
    expect(verdict(byValue({ type: "group_context_extensions", extensions }), [], null)).toBe(
      "v519_path_missing",
    );
    const update = reference(updateOf(cyd), cyd);
    expect(verdict([{ kind: "reference", reference: update.ref }], [update], null)).toBe("v519_path_missing");
    expect(verdict(byValue(newcomer()), [], null)).toBe("nothing thrown");
  });

  it("v520: adds no more members than a tree has leaves", () => {
    const leaf = ada.group.tree.leaf(ada.leaf)!;
    const nodes = Array.from({ length: 2 * MAX_LEAVES - 1 }, (_, i) => (i % 2 === 0 ? leaf : null));
    const list = [{ proposal: newcomer(), sender: ada.leaf, byReference: false }];
    const full = { ...ada.group, tree: RatchetTree.of(nodes) };
    expect(codeOf(() => applyProposals(full, ada.leaf, list))).toBe("v520_tree_full");
  });

  it("v4xx, v1xx: adds valid KeyPackages, and updates to valid leaves", () => {
    const proposal = newcomer() as Extract<Proposal, { type: "add" }>;
    const { keyPackage } = proposal;
    expect(byBoth({ ...proposal, keyPackage: { ...keyPackage, extensions: [] } })).toBe(
      "v402_key_package_signature",
    );
    expect(byBoth({ ...proposal, keyPackage: { ...keyPackage, suite: 1 } })).toBe("v401_key_package_suite");
    // An Update that Dan signed for his own place is none for Cyd's.
    expect(referTo(reference(updateOf(dan), cyd))).toBe("v101_leaf_signature");
    const own = cyd.group.tree.leaf(cyd.leaf)!;
    const kept = signLeafNode(suite, { ...own, source: { kind: "update" } }, cyd.group.signaturePrivateKey, {
      groupId: cyd.group.context.groupId,
      leaf: cyd.leaf,
    });
    expect(referTo(reference({ type: "update", leafNode: kept }, cyd))).toBe("v109_encryption_key_kept");
  });

  it("v207, v303: leads to no tree with a key in two places", () => {
    const [a, b] = four();
    // Ada's new leaf takes Ben's signature key; his private one is borrowed here, so that all else is right.
    const signature = {
      privateKey: b.group.signaturePrivateKey,
      publicKey: a.group.tree.leaf(b.leaf)!.signatureKey,
    };
    const { credential } = path.leafNode;
    expect(codeOf(() => a.stage({ newLeaf: { signature, credential } }))).toBe(
      "v207_duplicate_signature_key",
    );
    const twin = signLeafNode(
      suite,
      {
        ...ada.group.tree.leaf(ben.leaf)!,
        source: { kind: "commit", parentHash: EMPTY },
      },
      ada.group.signaturePrivateKey,
      { groupId: ada.group.context.groupId, leaf: ada.leaf },
    );
    expect(verdict([], [], { ...path, leafNode: twin })).toBe("v303_path_key_reused");
  });

  it("v105, v106: requires nothing that a member lacks", () => {
    const required = { extensions: [0xf777], proposals: [], credentials: [] };
    expect(
      codeOf(() =>
        ada.stage({
          proposals: [
            { type: "group_context_extensions", extensions: [requiredCapabilitiesExtension(required)] },
          ],
        }),
      ),
    ).toBe("v105_required_capabilities");
    const unknown = [{ type: 0xf777, data: EMPTY }];
    expect(
      codeOf(() => ada.stage({ proposals: [{ type: "group_context_extensions", extensions: unknown }] })),
    ).toBe("v106_group_extension");
  });
});

describe("a commit's path, and what follows from it", () => {
  it("v303: brings new keys: a path that was used once is no path again", () => {
    const [a, b, c, d] = four();
    const staged = commitAll([a, b, c, d]);
    const used = staged.judged.authenticated.framed.content.commit.path!;
    const message = forgeCommit(a, { path: used });
    expect(codeOf(() => b.judge(message))).toBe("v109_encryption_key_kept");
    const message2 = forgeCommit(c, { path: { ...somePath(c), nodes: used.nodes } });
    expect(codeOf(() => b.judge(message2))).toMatch(/^v30[1-5]/);
  });

  it("v314, v311, confirmation_tag: one bad commit is followed by nobody and bricks nobody", () => {
    const clients = four();
    const [a, b, c, d] = clients;
    const honest = somePath(a);
    const before = encodeGroup(b.group);
    const badTag = forgeCommit(a, { path: honest });
    const judged = judgeCommit(b.group, unprotect(b.group, badTag), []);
    expect(codeOf(() => completeCommit(b.group, judged))).toBe("confirmation_tag");
    // A path secret that is spoiled for Ben alone: valid for all to judge, and he alone cannot follow (E18).
    const spoiled = {
      ...honest,
      nodes: honest.nodes.map((node, i) =>
        i > 0
          ? node
          : {
              ...node,
              encryptedPathSecrets: node.encryptedPathSecrets.map((ct) => ({
                ...ct,
                ciphertext: ct.ciphertext.map((byte) => byte ^ 1),
              })),
            },
      ),
    };
    const message = forgeCommit(a, { path: spoiled });
    const bad = judgeCommit(b.group, unprotect(b.group, message), []);
    expect(codeOf(() => completeCommit(b.group, bad))).toBe("v311_path_secret");
    expect(codeOf(() => completeCommit(c.group, judgeCommit(c.group, unprotect(c.group, message), [])))).toBe(
      "confirmation_tag",
    );
    expect(encodeGroup(b.group)).toEqual(before);
    // The room goes on.
    commitAll([d, a, b, c]);
    commitAll([a, b, c, d]);
  });

  it("v311: a path secret is for one tree, and no other path's", () => {
    const [a, b] = four();
    const [one, two] = [somePath(a), somePath(a)];
    // The secrets of one path under the public keys of another, so that the parent hashes are right.
    const mixed = {
      ...one,
      nodes: one.nodes.map((node, i) => ({
        ...node,
        encryptedPathSecrets: two.nodes[i]!.encryptedPathSecrets,
      })),
    };
    const judged = judgeCommit(b.group, unprotect(b.group, forgeCommit(a, { path: mixed })), []);
    // HPKE binds each secret to the whole new tree, which is another here.
    expect(codeOf(() => completeCommit(b.group, judged))).toBe("v311_path_secret");
  });

  it("v316, own_commit: nobody commits in this member's name but this state", () => {
    const [a] = four();
    const copy = decodeGroup(encodeGroup(a.group), suiteOf);
    const staged = a.stage();
    const judged = judgeCommit(copy, unprotect(copy, staged.message), []);
    expect(codeOf(() => completeCommit(copy, judged))).toBe("own_commit");
  });

  it("v317, own_update: no Update of this member is followed that it has no keys for", () => {
    const [a, b] = four();
    const { proposal, ref } = proposeUpdate(b.group, { authenticatedData: EMPTY, rng });
    const references = [{ proposal, ref, sender: b.leaf }];
    const { message } = a.stage({ references });
    const judged = judgeCommit(b.group, b.receive(message), references);
    expect(codeOf(() => completeCommit(b.group, judged))).toBe("own_update");
  });

  it("v315, psk_missing: whoever lacks a PSK cannot follow, and says which kind of lack it is", () => {
    const [a, b] = four();
    const psk: PreSharedKeyId = { kind: "external", id: utf8("psk"), nonce: nonce() };
    const proposals: Proposal[] = [{ type: "psk", psk }];
    expect(codeOf(() => a.stage({ proposals }))).toBe("psk_missing");
    const secret = rng(32);
    const { message } = a.stage({ proposals, psks: () => secret });
    const judged = b.judge(message);
    expect(codeOf(() => completeCommit(b.group, judged))).toBe("psk_missing");
    expect(codeOf(() => completeCommit(b.group, judged, () => rng(32)))).toBe("confirmation_tag");
    expect(codeOf(() => completeCommit(b.group, judged, () => secret))).toBe("nothing thrown");
  });

  it("a resumption PSK of the present epoch is at hand", () => {
    const clients = four();
    const { context } = clients[0].group;
    const psk: PreSharedKeyId = {
      kind: "resumption",
      usage: "application",
      groupId: context.groupId,
      epoch: context.epoch,
      nonce: nonce(),
    };
    commitAll(clients, { proposals: [{ type: "psk", psk }] });
    expect(clients[1].group.context.epoch).toBe(context.epoch + 1n);
  });

  it("v318, removed: who is removed is told so, and cannot complete the commit", () => {
    const [a, b, c] = four();
    const { message } = a.stage({ proposals: [remove(b)] });
    const judged = b.judge(message);
    expect([judged.removesMe, judged.removed, c.judge(message).removesMe]).toEqual([true, [b.leaf], false]);
    expect(codeOf(() => completeCommit(b.group, judged))).toBe("removed");
  });

  it("a leaf's own Remove, by reference, is honoured by whoever commits", () => {
    const [a, b, c] = four();
    const leave = b.send((group) =>
      protectProposal(group, { proposal: remove(b), authenticatedData: EMPTY, rng }),
    );
    for (const client of [a, c]) client.receive(leave.message);
    const staged = c.stage({ references: c.references });
    expect(staged.judged.proposals).toEqual([{ proposal: remove(b), sender: b.leaf, byReference: true }]);
    expect(a.follow(staged.message)).toBe(true);
    expect(a.group.tree.leaf(b.leaf)).toBeNull();
  });

  it("GroupContext extensions are replaced as a whole, and newcomers see the new ones", () => {
    const clients = four();
    const person = new Person(suite, "eve", rng);
    const keyPackage = person.keyPackage();
    const extensions = roomExtensions("another title");
    const staged = commitAll(clients, {
      proposals: [{ type: "group_context_extensions", extensions }, add(keyPackage.keyPackage)],
    });
    const eve = person.join(staged.welcome!, keyPackage);
    for (const client of [...clients, eve]) expect(client.group.context.extensions).toEqual(extensions);
    expect(staged.judged.extensionsAfter).toEqual(extensions);
  });

  it("v319, other_state, commit_epoch, not_a_commit: a verdict holds for the state it was given in", () => {
    const clients = four();
    const [a, b, c, d] = clients;
    const { message } = a.stage();
    const judged = b.judge(message);
    const early = unprotect(c.group, forgeCommit(d, {}));
    commitAll([d, a, b, c]);
    expect(codeOf(() => completeCommit(b.group, judged))).toBe("other_state");
    expect(codeOf(() => judgeCommit(c.group, early, []))).toBe("commit_epoch");
    const said = unprotect(
      c.group,
      protectApplication(d.group, { data: EMPTY, authenticatedData: EMPTY, rng }).message,
    );
    expect(codeOf(() => judgeCommit(c.group, said, []))).toBe("not_a_commit");
  });

  it("the keys of a lost commit open nothing, and its winner is followed", () => {
    const [a, b, c, d] = four();
    const lost = a.stage();
    const won = b.stage();
    a.drop(lost);
    for (const client of [a, c, d]) client.follow(won.message);
    b.merge(won);
    // A second commit of one epoch is not followed any more.
    expect(codeOf(() => c.receive(lost.message))).toBe("v602_epoch");
    commitAll([a, b, c, d]);
  });

  it("a new signature key is used from the next epoch on", () => {
    const clients = four();
    const [a, b] = clients;
    const signature = suite.signatureKeyPair(rng);
    commitAll(clients, { newLeaf: { signature, credential: path.leafNode.credential } });
    expect(b.group.tree.leaf(a.leaf)!.signatureKey).toEqual(signature.publicKey);
    const { message } = a.send((group) =>
      protectApplication(group, { data: utf8("new key"), authenticatedData: EMPTY, rng }),
    );
    expect(b.receive(message).content).toEqual({ kind: "application", data: utf8("new key") });
  });
});

describe("v517, v518: an external commit", () => {
  const outsider = suite.signatureKeyPair(rng);

  function external(proposals: readonly ProposalOrRef[]): string {
    const content: Content = { type: "commit", commit: { proposals, path } };
    const forgery: Forgery = { sender: { type: "new_member_commit" }, signedBy: outsider.privateKey };
    const signed = {
      ...path,
      leafNode: { ...path.leafNode, signatureKey: outsider.publicKey },
    };
    const message = forgePublic(ada, { ...content, commit: { proposals, path: signed } }, forgery);
    return codeOf(() => judgeCommit(ben.group, openPublicMessage(ben.group, message), []));
  }

  const init: Proposal = { type: "external_init", kemOutput: rng(1120) };

  it("has one ExternalInit, at most one Remove, and PSKs", () => {
    expect(external(byValue(remove(cyd)))).toBe("v517_external_list");
    expect(external(byValue(init, init))).toBe("v517_external_list");
    expect(external(byValue(init, remove(cyd), remove(dan)))).toBe("v517_external_list");
    expect(external(byValue(init, newcomer()))).toBe("v517_external_list");
    // This list is right, and the path is not the one of such a commit.
    expect(external(byValue(init))).toMatch(/^v30[1-5]|^v10/);
  });

  it("refers to nothing", () => {
    expect(external([{ kind: "reference", reference: rng(suite.nh) }])).toBe("v518_external_reference");
  });
});

describe("whatever a member commits", () => {
  it("is followed, or is a peer's fault and leaves the state alone", () => {
    const staged = ada.stage({ proposals: [newcomer(), remove(cyd)] });
    const original = encodeCommit(staged.judged.authenticated.framed.content.commit);
    const { confirmationTag } = staged.judged.authenticated.auth;
    const before = encodeGroup(ben.group);
    let reached = 0;
    fc.assert(
      fc.property(
        fc.nat(),
        fc.constantFrom(0, 0, 0, 1, 2),
        fc.uint8Array({ maxLength: 8 }),
        (at, gone, put) => {
          const from = at % original.length;
          const after = original.subarray(from + put.length + gone);
          const bytes = Uint8Array.of(...original.subarray(0, from), ...put, ...after);
          try {
            const commit = decodeCommit(bytes);
            reached++;
            const message = forgePrivate(
              ada,
              { type: "commit", commit },
              { confirmationTag: confirmationTag! },
            );
            completeCommit(ben.group, judgeCommit(ben.group, unprotect(ben.group, message), []));
          } catch (error) {
            expect(error).toBeInstanceOf(MlsError);
            expect((error as MlsError).fault).toBe("peer");
          }
        },
      ),
      { seed: 3, numRuns: 150 },
    );
    expect(reached).toBeGreaterThan(20);
    expect(encodeGroup(ben.group)).toEqual(before);
  });
});
