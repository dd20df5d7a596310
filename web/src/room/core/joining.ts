/** How a room begins on a device: founded, joined by an invite, or named by a recovered account's pin list (E22, E25 to E30). */

import { EMPTY, equal } from "../../bytes/bytes";
import { confirmationTag, createGroup, epoch, groupContextBytes, groupId, members } from "../../mls/group";
import { roomSuite } from "../../mls/suite";
import type { Welcome } from "../../wire/generated";
import { firstFold } from "../fold";
import { type Fragment, keysOf } from "../invites";
import { sealJoinRequest } from "../joinRequest";
import { firstHead } from "../logHead";
import { newCommons, roomExtensions } from "../roomContext";
import { rosterOf } from "../roster";
import { isName, isTitle } from "../text";
import { EMPTY_TIMELINE, withSystem } from "../timeline";
import { welcomeReplyIsValid } from "../welcomePayload";
import { lineId } from "./happenings";
import { headsFrom } from "./heads";
import { freshKeyPackage, freshLeaf } from "./leaf";
import { queueEvent } from "./outbox";
import { beginRejoin } from "./rejoining";
import {
  type Link,
  type Membership,
  NO_CALL,
  NO_CHORES,
  NO_DUES,
  NO_MEDIA,
  NOBODY,
  OFFLINE,
  type RoomLog,
  type RoomState,
} from "./state";
import {
  CommandError,
  type Env,
  type JoinExpectation,
  type Pin,
  type Stepped,
  WelcomeError,
} from "./surface";
import { Turn } from "./turn";
import { logAt, newcomerAt, openWelcome } from "./welcomes";

/** A room comes to be known while the connection is there; when it is not, `ready` will say so. */
const LIVE: Link = { ...OFFLINE, connected: true, caughtUp: true };

function blank(roomId: Uint8Array, membership: Membership | null, log: RoomLog, link: Link): RoomState {
  return {
    roomId,
    stage: "member",
    membership,
    title: membership?.context.title ?? "",
    log,
    fold: firstFold(roomId),
    whole: true,
    timeline: EMPTY_TIMELINE,
    names: new Map(),
    outbox: [],
    counter: 1,
    intents: [],
    staged: null,
    leaves: [],
    leaving: null,
    newcomer: null,
    provisional: null,
    duties: [],
    rejoining: null,
    pause: null,
    tolerated: new Set(),
    readUpTo: log.n,
    confirmedAt: null,
    chores: NO_CHORES,
    link: { ...link, target: log.n },
    dues: NO_DUES,
    requests: [],
    cursors: new Map(),
    presence: NOBODY,
    media: NO_MEDIA,
    call: NO_CALL,
    wake: null,
  };
}

/** A room of its own, just made on the server: this device is alone in it. @throws CommandError */
export function foundRoom(env: Env, { roomId, title }: { roomId: Uint8Array; title: string }): Stepped {
  const { me } = env;
  if (!isTitle(title)) throw new CommandError("title");
  if (!isName(me.name)) throw new CommandError("name");
  const { signature, credential, notBefore, notAfter } = freshLeaf(env, 0);
  const context = newCommons(me.accountId, title);
  const group = createGroup({
    suite: roomSuite,
    groupId: roomId,
    signature,
    credential,
    notBefore,
    notAfter,
    extensions: roomExtensions(context),
    rng: env.rng,
  });
  const roster = rosterOf(members(group), me.deploymentId);
  const membership: Membership = { group, context, roster, me: roster.get(group.ownLeaf)! };
  const head = firstHead(roomId);
  const maker = { n: 0, accountId: me.accountId, deviceId: me.deviceId };
  const log: RoomLog = { n: 0, head, time: 0, after: 0, heads: headsFrom(0, head), maker, gap: false };
  const state = blank(roomId, membership, log, LIVE);
  const line = {
    id: lineId(roomId, 0),
    n: 0,
    at: env.serverNow,
    code: "created",
    who: me.accountId,
  } as const;
  const turn = new Turn(
    { ...state, timeline: withSystem(state.timeline, { ...line, by: me.accountId, detail: title }) },
    env,
  );
  queueEvent(turn, { type: "profile", body: { name: me.name } });
  turn.effect({ kind: "met", leaf: membership.me });
  turn.effect({ kind: "pins" });
  return turn.finish();
}

/** Ask to be let in by the invite whose fragment this is: what to POST, and what to keep until the Welcome comes (E28). */
export function askToJoin(
  env: Env,
  ask: { readonly roomId: Uint8Array; readonly fragment: Fragment; readonly notAfter: number },
): { readonly sealed: Uint8Array; readonly expectation: JoinExpectation } {
  const { roomId, fragment, notAfter } = ask;
  const { me } = env;
  if (!isName(me.name)) throw new CommandError("name");
  const keys = keysOf(fragment.secret);
  const { bytes: keyPackage, secrets } = freshKeyPackage(env, 0);
  const request = {
    room: roomId,
    inviter: fragment.inviter,
    account: me.accountId,
    name: me.name,
    notAfter,
    keyPackage,
  };
  const { sealed, hash } = sealJoinRequest(keys, request, env.rng);
  const expectation: JoinExpectation = {
    roomId,
    inviteId: keys.inviteId,
    secret: fragment.secret,
    inviterRoot: fragment.inviter,
    requestHash: hash,
    keyPackage,
    secrets,
  };
  return { sealed, expectation };
}

/**
 * The room that a Welcome opens, judged against what was asked for (E25, E29).
 * @param before what this device has of the room from an earlier membership: its timeline stays
 * @throws WelcomeError
 */
export function joinRoom(
  env: Env,
  expectation: JoinExpectation,
  welcome: Welcome,
  before: RoomState | null,
): Stepped {
  const { roomId, secret, inviteId, requestHash, inviterRoot } = expectation;
  const { payload, membership, adder, adderLeaf, consumed } = openWelcome(env, expectation, welcome);
  const { group, roster } = membership;
  if (payload.inviteId === null || payload.mac === null || !equal(payload.inviteId, inviteId)) {
    throw new WelcomeError("welcome_invite");
  }
  // E29: only a member has the welcome key of the open invite; the server has none of what is in the MAC.
  const claim = {
    requestHash,
    groupId: groupId(group),
    epoch: epoch(group),
    groupContextHash: roomSuite.hash(groupContextBytes(group)),
    confirmationTag: confirmationTag(group),
    adderLeaf,
  };
  if (!welcomeReplyIsValid(keysOf(secret).welcomeKey, claim, payload.mac)) {
    throw new WelcomeError("welcome_mac");
  }
  // E6, E29: the account id is the hash of the root key that the link names.
  if (![...roster.values()].some(({ accountId }) => equal(accountId, inviterRoot))) {
    throw new WelcomeError("welcome_inviter");
  }
  const c = welcome.n;
  const fresh = blank(roomId, membership, logAt(c, welcome.time, adder), LIVE);
  const line = { id: lineId(welcome.room, c % 256), n: c, at: welcome.time, code: "joined" } as const;
  const timeline = withSystem(before?.timeline ?? EMPTY_TIMELINE, {
    ...line,
    who: env.me.accountId,
    by: inviterRoot,
    detail: "",
  });
  const turn = new Turn(
    {
      ...fresh,
      timeline,
      names: before?.names ?? fresh.names,
      counter: before?.counter ?? fresh.counter,
      newcomer: newcomerAt(env, c, membership),
    },
    env,
  );
  turn.wipe(consumed);
  queueEvent(turn, { type: "profile", body: { name: env.me.name } });
  for (const leaf of roster.values()) turn.effect({ kind: "met", leaf });
  turn.effect({ kind: "pins" });
  turn.effect({ kind: "cursor", n: c });
  // On a reconnect, what stands above c was sent before the Welcome was.
  turn.send({ t: "fetch", room: roomId, from: c + 1, limit: 1000 });
  return turn.finish();
}

/**
 * A room of a recovered account, from its pin list (E22): it asks to be added, and takes the Welcome in `step`. (A device
 * that has to rejoin a room which it has does so by itself.)
 */
export function rejoinRoom(env: Env, pin: Pin): Stepped {
  const nobody = { n: 0, accountId: EMPTY, deviceId: EMPTY };
  const log: RoomLog = { n: 0, head: null, time: 0, after: 0, heads: [], maker: nobody, gap: false };
  const turn = new Turn(blank(pin.room, null, log, OFFLINE), env);
  beginRejoin(turn, null, null, pin);
  return turn.finish();
}
