/** What an event about calls and meetings did, as a line of the timeline: only what the fold has taken. */

import type { Ring, RingEnd } from "../wire/generated";
import type { EventBody } from "./bodies";
import type { MeetingEvent } from "./callBodies";
import { ringOf } from "./calls";
import type { Fold } from "./fold";
import { findMeeting } from "./meetings";
import type { SystemCode } from "./timeline";

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
