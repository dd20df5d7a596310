import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toBase64Url, toHex } from "../../src/bytes/bytes";
import { AES_256_GCM } from "../../src/mls/aead";
import { MlsError } from "../../src/mls/errors";
import { keyPackageRef } from "../../src/mls/keyPackage";
import { leafIndex } from "../../src/mls/treeMath";
import { encodeCanonical } from "../../src/room/canonical";
import { RoomError, RoomPlanError } from "../../src/room/errors";
import {
  encodeFragment,
  encodeLink,
  INVITE_LIFETIME,
  keysOf,
  LinkError,
  newInvite,
  parseFragment,
  parseLink,
} from "../../src/room/invites";
import {
  checkedKeyPackage,
  openJoinRequest,
  readJoinClaim,
  sealJoinRequest,
} from "../../src/room/joinRequest";
import { padTo } from "../../src/room/padding";
import {
  planAdmit,
  planChange,
  planExpiry,
  planInvite,
  planLeaves,
  planRename,
  planRevokeDevice,
  planWithdrawInvite,
} from "../../src/room/plans";
import { readRejoinClaim } from "../../src/room/rejoin";
import { type OpenInvite, type RoomContext, withApprovers } from "../../src/room/roomContext";
import {
  decodeWelcomePayload,
  encodeWelcomePayload,
  type WelcomeClaim,
  welcomeReply,
  welcomeReplyIsValid,
} from "../../src/room/welcomePayload";
import { id, seeded, spoilt } from "../identity/people";
import { expectRecorded } from "./recorded";
import {
  account,
  addOf,
  altered,
  broken,
  contextIn,
  HOUR,
  inviteBy,
  kinds,
  leaf,
  leaveOf,
  ROOM,
  requestOf,
  revocationOf,
  STAMP,
  SUITE,
  World,
} from "./world";

const invite = inviteBy("ben");
const other = inviteBy("cleo");
const three = new World(["anna", "ben", "cleo"]);
const inviting = three.with(contextWith(three.context, invite.open, other.open));
const ask = requestOf("dora", invite);

function contextWith(context: RoomContext, ...open: OpenInvite[]): RoomContext {
  return { ...context, invites: [...open].sort((a, b) => (toHex(a.id) < toHex(b.id) ? -1 : 1)) };
}

describe("E27: the link", () => {
  const token = toBase64Url(seeded("token")(32));

  it("E27 everything of an invite comes from its secret, each key from a label of its own", () => {
    const keys = keysOf(invite.fragment.secret);
    expect(toHex(keys.inviteId)).toBe(toHex(invite.open.id));
    const all = [keys.joinKey.privateKey, keys.joinKey.publicKey, keys.welcomeKey, keys.sealKey].map(toHex);
    expect(new Set(all).size).toBe(4);
    expect(toHex(keysOf(spoilt(invite.fragment.secret, 0)).inviteId)).not.toBe(toHex(keys.inviteId));
  });

  it("E27 goes through text and back, for a founder and for an invite", () => {
    for (const link of [
      { kind: "founder", token } as const,
      { kind: "invite", token, fragment: invite.fragment } as const,
    ]) {
      expect(parseLink(encodeLink(link))).toEqual(link);
    }
    expect(encodeLink({ kind: "founder", token })).toBe(`f.${token}`);
    expect(encodeLink({ kind: "invite", token, fragment: invite.fragment })).toHaveLength(43 + 1 + 44);
  });

  it("E27 a link that was cut or mistyped says so", () => {
    const whole = encodeLink({ kind: "invite", token, fragment: invite.fragment });
    for (let length = 0; length < whole.length; length++) {
      expect(() => parseLink(whole.slice(0, length))).toThrow(LinkError);
    }
    for (const text of [`${whole}A`, `${whole}.`, `${whole}.A`, ` ${whole}`, `F.${token}`, `f.${token}=`]) {
      expect(() => parseLink(text)).toThrow(LinkError);
    }
    const later = encodeFragment(invite.fragment).replace(
      /^../,
      toBase64Url(Uint8Array.of(2, 0, 0)).slice(0, 2),
    );
    expect(() => parseFragment(later)).toThrow("version");
  });

  it("E27 invariant: any text parses or is a LinkError", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 120 }), (text) => {
        try {
          parseLink(text);
        } catch (error) {
          expect(error).toBeInstanceOf(LinkError);
        }
      }),
    );
  });
});

describe("E28: the open invite", () => {
  it("E28 a member commits one in their own name, for 72 hours", () => {
    const change = three.commits("ben", planInvite(three.situation("ben"), invite.open));
    expect(change.what).toEqual([{ kind: "invited", inviteId: invite.open.id }]);
    expect(change.context.invites).toEqual([invite.open]);
    expect(invite.open.notAfter).toBe(STAMP + INVITE_LIFETIME);
  });

  it("E28 nobody commits one in another's name", () => {
    expect(broken(() => three.says("cleo", [], contextWith(three.context, invite.open)))).toBe(
      "E28 invite_inviter",
    );
  });

  it("E28 72 hours are judged at the stamp, and ten minutes are forgiven", () => {
    const until = (notAfter: number) => () =>
      three.says("ben", [], contextWith(three.context, { ...invite.open, notAfter }));
    expect(broken(until(STAMP + 72 * HOUR + 10 * 60_000))).toBe("valid");
    expect(broken(until(STAMP + 72 * HOUR + 10 * 60_000 + 1))).toBe("E28 invite_lifetime");
    expect(broken(until(STAMP))).toBe("E28 invite_lifetime");
  });

  it("E28 a join key that is none is refused", () => {
    const bad = { ...invite.open, joinKey: new Uint8Array(32) };
    expect(broken(() => three.says("ben", [], contextWith(three.context, bad)))).toBe("E28 invite_key");
  });

  it("E28 an open invite is never changed, by its inviter neither", () => {
    for (const change of [
      { joinKey: other.open.joinKey },
      { welcomeKey: other.open.welcomeKey },
      { sealKey: other.open.sealKey },
      { notAfter: invite.open.notAfter - 1 },
    ]) {
      const after = contextWith(three.context, { ...invite.open, ...change }, other.open);
      expect(broken(() => inviting.says("ben", [], after))).toBe("E28 invite_changed");
    }
  });

  it("E28 is its inviter's to withdraw, or the founder's; when it has run out, anybody's", () => {
    const without = contextWith(three.context, other.open);
    expect(broken(() => inviting.says("cleo", [], without))).toBe("E28 invite_not_theirs");
    expect(broken(() => inviting.says("cleo", [], without, invite.open.notAfter))).toBe(
      "E28 invite_not_theirs",
    );
    expect(broken(() => inviting.says("cleo", [], without, invite.open.notAfter + 1))).toBe("valid");
    for (const who of ["ben", "anna"]) {
      const change = inviting.commits(who, planWithdrawInvite(inviting.situation(who), invite.open.id));
      expect(change.what).toEqual([{ kind: "invite_withdrawn", inviteId: invite.open.id, why: "withdrawn" }]);
    }
    expect(() => planWithdrawInvite(inviting.situation("cleo"), invite.open.id)).toThrow(RoomPlanError);
  });

  it("E28 those that have run out are cleared away by the way, with room for clocks", () => {
    const late = invite.open.notAfter + 11 * 60_000;
    const plan = planRename(inviting.situation("cleo", late), "Fridays");
    expect(contextIn(plan).invites).toEqual([]);
    const change = inviting.commits("cleo", plan, late);
    expect(kinds(change)).toEqual(["renamed", "invite_withdrawn", "invite_withdrawn"]);
    expect(
      contextIn(planRename(inviting.situation("cleo", late - 2 * 60_000), "Fridays")).invites,
    ).toHaveLength(2);
  });

  it("E28 one person has twenty open at most", () => {
    const made = Array.from(
      { length: 21 },
      (_, i) => newInvite(seeded(`many ${i}`), account("ben"), STAMP).open,
    );
    const twenty = three.with(contextWith(three.context, ...made.slice(0, 20)));
    expect(() => planInvite(twenty.situation("ben"), made[20]!)).toThrow(RoomPlanError);
    expect(broken(() => twenty.says("ben", [], contextWith(three.context, ...made)))).toBe(
      "E28 invite_count",
    );
  });
});

describe("E28: the request", () => {
  const keys = keysOf(invite.fragment.secret);
  const { sealed } = sealJoinRequest(
    keys,
    {
      room: ROOM,
      inviter: invite.open.inviter,
      account: account("dora"),
      name: "Dora D.",
      notAfter: invite.open.notAfter,
      keyPackage: leaf("dora").bytes,
    },
    seeded("seal"),
  );

  it("E28 is opened by whoever has the open invite, and by nobody else", () => {
    const request = openJoinRequest(inviting.context.invites, ROOM, sealed);
    expect(request).toMatchObject({ name: "Dora D.", account: account("dora"), inviter: account("ben") });
    expect(openJoinRequest([other.open], ROOM, sealed)).toBeNull();
    const wrongKey = { ...invite.open, sealKey: other.open.sealKey };
    expect(broken(() => openJoinRequest([wrongKey], ROOM, sealed))).toBe("E28 join_seal");
    expect(broken(() => openJoinRequest([invite.open], id("another room"), sealed))).toBe("E28 join_seal");
  });

  it("E28 its size says nothing of the name in it", () => {
    const named = (name: string) =>
      sealJoinRequest(
        keys,
        {
          room: ROOM,
          inviter: invite.open.inviter,
          account: account("dora"),
          name,
          notAfter: 1,
          keyPackage: leaf("dora").bytes,
        },
        seeded("seal"),
      ).sealed.length;
    expect(named("D")).toBe(named("Dora with a long and winding name of her own"));
  });

  it("E28 names the room, the inviter and the KeyPackage that it is for", () => {
    const open = (changes: Parameters<typeof sealJoinRequest>[1]) => () =>
      openJoinRequest([invite.open], ROOM, sealJoinRequest(keys, changes, seeded("seal")).sealed);
    const good = {
      room: ROOM,
      inviter: invite.open.inviter,
      account: account("dora"),
      name: "Dora",
      notAfter: invite.open.notAfter,
      keyPackage: leaf("dora").bytes,
    };
    expect(broken(open(good))).toBe("valid");
    expect(broken(open({ ...good, inviter: account("cleo") }))).toBe("E28 join_invite");
    expect(() => open({ ...good, keyPackage: spoilt(leaf("dora").bytes, -1) })()).toThrow(MlsError);
    expect(() => open({ ...good, name: "line\nbreak" })()).toThrow(RoomError);
  });

  it("E28 signed for another room it is none for this one, though it is sealed for it", () => {
    const { bytes } = requestOf("dora", invite, { room: id("elsewhere") });
    const inner = encodeCanonical({ request: bytes, key_package: leaf("dora").bytes });
    const nonce = new Uint8Array(12);
    const ciphertext = AES_256_GCM.seal(keys.sealKey, nonce, ROOM, padTo(inner, 8192));
    const moved = encodeCanonical({ invite: keys.inviteId, nonce, ciphertext });
    expect(broken(() => openJoinRequest([invite.open], ROOM, moved))).toBe("E28 join_room");
  });

  it("E28, E22 a claim is bounded before it is parsed", () => {
    const long = new Uint8Array(4097);
    expect(() => readJoinClaim(long, () => null)).toThrow("too long");
    expect(() => readRejoinClaim(long)).toThrow("too long");
  });

  it("E28 another KeyPackage than was signed for is not opened, however valid", () => {
    const other = keyPackageRef(SUITE, leaf("emil").bytes);
    expect(broken(() => checkedKeyPackage(leaf("dora").bytes, other))).toBe("E28 key_package_ref");
    expect(broken(() => checkedKeyPackage(leaf("emil").bytes, other))).toBe("valid");
  });

  it("E28 invariant: any bytes open, are nobody's, or raise an error of ours", () => {
    const check = (bytes: Uint8Array) => {
      try {
        openJoinRequest(inviting.context.invites, ROOM, bytes);
      } catch (error) {
        expect(error instanceof RoomError || error instanceof MlsError).toBe(true);
      }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), check));
    fc.assert(
      fc.property(fc.nat({ max: sealed.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const bytes = sealed.slice();
        bytes[at]! ^= change;
        check(bytes);
      }),
      { numRuns: 200 },
    );
  });
});

describe("E30: the Add", () => {
  const admit =
    (changes: Parameters<typeof requestOf>[2] = {}, stamp?: number) =>
    () =>
      inviting.commits(
        "anna",
        planAdmit(inviting.situation("anna"), requestOf("dora", invite, changes)),
        stamp,
      );

  it("E30 deletes exactly the open invite that it uses", () => {
    const change = admit()();
    expect(kinds(change)).toEqual(["joined"]);
    expect(change.context.invites).toEqual([other.open]);
    expect(toHex(change.added[0]!.requestHash!)).toBe(toHex(ask.hash));
  });

  it("E30 an Add that leaves its invite open is invalid", () => {
    const plan = planAdmit(inviting.situation("anna"), ask);
    const kept = altered(plan, (context) => contextWith(context, invite.open, other.open));
    expect(broken(() => inviting.commits("anna", kept))).toBe("E30 invites");
  });

  it("E30 an Add that deletes another invite besides is invalid", () => {
    const plan = planAdmit(inviting.situation("anna"), ask);
    const more = altered(plan, (context) => ({ ...context, invites: [] }));
    expect(broken(() => inviting.commits("anna", more))).toBe("E30 invites");
  });

  it("E30 an Add without grounds is invalid, with or without a context", () => {
    expect(broken(() => inviting.says("anna", [addOf(leaf("dora"))]))).toBe("E30 add_without_request");
    const without = contextWith(three.context, other.open);
    expect(broken(() => inviting.says("anna", [addOf(leaf("dora"))], without))).toBe(
      "E30 add_without_request",
    );
  });

  it("E30 an Add without an open invite is invalid", () => {
    const plan = planAdmit(inviting.situation("anna"), ask);
    expect(broken(() => three.commits("anna", plan))).toBe("E30 invite_unknown");
  });

  it("E30 nobody is admitted twice by one invite", () => {
    const after = inviting.after(admit()());
    const again = requestOf("emil", invite);
    expect(() => planAdmit(after.situation("anna"), again)).toThrow(RoomPlanError);
    const grounds = { kind: "join", request: again.bytes } as const;
    expect(broken(() => after.says("anna", [addOf(leaf("emil"))], { ...after.context, grounds }))).toBe(
      "E30 invite_unknown",
    );
  });

  it("E30 one request is for one Add", () => {
    const plan = planAdmit(inviting.situation("anna"), ask);
    const two = { ...plan, proposals: [addOf(leaf("emil")), ...plan.proposals] };
    expect(broken(() => inviting.commits("anna", two))).toBe("E30 one_add");
  });

  it("E28 the Add is of the KeyPackage that was signed for", () => {
    const plan = planAdmit(inviting.situation("anna"), ask);
    const swap = (who: ReturnType<typeof leaf>) => ({ ...plan, proposals: [addOf(who), plan.proposals[1]!] });
    // Another KeyPackage of the same device, whole and valid: that is not what she asked for.
    expect(
      broken(() => inviting.commits("anna", swap(leaf("dora", { until: BigInt(STAMP / 1000) + 99n })))),
    ).toBe("E28 key_package_ref");
    expect(broken(() => inviting.commits("anna", swap(leaf("emil"))))).toBe("E28 join_account");
  });

  it("E28 a request by another key than the invite's join key is invalid", () => {
    const forged = { ...invite, fragment: { ...invite.fragment, secret: other.fragment.secret } };
    const { bytes } = sealJoinRequest(
      { ...keysOf(invite.fragment.secret), joinKey: keysOf(forged.fragment.secret).joinKey },
      {
        room: ROOM,
        inviter: invite.open.inviter,
        account: account("dora"),
        name: "dora",
        notAfter: invite.open.notAfter,
        keyPackage: leaf("dora").bytes,
      },
      seeded("seal"),
    );
    const plan = altered(planAdmit(inviting.situation("anna"), ask), (context) => ({
      ...context,
      grounds: { kind: "join", request: bytes },
    }));
    expect(broken(() => inviting.commits("anna", plan))).toBe("E28 join_signature");
  });

  it("E28 a request is for one room and names its inviter", () => {
    expect(broken(admit({ room: id("elsewhere") }))).toBe("E28 join_room");
    expect(broken(admit({ inviter: account("anna") }))).toBe("E28 join_invite");
    expect(broken(admit({ account: account("emil") }))).toBe("E28 join_account");
  });

  it("E10 invite and request are judged at the stamp", () => {
    const last = invite.open.notAfter;
    expect(broken(admit({}, last))).toBe("valid");
    expect(broken(admit({}, last + 1))).toBe("E28 invite_expired");
    expect(broken(admit({ notAfter: STAMP + 5 }, STAMP + 6))).toBe("E28 invite_expired");
  });

  it("E29 the inviter is still here", () => {
    const world = new World(["anna", "cleo"], { invites: [invite.open] });
    expect(broken(() => world.commits("anna", planAdmit(world.situation("anna"), ask)))).toBe(
      "E29 inviter_gone",
    );
  });

  it("E28 whoever is here already does not come in by invite", () => {
    const laptop = requestOf("cleo laptop", invite);
    const grounds = { kind: "join", request: laptop.bytes } as const;
    const after = { ...contextWith(three.context, other.open), grounds };
    expect(broken(() => inviting.says("anna", [addOf(leaf("cleo laptop"))], after))).toBe("E28 already_here");
    expect(() => planAdmit(inviting.situation("anna"), laptop)).toThrow(RoomPlanError);
  });

  it("E14 policy may ask for approvals of an invite besides its inviter's", () => {
    const strict = inviting.with({ policy: { admitApprovals: 2 } });
    const plan = planAdmit(strict.situation("anna"), ask);
    expect(broken(() => strict.commits("anna", plan))).toBe("E14 approvals");
    const change = { kind: "invite", target: invite.open.id } as const;
    expect(() => planChange(strict.situation("ben"), change)).toThrow(RoomPlanError);
    const approved = strict.after(strict.commits("cleo", planChange(strict.situation("cleo"), change)));
    const admitted = approved.commits("anna", planAdmit(approved.situation("anna"), ask));
    expect(kinds(admitted)).toEqual(["joined"]);
    expect(admitted.context.pending).toEqual([]);
    // With more asked for than there are people, all of them.
    const all = inviting.with(
      withApprovers({ ...inviting.context, policy: { admitApprovals: 8 } }, change, [account("cleo")]),
    );
    expect(broken(() => all.commits("anna", planAdmit(all.situation("anna"), ask)))).toBe("E14 approvals");
    const both = all.after(all.commits("anna", planChange(all.situation("anna"), change)));
    expect(broken(() => both.commits("anna", planAdmit(both.situation("anna"), ask)))).toBe("valid");
  });
});

describe("E30: who is taken out takes all open invites along", () => {
  const removal = { kind: "remove", target: account("cleo") } as const;

  it("E30 taking out an account voids all open invites", () => {
    const change = inviting.commits("anna", planChange(inviting.situation("anna"), removal));
    expect(change.context.invites).toEqual([]);
    expect(kinds(change)).toEqual(["removed", "invite_withdrawn", "invite_withdrawn"]);
    expect(change.what).toContainEqual({ kind: "invite_withdrawn", inviteId: invite.open.id, why: "void" });
  });

  it("E30 a Remove of an account that leaves an invite open is invalid", () => {
    const plan = planChange(inviting.situation("anna"), removal);
    const kept = altered(plan, (context) => contextWith(context, invite.open));
    expect(broken(() => inviting.commits("anna", kept))).toBe("E30 invites_not_void");
    const bare = { ...plan, proposals: plan.proposals.slice(0, 1) };
    expect(broken(() => inviting.commits("anna", bare))).toBe("E30 invites_not_void");
  });

  it("E30 an account that leaves does so too", () => {
    const plan = planLeaves(inviting.situation("anna"), [leaveOf(inviting.at("cleo"))]);
    expect(inviting.commits("anna", plan).context.invites).toEqual([]);
    expect(broken(() => inviting.commits("anna", { ...plan, proposals: [] }))).toBe("E30 invites_not_void");
  });

  it("E30 a revoked device does so though its person stays", () => {
    const world = new World(["anna", "ben", "ben laptop"], { invites: [invite.open] });
    const plan = planRevokeDevice(world.situation("anna"), revocationOf("ben laptop"));
    const change = world.commits("anna", plan);
    expect(change.context.invites).toEqual([]);
    const kept = altered(plan, (context) => ({ ...context, invites: [invite.open] }));
    expect(broken(() => world.commits("anna", kept))).toBe("E30 invites");
  });

  it("E30 expiry does not", () => {
    const short = leaf("cleo", { notBefore: STAMP - HOUR, notAfter: STAMP - 1 }).identity;
    const roster = new Map(inviting.roster).set(leafIndex(2), short);
    const world = new World(inviting.who, inviting.context, roster);
    const plan = planExpiry(world.situation("anna"));
    expect(world.commits("anna", plan).context.invites).toHaveLength(2);
    const voided = altered(plan, (context) => ({ ...context, invites: [] }));
    expect(broken(() => world.commits("anna", voided))).toBe("E30 invites");
  });
});

describe("E29: the reply", () => {
  const claim: WelcomeClaim = {
    requestHash: ask.hash,
    groupId: ROOM,
    epoch: 4n,
    groupContextHash: seeded("context")(48),
    confirmationTag: seeded("tag")(48),
    adderLeaf: 1,
  };
  const mac = welcomeReply(invite.open.welcomeKey, claim);

  it("E29 says that a member answered this request with this Welcome", () => {
    expect(welcomeReplyIsValid(keysOf(invite.fragment.secret).welcomeKey, claim, mac)).toBe(true);
    expect(welcomeReplyIsValid(other.open.welcomeKey, claim, mac)).toBe(false);
    const changes: Partial<WelcomeClaim>[] = [
      { requestHash: seeded("x")(48) },
      { groupId: id("x") },
      { epoch: 5n },
      { groupContextHash: seeded("x")(48) },
      { confirmationTag: seeded("x")(48) },
      { adderLeaf: 2 },
    ];
    for (const change of changes) {
      expect(welcomeReplyIsValid(invite.open.welcomeKey, { ...claim, ...change }, mac)).toBe(false);
    }
  });

  it("E29 travels with the Welcome; neither stands alone", () => {
    const payload = { welcome: seeded("welcome")(200), inviteId: invite.open.id, mac };
    expect(decodeWelcomePayload(encodeWelcomePayload(payload))).toEqual(payload);
    const rejoin = { ...payload, inviteId: null, mac: null };
    expect(decodeWelcomePayload(encodeWelcomePayload(rejoin))).toEqual(rejoin);
    expect(() => decodeWelcomePayload(encodeWelcomePayload({ ...payload, mac: null }))).toThrow(RoomError);
  });

  it("E25 invariant: any bytes are a Welcome's payload or a RoomError", () => {
    const good = encodeWelcomePayload({ welcome: seeded("welcome")(60), inviteId: invite.open.id, mac });
    const check = (bytes: Uint8Array) => {
      try {
        decodeWelcomePayload(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(RoomError);
      }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), check));
    fc.assert(
      fc.property(fc.nat({ max: good.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const bytes = good.slice();
        bytes[at]! ^= change;
        check(bytes);
      }),
    );
  });
});

it("E14 whatever was judged above is judged alike in every language", async () => {
  await expectRecorded("invites");
});
