/** Bodies of events about calls and meetings, checked as they come: their part of `bodies`. */

import { compare } from "../bytes/bytes";
import type {
  Attended,
  CallPerson,
  CallRecord,
  Meeting,
  MeetingAnswer,
  MeetingCancel,
  MeetingChange,
  Ring,
  RingAnswer,
  RingEnd,
} from "../wire/generated";
import { FieldReader } from "./canonical";
import { RoomDataError } from "./errors";
import { begins, isLocalTime, isRule, isZoneName } from "./recurrence";
import { isTitle, isWhy } from "./text";

export const MAX_WANTED = 11;
export const MAX_CALL_PEOPLE = 32;
export const MAX_CALL_MS = 24 * 3_600_000;
export const MIN_MINUTES = 5;
export const MAX_MINUTES = 600;
export const URGENCIES = ["now", "today", "when_you_can"] as const;
export const COMING = ["yes", "no", "maybe"] as const;
const ANSWER_KINDS = ["ringing", "seen", "joining", "in", "at", "cannot"] as const;
const ANSWER_MINUTES: readonly number[] = [5, 15, 60];
const OUTCOMES = ["met", "withdrawn", "written"] as const;
const ID_LENGTH = 16;
const MAX_NUMBER = 2 ** 53 - 1;

export type Urgency = (typeof URGENCIES)[number];
export type Coming = (typeof COMING)[number];
export type Outcome = (typeof OUTCOMES)[number];

export type RingEvent =
  | { readonly type: "ring"; readonly body: Ring }
  | { readonly type: "ring_answer"; readonly body: RingAnswer }
  | { readonly type: "ring_end"; readonly body: RingEnd };
export type SittingEvent =
  | { readonly type: "attended"; readonly body: Attended }
  | { readonly type: "call_record"; readonly body: CallRecord };
export type MeetingEvent =
  | { readonly type: "meeting"; readonly body: Meeting }
  | { readonly type: "meeting_change"; readonly body: MeetingChange }
  | { readonly type: "meeting_cancel"; readonly body: MeetingCancel }
  | { readonly type: "meeting_answer"; readonly body: MeetingAnswer };
export type CallEvent = RingEvent | SittingEvent | MeetingEvent;

type Readers = {
  readonly [T in CallEvent["type"]]: (reader: FieldReader) => Extract<CallEvent, { type: T }>["body"];
};

function require(holds: boolean, what: string): void {
  if (!holds) throw new RoomDataError(what);
}

const idOf = (reader: FieldReader, name: string): Uint8Array => reader.bytes(name, ID_LENGTH);

function spanOf(reader: FieldReader): { readonly began: number; readonly ended: number } {
  const began = reader.integer("began", 0, MAX_NUMBER);
  const ended = reader.integer("ended", 0, MAX_NUMBER);
  require(began <= ended &&
    ended <= began + MAX_CALL_MS, "a time that ends before it begins, or lasts too long");
  return { began, ended };
}

export function readCallPerson(value: unknown): CallPerson {
  const reader = new FieldReader(value, "person in a call");
  const person = { account: idOf(reader, "account"), ...spanOf(reader) };
  reader.finish();
  return person;
}

/** A ring, an occurrence of a meeting, or neither. */
function belongsOf(reader: FieldReader): {
  readonly ring?: Uint8Array;
  readonly meeting?: Uint8Array;
  readonly occurrence?: string;
} {
  const belongs = {
    ...(reader.has("ring") ? { ring: idOf(reader, "ring") } : {}),
    ...(reader.has("meeting") ? { meeting: idOf(reader, "meeting") } : {}),
    ...optionalLocal(reader, "occurrence"),
  };
  const { ring, meeting, occurrence } = belongs;
  const one = ring === undefined || meeting === undefined;
  require((meeting === undefined) === (occurrence === undefined) &&
    one, "what a sitting belongs to is not whole");
  return belongs;
}

function readRingAnswer(reader: FieldReader): RingAnswer {
  const answer = { call: idOf(reader, "call"), kind: reader.oneOf("kind", ANSWER_KINDS) };
  if (answer.kind === "at") return { ...answer, time: reader.integer("time", 0, MAX_NUMBER) };
  if (answer.kind !== "in") return answer;
  const minutes = reader.integer("minutes", 5, 60);
  require(ANSWER_MINUTES.includes(minutes), "ring_answer: minutes is out of bounds");
  return { ...answer, minutes };
}

function readCallRecord(reader: FieldReader): CallRecord {
  const sitting = idOf(reader, "sitting");
  const { began, ended } = spanOf(reader);
  const people = reader.list("people", 1, MAX_CALL_PEOPLE, readCallPerson);
  const inOrder = people.every(({ account }, i) => i === 0 || compare(people[i - 1]!.account, account) < 0);
  require(inOrder, "people out of order");
  const inside = people.every((one) => began <= one.began && one.ended <= ended);
  require(inside, "somebody there outside the sitting");
  return { sitting, began, ended, people, ...belongsOf(reader) };
}

function readMeeting(reader: FieldReader): Meeting {
  const meeting = {
    meeting: idOf(reader, "meeting"),
    title: reader.text("title", isTitle),
    start: reader.text("start", isLocalTime),
    zone: reader.text("zone", isZoneName),
    minutes: minutesOf(reader),
    ...(reader.has("rule") ? { rule: reader.text("rule", isRule) } : {}),
    ...(reader.has("follows") ? { follows: idOf(reader, "follows") } : {}),
    ...optionalLocal(reader, "since"),
  };
  const follows = meeting.follows ?? null;
  const other = follows === null || compare(follows, meeting.meeting) !== 0;
  require((follows === null) === (meeting.since === undefined) &&
    other, "what a meeting follows is not whole");
  const onItsDay = meeting.rule === undefined || begins(meeting.start, meeting.rule);
  require(onItsDay, "a start that is no day of its rule");
  return meeting;
}

function minutesOf(reader: FieldReader): number {
  return reader.integer("minutes", MIN_MINUTES, MAX_MINUTES);
}

function optionalLocal<T extends string>(reader: FieldReader, name: T): { readonly [K in T]?: string } {
  return (reader.has(name) ? { [name]: reader.text(name, isLocalTime) } : {}) as {
    readonly [K in T]?: string;
  };
}

export const CALL_READERS: Readers = {
  ring: (reader) => ({
    call: idOf(reader, "call"),
    urgency: reader.oneOf("urgency", URGENCIES),
    why: reader.text("why", isWhy),
    wanted: reader.integer("wanted", 1, MAX_WANTED),
  }),
  ring_answer: readRingAnswer,
  ring_end: (reader) => {
    const end = { call: idOf(reader, "call"), outcome: reader.oneOf("outcome", OUTCOMES) };
    return end.outcome === "written" ? { ...end, post: idOf(reader, "post") } : end;
  },
  attended: (reader) => ({ sitting: idOf(reader, "sitting"), ...spanOf(reader), ...belongsOf(reader) }),
  call_record: readCallRecord,
  meeting: readMeeting,
  meeting_change: (reader) => ({
    meeting: idOf(reader, "meeting"),
    occurrence: reader.text("occurrence", isLocalTime),
    start: reader.text("start", isLocalTime),
    minutes: minutesOf(reader),
  }),
  meeting_cancel: (reader) => ({ meeting: idOf(reader, "meeting"), ...optionalLocal(reader, "occurrence") }),
  meeting_answer: (reader) => ({
    meeting: idOf(reader, "meeting"),
    coming: reader.oneOf("coming", COMING),
    ...optionalLocal(reader, "occurrence"),
  }),
};
