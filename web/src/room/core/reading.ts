/** Messages of the log: opened in exactly the epoch they were made in, checked, taken into the state (E16, E17, E19). */

import { equal, toHex } from "../../bytes/bytes";
import type { LeafIdentity } from "../../identity/credential";
import { unprotect } from "../../mls/application";
import type { Entry } from "../../wire/generated";
import { callLine, namedOrigin, ringLineId } from "../callLines";
import { hasLapsed, ringOf } from "../calls";
import {
  decodeBody,
  decodeEnvelope,
  type Envelope,
  type EventBody,
  encodeBody,
  encodeEnvelope,
  eventSignatureIsValid,
} from "../events";
import { type Fold, foldEvent } from "../fold";
import { findSystem, withSaid, withSitting, withSystem } from "../timeline";
import { copyFound } from "./endings";
import { judged } from "./faults";
import { queueEvent } from "./outbox";
import { saidBy } from "./said";
import { checkSeen, noteUnreadable, type Place } from "./seen";
import { stoppedTyping } from "./signals";
import { noteSnapshotPage, takeCheck, takeHappened, takeOver } from "./snapshots";
import type { Held, Made, Outgoing } from "./state";
import type { Turn } from "./turn";

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
  // A repetition by its counter is refused by all alike: the person's words go again, as something new.
  if (foldIn(turn, place, membership.me, envelope) === "repeated") queueEvent(turn, sent.event);
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
    for (const one of takeOver(turn, leaf, event.value.body)) takeHeld(turn, one);
  }
  return true;
}

/** What was held, now that the state at the Add is here. */
function takeHeld(turn: Turn, held: Held): void {
  if (held.kind === "commit") {
    checkSeen(turn, held, held.leaf, held.seen, held.id);
    takeHappened(turn, { id: held.id, n: held.n, time: held.time }, held.happened);
    return;
  }
  const envelope = decodeEnvelope(held.envelope);
  const place = { id: envelope.id, n: held.n, time: held.time };
  checkSeen(turn, held, held.leaf, held.seen, held.envelope);
  foldIn(turn, place, held.leaf, envelope);
}

/** An authentic event becomes part of what everyone computes alike, and of what is shown. */
function foldIn(turn: Turn, place: Place, leaf: LeafIdentity, envelope: Envelope): "taken" | "repeated" {
  const { n } = place;
  const decoded = judged(() => decodeBody(envelope.type, envelope.body));
  const event = "value" in decoded ? decoded.value : null;
  const author = { n, account: leaf.accountId, device: leaf.deviceId, time: place.time };
  const before = turn.state.fold;
  const folded = foldEvent(before, author, envelope, event);
  turn.set({ fold: folded.fold });
  if (turn.state.chores.firstEvent === 0) turn.setChores({ firstEvent: turn.env.now });
  if (folded.repeated || "fault" in decoded) {
    noteUnreadable(turn, place, "other", leaf);
  } else if (event === null) {
    const line = { id: place.id, n, at: place.time, code: "newer_version", who: leaf.accountId } as const;
    turn.set({ timeline: withSystem(turn.state.timeline, { ...line, by: null, detail: "" }) });
  } else {
    apply(turn, place, leaf, event, before);
  }
  return folded.repeated ? "repeated" : "taken";
}

function apply(turn: Turn, place: Place, leaf: LeafIdentity, event: EventBody, before: Fold): void {
  const { id, n, time } = place;
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
      noteSnapshotPage(turn, leaf, event.body);
      return;
    case "snapshot_check":
      takeCheck(turn, leaf, event.body);
      return;
    case "attended":
    case "call_record":
      turn.set({
        timeline: withSitting(
          ...([timeline, event, leaf.accountId, n, time] as const),
          namedOrigin(timeline, turn.state.fold, event),
        ),
      });
      return;
    case "ring":
    case "ring_end":
    case "meeting":
    case "meeting_change":
    case "meeting_cancel":
      noteCall(turn, place, leaf, event, before);
      return;
    case "ring_answer":
    case "meeting_answer":
      // The fold has it, and it is shown with what it answers.
      return;
    case "stuck":
      // Its author rejoins by itself; the successor room of E18 would begin here.
      return;
  }
}

function noteCall(turn: Turn, place: Place, leaf: LeafIdentity, event: EventBody, before: Fold): void {
  const { fold, timeline } = turn.state;
  const line = callLine(before, fold, event);
  if (line === null) return;
  const { n, time: at } = place;
  const ringId = event.type === "ring" ? ringLineId(event.body.call) : null;
  const id = ringId !== null && findSystem(timeline, ringId) === null ? ringId : place.id;
  turn.set({ timeline: withSystem(timeline, { id, n, at, who: null, by: leaf.accountId, ...line }) });
  if (event.type !== "ring" || equal(leaf.accountId, turn.env.me.accountId)) return;
  const ring = ringOf(fold.rings, event.body.call);
  if (ring !== null && !hasLapsed(ring, turn.env.serverNow))
    turn.effect({ kind: "rang", call: event.body.call });
}
