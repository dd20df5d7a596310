/** A room of people with fixed keys, and Commits made by hand, so that a test can break one thing in them. */

import { revokeDevice } from "../../src/identity/certificate";
import type { LeafIdentity } from "../../src/identity/credential";
import type { Identity } from "../../src/identity/identity";
import { basicCredential } from "../../src/mls/credential";
import type { Judged, JudgedProposal } from "../../src/mls/judgeCommit";
import { createKeyPackage, type KeyPackage } from "../../src/mls/keyPackage";
import type { LeafNode } from "../../src/mls/leafNode";
import type { Proposal } from "../../src/mls/proposal";
import { ROOM_SUITE } from "../../src/mls/suite";
import { suiteOf } from "../../src/mls/suites";
import { type LeafIndex, leafIndex } from "../../src/mls/treeMath";
import type { RoomChange } from "../../src/room/change";
import { RoomRuleError } from "../../src/room/errors";
import { type Fragment, keysOf, newInvite } from "../../src/room/invites";
import { type JoinRequest, openJoinRequest, sealJoinRequest } from "../../src/room/joinRequest";
import type { Plan, Reference } from "../../src/room/plans";
import { openRejoinRequest, type RejoinRequest, signRejoinRequest } from "../../src/room/rejoin";
import {
  newCommons,
  type OpenInvite,
  type RoomContext,
  readRoomExtensions,
  roomExtensions,
} from "../../src/room/roomContext";
import { identityOf, type Roster } from "../../src/room/roster";
import { DEPLOYMENT, device, id, NOW, type Someone, seeded, someone } from "../identity/people";
import { judgeRecorded } from "./recorded";

export const SUITE = suiteOf(ROOM_SUITE);
export const ROOM = id("room");
export const DAY = 24 * 3_600_000;
export const HOUR = 3_600_000;
/** Stamps are a day after certificates begin. */
export const STAMP = NOW + DAY;
const SECONDS = BigInt(Math.floor(NOW / 1000));

const people = new Map<string, Someone>();

/** The same person whenever the name is the same. */
export function person(name: string): Someone {
  const known = people.get(name) ?? someone(name);
  people.set(name, known);
  return known;
}

export const account = (name: string): Uint8Array => person(name).identity.accountId;

export type Leaf = {
  readonly identity: LeafIdentity;
  readonly node: LeafNode;
  readonly keyPackage: KeyPackage;
  readonly bytes: Uint8Array;
};

export type LeafChanges = Parameters<typeof device>[2] & {
  readonly identity?: Identity;
  readonly from?: bigint;
  readonly until?: bigint;
  readonly capabilities?: LeafNode["capabilities"];
  readonly deployment?: Uint8Array;
};

const leaves = new Map<string, Leaf>();

/** A device of a person as its KeyPackage says it: `who` is "anna" or "anna laptop". */
export function leaf(who: string, changes: LeafChanges = {}): Leaf {
  const plain = Object.keys(changes).length === 0;
  const known = leaves.get(who);
  if (plain && known !== undefined) return known;
  const { identity: own, from, until, capabilities, ...certified } = changes;
  const identity = own ?? person(who.split(" ")[0]!).identity;
  const made = device(identity, who, certified);
  const { keyPackage, bytes } = createKeyPackage(
    SUITE,
    {
      signature: made.leafKey,
      credential: basicCredential(made.credential),
      notBefore: from ?? SECONDS,
      notAfter: until ?? SECONDS + 30n * 86_400n,
      ...(capabilities === undefined ? {} : { capabilities }),
    },
    seeded(`key package ${who} ${certified.serial ?? 1}`),
  );
  const node = keyPackage.leafNode;
  const out = {
    identity: identityOf(node, certified.deploymentId ?? DEPLOYMENT),
    node,
    keyPackage,
    bytes,
  };
  if (plain) leaves.set(who, out);
  return out;
}

/** A room with these devices at leaves 0, 1, …; the first one's person founded it. */
export class World {
  readonly who: readonly string[];
  readonly roster: Roster;
  readonly context: RoomContext;
  readonly stamp: number = STAMP;

  constructor(who: readonly string[], changes: Partial<RoomContext> = {}, roster?: Roster) {
    this.who = who;
    this.roster = roster ?? new Map(who.map((name, i) => [leafIndex(i), leaf(name).identity]));
    const founder = account((who[0] ?? "anna").split(" ")[0]!);
    this.context = { ...newCommons(founder, "Thursdays"), ...changes };
  }

  /** The same people in a context that differs. */
  with(changes: Partial<RoomContext>): World {
    return new World(this.who, { ...this.context, ...changes }, this.roster);
  }

  at(name: string): LeafIndex {
    const found = this.who.indexOf(name);
    if (found < 0) throw new Error(`${name} is not here`);
    return leafIndex(found);
  }

  situation(name: string, now: number = this.stamp) {
    return { context: this.context, roster: this.roster, me: this.at(name), now };
  }

  /** A plan as the Commit that it becomes. */
  planned(by: string, plan: Plan, changes: Partial<Judged> = {}): Judged {
    const referenced: JudgedProposal[] = plan.references.map(({ proposal, sender }) => ({
      proposal,
      sender,
      byReference: true,
    }));
    return this.judged(by, plan.proposals, referenced, changes);
  }

  /** What MLS makes of a Commit with these proposals. */
  judged(
    by: string,
    proposals: readonly Proposal[],
    referenced: readonly JudgedProposal[] = [],
    changes: Partial<Judged> = {},
  ): Judged {
    const committer = this.at(by);
    const all = [
      ...referenced,
      ...proposals.map((proposal) => ({ proposal, sender: committer, byReference: false })),
    ];
    const removed = all.flatMap(({ proposal }) => (proposal.type === "remove" ? [proposal.removed] : []));
    const taken = new Set([...this.roster.keys()].filter((one) => !removed.includes(one)));
    const added = proposals.flatMap((proposal) => {
      if (proposal.type !== "add") return [];
      let free = 0;
      while (taken.has(leafIndex(free))) free++;
      taken.add(leafIndex(free));
      const { keyPackage } = proposal;
      return [{ leaf: leafIndex(free), node: keyPackage.leafNode, keyPackage }];
    });
    const extensions = proposals.find((one) => one.type === "group_context_extensions");
    return {
      committer,
      proposals: all,
      pathLeaf: leaf(by).node,
      added,
      removed,
      updated: [],
      extensionsAfter: extensions?.extensions ?? roomExtensions(this.context),
      removesMe: false,
      // Rooms look at neither.
      treeAfter: null as never,
      authenticated: null as never,
      ...changes,
    } as Judged;
  }

  judge(judged: Judged, stamp: number = this.stamp): RoomChange {
    const { roster, context: before } = this;
    return judgeRecorded({ roomId: ROOM, deploymentId: DEPLOYMENT, before, roster, judged, stamp });
  }

  /** A plan, committed. */
  commits(by: string, plan: Plan, stamp?: number): RoomChange {
    return this.judge(this.planned(by, plan), stamp);
  }

  /** A Commit of these proposals and this context. */
  says(by: string, proposals: readonly Proposal[], after?: RoomContext, stamp?: number): RoomChange {
    const extensions: Proposal[] = after === undefined ? [] : [contextProposal(after)];
    return this.judge(this.judged(by, [...proposals, ...extensions]), stamp);
  }

  /** The world after a change. */
  after(change: RoomChange): World {
    const names: string[] = [];
    for (const [at, who] of change.roster) {
      names[at] =
        [...leaves].find(([, one]) => one.identity.deviceId.join() === who.deviceId.join())?.[0] ?? "?";
    }
    return new World(names, change.context, change.roster);
  }
}

export const contextProposal = (after: RoomContext): Proposal => ({
  type: "group_context_extensions",
  extensions: roomExtensions(after),
});
export const addOf = (who: Leaf): Proposal => ({ type: "add", keyPackage: who.keyPackage });
export const removeOf = (at: LeafIndex): Proposal => ({ type: "remove", removed: at });
export const leaveOf = (at: LeafIndex): Reference => ({
  proposal: { type: "remove", removed: at },
  ref: id(`leave ${at}`),
  sender: at,
});

/** The context that a plan's GroupContextExtensions brings. */
export function contextIn(plan: Plan): RoomContext {
  const found = plan.proposals.find((one) => one.type === "group_context_extensions");
  if (found === undefined) throw new Error("the plan changes no context");
  return readRoomExtensions(found.extensions);
}

/** The plan with another context in it. */
export function altered(plan: Plan, change: (context: RoomContext) => RoomContext): Plan {
  const proposals = plan.proposals.map((one) =>
    one.type === "group_context_extensions" ? contextProposal(change(contextIn(plan))) : one,
  );
  return { ...plan, proposals };
}

export function inviteBy(name: string, seed = "invite"): { fragment: Fragment; open: OpenInvite } {
  return newInvite(seeded(`${seed} ${name}`), account(name), STAMP);
}

export function requestOf(
  who: string,
  invite: { readonly fragment: Fragment; readonly open: OpenInvite },
  changes: Partial<Parameters<typeof sealJoinRequest>[1]> = {},
): JoinRequest {
  const room = changes.room ?? ROOM;
  const { sealed } = sealJoinRequest(
    keysOf(invite.fragment.secret),
    {
      room,
      inviter: invite.open.inviter,
      account: account(who.split(" ")[0]!),
      name: who,
      notAfter: invite.open.notAfter,
      keyPackage: leaf(who).bytes,
      ...changes,
    },
    seeded(`seal ${who}`),
  );
  return openJoinRequest(
    [{ ...invite.open, inviter: changes.inviter ?? invite.open.inviter }],
    room,
    sealed,
  )!;
}

export function rejoinOf(
  who: string,
  made: Leaf,
  changes: Partial<Parameters<typeof signRejoinRequest>[1] & { signer: Uint8Array }> = {},
): RejoinRequest {
  const { signer, ...said } = changes;
  const { sealed } = signRejoinRequest(
    signer ?? person(who.split(" ")[0]!).identity.identityKey.privateKey,
    { room: ROOM, device: made.identity.deviceId, oldLeaf: null, epoch: 3, keyPackage: made.bytes, ...said },
    seeded(`rejoin ${who}`),
  );
  return openRejoinRequest(said.room ?? ROOM, sealed);
}

export const revocationOf = (who: string, serial = 1): Uint8Array =>
  revokeDevice(person(who.split(" ")[0]!).identity, leaf(who).identity.deviceId, serial);

/** Which rule and check a Commit breaks. */
export function broken(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof RoomRuleError) return `${error.rule} ${error.code}`;
    throw error;
  }
  return "valid";
}

export const kinds = (change: RoomChange): readonly string[] => change.what.map(({ kind }) => kind);
