/** What an event about calls and meetings did, as a line of the timeline: only what the fold has taken. */

import { sha256 } from "@noble/hashes/sha2.js";
import { concat, utf8 } from "../bytes/bytes";
import type { Ring, RingEnd } from "../wire/generated";
import type { EventBody } from "./bodies";
import type { MeetingEvent, SittingEvent } from "./callBodies";
import { ringOf } from "./calls";
import type { Fold } from "./fold";
import { findMeeting } from "./meetings";
import type { Origin } from "./origin";
import { findSystem, type SystemCode, type Timeline } from "./timeline";

/** The author of the event is who did it. `detail`: the reason of a ring; a meeting's title and dates. */
export type CallLine = { readonly code: SystemCode; readonly detail: string };

/** Null for what changed nothing, or what people see elsewhere. */
export function callLine(before: Fold, after: Fold, event: EventBody): CallLine | null {
  switch (event.type) {
    case "ring":
      return rang(before, after, event.body);
    case "ring_end":
      return rangOff(before, after, event.body);
    case "meeting":
    case "meeting_change":
    case "meeting_cancel":
      return planned(before, after, event);
    default:
      return null;
  }
}

function rang(before: Fold, after: Fold, { call, why }: Ring): CallLine | null {
  const taken = ringOf(before.rings, call) === null && ringOf(after.rings, call) !== null;
  return taken ? { code: "rang", detail: why } : null;
}

function rangOff(before: Fold, after: Fold, { call, outcome }: RingEnd): CallLine | null {
  const ring = ringOf(before.rings, call);
  if (ring === null || ringOf(after.rings, call) !== null) return null;
  if (outcome === "met") return null; // the call itself is shown
  return { code: outcome === "withdrawn" ? "rang_off" : "rang_written", detail: ring.why };
}

function planned(
  before: Fold,
  after: Fold,
  event: Exclude<MeetingEvent, { type: "meeting_answer" }>,
): CallLine | null {
  const had = findMeeting(before.meetings, event.body.meeting);
  const has = findMeeting(after.meetings, event.body.meeting);
  if (had === has) return null;
  switch (event.type) {
    case "meeting":
      return { code: had === null ? "meeting" : "meeting_changed", detail: event.body.title };
    case "meeting_change": {
      const dates = `${shown(event.body.occurrence)} \u2192 ${shown(event.body.start)}`;
      return has && { code: "meeting_moved", detail: `${has.title}, ${dates}` };
    }
    case "meeting_cancel": {
      const { occurrence } = event.body;
      if (occurrence == null) return had && { code: "meeting_ended", detail: had.title };
      return has && { code: "meeting_cancelled", detail: `${has.title}, ${shown(occurrence)}` };
    }
  }
}

const shown = (local: string): string => local.replace("T", " ");

// What a sitting belongs to

/**
 * The id under which the line of a ring stands, so that it is found when the call is over. A hash: who rings chooses the
 * call's id, and must not choose that of somebody's message.
 */
export function ringLineId(call: Uint8Array): Uint8Array {
  return sha256(concat(utf8("Collegium 1.0 ring line"), call)).slice(0, 16);
}

/** What a word about a sitting names, as this device knows it: rings end before the call does. */
export function namedOrigin(
  timeline: Timeline,
  { rings, meetings }: Fold,
  { body }: SittingEvent,
): Origin | null {
  if (body.ring != null) {
    const ring = ringOf(rings, body.ring);
    if (ring !== null) return { kind: "ring", call: ring.call, by: ring.by, why: ring.why };
    const line = findSystem(timeline, ringLineId(body.ring));
    return { kind: "ring", call: body.ring, by: line?.by ?? null, why: line?.detail ?? "" };
  }
  const { meeting: id, occurrence } = body;
  if (id == null || occurrence == null) return null;
  const meeting = findMeeting(meetings, id);
  const moved = meeting?.moved.find((one) => one.occurrence === occurrence);
  const start = meeting === null ? "" : (moved?.start ?? occurrence);
  return { kind: "meeting", meeting: id, occurrence, title: meeting?.title ?? "", start };
}
