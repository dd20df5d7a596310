/** d01 to d09: defects that were seen in public libraries of MLS, each looked for in both suites that we use most. */

import { describe, expect, it } from "vitest";
import { EMPTY, toHex, utf8 } from "../../src/bytes/bytes";
import { proposeUpdate, protectApplication, unprotect } from "../../src/mls/application";
import { completeCommit } from "../../src/mls/completeCommit";
import { ExtensionType, findExtension } from "../../src/mls/extension";
import { epochAuthenticator, exportSecret } from "../../src/mls/group";
import { encodeGroup } from "../../src/mls/groupState";
import { judgeCommit } from "../../src/mls/judgeCommit";
import { leafSignatureIsValid } from "../../src/mls/leafNode";
import type { Staged } from "../../src/mls/stageCommit";
import { ROOM_SUITE } from "../../src/mls/suite";
import { suiteOf } from "../../src/mls/suites";
import { leafIndex } from "../../src/mls/treeMath";
import { byValue, forgeCommit, forgePrivate } from "./forge";
import { codeOf } from "./randomWalk";
import { seededRng } from "./seededRng";
import { add, type Client, commitAll, Person, remove, roomExtensions, roomOf } from "./simulation";

function expectOneEpoch(clients: readonly Client[]): void {
  const seen = new Set(clients.map(({ group }) => toHex(epochAuthenticator(group))));
  expect(seen.size).toBe(1);
}

const pathOf = (staged: Staged) => staged.judged.authenticated.framed.content.commit.path;

describe.each([1, ROOM_SUITE])("suite %i", (id) => {
  const suite = suiteOf(id);
  const rng = seededRng(`defects ${id}`);
  const room = (count: number) =>
    roomOf(
      id,
      Array.from({ length: count }, (_, i) => `member ${i}`),
      rng,
    );

  it("d01: the own leaf of a path is signed anew, over its new key, its parent hash and its place", () => {
    const [a, ...others] = room(5);
    const before = a!.group.tree.leaf(a!.leaf)!;
    const { leafNode } = pathOf(commitAll([a!, ...others]))!;
    const place = { groupId: a!.group.context.groupId, leaf: a!.leaf };
    expect(leafSignatureIsValid(suite, leafNode, place)).toBe(true);
    expect(leafNode.signature).not.toEqual(before.signature);
    expect(leafSignatureIsValid(suite, { ...leafNode, encryptionKey: before.encryptionKey }, place)).toBe(
      false,
    );
    const source = { kind: "commit", parentHash: EMPTY } as const;
    expect(leafSignatureIsValid(suite, { ...leafNode, source }, place)).toBe(false);
    expect(leafSignatureIsValid(suite, leafNode, { ...place, leaf: leafIndex(1) })).toBe(false);
  });

  it("d02: neither a replay nor an unsigned application message is accepted", () => {
    const [a, b] = room(2) as [Client, Client];
    const input = { data: utf8("once"), authenticatedData: EMPTY, rng };
    const { message } = a.send((group) => protectApplication(group, input));
    b.receive(message);
    expect(codeOf(() => b.receive(message))).toBe("v604_generation_used");
    b.reload();
    expect(codeOf(() => b.receive(message))).toBe("v604_generation_used");
    const content = { type: "application", data: utf8("unsigned") } as const;
    expect(codeOf(() => b.receive(forgePrivate(a, content, { signedBy: null })))).toBe("v607_signature");
  });

  it("d03: the exporter does not ignore its context", () => {
    const [a] = room(1) as [Client];
    const contexts = [EMPTY, utf8("a"), utf8("b"), new Uint8Array(1), new Uint8Array(32)];
    const exported = contexts.map((context) => toHex(exportSecret(a.group, "label", context, 32)));
    expect(new Set(exported).size).toBe(contexts.length);
    expect(toHex(exportSecret(a.group, "label", utf8("a"), 32))).toBe(exported[1]);
  });

  it("d04: the commit secret is right when one half of the tree is blank, whichever half", () => {
    for (const half of ["left", "right"] as const) {
      const clients = room(8);
      for (const author of clients) commitAll([author, ...clients.filter((one) => one !== author)]);
      const [stay, go] =
        half === "left" ? [clients.slice(4), clients.slice(0, 4)] : [clients.slice(0, 4), clients.slice(4)];
      const [author, ...others] = stay;
      const staged = author!.stage({ proposals: go.map(remove) });
      for (const other of others) other.follow(staged.message);
      author!.merge(staged);
      expectOneEpoch(stay);
      // On the right the left half stays blank, so that the root is no node of anybody's path.
      expect(author!.group.tree.leafCount).toBe(half === "left" ? 8 : 4);
      for (const next of stay) commitAll([next, ...stay.filter((one) => one !== next)]);
      expectOneEpoch(stay);
      const eve = new Person(suite, "eve", rng);
      const keyPackage = eve.keyPackage();
      const adding = commitAll(stay, { proposals: [add(keyPackage.keyPackage)] });
      const all = [...stay, eve.join(adding.welcome!, keyPackage)];
      commitAll([all.at(-1)!, ...stay]);
      expectOneEpoch(all);
    }
  });

  it("d05: a Commit with a Remove has a path, and one without is refused", () => {
    const [a, b, c] = room(3) as [Client, Client, Client];
    const forged = forgeCommit(a, { proposals: byValue(remove(c)), path: null });
    expect(codeOf(() => judgeCommit(b.group, unprotect(b.group, forged), []))).toBe("v519_path_missing");
    const staged = commitAll([a, b], { proposals: [remove(c)] });
    expect(pathOf(staged)).not.toBeNull();
    expectOneEpoch([a, b]);
  });

  it("d06: a Commit of GroupContextExtensions has a path, and the new GroupContext has them", () => {
    const clients = room(3);
    const [a, b] = clients as [Client, Client];
    const extensions = roomExtensions("renamed");
    const proposal = { type: "group_context_extensions", extensions } as const;
    const forged = forgeCommit(a, { proposals: byValue(proposal), path: null });
    expect(codeOf(() => judgeCommit(b.group, unprotect(b.group, forged), []))).toBe("v519_path_missing");
    expect(pathOf(commitAll(clients, { proposals: [proposal] }))).not.toBeNull();
    for (const { group } of clients) {
      const title = findExtension(group.context.extensions, ExtensionType.collegiumRoom);
      expect(title?.data).toEqual(utf8("renamed"));
    }
    expectOneEpoch(clients);
  });

  it("d07: a valid Welcome is accepted, whatever shape its unmerged leaves have", () => {
    let clients = room(7);
    const welcomed = (...gone: readonly Client[]): void => {
      const eve = new Person(suite, "eve", rng);
      const keyPackage = eve.keyPackage();
      const [author, ...others] = clients.filter((one) => !gone.includes(one));
      const proposals = [...gone.map(remove), add(keyPackage.keyPackage)];
      const staged = author!.stage({ proposals });
      for (const other of others) other.follow(staged.message);
      author!.merge(staged);
      clients = [author!, ...others, eve.join(staged.welcome!, keyPackage)];
      expectOneEpoch(clients);
    };
    for (const author of clients) commitAll([author, ...clients.filter((one) => one !== author)]);
    // At every key above, at some of them with blanks between, several at once, and in another's old place.
    welcomed();
    welcomed();
    welcomed(clients[2]!, clients[5]!);
    welcomed(clients[4]!);
    commitAll([clients.at(-1)!, ...clients.slice(0, -1)]);
    welcomed();
    const { tree } = clients[0]!.group;
    const shapes = tree.parents().map(({ node }) => node.unmergedLeaves.length);
    expect(Math.max(...shapes)).toBeGreaterThan(0);
    welcomed(clients[1]!);
  });

  it("d08: an Update of leaf 0 is accepted, by reference and by a path", () => {
    const [a, b, c] = room(3) as [Client, Client, Client];
    expect(a.leaf).toBe(0);
    const before = a.group.tree.leaf(a.leaf)!.encryptionKey;
    const { message, proposal, ref } = a.send((group) =>
      proposeUpdate(group, { authenticatedData: EMPTY, rng }),
    );
    a.references.push({ proposal, ref, sender: a.leaf });
    for (const other of [b, c]) other.receive(message);
    const staged = b.stage({ references: b.references });
    expect(staged.judged.updated).toEqual([0]);
    for (const other of [a, c]) other.follow(staged.message);
    b.merge(staged);
    expectOneEpoch([a, b, c]);
    expect(c.group.tree.leaf(a.leaf)!.encryptionKey).not.toEqual(before);
    commitAll([a, b, c]);
    expectOneEpoch([a, b, c]);
  });

  it("d09: a bad Commit bricks nobody", () => {
    const clients = room(4);
    const [a, b, c, d] = clients as [Client, Client, Client, Client];
    const states = clients.map(({ group }) => encodeGroup(group));
    const honest = pathOf(a.stage())!;
    const bad = [
      forgeCommit(a, { path: null }),
      forgeCommit(a, { proposals: byValue(remove(a)) }),
      forgeCommit(a, { path: { ...honest, nodes: [] } }),
      forgeCommit(a, {
        path: { ...honest, nodes: honest.nodes.map((node) => ({ ...node, encryptedPathSecrets: [] })) },
      }),
      forgeCommit(a, { path: honest }),
      forgeCommit(a, { path: honest }, { confirmationTag: EMPTY }),
    ];
    for (const message of bad) {
      for (const [i, one] of [b, c, d].entries()) {
        expect(
          codeOf(() => completeCommit(one.group, judgeCommit(one.group, unprotect(one.group, message), []))),
        ).not.toBe("nothing thrown");
        expect(encodeGroup(one.group)).toEqual(states[i + 1]);
      }
    }
    commitAll([d, a, b, c]);
    commitAll([a, b, c, d]);
    expectOneEpoch(clients);
  });
});
