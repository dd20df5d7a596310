import { describe, expect, it } from "vitest";
import { compare, toHex } from "../../src/bytes/bytes";
import { revokeDevice } from "../../src/identity/certificate";
import { supersedeIdentity } from "../../src/identity/identity";
import { ownCapabilities } from "../../src/mls/capabilities";
import { CredentialType } from "../../src/mls/credential";
import { MlsError } from "../../src/mls/errors";
import { createKeyPackage } from "../../src/mls/keyPackage";
import { leafIndex } from "../../src/mls/treeMath";
import { RoomPlanError } from "../../src/room/errors";
import {
  planExpiry,
  planIdentity,
  planLeaves,
  planRejoin,
  planRevokeDevice,
  planUpdate,
} from "../../src/room/plans";
import { openRejoinRequest, signRejoinRequest } from "../../src/room/rejoin";
import { type Grounds, MAX_REVOCATIONS, type RoomContext } from "../../src/room/roomContext";
import { expiredLeaves, rosterOf } from "../../src/room/roster";
import { DEPLOYMENT, device, id, NOW, seeded, someone, spoilt } from "../identity/people";
import { expectRecorded } from "./recorded";
import {
  account,
  addOf,
  altered,
  broken,
  contextProposal,
  DAY,
  inviteBy,
  kinds,
  leaf,
  leaveOf,
  person,
  ROOM,
  rejoinOf,
  removeOf,
  requestOf,
  revocationOf,
  STAMP,
  SUITE,
  World,
} from "./world";

const invite = inviteBy("anna");
const world = new World(["anna", "ben", "ben laptop", "cleo"], { invites: [invite.open] });
const resting = (context: RoomContext, grounds: Grounds): RoomContext => ({ ...context, grounds });

describe("E22: rejoin", () => {
  const anew = leaf("ben", { serial: 2 });
  const request = rejoinOf("ben", anew, { oldLeaf: 1 });

  it("E22 takes the old leaf out and the new one in, in one Commit, and leaves invites open", () => {
    const change = world.commits("cleo", planRejoin(world.situation("cleo"), request));
    expect(kinds(change)).toEqual(["rejoined"]);
    expect(change.gone).toEqual([]);
    expect(change.context.invites).toHaveLength(1);
    expect(change.roster.get(leafIndex(1))?.certificateSerial).toBe(2);
    expect(change.added[0]).toMatchObject({ inviteId: null, name: null, requestHash: request.hash });
  });

  it("E28, E30 invites that have run out may go with it, and need not; no other goes", () => {
    const over = invite.open.notAfter + 1;
    const open = { ...inviteBy("ben").open, notAfter: over + DAY };
    const both = [invite.open, open].sort((a, b) => compare(a.id, b.id));
    const later = world.with({ invites: both });
    const cleared = planRejoin(later.situation("cleo", over + DAY / 2), request);
    const change = later.commits("cleo", cleared, over);
    expect(change.what.slice(1)).toEqual([
      { kind: "invite_withdrawn", inviteId: invite.open.id, why: "expired" },
    ]);
    expect(change.context.invites).toEqual([open]);
    // The committer's clock does not decide: at this stamp it was open still.
    expect(broken(() => later.commits("cleo", cleared, over - 1))).toBe("E30 invites");
    const kept = later.commits("cleo", planRejoin(later.situation("cleo"), request), over);
    expect(kinds(kept)).toEqual(["rejoined"]);
    expect(kept.context.invites).toEqual(both);
    const none = altered(cleared, (context) => ({ ...context, invites: [] }));
    expect(broken(() => later.commits("cleo", none, over))).toBe("E30 invites");
  });

  it("E22 a device that knows no old leaf is found by its id", () => {
    const plan = planRejoin(world.situation("cleo"), rejoinOf("ben", anew));
    expect(kinds(world.commits("cleo", plan))).toEqual(["rejoined"]);
  });

  it("E22 a new device of somebody who is here comes in beside the others", () => {
    const plan = planRejoin(world.situation("cleo"), rejoinOf("ben phone", leaf("ben phone")));
    const change = world.commits("cleo", plan);
    expect(kinds(change)).toEqual(["device_added"]);
    expect(change.roster.size).toBe(5);
  });

  it("E22 the old leaf that is named is that device's", () => {
    const plan = planRejoin(world.situation("cleo"), rejoinOf("ben", anew, { oldLeaf: 2 }));
    expect(broken(() => world.commits("cleo", plan))).toBe("E22 old_leaf");
    const beside = planRejoin(
      world.situation("cleo"),
      rejoinOf("ben phone", leaf("ben phone"), { oldLeaf: 1 }),
    );
    expect(broken(() => world.commits("cleo", beside))).toBe("E22 old_leaf");
  });

  it("E22 the old leaf goes, and nobody else", () => {
    const grounds = resting(world.context, { kind: "rejoin", request: request.bytes });
    const commit =
      (...removes: number[]) =>
      () =>
        world.says("cleo", [...removes.map((one) => removeOf(leafIndex(one))), addOf(anew)], grounds);
    expect(broken(commit(1))).toBe("valid");
    expect(broken(commit(1, 2))).toBe("E14 removes");
    expect(broken(commit(2))).toBe("E13 device_twice");
    expect(broken(() => world.says("cleo", [removeOf(leafIndex(1))], grounds))).toBe("E30 one_add");
  });

  it("E22 a request is used once: its certificate is newer than the leaf's", () => {
    const after = world.after(world.commits("cleo", planRejoin(world.situation("cleo"), request)));
    expect(broken(() => after.commits("cleo", planRejoin(after.situation("cleo"), request)))).toBe(
      "E22 rejoin_used",
    );
  });

  it("E22 is signed by the identity key, for this room, this device and this KeyPackage", () => {
    const grounds = (bytes: Uint8Array) => () =>
      world.says(
        "cleo",
        [removeOf(leafIndex(1)), addOf(anew)],
        resting(world.context, { kind: "rejoin", request: bytes }),
      );
    expect(broken(grounds(request.bytes))).toBe("valid");
    expect(broken(grounds(spoilt(request.bytes, -1)))).toBe("E22 rejoin_signature");
    const elsewhere = rejoinOf("ben", anew, { room: id("elsewhere") });
    expect(broken(grounds(elsewhere.bytes))).toBe("E22 rejoin_room");
    const other = rejoinOf("ben", leaf("ben", { serial: 3 }));
    expect(broken(grounds(other.bytes))).toBe("E28 key_package_ref");
    expect(
      broken(() => rejoinOf("ben", anew, { signer: person("cleo").identity.identityKey.privateKey })),
    ).toBe("E22 rejoin_signature");
    expect(broken(() => rejoinOf("ben", anew, { device: id("another") }))).toBe("E22 rejoin_device");
  });

  it("E22 whoever was taken out does not come back by it", () => {
    const stranger = rejoinOf("dora", leaf("dora"));
    expect(() => planRejoin(world.situation("cleo"), stranger)).toThrow(RoomPlanError);
    const grounds = resting(world.context, { kind: "rejoin", request: stranger.bytes });
    expect(broken(() => world.says("cleo", [addOf(leaf("dora"))], grounds))).toBe("E22 not_here");
  });

  it("E9 comes under the identity key that the room knows, and no older statement", () => {
    const renewed = supersedeIdentity(person("cleo").identity, person("cleo").keys, seeded("cleo anew"));
    const made = leaf("cleo", { identity: renewed, serial: 2 });
    const asked = rejoinOf("cleo", made, { signer: renewed.identityKey.privateKey });
    expect(broken(() => world.commits("ben", planRejoin(world.situation("ben"), asked)))).toBe(
      "E9 account_identity",
    );
  });

  it("E13 it asks for a leaf with a basic credential", () => {
    const made = device(someone("ben").identity, "ben", { serial: 2 });
    const other = createKeyPackage(
      SUITE,
      {
        signature: made.leafKey,
        credential: { type: CredentialType.x509, certificates: [new Uint8Array(8)] },
        notBefore: 0n,
        notAfter: 1n,
        capabilities: { ...ownCapabilities(SUITE), credentials: [CredentialType.x509] },
      },
      seeded("x509"),
    );
    const asked = () => rejoinOf("ben", { ...anew, bytes: other.bytes });
    expect(broken(asked)).toBe("E13 credential_type");
  });

  it("E22 a request with another KeyPackage than was signed for is not opened", () => {
    const { sealed } = signRejoinRequest(
      person("ben").identity.identityKey.privateKey,
      { room: ROOM, device: anew.identity.deviceId, oldLeaf: null, epoch: 1, keyPackage: anew.bytes },
      seeded("rejoin"),
    );
    expect(openRejoinRequest(ROOM, sealed).device).toEqual(anew.identity.deviceId);
    // The KeyPackage is the longer part of what was posted: any change in it shows.
    expect(broken(() => openRejoinRequest(ROOM, spoilt(sealed, 400)))).not.toBe("valid");
    expect(broken(() => openRejoinRequest(id("elsewhere"), sealed))).toBe("E22 rejoin_room");
  });
});

describe("E9: revocation", () => {
  const statement = revocationOf("ben laptop");
  const plan = planRevokeDevice(world.situation("ben"), statement);

  it("E9 a person's signed statement takes a lost device out, through anybody", () => {
    for (const who of ["ben", "cleo"]) {
      const change = world.commits(who, planRevokeDevice(world.situation(who), statement));
      expect(kinds(change)).toEqual(["device_revoked", "invite_withdrawn"]);
      expect(change.context.revocations).toEqual([statement]);
      expect(change.gone).toEqual([]);
    }
  });

  it("E9 the statement stays, and the device never comes back under that certificate", () => {
    const after = world.after(world.commits("ben", plan));
    const back = (serial: number) => () => {
      const asked = rejoinOf("ben laptop", leaf("ben laptop", { serial }));
      return after.commits("cleo", planRejoin(after.situation("cleo"), asked));
    };
    expect(broken(back(1))).toBe("E9 revoked");
    expect(broken(back(2))).toBe("valid");
    const forgotten = altered(plan, (context) => ({ ...context, revocations: [] }));
    expect(broken(() => world.commits("ben", forgotten))).toBe("E14 grounds_change");
  });

  it("E9 it is for its own Remove", () => {
    const grounds = {
      ...world.context,
      invites: [],
      revocations: [statement],
      grounds: { kind: "revocation" as const, statement },
    };
    expect(broken(() => world.says("cleo", [removeOf(leafIndex(2))], grounds))).toBe("valid");
    expect(broken(() => world.says("cleo", [removeOf(leafIndex(1))], grounds))).toBe("E14 removes");
    expect(broken(() => world.says("anna", [removeOf(leafIndex(2)), removeOf(leafIndex(3))], grounds))).toBe(
      "E14 removes",
    );
    expect(broken(() => world.says("cleo", [], grounds))).toBe("E14 removes");
    const asked = addOf(leaf("ben phone"));
    expect(broken(() => world.says("cleo", [removeOf(leafIndex(2)), asked], grounds))).toBe(
      "E30 add_without_request",
    );
  });

  it("E9 nobody revokes another's device, nor one by an older certificate's serial", () => {
    const revoke = (bytes: Uint8Array) => () => {
      const grounds = { kind: "revocation" as const, statement: bytes };
      const after = { ...world.context, invites: [], revocations: [bytes], grounds };
      return world.says("cleo", [removeOf(leafIndex(2))], after);
    };
    const laptop = leaf("ben laptop").identity.deviceId;
    expect(broken(revoke(revokeDevice(person("cleo").identity, laptop, 1)))).toBe("E9 revocation_other");
    expect(broken(revoke(revocationOf("ben laptop", 0)))).toBe("E9 revocation_other");
    expect(broken(revoke(spoilt(statement, -1)))).toBe("E9 revocation_signature");
  });

  it("E9 a person whose only device is revoked is gone", () => {
    const change = world.commits("anna", planRevokeDevice(world.situation("anna"), revocationOf("cleo")));
    expect(change.gone.map(toHex)).toEqual([toHex(account("cleo"))]);
  });

  it("E9 of very many statements the oldest makes room", () => {
    const full = world.with({
      revocations: Array.from({ length: MAX_REVOCATIONS }, () => new Uint8Array(9)),
    });
    const change = full.commits("ben", planRevokeDevice(full.situation("ben"), statement));
    expect(change.context.revocations).toHaveLength(MAX_REVOCATIONS);
    expect(change.context.revocations.at(-1)).toEqual(statement);
  });

  it("E9 a device plans no Commit that takes itself out", () => {
    expect(() => planRevokeDevice(world.situation("ben laptop"), statement)).toThrow(RoomPlanError);
  });
});

describe("E10: expiry", () => {
  const short = leaf("ben laptop", { notBefore: NOW, notAfter: STAMP });
  const aging = new World(world.who, world.context, new Map(world.roster).set(leafIndex(2), short.identity));
  const late = STAMP + 1;

  it("E10 a certificate that has run out suffices for its own Remove, at the stamp", () => {
    const plan = planExpiry(aging.situation("cleo", late));
    const change = aging.commits("cleo", plan, late);
    expect(kinds(change)).toEqual(["expired"]);
    expect(change.context.invites).toHaveLength(1);
    expect(broken(() => aging.commits("cleo", plan, STAMP))).toBe("E10 not_expired");
    expect(() => planExpiry(aging.situation("cleo", STAMP))).toThrow(RoomPlanError);
  });

  it("E10 nobody else goes along, and somebody must", () => {
    const grounds = resting(world.context, { kind: "expiry" });
    const commit =
      (...removes: number[]) =>
      () =>
        aging.says(
          "cleo",
          removes.map((one) => removeOf(leafIndex(one))),
          grounds,
          late,
        );
    expect(broken(commit(2, 0))).toBe("E10 not_expired");
    expect(broken(commit())).toBe("E10 grounds");
    expect(
      broken(() => aging.says("cleo", [removeOf(leafIndex(2)), addOf(leaf("dora"))], grounds, late)),
    ).toBe("E30 add_without_request");
  });

  it("E10 in a tree that one is welcomed to, such a leaf is there, and due", () => {
    const members = ["anna", "ben"].map((name, i) => ({ leaf: leafIndex(i), node: leaf(name).node }));
    const roster = rosterOf([...members, { leaf: leafIndex(2), node: short.node }], DEPLOYMENT);
    expect(roster.size).toBe(3);
    expect(expiredLeaves(roster, STAMP)).toEqual([]);
    expect(expiredLeaves(roster, late)).toEqual([2]);
  });
});

describe("E9: a higher identity statement", () => {
  const renewed = supersedeIdentity(person("ben").identity, person("ben").keys, seeded("ben anew"));
  const plan = planIdentity(world.situation("cleo"), renewed.chain);
  const made = leaf("ben phone", { identity: renewed });

  it("E9 obliges the Remove of every leaf under older keys, and voids open invites", () => {
    const change = world.commits("cleo", plan);
    expect(kinds(change)).toEqual(["identity_changed", "invite_withdrawn"]);
    expect(change.roster.size).toBe(2);
    const half = { ...plan, proposals: plan.proposals.slice(1) };
    expect(broken(() => world.commits("cleo", half))).toBe("E14 removes");
    const kept = altered(plan, (context) => ({ ...context, invites: [invite.open] }));
    expect(broken(() => world.commits("cleo", kept))).toBe("E30 invites");
  });

  it("E9 permits the Add of devices that are certified anew, and of no others", () => {
    const withAdd = (who: ReturnType<typeof leaf>) => ({
      ...plan,
      proposals: [addOf(who), ...plan.proposals],
    });
    const change = world.commits("cleo", withAdd(made));
    expect(change.gone).toEqual([]);
    expect(change.added).toHaveLength(1);
    expect(broken(() => world.commits("cleo", withAdd(leaf("dora"))))).toBe("E9 identity_add");
    expect(broken(() => world.commits("cleo", withAdd(leaf("ben phone"))))).toBe("E9 identity_add");
  });

  it("E9 a statement that supersedes nobody here is none", () => {
    const grounds = (chain: Uint8Array) => () =>
      world.says("cleo", [removeOf(leafIndex(1))], {
        ...world.context,
        invites: [],
        grounds: { kind: "identity", chain },
      });
    expect(broken(grounds(person("ben").identity.chain))).toBe("E9 identity_other");
    expect(broken(grounds(someone("dora").identity.chain))).toBe("E9 identity_other");
    expect(broken(grounds(spoilt(renewed.chain, -1)))).toBe("E9 statement_signature");
  });
});

describe("E9, E13: a tree that one is welcomed to", () => {
  const nodes = (...made: ReturnType<typeof leaf>[]) =>
    made.map(({ node }, i) => ({ leaf: leafIndex(i), node }));

  it("E9 every leaf passes the AS check", () => {
    expect(rosterOf(nodes(leaf("anna"), leaf("ben")), DEPLOYMENT).size).toBe(2);
    const credential = {
      type: 1 as const,
      identity: device(person("ben").identity, "ben", { serial: 9 }).credential,
    };
    const swapped = { leaf: leafIndex(1), node: { ...leaf("cleo").node, credential } };
    expect(() => rosterOf([...nodes(leaf("anna")), swapped], DEPLOYMENT)).toThrow(MlsError);
    expect(() => rosterOf(nodes(leaf("anna")), id("another server"))).toThrow(MlsError);
  });

  it("E9 one account has one identity key, E13 one device one leaf", () => {
    const renewed = supersedeIdentity(person("ben").identity, person("ben").keys, seeded("ben anew"));
    const twoKeys = nodes(leaf("ben"), leaf("ben phone", { identity: renewed }));
    expect(broken(() => rosterOf(twoKeys, DEPLOYMENT))).toBe("E9 account_identity");
    const twice = nodes(leaf("ben"), leaf("ben", { serial: 2 }));
    expect(broken(() => rosterOf(twice, DEPLOYMENT))).toBe("E13 device_twice");
  });
});

describe("E14: nothing that a peer sends is more than a broken rule", () => {
  it("E14 grounds of any bytes make the Commit invalid", () => {
    const rng = seeded("any bytes");
    for (const kind of ["join", "rejoin"] as const) {
      for (let length = 1; length < 200; length += 13) {
        const after = resting(world.context, { kind, request: rng(length) });
        expect(broken(() => world.says("cleo", [addOf(leaf("dora"))], after))).not.toBe("valid");
      }
    }
    const request = requestOf("dora", invite);
    const grounds = { kind: "join" as const, request: request.bytes.slice(1) };
    expect(
      broken(() =>
        world.judge(
          world.judged("cleo", [addOf(leaf("dora")), contextProposal({ ...world.context, grounds })]),
        ),
      ),
    ).toBe("E14 room_data");
  });

  it("E14 leaves and fresh keys rest on nothing", () => {
    const left = planLeaves(world.situation("anna"), [leaveOf(world.at("cleo"))]);
    expect(broken(() => world.commits("anna", left))).toBe("valid");
    expect(broken(() => world.commits("anna", planUpdate(), STAMP + DAY))).toBe("valid");
  });
});

it("E14 whatever was judged above is judged alike in every language", async () => {
  await expectRecorded("grounds");
});
