/** Events of this device on their way: said, sealed in the epoch that is current, sent until the server has them (E16, E17). */

import { equal } from "../../bytes/bytes";
import { protectApplication } from "../../mls/application";
import {
  type EventBody,
  encodeBody,
  encodeEnvelope,
  eventAuthenticatedData,
  messageBucket,
  signEvent,
} from "../events";
import { listHash, payloadHash } from "../logHead";
import { devicesOf } from "../roster";
import type { Item } from "../timeline";
import { lineId } from "./happenings";
import { headAt } from "./heads";
import type { Outgoing } from "./state";
import { seenNow, type Turn } from "./turn";

/** Sent and not yet acknowledged at the same time. */
export const MAX_IN_FLIGHT = 64;
/** Said and not yet on the server. More is a program that runs wild. */
export const MAX_OUTBOX = 10_000;
const ID_BYTES = 16;
/** A ring that could not be sent for so long is not sent any more: it says that help is wanted now. */
export const RING_WAITS_MS = 5 * 60_000;
/** How long this device waits when the server could not store. */
const STORAGE_WAIT_MS = 2_000;

export function queueEvent(turn: Turn, event: EventBody): Uint8Array {
  const id = turn.env.rng(ID_BYTES);
  const outgoing: Outgoing = {
    id,
    event,
    at: turn.env.now,
    sealed: null,
    made: [],
    acked: 0,
    inFlight: false,
  };
  turn.set({ outbox: [...turn.state.outbox, outgoing] });
  return id;
}

/** Send what may be sent, in the order of its counters: a server that took a later one first would make it a repetition. */
export function sendOutbox(turn: Turn): void {
  dropLateRings(turn);
  let room = MAX_IN_FLIGHT - turn.state.outbox.filter((one) => one.inFlight && one.acked === 0).length;
  const again = turn.state.outbox.filter((one) => one.sealed !== null && !one.inFlight && one.acked === 0);
  again.sort((a, b) => a.sealed!.counter - b.sealed!.counter);
  for (const one of again) {
    if (room-- <= 0) return;
    sendSealed(turn, one);
  }
  if (again.length === 0 || room > 0) {
    for (const one of turn.state.outbox.filter(({ sealed, acked }) => sealed === null && acked === 0)) {
      if (room-- <= 0) return;
      sendSealed(turn, seal(turn, one));
    }
  }
}

function dropLateRings(turn: Turn): void {
  // What was sealed once may be in the log.
  const isLate = ({ event, made, at }: Outgoing): boolean =>
    event.type === "ring" && made.length === 0 && turn.env.now >= at + RING_WAITS_MS;
  const late = turn.state.outbox.filter(isLate);
  if (late.length === 0) return;
  turn.set({ outbox: turn.state.outbox.filter((one) => !isLate(one)) });
  for (const _ of late) turn.effect({ kind: "dropped", command: "say", code: "ring_late" });
}

function replace(turn: Turn, before: Outgoing, after: Outgoing): void {
  turn.set({ outbox: turn.state.outbox.map((one) => (one === before ? after : one)) });
}

/** The same event, the same id, in this epoch (E17). */
function seal(turn: Turn, outgoing: Outgoing): Outgoing {
  const { membership, counter, log, roomId } = turn.state;
  if (membership === null) throw new Error("nothing is sealed without a group");
  const { id, event } = outgoing;
  const body = encodeBody(event);
  const signature = signEvent(membership.group.signaturePrivateKey, roomId, { id, type: event.type, body });
  const data = encodeEnvelope({ id, type: event.type, counter, seen: seenNow(turn.state), body, signature });
  const { group, message, consumed } = protectApplication(membership.group, {
    data,
    authenticatedData: eventAuthenticatedData(id),
    paddedTo: messageBucket(data.length),
    rng: turn.env.rng,
  });
  const sealed: Outgoing = {
    ...outgoing,
    sealed: { payload: message, after: log.after, counter },
    made: [...outgoing.made, { hash: payloadHash(message), counter, signature }],
  };
  turn.setGroup(group);
  turn.wipe(consumed);
  turn.set({ counter: counter + 1 });
  replace(turn, outgoing, sealed);
  return sealed;
}

function sendSealed(turn: Turn, outgoing: Outgoing): void {
  const { membership, roomId } = turn.state;
  if (membership === null || outgoing.sealed === null) return;
  const { payload, after } = outgoing.sealed;
  const list = listHash(devicesOf(membership.roster));
  turn.send({ t: "send", room: roomId, id: outgoing.id, kind: "message", after, list, payload });
  replace(turn, outgoing, { ...outgoing, inFlight: true });
}

/**
 * A Commit or leave was processed: what was sealed before it and is not in the log by now never will be, since the
 * server takes nothing with an older `after` (E17).
 */
export function reseal(turn: Turn): void {
  const outbox = turn.state.outbox.map((one) =>
    one.sealed === null && one.acked === 0 ? one : { ...one, sealed: null, inFlight: false, acked: 0 },
  );
  turn.set({ outbox });
}

/** The server has it, by its word; it is in the log when its entry comes. */
export function acked(turn: Turn, id: Uint8Array, n: number): boolean {
  const found = turn.state.outbox.find((one) => equal(one.id, id));
  if (found === undefined) return false;
  if (n > turn.state.log.n) {
    replace(turn, found, { ...found, acked: n });
  } else if (!wasRead(turn, n)) {
    // It stood there and was deleted, or passed by, before this device read it (E23): an old copy of its state, say, whose
    // newer one had said it (E39). To say it again would double it; what stands there is gone for this device, like all
    // else of that time.
    turn.set({ outbox: turn.state.outbox.filter((one) => one !== found) });
  } else {
    // Something else stands at that position under this id, which only a server that lies can bring about.
    replace(turn, found, {
      ...found,
      id: turn.env.rng(ID_BYTES),
      sealed: null,
      made: [],
      acked: 0,
      inFlight: false,
    });
  }
  return true;
}

/**
 * Whether this device has had the entry itself at a position that it has passed: not where it was deleted, nor below the
 * place where this device came, or came again.
 */
function wasRead(turn: Turn, n: number): boolean {
  const { log, timeline, roomId } = turn.state;
  if (headAt(log.heads, n) === null) return false;
  const came = (item: Item): boolean =>
    [roomId, turn.env.me.deviceId].some((of) => equal(item.id, lineId(of, item.n % 256)));
  return !timeline.some((segment) =>
    segment.some(
      (item) =>
        item.kind === "system" && ((item.n === n && item.detail === "missed") || (item.n >= n && came(item))),
    ),
  );
}

/** A Commit or leave came first: wait for it. An answer to an earlier attempt says nothing new. */
export function stale(turn: Turn, id: Uint8Array, after: number): void {
  const found = turn.state.outbox.find((one) => equal(one.id, id));
  if (found?.sealed == null || found.sealed.after >= after) return;
  replace(turn, found, { ...found, sealed: null, inFlight: false });
}

/**
 * The server could not store it: once more, a little later. Sealed anew, since later ones may have been stored, and a
 * counter below theirs would be a repetition.
 */
export function notStored(turn: Turn, id: Uint8Array): void {
  const found = turn.state.outbox.find((one) => equal(one.id, id));
  if (found === undefined) return;
  replace(turn, found, { ...found, sealed: null, inFlight: false });
  turn.setLink({ notBefore: turn.env.now + STORAGE_WAIT_MS });
}
