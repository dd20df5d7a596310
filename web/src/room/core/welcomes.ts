/** What a Welcome opens, checked as every one is: whole tree, AS check of every leaf, this device's own place (E9, E13, E25). */

import { equal } from "../../bytes/bytes";
import type { LeafIdentity } from "../../identity/credential";
import { extensions, groupId, members } from "../../mls/group";
import { joinByWelcome } from "../../mls/joinGroup";
import type { KeyPackageSecrets } from "../../mls/keyPackage";
import { roomSuite } from "../../mls/suite";
import type { Welcome } from "../../wire/generated";
import { MAX_LEAVES, readRoomExtensions } from "../roomContext";
import { accountsOf, rosterOf } from "../roster";
import { decodeWelcomePayload, MAX_WELCOME, type WelcomePayload } from "../welcomePayload";
import { isPeersFault } from "./faults";
import type { EpochMaker, Membership, Newcomer, RoomLog } from "./state";
import { type Env, WelcomeError } from "./surface";

export type OpenedWelcome = {
  readonly payload: WelcomePayload;
  readonly membership: Membership;
  readonly adder: LeafIdentity;
  readonly adderLeaf: number;
  readonly consumed: readonly Uint8Array[];
};

export type Expected = {
  readonly roomId: Uint8Array;
  readonly keyPackage: Uint8Array;
  readonly secrets: KeyPackageSecrets;
};

/** @throws WelcomeError */
export function openWelcome(env: Env, expected: Expected, welcome: Welcome): OpenedWelcome {
  try {
    return open(env, expected, welcome);
  } catch (error) {
    if (isPeersFault(error)) throw new WelcomeError(error.code, { cause: error });
    throw error;
  }
}

function open(env: Env, { roomId, keyPackage, secrets }: Expected, welcome: Welcome): OpenedWelcome {
  if (welcome.payload.length > MAX_WELCOME) throw new WelcomeError("welcome_size"); // E26
  const payload = decodeWelcomePayload(welcome.payload);
  const { group, adder, psks, consumed } = joinByWelcome({
    suite: roomSuite, // E1: no other opens a room
    welcome: payload.welcome,
    keyPackage,
    secrets,
    maxLeaves: MAX_LEAVES, // E13, before the tree is read
  });
  if (!equal(groupId(group), roomId)) throw new WelcomeError("welcome_room");
  if (psks.length > 0) throw new WelcomeError("welcome_psk"); // a plain Add has none (E14)
  const context = readRoomExtensions(extensions(group));
  const roster = rosterOf(members(group), env.me.deploymentId);
  // The own leaf is that of a KeyPackage which this device has made, byte for byte (v709).
  const me = roster.get(group.ownLeaf)!;
  const by = roster.get(adder)!;
  return { payload, membership: { group, context, roster, me }, adder: by, adderLeaf: adder, consumed };
}

/** The log as a newcomer has it: it begins above the commit that added it, and H_c comes with the snapshot (E24). */
export function logAt(c: number, time: number, adder: LeafIdentity): RoomLog {
  return { n: c, head: null, time, after: c, heads: [], maker: makerAt(c, time, adder), gap: false };
}

export function makerAt(n: number, time: number, { accountId, deviceId }: LeafIdentity): EpochMaker {
  return { n, time, accountId, deviceId };
}

export function newcomerAt(env: Env, c: number, { roster, me }: Membership): Newcomer {
  const others = accountsOf(roster).filter((one) => !equal(one, me.accountId));
  return { c, since: env.now, entries: [], held: [], pages: new Map(), others };
}
