/**
 * What is planned, who moved or cancelled it, and who comes: the same for everyone, by the order of the log.
 *
 * Any member may plan, move and cancel, and the last word holds. The fold keeps what was said, and neither expands a rule
 * nor knows a time zone: machines differ in their time zone data, and must not differ in the fold. When things take place
 * is worked out where it is shown.
 *
 * An occurrence is named by the local start that its rule gives it. To change all that follow, another meeting takes the
 * place of the rest of this one (`follows`): so a meeting has one rule for as long as it is.
 */

import { compare, equal } from "../bytes/bytes";
import type { Meeting as MeetingBody, MeetingCancel, MeetingChange } from "../wire/generated";
import { type Coming, MAX_MINUTES, type MeetingEvent } from "./callBodies";
import {
  instantOf,
  isStart,
  naiveLocal,
  naiveMs,
  parseRule,
  type Rule,
  type Series,
  starts,
  zoneIsKnown,
} from "./recurrence";

const DAY_MS = 24 * 3_600_000;
/** No zone is further from UTC. */
const OFFSET_MS = 14 * 3_600_000;

export const MAX_MEETINGS = 32;
/** Moved and cancelled occurrences of one meeting; the oldest go. */
export const MAX_EXCEPTIONS = 48;
/** To one meeting; those to the oldest occurrences go. */
export const MAX_ANSWERS = 96;
/** What is over for so long makes room for what is planned (ms). */
export const KEEP_MS = 7 * DAY_MS;
/** The longest that anybody looks ahead or back at once (ms). */
export const MAX_WINDOW_MS = 366 * DAY_MS;
/** Shown at once, of all meetings. */
export const MAX_OCCURRENCES = 2_000;
/** So long before it begins, a meeting is called out, and its call opens by itself (ms). */
export const REMIND_MS = 10 * 60_000;
export const NEXT_MS = 8 * DAY_MS;

export type Moved = { readonly occurrence: string; readonly start: string; readonly minutes: number };

/** `occurrence` is empty for an answer as a rule. */
export type Answer = {
  readonly occurrence: string;
  readonly account: Uint8Array;
  readonly coming: Coming;
};

export type Meeting = {
  readonly meeting: Uint8Array;
  /** Position, stamp and account of the last word about the meeting, answers apart. */
  readonly n: number;
  readonly at: number;
  readonly by: Uint8Array;
  readonly title: string;
  readonly start: string;
  readonly zone: string;
  readonly minutes: number;
  readonly rule: string | null;
  /** Where another one took its place, not included. */
  readonly ends: string | null;
  /** These three ascending. */
  readonly moved: readonly Moved[];
  readonly cancelled: readonly string[];
  readonly answers: readonly Answer[];
};

/** Ascending by id. */
export type Meetings = readonly Meeting[];

export function findMeeting(meetings: Meetings, id: Uint8Array): Meeting | null {
  return meetings.find((one) => equal(one.meeting, id)) ?? null;
}

// The fold

type Word = { readonly n: number; readonly at: number; readonly by: Uint8Array };

/** What `account` says at position n, stamped `at` (ms). */
export function foldMeeting(
  meetings: Meetings,
  account: Uint8Array,
  n: number,
  at: number,
  event: MeetingEvent,
): Meetings {
  const word: Word = { n, at, by: account };
  if (event.type === "meeting") return planned(meetings, word, event.body);
  const known = findMeeting(meetings, event.body.meeting);
  if (known === null) return meetings; // never planned, over, or called off meanwhile
  switch (event.type) {
    case "meeting_cancel":
      return withMeeting(meetings, known.meeting, cancelled(known, word, event.body));
    case "meeting_change":
      return withMeeting(meetings, known.meeting, changed(known, word, event.body));
    case "meeting_answer": {
      const { occurrence, coming } = event.body;
      return withMeeting(meetings, known.meeting, answered(known, occurrence ?? "", account, coming));
    }
  }
}

/** Accounts that left the room come to nothing any more. What they planned stays the group's. */
export function foldGone(meetings: Meetings, gone: readonly Uint8Array[]): Meetings {
  const left = ({ account }: Answer): boolean => gone.some((one) => equal(one, account));
  if (!meetings.some(({ answers }) => answers.some(left))) return meetings;
  return meetings.map((one) => ({ ...one, answers: one.answers.filter((answer) => !left(answer)) }));
}

function planned(meetings: Meetings, word: Word, event: MeetingBody): Meetings {
  const before = findMeeting(meetings, event.meeting);
  if (before === null && isFull(meetings, word.at)) return meetings;
  const kept = before === null ? meetings.filter((one) => !isPast(one, word.at)) : meetings;
  const { meeting: id, title, start, zone, minutes, rule } = event;
  const plain: Meeting = {
    ...{ meeting: id, ...word, title, start, zone, minutes, rule: rule ?? null },
    ...{ ends: null, moved: [], cancelled: [], answers: [] },
  };
  const meeting =
    before !== null && isSameSeries(before, plain) ? { ...before, ...word, title, minutes } : plain;
  const followed = event.follows == null ? null : findMeeting(kept, event.follows);
  if (followed === null || event.since == null) return withMeeting(kept, id, meeting);
  // Who comes as a rule comes to what takes its place.
  const rules = followed.answers.filter(({ occurrence }) => occurrence === "");
  const after = before === null ? { ...meeting, answers: rules } : meeting;
  return withMeeting(cut(kept, followed, event.since, word), id, after);
}

/** Whether nothing new can be planned before something is called off. */
export function isFull(meetings: Meetings, at: number): boolean {
  return meetings.filter((one) => !isPast(one, at)).length >= MAX_MEETINGS;
}

function isSameSeries(a: Meeting, b: Meeting): boolean {
  return a.start === b.start && a.zone === b.zone && a.rule === b.rule;
}

function cut(meetings: Meetings, meeting: Meeting, since: string, word: Word): Meetings {
  const ends = meeting.ends !== null && meeting.ends < since ? meeting.ends : since;
  const left = ends <= meeting.start ? null : { ...meeting, ends, ...word };
  return withMeeting(meetings, meeting.meeting, left);
}

function withMeeting(meetings: Meetings, id: Uint8Array, meeting: Meeting | null): Meetings {
  const others = meetings.filter((one) => !equal(one.meeting, id));
  const some = meeting === null ? others : [...others, meeting];
  return some.sort((a, b) => compare(a.meeting, b.meeting));
}

const ascending = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function cancelled(meeting: Meeting, word: Word, { occurrence }: MeetingCancel): Meeting | null {
  if (occurrence == null) return null;
  const said = { ...unsaid(meeting, occurrence), ...word };
  return bounded({ ...said, cancelled: [...said.cancelled, occurrence].sort(ascending) });
}

function changed(meeting: Meeting, word: Word, { occurrence, start, minutes }: MeetingChange): Meeting {
  const said = { ...unsaid(meeting, occurrence), ...word };
  const moved = [...said.moved, { occurrence, start, minutes }];
  return bounded({ ...said, moved: moved.sort((a, b) => ascending(a.occurrence, b.occurrence)) });
}

function unsaid(meeting: Meeting, occurrence: string): Meeting {
  return {
    ...meeting,
    moved: meeting.moved.filter((one) => one.occurrence !== occurrence),
    cancelled: meeting.cancelled.filter((one) => one !== occurrence),
  };
}

/** With the oldest exception gone, where there are too many. */
function bounded(meeting: Meeting): Meeting {
  const { moved, cancelled: off } = meeting;
  if (moved.length + off.length <= MAX_EXCEPTIONS) return meeting;
  const [oldest] = [...off, ...moved.map(({ occurrence }) => occurrence)].sort(ascending);
  return unsaid(meeting, oldest!);
}

function answered(meeting: Meeting, occurrence: string, account: Uint8Array, coming: Coming): Meeting {
  const others = meeting.answers.filter(
    (one) => one.occurrence !== occurrence || !equal(one.account, account),
  );
  const answers = [...others, { occurrence, account, coming }].sort(
    (a, b) => ascending(a.occurrence, b.occurrence) || compare(a.account, b.account),
  );
  if (answers.length > MAX_ANSWERS) {
    // Answers as a rule stand first, and stay; after them comes the oldest occurrence.
    const oldest = answers.findIndex((one) => one.occurrence !== "");
    answers.splice(Math.max(oldest, 0), 1);
  }
  return { ...meeting, answers };
}

/** Whether it was over, everywhere on earth, some time before a stamp. No rule is expanded for this. */
function isPast(meeting: Meeting, at: number): boolean {
  const last = lastDay(meeting);
  if (last === null) return false;
  const moved = meeting.moved.map(({ start }) => naiveMs(start));
  return Math.max(last, ...moved) + DAY_MS + OFFSET_MS + KEEP_MS < at;
}

const PERIOD_DAYS = { DAILY: 1, WEEKLY: 7, MONTHLY: 31 } as const;

/** No occurrence starts later, read as UTC (ms); null where there is no such day. */
function lastDay({ start, rule: text, ends }: Meeting): number | null {
  const rule = text === null ? null : parseRule(text);
  const lasts = ends === null ? [] : [naiveMs(ends)];
  if (rule === null) lasts.push(naiveMs(start));
  else if (rule.until !== null) lasts.push(naiveMs(`${rule.until}T23:59`));
  else if (rule.count !== null && !skips(start, rule)) {
    lasts.push(naiveMs(start) + PERIOD_DAYS[rule.frequency] * rule.interval * rule.count * DAY_MS);
  }
  return lasts.length === 0 ? null : Math.min(...lasts);
}

/** Whether months without such a day are left out: then a count says little of the time. */
function skips(start: string, { frequency, days }: Rule): boolean {
  return frequency === "MONTHLY" && days.length === 0 && Number(start.slice(8, 10)) > 28;
}

// What takes place

export type Occurrence = {
  readonly meeting: Meeting;
  /** Its name, and its local time as it is now. */
  readonly occurrence: string;
  readonly start: string;
  readonly minutes: number;
  /** Instants (ms). */
  readonly begins: number;
  readonly ends: number;
};

export const isMoved = ({ occurrence, start }: Occurrence): boolean => occurrence !== start;

/**
 * What takes place from `low` up to, not including, `high` (ms), in the order of time. A meeting in a zone that this
 * machine does not know has none here: `unplaced` names those.
 */
export function occurrences(meetings: Meetings, low: number, high: number): readonly Occurrence[] {
  const most = Math.min(high, low + MAX_WINDOW_MS);
  return meetings
    .flatMap((meeting) => occurrencesOf(meeting, low, most))
    .filter(({ begins }) => begins >= low && begins < most)
    .sort((a, b) => a.begins - b.begins || compare(a.meeting.meeting, b.meeting.meeting))
    .slice(0, MAX_OCCURRENCES);
}

export const unplaced = (meetings: Meetings): Meetings => meetings.filter(({ zone }) => !zoneIsKnown(zone));

export const seriesOf = ({ start, rule, ends }: Meeting): Series => ({ start, rule, ends });

function occurrencesOf(meeting: Meeting, low: number, high: number): readonly Occurrence[] {
  const series = seriesOf(meeting);
  const local = starts(series, naiveLocal(low - OFFSET_MS), naiveLocal(high + OFFSET_MS));
  const elsewhere = new Set([...meeting.cancelled, ...meeting.moved.map(({ occurrence }) => occurrence)]);
  const plain = local
    .filter((start) => !elsewhere.has(start))
    .map((start) => ({ occurrence: start, start, minutes: meeting.minutes }));
  const moved = meeting.moved.filter(({ occurrence }) => isStart(series, occurrence));
  return [...plain, ...moved].flatMap((one) => placed(meeting, one) ?? []);
}

function placed(meeting: Meeting, { occurrence, start, minutes }: Moved): Occurrence | null {
  const begins = instantOf(start, meeting.zone);
  if (begins === null) return null;
  return { meeting, occurrence, start, minutes, begins, ends: begins + minutes * 60_000 };
}

/** What begins within REMIND_MS, or goes on. */
export function due(meetings: Meetings, now: number): readonly Occurrence[] {
  const near = occurrences(meetings, now - MAX_MINUTES * 60_000, now + REMIND_MS + 1);
  return near.filter(({ ends }) => ends > now);
}

/** When `due` has something new to say (ms), within NEXT_MS: to be asked anew by then. */
export function nextDue(meetings: Meetings, now: number): number | null {
  const [later] = occurrences(meetings, now + REMIND_MS + 1, now + NEXT_MS);
  return later === undefined ? null : later.begins - REMIND_MS;
}

/** Whether somebody comes, by their word on this occurrence, else by that as a rule. */
export function coming(meeting: Meeting, occurrence: string, account: Uint8Array): Coming | null {
  const said = meeting.answers.filter((one) => equal(one.account, account));
  const own = said.find((one) => one.occurrence === occurrence) ?? said.find((one) => one.occurrence === "");
  return own?.coming ?? null;
}
