/** Rings and meetings as a snapshot carries them (E24): their part of `snapshot`, in one spelling. */

import { compare } from "../bytes/bytes";
import { COMING, MAX_MINUTES, MAX_WANTED, MIN_MINUTES, URGENCIES } from "./callBodies";
import {
  type Also,
  ANSWER_STATES,
  MAX_ALSO,
  MAX_ANSWERS as MAX_RING_ANSWERS,
  MAX_RINGS,
  type Ring,
  type Answer as RingAnswer,
  type Rings,
} from "./calls";
import { FieldReader, type Fields } from "./canonical";
import { RoomDataError } from "./errors";
import {
  type Answer,
  MAX_ANSWERS,
  MAX_EXCEPTIONS,
  MAX_MEETINGS,
  type Meeting,
  type Meetings,
  type Moved,
} from "./meetings";
import { begins, isLocalTime, isRule, isZoneName } from "./recurrence";
import { isTitle, isWhy } from "./text";

const ID_LENGTH = 16;
const MAX_NUMBER = 2 ** 53 - 1;

/** What is null is left out. */
function present(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}

function require(holds: boolean, what: string): void {
  if (!holds) throw new RoomDataError(what);
}

function ascend<T>(items: readonly T[], order: (a: T, b: T) => number): boolean {
  return items.every((item, i) => i === 0 || order(items[i - 1]!, item) < 0);
}

const textOrder = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

// Rings

export const ringsValue = (rings: Rings): readonly Fields[] =>
  rings.map(({ call, n, at, by, urgency, why, wanted, also, answers }) => ({
    ...{ call, n, at, by, urgency, why, wanted },
    also: also.map((one) => ({ call: one.call, by: one.by, at: one.at, why: one.why })),
    answers: answers.map(({ account, state, at: said, due }) => present({ account, state, at: said, due })),
  }));

/** @throws RoomDataError */
export function readRings(reader: FieldReader): Rings {
  const rings = reader.list("rings", 0, MAX_RINGS, readRing);
  require(ascend(rings, (a, b) => a.n - b.n), "rings are out of order");
  return rings;
}

function readRing(value: unknown): Ring {
  const reader = new FieldReader(value, "ring");
  const ring = {
    call: reader.bytes("call", ID_LENGTH),
    n: reader.integer("n", 1, MAX_NUMBER),
    at: reader.integer("at", 0, MAX_NUMBER),
    by: reader.bytes("by", ID_LENGTH),
    urgency: reader.oneOf("urgency", URGENCIES),
    why: reader.text("why", isWhy),
    wanted: reader.integer("wanted", 1, MAX_WANTED),
    also: reader.list("also", 0, MAX_ALSO, readAlso),
    answers: reader.list("answers", 0, MAX_RING_ANSWERS, readRingAnswer),
  };
  reader.finish();
  require(ascend(ring.answers, (a, b) => compare(a.account, b.account)), "a ring's answers are out of order");
  return ring;
}

function readAlso(value: unknown): Also {
  const reader = new FieldReader(value, "ring at the same moment");
  const also = {
    call: reader.bytes("call", ID_LENGTH),
    by: reader.bytes("by", ID_LENGTH),
    at: reader.integer("at", 0, MAX_NUMBER),
    why: reader.text("why", isWhy),
  };
  reader.finish();
  return also;
}

function readRingAnswer(value: unknown): RingAnswer {
  const reader = new FieldReader(value, "answer to a ring");
  const account = reader.bytes("account", ID_LENGTH);
  const state = reader.oneOf("state", ANSWER_STATES);
  const at = reader.integer("at", 0, MAX_NUMBER);
  const due = state === "later" ? reader.integer("due", 0, MAX_NUMBER) : null;
  reader.finish();
  return { account, state, at, due };
}

// Meetings

export const meetingsValue = (meetings: Meetings): readonly Fields[] =>
  meetings.map(({ moved, answers, ...one }) =>
    present({
      ...one,
      moved: moved.map(({ occurrence, start, minutes }) => ({ occurrence, start, minutes })),
      answers: answers.map(({ occurrence, account, coming }) =>
        present({ occurrence: occurrence === "" ? null : occurrence, account, coming }),
      ),
    }),
  );

/** @throws RoomDataError */
export function readMeetings(reader: FieldReader): Meetings {
  const meetings = reader.list("meetings", 0, MAX_MEETINGS, readMeeting);
  require(ascend(meetings, (a, b) => compare(a.meeting, b.meeting)), "meetings are out of order");
  return meetings;
}

function readMeeting(value: unknown): Meeting {
  const reader = new FieldReader(value, "planned meeting");
  const meeting: Meeting = {
    meeting: reader.bytes("meeting", ID_LENGTH),
    n: reader.integer("n", 1, MAX_NUMBER),
    at: reader.integer("at", 0, MAX_NUMBER),
    by: reader.bytes("by", ID_LENGTH),
    title: reader.text("title", isTitle),
    start: reader.text("start", isLocalTime),
    zone: reader.text("zone", isZoneName),
    minutes: reader.integer("minutes", MIN_MINUTES, MAX_MINUTES),
    rule: reader.has("rule") ? reader.text("rule", isRule) : null,
    ends: reader.has("ends") ? reader.text("ends", isLocalTime) : null,
    moved: reader.list("moved", 0, MAX_EXCEPTIONS, readMoved),
    cancelled: reader.list("cancelled", 0, MAX_EXCEPTIONS, readLocal),
    answers: reader.list("answers", 0, MAX_ANSWERS, readAnswer),
  };
  reader.finish();
  const { start, rule, moved, cancelled, answers } = meeting;
  require(rule === null || begins(start, rule), "a start that is no day of its rule");
  require(moved.length + cancelled.length <= MAX_EXCEPTIONS, "too many exceptions of a meeting");
  const inOrder =
    ascend(moved, (a, b) => textOrder(a.occurrence, b.occurrence)) &&
    ascend(cancelled, textOrder) &&
    ascend(answers, (a, b) => textOrder(a.occurrence, b.occurrence) || compare(a.account, b.account));
  require(inOrder, "what was said of a meeting is out of order");
  return meeting;
}

function readLocal(value: unknown): string {
  if (typeof value !== "string" || !isLocalTime(value)) throw new RoomDataError("not a local time");
  return value;
}

function readMoved(value: unknown): Moved {
  const reader = new FieldReader(value, "moved occurrence");
  const moved = {
    occurrence: reader.text("occurrence", isLocalTime),
    start: reader.text("start", isLocalTime),
    minutes: reader.integer("minutes", MIN_MINUTES, MAX_MINUTES),
  };
  reader.finish();
  return moved;
}

function readAnswer(value: unknown): Answer {
  const reader = new FieldReader(value, "answer to a meeting");
  const answer = {
    occurrence: reader.has("occurrence") ? reader.text("occurrence", isLocalTime) : "",
    account: reader.bytes("account", ID_LENGTH),
    coming: reader.oneOf("coming", COMING),
  };
  reader.finish();
  return answer;
}
