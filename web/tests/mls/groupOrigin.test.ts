/** v801 to v806: groups that begin from another one, and what neither their founder nor whoever joins lets pass. */

import { describe, expect, it } from "vitest";
import { EMPTY, equal, utf8 } from "../../src/bytes/bytes";
import { encodeCredential } from "../../src/mls/credential";
import type { Extension } from "../../src/mls/extension";
import { epochAuthenticator, type Group } from "../../src/mls/group";
import {
  branchGroup,
  type GroupOrigin,
  joinFromOrigin,
  type OriginFounding,
  originOf,
  reinitGroup,
  type SameMember,
} from "../../src/mls/groupOrigin";
import type { Joined } from "../../src/mls/joinGroup";
import type { createKeyPackage } from "../../src/mls/keyPackage";
import { decodeMlsMessage } from "../../src/mls/mlsMessage";
import type { Proposal } from "../../src/mls/proposal";
import type { Staged } from "../../src/mls/stageCommit";
import { ROOM_SUITE } from "../../src/mls/suite";
import { suiteOf } from "../../src/mls/suites";
import { codeOf } from "./randomWalk";
import { seededRng } from "./seededRng";
import { add, Client, commitAll, FOREVER, Person, remove, roomExtensions, roomOf } from "./simulation";

const rng = seededRng("group origin");
const suite = suiteOf(ROOM_SUITE);
const CASE_ID = utf8("a case of the commons");
const NAMES = ["ada", "ben", "cyd", "dan"];

/** People go by their names here. In rooms it is account, identity key and device (E31). */
const sameMember: SameMember = (old, present) =>
  equal(encodeCredential(old.credential), encodeCredential(present.credential));

type Packaged = {
  readonly person: Person;
  readonly keyPackage: ReturnType<typeof createKeyPackage>;
};

function packaged(suiteId: number, ...names: readonly string[]): Packaged[] {
  return names.map((name) => {
    const person = new Person(suiteOf(suiteId), name, rng);
    return { person, keyPackage: person.keyPackage() };
  });
}

function founding(founder: Person, others: readonly Packaged[]): OriginFounding {
  const { signature, credential } = founder;
  const keyPackages = others.map(({ keyPackage }) => keyPackage.keyPackage);
  return { signature, credential, ...FOREVER, keyPackages, sameMember, authenticatedData: EMPTY, rng };
}

type Branch = { readonly suiteId?: number; readonly founder?: string; readonly extensions?: Extension[] };

function branch(origin: GroupOrigin, others: readonly Packaged[], change: Branch = {}): Staged {
  const { suiteId = ROOM_SUITE, founder = "ada", extensions = roomExtensions("case") } = change;
  const person = new Person(suiteOf(suiteId), founder, rng);
  const more = { suite: person.suite, groupId: CASE_ID, extensions };
  return branchGroup(origin, { ...founding(person, others), ...more });
}

function join({ person, keyPackage }: Packaged, welcome: Uint8Array, ...origins: GroupOrigin[]): Joined {
  return joinFromOrigin({
    suite: person.suite,
    welcome,
    keyPackage: keyPackage.bytes,
    secrets: keyPackage.secrets,
    sameMember,
    origins: (groupId, epoch) =>
      origins.find(({ context }) => context.epoch === epoch && equal(context.groupId, groupId)),
  });
}

/** What the same origin looks like to a founder who does not keep to the rules. */
function lax(origin: GroupOrigin, change: Partial<GroupOrigin>): GroupOrigin {
  return { ...origin, ...change };
}

const [ada, ben, cyd] = roomOf(ROOM_SUITE, NAMES, rng) as [Client, Client, Client];
const commons = originOf(ada.group);

function agree(...groups: readonly Group[]): void {
  for (const group of groups) expect(epochAuthenticator(group)).toEqual(epochAuthenticator(groups[0]!));
}

describe("a branch", () => {
  it("has some of the members, in its first epoch, and goes on like any group", () => {
    const others = packaged(ROOM_SUITE, "ben", "dan");
    const staged = branch(commons, others);
    const joined = others.map((one, i) => join(one, staged.welcome!, originOf([ben, cyd][i]!.group)).group);
    agree(staged.next, ...joined);
    expect(staged.next.context).toMatchObject({ groupId: CASE_ID, epoch: 1n, suite: ROOM_SUITE });
    const clients = [staged.next, ...joined].map((group, i) => new Client(`member ${i}`, group, rng));
    commitAll(clients);
    agree(...clients.map(({ group }) => group));
  });

  it("may have its founder alone", () => {
    const staged = branch(commons, []);
    expect([staged.welcome, staged.next.context.epoch]).toEqual([null, 1n]);
  });

  it("shares no key with another branch of the same epoch", () => {
    const [one, two] = [0, 1].map(() => branch(commons, packaged(ROOM_SUITE, "ben")));
    const nonces = [one!, two!].map(({ judged }) => {
      const [psk] = judged.nextEpoch.psks;
      expect(psk).toMatchObject({ kind: "resumption", usage: "branch", epoch: commons.context.epoch });
      return psk!.nonce;
    });
    expect(nonces[0]!.length).toBe(suite.nh);
    expect(nonces[0]).not.toEqual(nonces[1]);
  });

  it("psk_missing: is joined by those alone who have the epoch that it names", () => {
    const others = packaged(ROOM_SUITE, "ben");
    const { welcome } = branch(commons, others);
    expect(codeOf(() => join(others[0]!, welcome!))).toBe("psk_missing");
    commitAll([ben, ada, cyd]);
    // E31: whoever has moved on keeps what an earlier epoch's branch takes.
    expect(codeOf(() => join(others[0]!, welcome!, originOf(ben.group)))).toBe("psk_missing");
    expect(codeOf(() => join(others[0]!, welcome!, originOf(ben.group), commons))).toBe("nothing thrown");
  });

  it("aead: nor by whoever has another secret for it", () => {
    const others = packaged(ROOM_SUITE, "ben");
    const { welcome } = branch(commons, others);
    const wrong = lax(commons, { psk: rng(suite.nh) });
    expect(codeOf(() => join(others[0]!, welcome!, wrong))).toBe("aead");
  });

  it("v801: begins from another group", () => {
    const [eve] = packaged(ROOM_SUITE, "eve");
    const founder = new Person(suite, "ada", rng).found();
    const { welcome } = founder.stage({ proposals: [add(eve!.keyPackage.keyPackage)] });
    expect(codeOf(() => join(eve!, welcome!, commons))).toBe("v801_no_origin");
    const psk: Proposal = {
      type: "psk",
      psk: { kind: "external", id: utf8("psk"), nonce: new Uint8Array(suite.nh) },
    };
    const other = founder.stage({
      proposals: [add(eve!.keyPackage.keyPackage), psk],
      psks: () => utf8("secret"),
    });
    expect(codeOf(() => join(eve!, other.welcome!, commons))).toBe("psk_missing");
  });

  it("v805: has the old group's version and suite", () => {
    const others = packaged(1, "ben");
    expect(codeOf(() => branch(commons, others, { suiteId: 1 }))).toBe("v805_branch_parameters");
    const other = lax(commons, { context: { ...commons.context, suite: 1 } });
    const { welcome } = branch(other, others, { suiteId: 1 });
    expect(codeOf(() => join(others[0]!, welcome!, commons))).toBe("v805_branch_parameters");
    const version = lax(commons, { context: { ...commons.context, version: 2 } });
    expect(codeOf(() => branch(version, []))).toBe("v805_branch_parameters");
  });

  it("v806: has nobody who is not in the old group, and then the KeyPackage still joins another", () => {
    const [ben2, eve] = packaged(ROOM_SUITE, "ben", "eve");
    expect(codeOf(() => branch(commons, [ben2!, eve!]))).toBe("v806_stranger");
    expect(codeOf(() => branch(commons, [], { founder: "eve" }))).toBe("v806_stranger");
    const leaf = eve!.keyPackage.keyPackage.leafNode;
    const { welcome } = branch(lax(commons, { members: [...commons.members, leaf] }), [ben2!, eve!]);
    expect(codeOf(() => join(ben2!, welcome!, commons))).toBe("v806_stranger");
    const right = branch(commons, [ben2!]);
    const clients = [right.next, join(ben2!, right.welcome!, commons).group].map(
      (group, i) => new Client(`member ${i}`, group, rng),
    );
    commitAll(clients);
    agree(...clients.map(({ group }) => group));
  });

  it("leaves the caller's keys and the old group alone", () => {
    const before = [originOf(ada.group).psk, commons.psk.slice()];
    const person = new Person(suite, "ada", rng);
    const key = person.signature.privateKey.slice();
    const eve = packaged(ROOM_SUITE, "eve");
    const more = { suite, groupId: CASE_ID, extensions: roomExtensions("case") };
    expect(codeOf(() => branchGroup(commons, { ...founding(person, eve), ...more }))).toBe("v806_stranger");
    expect(person.signature.privateKey).toEqual(key);
    expect([originOf(ada.group).psk, commons.psk]).toEqual(before);
  });
});

describe("a ReInit", () => {
  const extensions = roomExtensions("anew");
  const NEW_ID = utf8("the group anew");

  /** Three members whose group a ReInit has ended. */
  function ended(suiteId: number = ROOM_SUITE): GroupOrigin {
    const clients = roomOf(1, ["ada", "ben", "cyd"], rng);
    const reinit = { type: "reinit", groupId: NEW_ID, version: 1, suite: suiteId, extensions } as const;
    commitAll(clients, { proposals: [reinit] });
    const [one, ...others] = clients.map(({ group }) => originOf(group));
    for (const other of others) expect(other).toEqual(one);
    return one!;
  }

  function begin(origin: GroupOrigin, others: readonly Packaged[], founder = "ben"): Staged {
    const suiteId = origin.reinit?.suite ?? ROOM_SUITE;
    return reinitGroup(origin, founding(new Person(suiteOf(suiteId), founder, rng), others), suiteOf);
  }

  const origin = ended();

  it("is followed by a group of everyone, which any of them founds, in another suite as well", () => {
    for (const suiteId of [1, ROOM_SUITE]) {
      const old = ended(suiteId);
      const others = packaged(suiteId, "ada", "cyd");
      const staged = begin(old, others);
      agree(staged.next, ...others.map((one) => join(one, staged.welcome!, old).group));
      expect(staged.next.context).toMatchObject({ groupId: NEW_ID, epoch: 1n, suite: suiteId, extensions });
    }
  });

  it("no_reinit, v802: ended the group that the new one names", () => {
    const others = packaged(ROOM_SUITE, "ada", "cyd");
    expect(codeOf(() => begin(lax(origin, { reinit: null }), others))).toBe("no_reinit");
    const { welcome } = begin(origin, others);
    const goesOn = lax(origin, { reinit: null });
    expect(codeOf(() => join(others[0]!, welcome!, goesOn))).toBe("v802_not_ended");
  });

  it("v803: says which group, version, suite and extensions", () => {
    const others = packaged(ROOM_SUITE, "ada", "cyd");
    const { welcome } = begin(origin, others);
    const said = origin.reinit!;
    const [first, ...rest] = extensions;
    const changes: Partial<typeof said>[] = [
      { groupId: utf8("another") },
      { version: 2 },
      { suite: 1 },
      { extensions: [] },
      { extensions: [...rest, first!] },
    ];
    for (const change of changes) {
      const other = lax(origin, { reinit: { ...said, ...change } });
      expect(codeOf(() => join(others[0]!, welcome!, other))).toBe("v803_reinit_parameters");
    }
    const version = lax(origin, { reinit: { ...said, version: 2 } });
    expect(codeOf(() => begin(version, others))).toBe("v803_reinit_parameters");
  });

  it("v804, v806: has the same members, neither fewer nor more", () => {
    const [ada2, cyd2, eve] = packaged(ROOM_SUITE, "ada", "cyd", "eve");
    expect(codeOf(() => begin(origin, [ada2!]))).toBe("v804_left_behind");
    const fewer = begin(lax(origin, { members: origin.members.slice(0, 2) }), [ada2!]);
    expect(codeOf(() => join(ada2!, fewer.welcome!, origin))).toBe("v804_left_behind");
    expect(codeOf(() => begin(origin, [ada2!, cyd2!, eve!]))).toBe("v806_stranger");
    const leaf = eve!.keyPackage.keyPackage.leafNode;
    const more = begin(lax(origin, { members: [...origin.members, leaf] }), [ada2!, cyd2!, eve!]);
    expect(codeOf(() => join(cyd2!, more.welcome!, origin))).toBe("v806_stranger");
  });

  it("v711: is joined in the new group's first epoch alone", () => {
    const others = packaged(ROOM_SUITE, "ada", "cyd");
    const staged = begin(origin, others);
    const client = new Client("ben", staged.next, rng);
    const [eve] = packaged(ROOM_SUITE, "eve");
    const later = client.stage({ proposals: [add(eve!.keyPackage.keyPackage)] });
    const message = decodeMlsMessage(later.welcome!);
    expect(message.type === "welcome" && message.welcome.secrets.length).toBe(1);
    // Whoever comes later comes by an ordinary Welcome, which names no such PSK.
    expect(codeOf(() => join(eve!, later.welcome!, origin))).toBe("v801_no_origin");
    agree(later.next, eve!.person.join(later.welcome!, eve!.keyPackage).group);
  });

  it("unsupported_suite: to a suite that is not there founds nothing", () => {
    const unknown = lax(origin, { reinit: { ...origin.reinit!, suite: 7 } });
    const one = founding(new Person(suite, "ben", rng), []);
    expect(codeOf(() => reinitGroup(unknown, one, suiteOf))).toBe("unsupported_suite");
    // E1: without a word to the contrary, rooms' own suite alone.
    expect(codeOf(() => reinitGroup(ended(1), one))).toBe("unsupported_suite");
  });

  it("takes a member who was removed no more", () => {
    const clients = roomOf(ROOM_SUITE, ["ada", "ben", "cyd"], rng) as [Client, Client, Client];
    const [a, b, c] = clients;
    commitAll([a, b], { proposals: [remove(c)] });
    expect(codeOf(() => branch(originOf(a.group), packaged(ROOM_SUITE, "cyd")))).toBe("v806_stranger");
  });
});
