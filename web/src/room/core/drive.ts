/** What this device does of its own accord once it is level with the log: in what order, and when. */

import { equal } from "../../bytes/bytes";
import { protectProposal } from "../../mls/application";
import { epoch, type Group } from "../../mls/group";
import type { Request } from "../../wire/generated";
import { eventAuthenticatedData } from "../events";
import { openJoinRequest } from "../joinRequest";
import { listHash, payloadHash } from "../logHead";
import { openRejoinRequest } from "../rejoin";
import { accountsOf, devicesOf, expiredLeaves } from "../roster";
import { fetchDue, watchFetch } from "./entries";
import { judged } from "./faults";
import { afterCallDue, leftCallDue, settleMedia, startDue, startInstead, startRefused } from "./media";
import { putOffSuperseding } from "./merging";
import { sendOutbox } from "./outbox";
import { forRejoin, turnDelay } from "./ranks";
import { askAgain } from "./rejoining";
import { hereDue, sayHere, signalsExpire } from "./signals";
import { mineDue, sayMine } from "./sitting";
import { doSnapshotDuties } from "./snapshots";
import { commit, ownOtherLeaves, sendStaged } from "./staging";
import { type Membership, type OpenRequest, type Purpose, type StagedCommit, sameIntent } from "./state";
import { isLevel, type Turn } from "./turn";

const DAY = 24 * 3_600_000;
/** E26: within a week; on one of these days, so that there is time to be offline. */
const UPDATE_AFTER = 3 * DAY;
const UPDATE_SPREAD = 2 * DAY;
/** E8: a certificate is renewed so long before it runs out. */
const RENEW_BEFORE = 30 * DAY;
const RENEW_SPREAD = 5 * DAY;
/** Requests that wait at the same time. */
const MAX_REQUESTS = 256;
/** Whoever invited is asked first. */
const INVITER_FIRST_MS = 1_000;
/** What others may do first when the lists differ, or a leaf has run out. */
const REPAIR_AFTER_MS = 2_000;

/** After every input: everything that is due now, and when to look again. */
export function drive(turn: Turn): void {
  watchFetch(turn);
  if (turn.state.stage === "rejoining") retryRejoin(turn);
  else if (turn.state.stage === "member") act(turn);
  settleMedia(turn);
  const wake = nextWake(turn);
  if (wake === null || wake === turn.state.wake) return;
  turn.set({ wake });
  turn.effect({ kind: "wake", at: wake });
}

function retryRejoin(turn: Turn): void {
  const again = turn.state.rejoining?.again ?? null;
  if (again !== null && again <= turn.env.now) askAgain(turn);
}

function act(turn: Turn): void {
  const { membership, link } = turn.state;
  if (membership === null || !link.connected) return;
  if (!isLevel(turn.state) || turn.env.now < link.notBefore) return;
  sayHere(turn);
  sayMine(turn);
  if (turn.state.leaving !== null) {
    leave(turn, membership);
    return;
  }
  // E19: nothing is sent until the person goes on. E24: nor before the head is known that it would repeat.
  if (turn.state.pause !== null || turn.state.log.head === null || turn.state.newcomer !== null) return;
  if (turn.state.staged !== null) {
    // E21: until it is in the log or has lost, nothing else is made for this epoch.
    goOn(turn, turn.state.staged);
    return;
  }
  doCommits(turn);
  // E14: whoever sees a leave commits it before it sends anything.
  if (turn.state.staged !== null || turn.state.leaves.length > 0) return;
  doSnapshotDuties(turn);
  sendOutbox(turn);
}

function goOn(turn: Turn, staged: StagedCommit): void {
  if (!staged.inFlight) sendStaged(turn);
}

/** The one that is most urgent of those that are due. What cannot be is put aside, and the next one tried. */
function doCommits(turn: Turn): void {
  for (const purpose of duePurposes(turn)) {
    const hopeless = commit(turn, purpose);
    if (hopeless === null) return;
    putAside(turn, purpose, hopeless.code);
  }
}

function* duePurposes(turn: Turn): Generator<Purpose> {
  const { now } = turn.env;
  planDues(turn);
  const { dues, intents, requests, leaves, membership } = turn.state;
  if (leaves.length > 0) {
    if (dues.leaves !== null && dues.leaves <= now) yield { kind: "leaves" };
    return;
  }
  for (const intent of intents) yield { kind: "intent", intent };
  for (const request of requests) {
    if (request.due <= now && !isHopeless(request, membership))
      yield { kind: "request", requestId: request.id };
  }
  // E37: after what must be committed anyway, since any commit does.
  if (dues.start !== null && dues.start <= now) startInstead(turn);
  const { media } = turn.state;
  if (media.stage === "waiting" && media.starts) yield { kind: "before_call" };
  if (dues.repair !== null && dues.repair <= now) yield { kind: "repair" };
  if (dues.expiry !== null && dues.expiry <= now) yield { kind: "expiry" };
  if ([dues.afterCall, dues.leftCall].some((due) => due !== null && due <= now)) yield { kind: "after_call" };
  const own = ownDue(turn);
  if (own !== null && own.at <= now) yield own.purpose;
}

function isHopeless({ hopeless }: OpenRequest, membership: Membership | null): boolean {
  return membership !== null && hopeless === epoch(membership.group);
}

/** Set the times of what any member may do, where they are not set yet. */
function planDues(turn: Turn): void {
  const { dues, leaves, membership } = turn.state;
  if (membership === null) return;
  if (leaves.length > 0 && dues.leaves === null) {
    const going = leaves.map(({ leaf }) => membership.roster.get(leaf)?.deviceId);
    const able = (deviceId: Uint8Array): boolean => !going.some((one) => one && equal(one, deviceId));
    turn.setDues({ leaves: turn.env.now + turnDelay(turn, (who) => able(who.deviceId)) });
  }
  planCall(turn);
  const expired = expiredNow(turn, membership.group);
  if (expired && dues.expiry === null) {
    turn.setDues({ expiry: turn.env.now + REPAIR_AFTER_MS + turnDelay(turn, () => true) });
  }
}

/** E37: a call that is over, and none that has begun since; one that goes on without this device, or began without a commit. */
function planCall(turn: Turn): void {
  const { afterCall, leftCall, start } = turn.state.dues;
  const due = {
    afterCall: afterCallDue(turn, afterCall),
    leftCall: leftCallDue(turn, leftCall),
    start: startDue(turn, start),
  };
  if (due.afterCall !== afterCall || due.leftCall !== leftCall || due.start !== start) turn.setDues(due);
}

/** E10: by this device's own clock, as well as by the server's. */
function expiredNow(turn: Turn, group: Group): boolean {
  const { membership } = turn.state;
  if (membership === null) return false;
  const at = Math.min(turn.env.now, turn.env.serverNow);
  return expiredLeaves(membership.roster, at).some((leaf) => leaf !== group.ownLeaf);
}

/** E26, E8: this device's own update, and its certificate's renewal. The device id spreads them over days. */
function ownDue(turn: Turn): { readonly at: number; readonly purpose: Purpose } | null {
  const { membership, chores } = turn.state;
  if (membership === null) return null;
  const spread = (turn.env.me.deviceId[0]! * 256 + turn.env.me.deviceId[1]!) / 65536;
  // E10: certificates count by the server's clock. One that is made by it is never late by it, so that a device whose own
  // clock is a year ahead does not renew without end.
  const ahead = turn.env.now - turn.env.serverNow;
  const renew = membership.me.notAfter + ahead - RENEW_BEFORE + Math.floor(spread * RENEW_SPREAD);
  if (renew <= turn.env.now) return { at: renew, purpose: { kind: "renew" } };
  if (chores.firstEvent === 0) return null;
  const update = chores.firstEvent + UPDATE_AFTER + Math.floor(spread * UPDATE_SPREAD);
  return { at: update, purpose: { kind: "update" } };
}

function putAside(turn: Turn, purpose: Purpose, code: string): void {
  const { intents, requests, membership } = turn.state;
  switch (purpose.kind) {
    case "intent": {
      const { intent } = purpose;
      turn.set({ intents: intents.filter((one) => !sameIntent(one, intent)) });
      turn.effect({ kind: "dropped", command: intent.kind, code });
      return;
    }
    case "request": {
      const hopeless = membership === null ? null : epoch(membership.group);
      const { requestId } = purpose;
      turn.set({ requests: requests.map((one) => (equal(one.id, requestId) ? { ...one, hopeless } : one)) });
      return;
    }
    case "leaves":
      // It cannot be committed in this epoch; a later one has other leaves.
      turn.set({ leaves: [] });
      return;
    case "repair":
      turn.setDues({ repair: null });
      return;
    case "expiry":
      turn.setDues({ expiry: turn.env.now + DAY });
      return;
    case "own_devices":
      return; // the device that leaves goes alone
    case "update":
    case "renew":
      turn.setChores({ firstEvent: turn.env.now });
      return;
    case "before_call":
      startRefused(turn, code);
      return;
    case "after_call":
      putOffSuperseding(turn);
      return;
  }
}

// Requests

export function onRequest(turn: Turn, { request_id, kind, sealed }: Request): void {
  const { requests, stage, membership } = turn.state;
  if (stage !== "member" || membership === null || requests.length >= MAX_REQUESTS) return;
  if (requests.some(({ id }) => equal(id, request_id))) return;
  const due = turn.env.now + requestDelay(turn, kind, sealed, membership);
  turn.set({ requests: [...requests, { id: request_id, kind, sealed, due, hopeless: null }] });
}

export function onRequestGone(turn: Turn, id: Uint8Array): void {
  turn.set({ requests: turn.state.requests.filter((one) => !equal(one.id, id)) });
}

/** The inviter's devices first; for a rejoin never the one whose commit drove the device out (E18). */
function requestDelay(
  turn: Turn,
  kind: "join" | "rejoin",
  sealed: Uint8Array,
  { context, roster, group }: Membership,
): number {
  const { roomId, log } = turn.state;
  const { me } = turn.env;
  if (kind === "rejoin") {
    const opened = judged(() => openRejoinRequest(roomId, sealed));
    if ("fault" in opened) return turnDelay(turn, () => true);
    const { epoch: last, identity } = opened.value;
    const mine = equal(log.maker.accountId, me.accountId);
    const others = accountsOf(roster).filter(
      (one) => !equal(one, me.accountId) && !equal(one, identity.accountId),
    );
    const drove = mine && others.length > 0 && last + 1 === Number(epoch(group));
    const place = forRejoin(identity.accountId, sealed);
    const delay = turnDelay(turn, (who) => !equal(who.deviceId, identity.deviceId), place);
    return drove ? Number.POSITIVE_INFINITY : delay;
  }
  const opened = judged(() => openJoinRequest(context.invites, roomId, sealed));
  const inviter = "value" in opened && opened.value !== null ? opened.value.inviter : null;
  if (inviter === null) return turnDelay(turn, () => true);
  if (equal(inviter, me.accountId)) return turnDelay(turn, (who) => equal(who.accountId, inviter));
  return INVITER_FIRST_MS + turnDelay(turn, () => true);
}

// Leaving

/** A person goes with all devices: the others by a commit, where one can be made, then this one by its own word (E14). */
function leave(turn: Turn, membership: Membership): void {
  const { staged, pause, log, newcomer } = turn.state;
  if (staged !== null) {
    goOn(turn, staged);
    return;
  }
  const others = ownOtherLeaves({ roster: membership.roster, me: membership.group.ownLeaf });
  const able = pause === null && log.head !== null && newcomer === null;
  if (others.length > 0 && able && commit(turn, { kind: "own_devices" }) === null) return;
  sendLeave(turn);
}

function sendLeave(turn: Turn): void {
  const { leaving, membership, log, roomId } = turn.state;
  if (leaving === null || membership === null || leaving.inFlight) return;
  let { payload } = leaving;
  let { hashes } = leaving;
  if (payload === null || leaving.after !== log.after) {
    const { group } = membership;
    const sealed = protectProposal(group, {
      proposal: { type: "remove", removed: group.ownLeaf },
      authenticatedData: eventAuthenticatedData(leaving.id),
      rng: turn.env.rng,
    });
    turn.setGroup(sealed.group);
    turn.wipe(sealed.consumed);
    payload = sealed.message;
    hashes = [...hashes, payloadHash(payload)];
  }
  turn.set({ leaving: { id: leaving.id, payload, hashes, after: log.after, inFlight: true } });
  const list = listHash(devicesOf(membership.roster));
  turn.send({ t: "send", room: roomId, id: leaving.id, kind: "leave", after: log.after, list, payload });
}

// The clock

function nextWake(turn: Turn): number | null {
  const { stage, link, dues, requests, duties, rejoining, membership, pause, newcomer } = turn.state;
  const { now } = turn.env;
  const times: (number | null)[] = [fetchDue(turn), signalsExpire(turn)];
  if (stage === "rejoining") times.push(rejoining?.again ?? null);
  if (stage === "member" && link.connected && membership !== null) {
    times.push(hereDue(turn), mineDue(turn));
    if (link.notBefore > now) times.push(link.notBefore);
    if (pause === null && newcomer === null) {
      times.push(dues.leaves, dues.repair, dues.expiry, ownDue(turn)?.at ?? null);
      times.push(dues.afterCall, dues.leftCall, dues.start);
      times.push(...requests.filter((one) => !isHopeless(one, membership)).map(({ due }) => due));
      times.push(...duties.map(({ due }) => due));
    }
  }
  const ahead = times.filter((time): time is number => time !== null && Number.isFinite(time) && time > now);
  return ahead.length === 0 ? null : Math.min(...ahead);
}
