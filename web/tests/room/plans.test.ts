import { describe, expect, it } from "vitest";
import { supersedeIdentity } from "../../src/identity/identity";
import { leafIndex } from "../../src/mls/treeMath";
import { RoomPlanError } from "../../src/room/errors";
import {
  planAdmit,
  planChange,
  planExpiry,
  planIdentity,
  planInvite,
  planLeaves,
  planRejoin,
  planRemoveOwnDevices,
  planRename,
  planRevokeDevice,
  planUpdate,
  planWithdrawInvite,
} from "../../src/room/plans";
import { NOW, seeded } from "../identity/people";
import { expectRecorded } from "./recorded";
import {
  account,
  broken,
  contextIn,
  inviteBy,
  kinds,
  leaf,
  leaveOf,
  person,
  rejoinOf,
  requestOf,
  revocationOf,
  STAMP,
  World,
} from "./world";

const invite = inviteBy("ben");
const hash = new Uint8Array(48).fill(1);
const world = new World(["anna", "ben", "ben laptop", "cleo"], { invites: [invite.open], charterHash: hash });
const request = requestOf("dora", invite);
const renewed = supersedeIdentity(person("ben").identity, person("ben").keys, seeded("ben anew"));

const refusals: Record<string, [run: () => unknown, code: string]> = {
  "a newcomer when the invite has run out": [
    () => planAdmit(world.situation("anna", invite.open.notAfter + 1), request),
    "invite_expired",
  ],
  "one's own rejoin": [
    () => planRejoin(world.situation("ben"), rejoinOf("ben", leaf("ben", { serial: 2 }))),
    "own_leaf",
  ],
  "to withdraw what is not open": [
    () => planWithdrawInvite(world.situation("ben"), hash.slice(0, 16)),
    "invite_unknown",
  ],
  "a title that is none": [() => planRename(world.situation("anna"), " "), "title"],
  "the title that it has": [() => planRename(world.situation("anna"), "Thursdays"), "nothing_to_do"],
  "to remove oneself": [
    () => planChange(world.situation("ben"), { kind: "remove", target: account("ben") }),
    "yourself",
  ],
  "to remove somebody who is not here": [
    () => planChange(world.situation("anna"), { kind: "remove", target: account("dora") }),
    "not_here",
  ],
  "a founder who is not here": [
    () => planChange(world.situation("anna"), { kind: "founder", target: account("dora") }),
    "not_here",
  ],
  "the founder that it has": [
    () => planChange(world.situation("anna"), { kind: "founder", target: account("anna") }),
    "nothing_to_do",
  ],
  "to approve an invite that is not open": [
    () => planChange(world.situation("anna"), { kind: "invite", target: account("dora") }),
    "invite_unknown",
  ],
  "the policy that it has": [
    () => planChange(world.situation("anna"), { kind: "policy", policy: { admitApprovals: 1 } }),
    "nothing_to_do",
  ],
  "the charter that it has": [
    () => planChange(world.situation("anna"), { kind: "charter", hash }),
    "nothing_to_do",
  ],
  "leaves of nobody": [() => planLeaves(world.situation("anna"), []), "nothing_to_do"],
  "others' devices": [
    () => planRemoveOwnDevices(world.situation("anna"), [world.at("ben")]),
    "not_your_device",
  ],
  "this device among one's own": [
    () => planRemoveOwnDevices(world.situation("ben"), [world.at("ben")]),
    "not_your_device",
  ],
  "to revoke what is not here": [
    () => planRevokeDevice(world.situation("anna"), revocationOf("ben phone")),
    "not_here",
  ],
  "expiry of nobody": [() => planExpiry(world.situation("anna")), "nothing_to_do"],
  "an identity that supersedes nobody": [
    () => planIdentity(world.situation("anna"), person("ben").identity.chain),
    "nothing_to_do",
  ],
  "an identity that takes this device out": [
    () => planIdentity(world.situation("ben"), renewed.chain),
    "own_leaf",
  ],
  "anything from where this device is not": [
    () =>
      planChange(
        { ...world.situation("anna"), me: leafIndex(9) },
        { kind: "charter", hash: new Uint8Array(48) },
      ),
    "not_here",
  ],
};

describe("E14, E21: plans", () => {
  for (const [name, [run, code]] of Object.entries(refusals)) {
    it(`E14 no plan for ${name}: ${code}`, () => {
      expect(run).toThrow(RoomPlanError);
      expect(run).toThrow(expect.objectContaining({ code, fault: "caller" }));
    });
  }

  it("E14 a device does not remove itself for its expiry: it renews its certificate", () => {
    const old = leaf("anna", { notBefore: NOW, notAfter: STAMP - 1 }).identity;
    const roster = new Map(world.roster).set(leafIndex(0), old);
    const aging = new World(world.who, world.context, roster);
    expect(() => planExpiry(aging.situation("anna"))).toThrow(RoomPlanError);
    expect(kinds(aging.commits("cleo", planExpiry(aging.situation("cleo"))))).toEqual(["expired"]);
  });

  it("E21 a plan made anew after another Commit won holds what that one changed", () => {
    const stale = planRename(world.situation("anna"), "Fridays");
    const other = inviteBy("cleo");
    const won = world.after(world.commits("cleo", planInvite(world.situation("cleo"), other.open)));
    // The old plan would close the invite that came in between.
    expect(broken(() => won.commits("anna", stale))).toBe("valid");
    expect(contextIn(stale).invites).toHaveLength(1);
    expect(contextIn(planRename(won.situation("anna"), "Fridays")).invites).toHaveLength(2);
    expect(broken(() => won.commits("ben", planRename(world.situation("ben"), "Fridays")))).toBe(
      "E28 invite_not_theirs",
    );
  });

  it("E14 grounds of an earlier Commit are cleared by the next that changes the room, and stay else", () => {
    const rested = world.with({ grounds: { kind: "expiry" } });
    expect(contextIn(planRename(rested.situation("anna"), "Fridays")).grounds).toBeNull();
    expect(planUpdate()).toEqual({ proposals: [], references: [] });
    const device = planLeaves(rested.situation("anna"), [leaveOf(rested.at("ben laptop"))]);
    expect(device.proposals).toEqual([]);
  });
});

it("E14 whatever was judged above is judged alike in every language", async () => {
  await expectRecorded("plans");
});
