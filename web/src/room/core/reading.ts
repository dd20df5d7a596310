/** Messages of the log: opened in exactly the epoch they were made in, checked, taken into the state (E16, E17, E19). */

import { equal, toHex } from "../../bytes/bytes";
import type { LeafIdentity } from "../../identity/credential";
import { unprotect } from "../../mls/application";
import { encode } from "../../wire/cbor";
import type { Entry } from "../../wire/generated";
import {
  decodeBody,
  decodeEnvelope,
  type Envelope,
  type EventBody,
  encodeBody,
  encodeEnvelope,
  eventSignatureIsValid,
} from "../events";
import { foldEvent } from "../fold";
import type { Seen } from "../logHead";
import { type Said, withSaid, withSystem } from "../timeline";
import { copyFound } from "./endings";
import { judged } from "./faults";
import { headAt, judgeSeen } from "./heads";
import { stoppedTyping } from "./signals";
import { takeCheck, takeSnapshotPage } from "./snapshots";
import type { Held, Made, Outgoing } from "./state";
import type { Turn } from "./turn";

/** E19: so many unreadable entries in one epoch lead to the offer to compare. */
const UNREADABLE_ALARM = 3;

export type Place = { readonly id: Uint8Array; readonly n: number; readonly time: number };

/** An entry that this device cannot read is kept in sight; by itself it proves nothing (E19). */
export function noteUnreadable(
  turn: Turn,
  { id, n, time }: Place,
  detail: "damaged" | "missed" | "other",
  by: LeafIdentity | null,
): void {
  const { timeline, chores } = turn.state;
  const line = { id, n, at: time, code: "unreadable", who: by?.accountId ?? null, by: null, detail } as const;
  turn.set({ timeline: withSystem(timeline, line) });
  const unreadable = chores.unreadable + 1;
  turn.setChores({ unreadable });
  if (unreadable === UNREADABLE_ALARM) turn.alarm("unreadable", by?.accountId ?? null);
}

/** One of our own events at its position: from what was stored, never decrypted. */
export function ownEvent(
  outbox: readonly Outgoing[],
  hash: Uint8Array,
): { sent: Outgoing; made: Made } | null {
  for (const sent of outbox) {
    const made = sent.made.find((one) => equal(one.hash, hash));
    if (made !== undefined) return { sent, made };
  }
  return null;
}

export function confirmOwn(turn: Turn, place: Place, { sent, made }: { sent: Outgoing; made: Made }): void {
  const { membership, outbox } = turn.state;
  turn.set({ outbox: outbox.filter((one) => one !== sent) });
  if (membership === null) return;
  const envelope: Envelope = {
    id: sent.id,
    type: sent.event.type,
    counter: made.counter,
    // Its own head is not judged again.
    seen: { n: 0, head: new Uint8Array(16) },
    body: encodeBody(sent.event),
    signature: made.signature,
  };
  foldIn(turn, place, membership.me, envelope);
}

export function readMessage(turn: Turn, entry: Entry): void {
  const { membership, roomId } = turn.state;
  if (membership === null) return;
  const opened = judged(() => unprotect(membership.group, entry.payload));
  if ("fault" in opened) {
    noteUnreadable(turn, entry, "damaged", null);
    return;
  }
  const { group, sender, authenticatedData, content, consumed } = opened.value;
  if (sender === group.ownLeaf) {
    // E39: its signature is ours, and this store does not know it.
    copyFound(turn);
    return;
  }
  turn.setGroup(group);
  turn.wipe(consumed);
  const leaf = membership.roster.get(sender);
  if (leaf === undefined) throw new Error("a sender without a place in the roster");
  const read = judged(() => {
    // E16: one id, in the frame, in the clear and inside.
    if (content.kind !== "application" || !equal(authenticatedData, entry.id)) return null;
    const envelope = decodeEnvelope(content.data);
    if (!equal(envelope.id, entry.id)) return null;
    return eventSignatureIsValid(leaf.leafKey, roomId, envelope) ? envelope : null;
  });
  const envelope = "value" in read ? read.value : null;
  if (envelope === null) {
    noteUnreadable(turn, entry, "other", leaf);
    return;
  }
  const at = { ...entry, after: turn.state.log.after };
  if (turn.state.newcomer !== null && takesSnapshot(turn, at, leaf, envelope)) return;
  checkSeen(turn, at, leaf, envelope.seen, entry.payload);
  foldIn(turn, entry, leaf, envelope);
}

/** A newcomer holds what it reads until the state that it belongs to is there (E24). */
function takesSnapshot(
  turn: Turn,
  at: Place & { readonly after: number },
  leaf: LeafIdentity,
  envelope: Envelope,
): boolean {
  const { newcomer } = turn.state;
  if (newcomer === null) return false;
  const held: Held = {
    kind: "event",
    n: at.n,
    time: at.time,
    after: at.after,
    leaf,
    seen: envelope.seen,
    envelope: encodeEnvelope(envelope),
  };
  turn.set({ newcomer: { ...newcomer, held: [...newcomer.held, held] } });
  const event = judged(() => decodeBody(envelope.type, envelope.body));
  if ("value" in event && event.value?.type === "snapshot") {
    takeSnapshotPage(turn, leaf, event.value.body);
  }
  return true;
}

/** What was held, now that the state at the Add is here. */
export function takeHeld(turn: Turn, held: Extract<Held, { kind: "event" }>): void {
  const envelope = decodeEnvelope(held.envelope);
  const place = { id: envelope.id, n: held.n, time: held.time };
  checkSeen(turn, { ...place, after: held.after }, held.leaf, held.seen, held.envelope);
  foldIn(turn, place, held.leaf, envelope);
}

/**
 * E19: the head that an author repeats is the one that this device has. Otherwise the room is paused until the person
 * has compared by voice or goes on, and the evidence is kept.
 */
export function checkSeen(
  turn: Turn,
  at: { readonly n: number; readonly time: number; readonly after: number },
  leaf: LeafIdentity,
  seen: Seen,
  evidence: Uint8Array,
): void {
  const { log, tolerated, pause, membership } = turn.state;
  const author = toHex(leaf.accountId);
  const verdict = judgeSeen(log.heads, seen, at.n, at.after);
  if (verdict === "unknown") return;
  if (verdict === "same") {
    if (membership !== null && !equal(leaf.accountId, membership.me.accountId)) {
      turn.set({ confirmedAt: at.time });
    }
    if (tolerated.has(author)) {
      turn.set({ tolerated: new Set([...tolerated].filter((one) => one !== author)) });
    }
    return;
  }
  if (tolerated.has(author) || (pause !== null && pause.who !== null && equal(pause.who, leaf.accountId))) {
    return; // the person has been told
  }
  turn.set({ pause: { who: leaf.accountId, at: turn.env.now } });
  const ours = headAt(log.heads, seen.n) ?? new Uint8Array(0);
  const told = encode({ n: at.n, time: at.time, message: evidence, said: seen, ours });
  turn.alarm("fork", leaf.accountId, told);
}

/** An authentic event becomes part of what everyone computes alike, and of what is shown. */
function foldIn(turn: Turn, place: Place, leaf: LeafIdentity, envelope: Envelope): void {
  const { n } = place;
  const decoded = judged(() => decodeBody(envelope.type, envelope.body));
  const event = "value" in decoded ? decoded.value : null;
  const author = { n, account: leaf.accountId, device: leaf.deviceId };
  const folded = foldEvent(turn.state.fold, author, envelope, event);
  turn.set({ fold: folded.fold });
  if (turn.state.chores.firstEvent === 0) turn.setChores({ firstEvent: turn.env.now });
  if (folded.repeated || "fault" in decoded) {
    noteUnreadable(turn, place, "other", leaf);
  } else if (event === null) {
    const line = { id: place.id, n, at: place.time, code: "newer_version", who: leaf.accountId } as const;
    turn.set({ timeline: withSystem(turn.state.timeline, { ...line, by: null, detail: "" }) });
  } else {
    apply(turn, place, leaf, event);
  }
}

/** What a post, an edit, a deletion or a reaction says; null for other events. */
export function saidBy(id: Uint8Array, event: EventBody): Said | null {
  switch (event.type) {
    case "post":
      return { kind: "post", id, text: event.body.text, replyTo: event.body.reply_to ?? null };
    case "edit":
      return { kind: "edit", target: event.body.target, text: event.body.text };
    case "delete":
      return { kind: "delete", target: event.body.target };
    case "react":
      return { kind: "react", ...event.body };
    default:
      return null;
  }
}

function apply(turn: Turn, { id, n, time }: Place, leaf: LeafIdentity, event: EventBody): void {
  const { timeline, names } = turn.state;
  switch (event.type) {
    case "post":
    case "edit":
    case "delete":
    case "react": {
      turn.set({ timeline: withSaid(timeline, saidBy(id, event)!, leaf.accountId, n, time) });
      stoppedTyping(turn, leaf.deviceId);
      const mine = equal(leaf.accountId, turn.env.me.accountId);
      if (event.type === "post" && !mine) turn.effect({ kind: "arrived", id });
      return;
    }
    case "profile":
      turn.set({ names: new Map(names).set(toHex(leaf.accountId), event.body.name) });
      return;
    case "snapshot":
      takeSnapshotPage(turn, leaf, event.body);
      return;
    case "snapshot_check":
      takeCheck(turn, leaf, event.body);
      return;
    case "stuck":
      // Its author rejoins by itself; the successor room of E18 would begin here.
      return;
  }
}
