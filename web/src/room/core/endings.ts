/** How a device's part in a room ends: by leaving, by a removal, or to begin again (E14, E18, E22, E39). */

import { equal } from "../../bytes/bytes";
import type { LeafIdentity } from "../../identity/credential";
import { protectApplication } from "../../mls/application";
import { supersededSecrets } from "../../mls/group";
import type { RoomChange } from "../change";
import {
  type EventBody,
  encodeBody,
  encodeEnvelope,
  eventAuthenticatedData,
  messageBucket,
  signEvent,
} from "../events";
import { accountsOf } from "../roster";
import { signStuck } from "../stuck";
import { withHappened } from "./happenings";
import { beginRejoin } from "./rejoining";
import { NO_CALL, NOBODY, OFFLINE, type Rejoining, type Stage } from "./state";
import { seenNow, type Turn } from "./turn";

/** Nothing of the group stays in the state; every secret of it is wiped once that is stored. */
export function destroyGroup(turn: Turn): void {
  const { membership, staged } = turn.state;
  if (membership !== null) turn.wipe(supersededSecrets(membership.group, null));
  if (staged !== null) turn.wipe(supersededSecrets(staged.next, null));
  turn.set({ membership: null, staged: null, leaves: [], newcomer: null, presence: NOBODY });
}

function end(turn: Turn, stage: Extract<Stage, "removed" | "left">): void {
  destroyGroup(turn);
  turn.set({
    stage,
    outbox: [],
    intents: [],
    duties: [],
    requests: [],
    leaving: null,
    rejoining: null,
    provisional: null,
    pause: null,
    link: OFFLINE,
    call: NO_CALL,
    wake: null,
  });
  turn.effect({ kind: "pins" });
}

/** A valid commit without this device's leaf. What was read stays readable; the keys are gone. */
export function removedFromRoom(
  turn: Turn,
  place: { readonly id: Uint8Array; readonly n: number; readonly time: number },
  change: RoomChange,
): void {
  turn.set({ timeline: withHappened(turn.state.timeline, change, place) });
  end(turn, "removed");
}

/** The server's word alone: nothing more comes from it. */
export function cutOff(turn: Turn): void {
  end(turn, turn.state.leaving === null ? "removed" : "left");
}

export function leftRoom(turn: Turn): void {
  end(turn, "left");
}

/** E39: another copy of this state is in use. It encrypts nothing, is destroyed, and the device asks to be added anew. */
export function copyFound(turn: Turn): void {
  turn.alarm("copy", turn.env.me.accountId);
  beginRejoin(turn, null, null);
  destroyGroup(turn);
}

/**
 * E18: a commit that is valid and that this device cannot complete. It keeps the old epoch, says so there, and asks to be
 * added again by anyone but the commit's author.
 */
export function stuckAt(turn: Turn, n: number, author: LeafIdentity): void {
  const { membership } = turn.state;
  if (membership === null) return;
  turn.alarm("stuck", author.accountId);
  const statement = turn.state.log.head === null ? null : sayStuck(turn, n);
  // Where nobody else could add this device, it is the author or nobody.
  const { me } = turn.env;
  const others = accountsOf(membership.roster).filter(
    (one) => !equal(one, author.accountId) && !equal(one, me.accountId),
  );
  beginRejoin(turn, others.length > 0 ? author.accountId : null, statement);
}

function sayStuck(turn: Turn, n: number): Rejoining["statement"] {
  const { membership, roomId, counter } = turn.state;
  if (membership === null) return null;
  const { me, rng } = turn.env;
  const id = rng(16);
  const stuck = signStuck(me.identity.identityKey.privateKey, roomId, n, me.deviceId);
  const event: EventBody = { type: "stuck", body: stuck };
  const body = encodeBody(event);
  const signed = signEvent(membership.group.signaturePrivateKey, roomId, { id, type: event.type, body });
  const seen = seenNow(turn.state);
  const data = encodeEnvelope({ id, type: event.type, counter, seen, body, signature: signed });
  const { group, message, consumed } = protectApplication(membership.group, {
    data,
    authenticatedData: eventAuthenticatedData(id),
    paddedTo: messageBucket(data.length),
    rng,
  });
  turn.setGroup(group);
  turn.wipe(consumed);
  turn.set({ counter: counter + 1 });
  return { id, payload: message, after: n };
}
