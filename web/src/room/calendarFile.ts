/**
 * Meetings as a calendar file (iCalendar, RFC 5545), made on the device: it leaves what is encrypted.
 *
 * So it says when, and nothing else: no title, no name, no reason. Whoever sees the calendar reads "Consultation", and
 * where the server is.
 *
 * A meeting that comes again is given in its zone, with a VTIMEZONE for programs that do not know the zone by its name,
 * since only so it keeps its time of day when clocks change. A single one is given in UTC, which nobody misreads. Moved
 * occurrences are events of their own under the same UID (RECURRENCE-ID), cancelled ones are EXDATE: what calendars import
 * best. The same state is the same file, byte for byte.
 */

import { fromUtf8, toHex, utf8 } from "../bytes/bytes";
import { type Meeting, type Meetings, type Moved, seriesOf } from "./meetings";
import {
  DAYS,
  instantOf,
  isStart,
  LAST_LOCAL,
  naiveMs,
  parseRule,
  starts,
  utcOffset,
  zoneIsKnown,
} from "./recurrence";

/** Clock changes are written down so far from the first occurrence on; programs that know the zone need none. */
export const ZONE_YEARS = 6;
const MAX_CHANGES = 4 * ZONE_YEARS;
const LINE_BYTES = 75;
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 3_600_000;
/** No zone changes twice within so little time: clock changes are looked for in such steps. */
const STEP_MS = 7 * DAY_MS;
/** Programs keep it in 32 bits. */
const MAX_SEQUENCE = 2 ** 31;

/** All meetings whose zone this machine knows. `origin` is the address of the server, https://… */
export function calendarFile(meetings: Meetings, origin: string): string {
  const shown = meetings
    .filter(({ zone }) => zoneIsKnown(zone))
    .map((meeting) => ({ meeting, lines: eventsOf(meeting, origin) }))
    .filter(({ lines }) => lines.length > 0);
  const inZones = shown.map(({ meeting }) => meeting).filter(isInItsZone);
  const zones = [...new Set(inZones.map(({ zone }) => zone))].sort();
  const lines = [
    "BEGIN:VCALENDAR",
    "VERSION:2.0",
    "PRODID:-//Collegium//Meetings//EN",
    "CALSCALE:GREGORIAN",
    "METHOD:PUBLISH",
    ...zones.flatMap((zone) => {
      const all = inZones.filter((one) => one.zone === zone).map(({ start }) => naiveMs(start));
      return timeZone(zone, Math.min(...all));
    }),
    ...shown.flatMap(({ lines: event }) => event),
    "END:VCALENDAR",
  ];
  return lines.map((line) => `${folded(line)}\r\n`).join("");
}

// Events

function isInItsZone({ rule, zone }: Meeting): boolean {
  return rule !== null && zone !== "UTC";
}

/** A meeting and its moved occurrences; nothing where it was a single one that is cancelled. */
function eventsOf(meeting: Meeting, origin: string): readonly string[] {
  const series = seriesOf(meeting);
  const moved = meeting.moved.filter(({ occurrence }) => isStart(series, occurrence));
  const plain = { occurrence: meeting.start, start: meeting.start, minutes: meeting.minutes };
  if (meeting.rule === null) {
    return meeting.cancelled.includes(meeting.start) ? [] : eventOf(meeting, moved[0] ?? plain, [], origin);
  }
  const off = meeting.cancelled.filter((one) => isStart(series, one));
  const rule = `RRULE:${ruleOf(meeting, meeting.rule)}`;
  return [
    ...eventOf(meeting, plain, [rule, ...off.map((one) => timed("EXDATE", one, meeting))], origin),
    ...moved.flatMap((one) =>
      eventOf(meeting, one, [timed("RECURRENCE-ID", one.occurrence, meeting)], origin),
    ),
  ];
}

function eventOf(meeting: Meeting, when: Moved, which: readonly string[], origin: string): readonly string[] {
  return [
    "BEGIN:VEVENT",
    `UID:${toHex(meeting.meeting)}@collegium`,
    // A stamp that a snapshot told may be any number.
    `DTSTAMP:${utcText(Math.min(meeting.at, naiveMs(LAST_LOCAL)))}`,
    `SEQUENCE:${meeting.n % MAX_SEQUENCE}`,
    timed("DTSTART", when.start, meeting),
    `DURATION:PT${when.minutes}M`,
    ...which,
    "SUMMARY:Consultation",
    `URL:${origin}`,
    "CLASS:PRIVATE",
    "STATUS:CONFIRMED",
    "TRANSP:OPAQUE",
    "END:VEVENT",
  ];
}

function timed(name: string, local: string, meeting: Meeting): string {
  if (isInItsZone(meeting)) return `${name};TZID=${meeting.zone}:${basic(local)}`;
  return `${name}:${utcText(instant(local, meeting.zone))}`;
}

/** §3.3.10: beside a start in a zone, UNTIL is in UTC. A series that was cut off ends so as well. */
function ruleOf(meeting: Meeting, text: string): string {
  const rule = parseRule(text);
  if (rule === null) throw new Error("a rule that nobody has checked");
  const head = text.split(/;(?:COUNT|UNTIL)=/)[0];
  const ends = meeting.ends === null ? [] : [instant(meeting.ends, meeting.zone) - 1000];
  if (rule.until !== null) {
    ends.push(instant(`${rule.until}${meeting.start.slice(10)}`, meeting.zone));
  } else if (rule.count !== null) {
    const local = starts(seriesOf(meeting), meeting.start, LAST_LOCAL);
    if (local.length === rule.count) return text;
    ends.splice(0, ends.length, instant(local.at(-1)!, meeting.zone));
  }
  return ends.length === 0 ? text : `${head};UNTIL=${utcText(Math.min(...ends))}`;
}

function instant(local: string, zone: string): number {
  const found = instantOf(local, zone);
  if (found === null) throw new Error("a zone that this machine does not know");
  return found;
}

/** 2026-03-03T18:00 → 20260303T180000 */
const basic = (local: string): string => `${local.replaceAll(/[-:]/g, "")}00`;

const utcText = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19).replaceAll(/[-:]/g, "")}Z`;

// Zones

/** Clocks are put on or back: the local time before it, read as UTC (ms), and the offsets (minutes). */
type Change = {
  readonly local: number;
  readonly before: number;
  readonly after: number;
  readonly kind: "STANDARD" | "DAYLIGHT";
};

/** §3.6.5. `first`: the first start that it is for, read as UTC (ms). */
function timeZone(zone: string, first: number): readonly string[] {
  const low = first - 2 * STEP_MS;
  const changes = changesOf(zone, low, first + ZONE_YEARS * 366 * DAY_MS);
  const offset = offsetAt(low, zone);
  const kind = changes[0]?.kind === "STANDARD" ? "DAYLIGHT" : "STANDARD";
  const lines = [
    "BEGIN:VTIMEZONE",
    `TZID:${zone}`,
    // From when on it was so, does not matter: it is before everything that this is for.
    ...observance({ kind, local: 0, before: offset, after: offset }, null),
  ];
  for (const ofKind of ["STANDARD", "DAYLIGHT"]) {
    const same = changes.filter((one) => one.kind === ofKind);
    const rule = yearly(same);
    for (const one of rule === null ? same : same.slice(0, 1)) lines.push(...observance(one, rule));
  }
  return [...lines, "END:VTIMEZONE"];
}

function observance({ kind, local, before, after }: Change, rule: string | null): readonly string[] {
  return [
    `BEGIN:${kind}`,
    `DTSTART:${basic(new Date(local).toISOString().slice(0, 16))}`,
    `TZOFFSETFROM:${signed(before)}`,
    `TZOFFSETTO:${signed(after)}`,
    ...(rule === null ? [] : [`RRULE:${rule}`]),
    `END:${kind}`,
  ];
}

/** The rule of changes that come on the same Sunday, say, of each year; null where there is none. */
function yearly(changes: readonly Change[]): string | null {
  const dates = changes.map(({ local }) => new Date(local));
  const [first] = dates;
  if (first === undefined || changes.length < ZONE_YEARS - 1) return null;
  const same = dates.every((date, i) => {
    const { before, after } = changes[i]!;
    const onTime = date.getUTCMonth() === first.getUTCMonth() && date.getUTCDay() === first.getUTCDay();
    const sameTime = (date.getTime() - first.getTime()) % DAY_MS === 0;
    const inYear = date.getUTCFullYear() === first.getUTCFullYear() + i;
    return inYear && onTime && sameTime && before === changes[0]!.before && after === changes[0]!.after;
  });
  const ordinals = new Set(dates.map((date) => Math.floor((date.getUTCDate() - 1) / 7) + 1));
  const last = dates.every(
    (date) => new Date(date.getTime() + 7 * DAY_MS).getUTCMonth() !== date.getUTCMonth(),
  );
  if (!same || !(last || ordinals.size === 1)) return null;
  const ordinal = last ? -1 : Math.min(...ordinals);
  return `FREQ=YEARLY;BYMONTH=${first.getUTCMonth() + 1};BYDAY=${ordinal}${DAYS[(first.getUTCDay() + 6) % 7]}`;
}

function changesOf(zone: string, from: number, high: number): readonly Change[] {
  const found: Change[] = [];
  let low = from;
  while (low < high && found.length < MAX_CHANGES) {
    const before = offsetAt(low, zone);
    if (before === offsetAt(low + STEP_MS, zone)) {
      low += STEP_MS;
      continue;
    }
    let until = low + STEP_MS;
    while (until - low > MINUTE_MS) {
      const middle = Math.floor(Math.floor((low + until) / 2) / MINUTE_MS) * MINUTE_MS;
      if (offsetAt(middle, zone) === before) low = middle;
      else until = middle;
    }
    const after = offsetAt(until, zone);
    const kind = after > before ? "DAYLIGHT" : "STANDARD";
    found.push({ local: until + before * MINUTE_MS, before, after, kind });
    low = until;
  }
  return found;
}

function offsetAt(at: number, zone: string): number {
  const offset = utcOffset(at, zone);
  if (offset === null) throw new Error("a zone that this machine does not know");
  return offset;
}

function signed(minutes: number): string {
  const two = (value: number): string => String(value).padStart(2, "0");
  const all = Math.abs(minutes);
  return `${minutes < 0 ? "-" : "+"}${two(Math.floor(all / 60))}${two(all % 60)}`;
}

// Lines

/** §3.1: no line has more than 75 octets, and what goes on begins with a space. */
function folded(line: string): string {
  const out: string[] = [];
  let rest = utf8(line);
  for (;;) {
    let at = LINE_BYTES - (out.length === 0 ? 0 : 1);
    if (rest.length <= at) break;
    while ((rest[at]! & 0xc0) === 0x80) at--; // no character is cut in two
    out.push(fromUtf8(rest.subarray(0, at)));
    rest = rest.subarray(at);
  }
  return [...out, fromUtf8(rest)].join("\r\n ");
}
