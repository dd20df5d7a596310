import { describe, expect, it } from "vitest";
import { succeedRoot, supersedeIdentity } from "../../src/identity/identity";
import { ownCapabilities } from "../../src/mls/capabilities";
import type { JudgedProposal } from "../../src/mls/judgeCommit";
import type { Proposal } from "../../src/mls/proposal";
import { leafIndex } from "../../src/mls/treeMath";
import { planAdmit, planRemoveOwnDevices, planRename, planUpdate } from "../../src/room/plans";
import { roomExtensions } from "../../src/room/roomContext";
import { devicesOf } from "../../src/room/roster";
import { NOW, seeded, someone } from "../identity/people";
import { expectRecorded } from "./recorded";
import {
  account,
  addOf,
  altered,
  broken,
  contextIn,
  contextProposal,
  DAY,
  inviteBy,
  kinds,
  leaf,
  person,
  ROOM,
  removeOf,
  requestOf,
  STAMP,
  SUITE,
  World,
} from "./world";

const three = new World(["anna", "ben", "cleo"]);
const invite = inviteBy("ben");
const inviting = three.with({ invites: [invite.open] });
const ask = requestOf("dora", invite);

describe("E14: what may be in a Commit", () => {
  it("E14 fresh keys alone are valid for anybody", () => {
    expect(kinds(three.commits("cleo", planUpdate()))).toEqual(["renewed"]);
  });

  const psk = {
    type: "psk",
    psk: { kind: "external", id: new Uint8Array(1), nonce: new Uint8Array(48) },
  } as unknown as Proposal;
  const others: Record<string, Proposal> = {
    psk,
    update: { type: "update", leafNode: leaf("anna").node },
    reinit: { type: "reinit", groupId: ROOM, version: 1, suite: SUITE.id, extensions: [] },
    external_init: { type: "external_init", kemOutput: new Uint8Array(32) },
    unknown: { type: "unknown", id: 0xf999, data: new Uint8Array(0) },
  };
  for (const [name, proposal] of Object.entries(others)) {
    it(`E14 a proposal of type ${name} makes the Commit invalid`, () => {
      expect(broken(() => three.says("anna", [proposal]))).toBe("E14 proposal");
    });
  }

  const referenced: Record<string, JudgedProposal> = {
    "a Remove of somebody else": {
      proposal: removeOf(leafIndex(2)),
      sender: leafIndex(1),
      byReference: true,
    },
    "an Add": { proposal: addOf(leaf("dora")), sender: leafIndex(1), byReference: true },
    "an Update": {
      proposal: { type: "update", leafNode: leaf("ben").node },
      sender: leafIndex(1),
      byReference: true,
    },
    "a Remove from outside": { proposal: removeOf(leafIndex(2)), sender: null, byReference: true },
  };
  for (const [name, one] of Object.entries(referenced)) {
    it(`E14 by reference only a Remove of its own sender: ${name} is invalid`, () => {
      expect(broken(() => three.judge(three.judged("anna", [], [one])))).toBe("E14 reference");
    });
  }

  it("E14 two GroupContextExtensions make it invalid", () => {
    const twice = [contextProposal(three.context), contextProposal(three.context)];
    expect(broken(() => three.says("anna", twice))).toBe("E14 extensions_twice");
  });

  it("E14 the authority is that of the room before the Commit, not what the Commit makes of it", () => {
    const after = { ...three.context, founder: account("ben") };
    expect(broken(() => three.says("ben", [removeOf(leafIndex(2))], after))).toBe("E14 approvals");
  });

  it("E14 a Remove of nobody is refused", () => {
    expect(broken(() => three.says("anna", [removeOf(leafIndex(9))]))).toBe("E14 removed_nobody");
  });

  it("E30 an Add that nobody asked for is refused, in a Commit without a path too", () => {
    const alone = three.judged("anna", [addOf(leaf("dora"))], [], { pathLeaf: null });
    expect(broken(() => three.judge(alone))).toBe("E30 add_without_request");
  });

  it("E14 a committer who is not in the tree is refused", () => {
    const judged = { ...three.judged("anna", []), committer: leafIndex(7) };
    expect(broken(() => three.judge(judged))).toBe("E14 committer");
  });
});

describe("E13: what the room agrees on", () => {
  it("E13 the extensions are exactly those of a room", () => {
    const [required, room] = roomExtensions(three.context);
    const grease = { type: 0x0a0a, data: new Uint8Array(2) };
    for (const extensions of [
      [required!],
      [room!],
      [room!, required!],
      [required!, room!, grease],
      [{ ...required!, data: new Uint8Array(3) }, room!],
    ]) {
      const proposal: Proposal = { type: "group_context_extensions", extensions };
      expect(broken(() => three.says("anna", [proposal]))).toBe("E13 extensions");
    }
  });

  it("E13 kind, parent, guests and revocations are nobody's to change", () => {
    const changes = [
      { kind: "case" as const, parent: ROOM },
      { guests: [{ account: account("dora"), ends: STAMP + DAY }] },
      { revocations: [new Uint8Array(8)] },
    ];
    for (const change of changes) {
      expect(broken(() => three.says("anna", [], { ...three.context, ...change }))).toBe("E13 fixed");
    }
  });

  it("E13 a context that is none makes the Commit invalid, for its founder too", () => {
    const [required, room] = roomExtensions(three.context);
    const extensions = [required!, { ...room!, data: room!.data.slice(1) }];
    const proposal: Proposal = { type: "group_context_extensions", extensions };
    expect(broken(() => three.says("anna", [proposal]))).toBe("E14 room_data");
  });

  it("E14 any member may rename the room", () => {
    const change = three.commits("cleo", planRename(three.situation("cleo"), "Fridays"));
    expect(change.what).toEqual([{ kind: "renamed", from: "Thursdays", to: "Fridays" }]);
    expect(change.context.title).toBe("Fridays");
  });

  it("E13 no leaf stands beyond 255", () => {
    const judged = inviting.planned("anna", planAdmit(inviting.situation("anna"), ask));
    const added = judged.added.map((one) => ({ ...one, leaf: leafIndex(256) }));
    expect(broken(() => inviting.judge({ ...judged, added }))).toBe("E13 leaves");
    const last = judged.added.map((one) => ({ ...one, leaf: leafIndex(255) }));
    expect(broken(() => inviting.judge({ ...judged, added: last }))).toBe("valid");
  });

  it("E26 more than 32 Adds are refused before anything in them is looked at", () => {
    const judged = inviting.planned("anna", planAdmit(inviting.situation("anna"), ask));
    const added = Array.from({ length: 33 }, (_, i) => ({ ...judged.added[0]!, leaf: leafIndex(3 + i) }));
    expect(broken(() => inviting.judge({ ...judged, added }))).toBe("E26 adds");
  });

  it("E13 one account has 32 leaves at most", () => {
    const ben = leaf("ben").identity;
    const roster = new Map(three.roster);
    for (let i = 3; i < 34; i++) roster.set(leafIndex(i), { ...ben, deviceId: seeded(`device ${i}`)(16) });
    const full = new World(["anna", "ben", "cleo"], three.context, roster);
    expect(broken(() => full.commits("anna", planUpdate()))).toBe("valid");
    const more = new Map(roster).set(leafIndex(34), { ...ben, deviceId: seeded("one more")(16) });
    const over = new World(["anna", "ben", "cleo"], three.context, more);
    expect(broken(() => over.commits("anna", planUpdate()))).toBe("E13 account_leaves");
  });

  it("E13 one device has one leaf", () => {
    const twice = new World(["anna", "ben"], { invites: [invite.open] });
    // The same device id under another person's key: an id is 16 random bytes that somebody could repeat.
    const roster = new Map([
      ...twice.roster,
      [leafIndex(2), { ...leaf("cleo").identity, deviceId: leaf("dora").identity.deviceId }],
    ]);
    const world = new World(["anna", "ben", "cleo"], twice.context, roster);
    expect(broken(() => world.commits("anna", planAdmit(world.situation("anna"), ask)))).toBe(
      "E13 device_twice",
    );
  });
});

describe("E9, E10: every leaf that a Commit brings", () => {
  /** Dora's admission, with another KeyPackage in her hands. */
  const admit = (made: ReturnType<typeof leaf>, stamp?: number) => {
    const request = requestOf("dora", invite, { keyPackage: made.bytes });
    return () => inviting.commits("anna", planAdmit(inviting.situation("anna"), request), stamp);
  };
  const seconds = BigInt(Math.floor(NOW / 1000));

  it("E9 a newcomer whose leaf is in order comes in, under the name they chose", () => {
    const change = admit(leaf("dora"))();
    expect(change.what).toMatchObject([{ kind: "joined", name: "dora", inviter: account("ben") }]);
    expect(change.added[0]).toMatchObject({ leaf: 3, name: "dora", inviteId: invite.open.id });
    expect(devicesOf(change.roster)).toHaveLength(4);
  });

  it("v111, E9 a leaf certified for another server is refused", () => {
    expect(broken(admit(leaf("dora", { deploymentId: seeded("elsewhere")(16) })))).toBe("E9 deployment");
  });

  it("v111, E9 a leaf whose certificate does not hold is refused", () => {
    const made = leaf("dora");
    const credential = { type: 1 as const, identity: new Uint8Array(40) };
    const keyPackage = { ...made.keyPackage, leafNode: { ...made.node, credential } };
    const judged = inviting.planned("anna", planAdmit(inviting.situation("anna"), ask));
    const added = judged.added.map((one) => ({ ...one, keyPackage }));
    expect(broken(() => inviting.judge({ ...judged, added }))).toBe("E9 malformed");
  });

  it("E13 a leaf with another kind of credential is refused", () => {
    const made = leaf("dora");
    const credential = { type: 2 as const, certificates: [] };
    const keyPackage = { ...made.keyPackage, leafNode: { ...made.node, credential } };
    const judged = inviting.planned("anna", planAdmit(inviting.situation("anna"), ask));
    const added = judged.added.map((one) => ({ ...one, keyPackage }));
    expect(broken(() => inviting.judge({ ...judged, added }))).toBe("E13 credential_type");
  });

  it("E13 a leaf that is not from a KeyPackage is refused", () => {
    const judged = inviting.planned("anna", planAdmit(inviting.situation("anna"), ask));
    const added = judged.added.map((one) => {
      const leafNode = { ...one.keyPackage.leafNode, source: { kind: "update" as const } };
      return { ...one, keyPackage: { ...one.keyPackage, leafNode } };
    });
    expect(broken(() => inviting.judge({ ...judged, added }))).toBe("E13 leaf_source");
  });

  it("E1 a KeyPackage of another suite is refused", () => {
    const judged = inviting.planned("anna", planAdmit(inviting.situation("anna"), ask));
    const added = judged.added.map((one) => ({ ...one, keyPackage: { ...one.keyPackage, suite: 1 } }));
    expect(broken(() => inviting.judge({ ...judged, added }))).toBe("E1 suite");
  });

  const able = ownCapabilities(SUITE);
  const unable = {
    "the room extension": { ...able, extensions: [] },
    "basic credentials": { ...able, credentials: [2] },
    "the suite of rooms": { ...able, suites: [1] },
    "MLS 1.0": { ...able, versions: [2] },
  };
  for (const [name, capabilities] of Object.entries(unable)) {
    it(`E13 a leaf that does not list ${name} is refused`, () => {
      const made = leaf("dora");
      const keyPackage = { ...made.keyPackage, leafNode: { ...made.node, capabilities } };
      const judged = inviting.planned("anna", planAdmit(inviting.situation("anna"), ask));
      const added = judged.added.map((one) => ({ ...one, keyPackage }));
      expect(broken(() => inviting.judge({ ...judged, added }))).toBe("E13 capabilities");
    });
  }

  it("v110, E10 a certificate is judged at the stamp: too early and too late", () => {
    expect(broken(admit(leaf("dora", { notBefore: STAMP + 1, notAfter: STAMP + DAY })))).toBe(
      "E9 not_yet_valid",
    );
    expect(broken(admit(leaf("dora", { notBefore: NOW, notAfter: STAMP - 1 })))).toBe("E9 expired");
    expect(broken(admit(leaf("dora", { notBefore: NOW, notAfter: STAMP })))).toBe("valid");
  });

  it("v110, E10 a KeyPackage's lifetime is judged at the stamp, and is a month at most", () => {
    const at = BigInt(Math.floor(STAMP / 1000));
    expect(broken(admit(leaf("dora", { from: at + 1n, until: at + 9n })))).toBe("E10 key_package_expired");
    expect(broken(admit(leaf("dora", { from: seconds, until: at - 1n })))).toBe("E10 key_package_expired");
    expect(broken(admit(leaf("dora", { from: seconds, until: at })))).toBe("valid");
    expect(broken(admit(leaf("dora", { from: seconds, until: seconds + 31n * 86_400n + 1n })))).toBe(
      "E10 key_package_lifetime",
    );
  });

  const path = (made: ReturnType<typeof leaf>, stamp?: number) => () =>
    three.judge({ ...three.judged("ben", []), pathLeaf: made.node }, stamp);

  it("v111, E9 a committer's path brings a successor of its own leaf", () => {
    expect(broken(path(leaf("ben", { serial: 2 })))).toBe("valid");
    expect(path(leaf("ben", { serial: 2 }))().roster.get(leafIndex(1))?.certificateSerial).toBe(2);
    expect(broken(path(leaf("cleo")))).toBe("E9 successor_account");
    expect(broken(path(leaf("ben laptop")))).toBe("E9 successor_device");
    const renewed = supersedeIdentity(person("ben").identity, person("ben").keys, seeded("ben anew"));
    expect(broken(path(leaf("ben", { identity: renewed })))).toBe("E9 successor_identity");
    const roster = new Map(three.roster).set(leafIndex(1), leaf("ben", { serial: 5 }).identity);
    const world = new World(three.who, three.context, roster);
    const older = { ...world.judged("ben", []), pathLeaf: leaf("ben", { serial: 4 }).node };
    expect(broken(() => world.judge(older))).toBe("E9 successor_serial");
  });

  it("E7 a path does not go back to an older identity statement, nor off to another root", () => {
    const moved = succeedRoot(person("ben").identity, person("ben").keys, someone("ben's new code").keys);
    const other = succeedRoot(person("ben").identity, person("ben").keys, someone("ben's other code").keys);
    const later = leaf("ben", { identity: moved });
    expect(broken(path(later))).toBe("valid");
    const world = new World(
      three.who,
      three.context,
      new Map(three.roster).set(leafIndex(1), later.identity),
    );
    const judge = (made: ReturnType<typeof leaf>) => () =>
      world.judge({ ...world.judged("ben", []), pathLeaf: made.node });
    expect(broken(judge(leaf("ben")))).toBe("E7 identity_older");
    expect(broken(judge(leaf("ben", { identity: other })))).toBe("E7 identity_older");
  });

  it("E10 a path's certificate is valid at the stamp", () => {
    const short = leaf("ben", { notBefore: NOW, notAfter: STAMP });
    expect(broken(path(short))).toBe("valid");
    expect(broken(path(short, STAMP + 1))).toBe("E9 expired");
  });

  it("E13 a path's leaf lists what rooms need", () => {
    const node = { ...leaf("ben").node, capabilities: { ...able, extensions: [] } };
    expect(broken(() => three.judge({ ...three.judged("ben", []), pathLeaf: node }))).toBe(
      "E13 capabilities",
    );
  });
});

describe("E14: a person's own devices", () => {
  const world = new World(["anna", "ben", "ben laptop", "cleo"], { invites: [invite.open] });

  it("E14 are that person's to take away, and E30 their going leaves invites open", () => {
    const plan = planRemoveOwnDevices(world.situation("ben"), [world.at("ben laptop")]);
    const change = world.commits("ben", plan);
    expect(kinds(change)).toEqual(["device_removed"]);
    expect(change.gone).toEqual([]);
    expect(change.context.invites).toHaveLength(1);
  });

  it("E14 are nobody else's, not the founder's either: a person goes whole", () => {
    expect(broken(() => world.says("anna", [removeOf(world.at("ben laptop"))]))).toBe("E14 part_of_account");
  });
});

describe("E14: grounds carry what is theirs", () => {
  it("E14 grounds count only in the Commit that brings them", () => {
    // The context still names the request that an earlier Commit rested on.
    const used = three.with({ grounds: { kind: "join", request: ask.bytes } });
    expect(broken(() => used.says("anna", [addOf(leaf("dora"))]))).toBe("E30 add_without_request");
    expect(broken(() => used.commits("anna", planUpdate()))).toBe("valid");
  });

  it("E14 a request is no cover for another change of the room", () => {
    const plan = planAdmit(inviting.situation("anna"), ask);
    const renamed = altered(plan, (context) => ({ ...context, title: "Mine" }));
    expect(broken(() => inviting.commits("anna", renamed))).toBe("E14 grounds_change");
    expect(contextIn(plan).title).toBe("Thursdays");
  });

  it("E14 a request is no cover for a Remove", () => {
    const plan = planAdmit(inviting.situation("anna"), ask);
    const more = { ...plan, proposals: [removeOf(leafIndex(2)), ...plan.proposals] };
    expect(broken(() => inviting.commits("anna", more))).toBe("E14 removes");
  });

  it("E14 whoever leaves is let go in a Commit without grounds", () => {
    const plan = planAdmit(inviting.situation("anna"), ask);
    const references = [{ proposal: removeOf(leafIndex(2)), ref: ROOM, sender: leafIndex(2) }];
    expect(broken(() => inviting.commits("anna", { ...plan, references }))).toBe("E14 grounds_and_leave");
  });
});

it("E14 whatever was judged above is judged alike in every language", async () => {
  await expectRecorded("validity");
});
