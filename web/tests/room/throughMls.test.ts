/** The plans as real Commits: staged, judged alike by everyone, completed (E14, E18, E21, E29). */

import { sha384 } from "@noble/hashes/sha2.js";
import { describe, expect, it } from "vitest";
import { toHex } from "../../src/bytes/bytes";
import { protectProposal, unprotect } from "../../src/mls/application";
import { completeCommit } from "../../src/mls/completeCommit";
import { basicCredential } from "../../src/mls/credential";
import {
  confirmationTag,
  createGroup,
  epoch,
  epochAuthenticator,
  extensions,
  type Group,
  groupContextBytes,
  members,
} from "../../src/mls/group";
import { joinByWelcome } from "../../src/mls/joinGroup";
import { judgeCommit, type ProposalReference } from "../../src/mls/judgeCommit";
import { createKeyPackage } from "../../src/mls/keyPackage";
import { stageCommit } from "../../src/mls/stageCommit";
import type { RoomChange } from "../../src/room/change";
import { encodeCommitData } from "../../src/room/events";
import { keysOf, newInvite } from "../../src/room/invites";
import { openJoinRequest, sealJoinRequest } from "../../src/room/joinRequest";
import {
  type Plan,
  planAdmit,
  planChange,
  planInvite,
  planLeaves,
  planRejoin,
  planRename,
  planRevokeDevice,
  planUpdate,
  type Situation,
} from "../../src/room/plans";
import { openRejoinRequest, signRejoinRequest } from "../../src/room/rejoin";
import { newCommons, readRoomExtensions, roomExtensions } from "../../src/room/roomContext";
import { rosterOf } from "../../src/room/roster";
import { answerDevices, answerPlace, openAnswerIn, sealAnswer } from "../../src/room/sealedAnswer";
import { judgeRoomCommit } from "../../src/room/validity";
import { welcomeReply, welcomeReplyIsValid } from "../../src/room/welcomePayload";
import { DEPLOYMENT, device, id, seeded } from "../identity/people";
import { account, kinds, person, ROOM, revocationOf, STAMP, SUITE } from "./world";

const SECONDS = BigInt(Math.floor(STAMP / 1000));
const rng = seeded("through MLS");
const LIFETIME = { notBefore: SECONDS - 3600n, notAfter: SECONDS + 20n * 86_400n };

function keyPackageOf(who: string, serial = 1) {
  const made = device(person(who.split(" ")[0]!).identity, who, { serial });
  const credential = basicCredential(made.credential);
  return createKeyPackage(SUITE, { signature: made.leafKey, credential, ...LIFETIME }, rng);
}

/** Everybody's view of one room. */
class Company {
  readonly groups = new Map<string, Group>();

  constructor(founder: string) {
    const made = device(person(founder).identity, founder);
    const group = createGroup({
      suite: SUITE,
      groupId: ROOM,
      signature: made.leafKey,
      credential: basicCredential(made.credential),
      ...LIFETIME,
      extensions: roomExtensions(newCommons(account(founder), "Thursdays")),
      rng,
    });
    this.groups.set(founder, group);
  }

  situation(who: string): Situation {
    const group = this.groups.get(who)!;
    return {
      context: readRoomExtensions(extensions(group)),
      roster: rosterOf(members(group), DEPLOYMENT),
      me: group.ownLeaf,
      now: STAMP,
    };
  }

  /** Commits a plan; everybody judges it, and it is the same for all. */
  commit(by: string, plan: Plan, leaves: readonly ProposalReference[] = []) {
    const { context: before, roster } = this.situation(by);
    const staged = stageCommit(this.groups.get(by)!, {
      ...plan,
      authenticatedData: encodeCommitData(id("commit"), { n: 0, head: id("head") }),
      rng,
    });
    const judge = (judged: typeof staged.judged) =>
      judgeRoomCommit({ roomId: ROOM, deploymentId: DEPLOYMENT, before, roster, judged, stamp: STAMP });
    const change = judge(staged.judged);
    for (const [who, group] of this.groups) {
      if (who === by) {
        this.groups.set(who, staged.next);
        continue;
      }
      const opened = unprotect(group, staged.message);
      const judged = judgeCommit(opened.group, opened, leaves);
      expect(judge(judged)).toEqual(change);
      if (judged.removesMe) this.groups.delete(who);
      else this.groups.set(who, completeCommit(opened.group, judged).next);
    }
    this.checkSame(change);
    return { change, welcome: staged.welcome };
  }

  checkSame(change: RoomChange): void {
    const views = [...this.groups.keys()].map((who) => this.situation(who));
    expect(new Set([...this.groups.values()].map((group) => toHex(epochAuthenticator(group)))).size).toBe(1);
    for (const { context, roster } of views) {
      expect(context).toEqual(change.context);
      expect([...roster].sort(([a], [b]) => a - b)).toEqual([...change.roster].sort(([a], [b]) => a - b));
    }
  }

  /** By link, request, Commit and Welcome. */
  invite(who: string, by: string, admitter: string): RoomChange {
    const invite = newInvite(rng, account(by), STAMP);
    this.commit(by, planInvite(this.situation(by), invite.open));
    const keys = keysOf(invite.fragment.secret);
    const made = keyPackageOf(who);
    const asked = sealJoinRequest(
      keys,
      {
        room: ROOM,
        inviter: invite.fragment.inviter,
        account: account(who),
        name: who,
        notAfter: invite.open.notAfter,
        keyPackage: made.bytes,
      },
      rng,
    );
    const at = this.situation(admitter);
    const request = openJoinRequest(at.context.invites, ROOM, asked.sealed)!;
    const { change, welcome } = this.commit(admitter, planAdmit(at, request));
    const claim = (group: Group, adderLeaf: number) => ({
      requestHash: asked.hash,
      groupId: ROOM,
      epoch: epoch(group),
      groupContextHash: sha384(groupContextBytes(group)),
      confirmationTag: confirmationTag(group),
      adderLeaf,
    });
    const reply = welcomeReply(invite.open.welcomeKey, claim(this.groups.get(admitter)!, at.me));
    const { group, adder } = joinByWelcome({
      suite: SUITE,
      welcome: welcome!,
      keyPackage: made.bytes,
      secrets: made.secrets,
    });
    // E29: the newcomer computes the same from what it was let into.
    expect(welcomeReplyIsValid(keys.welcomeKey, claim(group, adder), reply)).toBe(true);
    this.groups.set(who, group);
    this.checkSame(change);
    return change;
  }
}

describe("rooms through MLS", () => {
  it("E14, E18: every plan is a Commit that all judge alike, and all are in the same epoch after it", () => {
    const company = new Company("anna");
    expect(kinds(company.invite("ben", "anna", "anna"))).toEqual(["joined"]);
    // E28: any member's device admits.
    expect(kinds(company.invite("cleo", "anna", "ben"))).toEqual(["joined"]);
    company.invite("dora", "cleo", "anna");
    expect(kinds(company.commit("cleo", planRename(company.situation("cleo"), "Fridays")).change)).toEqual([
      "renamed",
    ]);
    expect(kinds(company.commit("ben", planUpdate()).change)).toEqual(["renewed"]);

    // E22: a lost state, and a second device.
    const again = keyPackageOf("cleo", 2);
    const rejoin = signRejoinRequest(
      person("cleo").identity.identityKey.privateKey,
      {
        room: ROOM,
        device: device(person("cleo").identity, "cleo").deviceId,
        oldLeaf: 2,
        epoch: 1,
        keyPackage: again.bytes,
      },
      rng,
    );
    company.groups.delete("cleo");
    const back = company.commit(
      "dora",
      planRejoin(company.situation("dora"), openRejoinRequest(ROOM, rejoin.sealed)),
    );
    expect(kinds(back.change)).toEqual(["rejoined"]);
    const returned = joinByWelcome({
      suite: SUITE,
      welcome: back.welcome!,
      keyPackage: again.bytes,
      secrets: again.secrets,
    });
    company.groups.set("cleo", returned.group);
    company.checkSame(back.change);

    // E9
    const phone = keyPackageOf("ben phone");
    const more = signRejoinRequest(
      person("ben").identity.identityKey.privateKey,
      {
        room: ROOM,
        device: device(person("ben").identity, "ben phone").deviceId,
        oldLeaf: null,
        epoch: 0,
        keyPackage: phone.bytes,
      },
      rng,
    );
    const added = company.commit(
      "anna",
      planRejoin(company.situation("anna"), openRejoinRequest(ROOM, more.sealed)),
    );
    expect(kinds(added.change)).toEqual(["device_added"]);
    const revoked = company.commit(
      "ben",
      planRevokeDevice(company.situation("ben"), revocationOf("ben phone")),
    );
    expect(kinds(revoked.change)).toEqual(["device_revoked"]);

    // E14: a removal that two approve, and a leave.
    const removal = { kind: "remove", target: account("dora") } as const;
    expect(kinds(company.commit("ben", planChange(company.situation("ben"), removal)).change)).toEqual([
      "removal_proposed",
    ]);
    expect(kinds(company.commit("cleo", planChange(company.situation("cleo"), removal)).change)).toEqual([
      "removed",
    ]);
    expect([...company.groups.keys()].sort()).toEqual(["anna", "ben", "cleo"]);

    const ben = company.groups.get("ben")!;
    const proposal = { type: "remove", removed: ben.ownLeaf } as const;
    const leave = protectProposal(ben, { proposal, authenticatedData: id("leave"), rng });
    company.groups.delete("ben");
    const sender = ben.ownLeaf;
    const reference = { proposal, ref: leave.ref, sender };
    for (const [who, group] of company.groups) company.groups.set(who, unprotect(group, leave.message).group);
    const left = company.commit("cleo", planLeaves(company.situation("cleo"), [reference]), [reference]);
    expect(kinds(left.change)).toEqual(["left"]);
    expect(company.groups.size).toBe(2);
  });

  it("E34 an answer is sealed to all devices of one person, in the epoch that all are in", () => {
    const company = new Company("anna");
    company.invite("ben", "anna", "anna");
    company.invite("cleo", "anna", "anna");
    const eventId = id("answer");
    const said = { about: id("question"), answer: "may_know" } as const;
    const seal = () => {
      const ben = company.groups.get("ben")!;
      const devices = answerDevices(ben, company.situation("ben").roster, account("anna"));
      return sealAnswer(answerPlace(ben, ben.ownLeaf, eventId), devices, said, rng);
    };
    const sealed = seal();
    const author = company.situation("ben").me;
    const open = (who: string) => openAnswerIn(company.groups.get(who)!, author, eventId, sealed);
    expect(open("anna")).toEqual(said);
    expect(open("cleo")).toBeNull();
    // Her leaf has another key after her next Commit, and the epoch is another.
    company.commit("anna", planUpdate());
    expect(() => open("anna")).toThrow("E34");
  });
});
