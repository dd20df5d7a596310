/** Commits of this device: what is due, planned, staged whole, stored and sent; merged at their position alone (E21). */

import { equal } from "../../bytes/bytes";
import { encode as encodeMls } from "../../mls/codec";
import { writeAuthenticatedContent } from "../../mls/framing";
import { confirmationTag, epoch, type Group, groupContextBytes } from "../../mls/group";
import { stageCommit } from "../../mls/stageCommit";
import { roomSuite } from "../../mls/suite";
import type { LeafIndex } from "../../mls/treeMath";
import type { AddedLeaf } from "../change";
import { RoomError } from "../errors";
import { encodeCommitData } from "../events";
import { openJoinRequest } from "../joinRequest";
import { listHash, payloadHash } from "../logHead";
import {
  type Plan,
  planAdmit,
  planChange,
  planExpiry,
  planInvite,
  planLeaves,
  planRejoin,
  planRemoveOwnDevices,
  planRename,
  planRevokeDevice,
  planUpdate,
  planWithdrawApproval,
  planWithdrawInvite,
  type Situation,
} from "../plans";
import { openRejoinRequest } from "../rejoin";
import { devicesOf, leavesOf } from "../roster";
import { judgeRoomCommit } from "../validity";
import { encodeWelcomePayload, welcomeReply } from "../welcomePayload";
import { isPeersFault } from "./faults";
import { freshLeaf } from "./leaf";
import type { Intent, Membership, OpenRequest, Purpose, StagedCommit } from "./state";
import { seenNow, type Turn } from "./turn";

const ID_BYTES = 16;
/** What cannot be committed, and why: a plan that is refused, or proposals that do not go together. */
type Hopeless = { readonly code: string };

function situation(turn: Turn, { context, roster, group }: Membership): Situation {
  return { context, roster, me: group.ownLeaf, now: turn.env.serverNow };
}

/** The leaves of this person's other devices. */
export function ownOtherLeaves({ roster, me }: Pick<Situation, "roster" | "me">): readonly LeafIndex[] {
  const own = roster.get(me);
  return own === undefined ? [] : leavesOf(roster, own.accountId).filter((leaf) => leaf !== me);
}

function planIntent(at: Situation, intent: Intent): Plan {
  switch (intent.kind) {
    case "invite":
      return planInvite(at, intent.invite);
    case "withdraw_invite":
      return planWithdrawInvite(at, intent.inviteId);
    case "rename":
      return planRename(at, intent.title);
    case "remove_member":
      return planChange(at, { kind: "remove", target: intent.accountId });
    case "withdraw_removal":
      return planWithdrawApproval(at, { kind: "remove", target: intent.accountId });
    case "revoke_device":
      return planRevokeDevice(at, intent.statement);
  }
}

function planRequest(turn: Turn, at: Situation, request: OpenRequest): Plan {
  const { roomId } = turn.state;
  if (request.kind === "rejoin") return planRejoin(at, openRejoinRequest(roomId, request.sealed));
  const opened = openJoinRequest(at.context.invites, roomId, request.sealed);
  // Its invite may be on its way: another epoch may know it.
  if (opened === null) throw new RoomError("invite_unknown", "peer", "no open invite opens this request");
  return planAdmit(at, opened);
}

/** Plan and stage; or say why it cannot be. */
export function commit(turn: Turn, purpose: Purpose): Hopeless | null {
  const { membership } = turn.state;
  if (membership === null) throw new Error("nothing is committed without a group");
  try {
    stage(turn, purpose, membership, planOf(turn, purpose, situation(turn, membership)));
    return null;
  } catch (error) {
    if (error instanceof RoomError || isPeersFault(error)) return { code: error.code };
    throw error;
  }
}

function planOf(turn: Turn, purpose: Purpose, at: Situation): Plan {
  switch (purpose.kind) {
    case "intent":
      return planIntent(at, purpose.intent);
    case "request": {
      const request = turn.state.requests.find((one) => equal(one.id, purpose.requestId));
      if (request === undefined) throw new Error("no such request");
      return planRequest(turn, at, request);
    }
    case "leaves":
      return planLeaves(
        at,
        turn.state.leaves.map(({ proposal, ref, leaf }) => ({ proposal, ref, sender: leaf })),
      );
    case "own_devices":
      return planRemoveOwnDevices(at, ownOtherLeaves(at));
    case "expiry":
      return planExpiry(at);
    case "update":
    case "renew":
    case "repair":
    case "before_call":
    case "after_call":
      return planUpdate();
  }
}

function stage(turn: Turn, purpose: Purpose, membership: Membership, plan: Plan): void {
  const { rng, serverNow, me } = turn.env;
  const { roomId, log } = turn.state;
  const id = rng(ID_BYTES);
  const renewed = purpose.kind === "renew" ? freshLeaf(turn.env, membership.me.certificateSerial) : null;
  const { message, welcome, judged, next, current, consumed } = stageCommit(membership.group, {
    proposals: plan.proposals,
    references: plan.references,
    authenticatedData: encodeCommitData(id, seenNow(turn.state)),
    ...(renewed === null
      ? {}
      : { newLeaf: { signature: renewed.signature, credential: renewed.credential } }),
    rng,
  });
  // E10: by one's own clock before it is sent, as everyone will judge it by the stamp.
  const change = judgeRoomCommit({
    roomId,
    deploymentId: me.deploymentId,
    before: membership.context,
    roster: membership.roster,
    judged,
    stamp: serverNow,
  });
  const staged: StagedCommit = {
    id,
    purpose,
    payload: message,
    hash: payloadHash(message),
    content: encodeMls((writer) => writeAuthenticatedContent(writer, judged.authenticated)),
    after: log.after,
    devices: devicesOf(change.roster),
    welcomes:
      welcome === null
        ? []
        : change.added.map((added) => ({
            device: added.identity.deviceId,
            payload: welcomeFor(membership, added, welcome, next),
          })),
    answered: purpose.kind === "request" ? [purpose.requestId] : [],
    next,
    inFlight: false,
  };
  turn.setGroup(current);
  turn.wipe(consumed);
  turn.set({ staged });
  sendStaged(turn);
}

/** E29: a newcomer by an invite gets a proof that only members can make; a device that comes again asked by itself. */
function welcomeFor(
  { context, group }: Membership,
  { inviteId, requestHash }: AddedLeaf,
  welcome: Uint8Array,
  next: Group,
): Uint8Array {
  const invite = inviteId === null ? null : context.invites.find(({ id }) => equal(id, inviteId));
  if (inviteId === null || requestHash === null || invite == null) {
    return encodeWelcomePayload({ welcome, inviteId: null, mac: null });
  }
  const mac = welcomeReply(invite.welcomeKey, {
    requestHash,
    groupId: next.context.groupId,
    epoch: epoch(next),
    groupContextHash: roomSuite.hash(groupContextBytes(next)),
    confirmationTag: confirmationTag(next),
    adderLeaf: group.ownLeaf,
  });
  return encodeWelcomePayload({ welcome, inviteId, mac });
}

/** The commit as it was stored; again on every connection until it is in the log or has lost (E21). */
export function sendStaged(turn: Turn): void {
  const { staged, roomId } = turn.state;
  if (staged === null) return;
  const { id, after, payload, devices, welcomes, answered } = staged;
  turn.send({
    t: "send",
    room: roomId,
    id,
    kind: "commit",
    after,
    list: listHash(devices),
    payload,
    devices,
    ...(welcomes.length > 0 ? { welcomes } : {}),
    ...(answered.length > 0 ? { answered } : {}),
  });
  turn.set({ staged: { ...staged, inFlight: true } });
}

/** Whether a planned change may be asked for at all, so that the person is told at once. */
export function refusal(turn: Turn, intent: Intent): string | null {
  const { membership } = turn.state;
  if (membership === null) return "not_a_member";
  try {
    planIntent(situation(turn, membership), intent);
    return null;
  } catch (error) {
    if (error instanceof RoomError) return error.code;
    throw error;
  }
}
