import type { MeetingPlan } from "../../engine/callApi";
import { begins, instantOf, isLocalTime, zoneIsKnown } from "../../room/localTimes";
import { meetingWords } from "../../words/laterWords";
import { words } from "../../words/words";
import { characters, MAX_LINE } from "../limits";
import { withoutEnd } from "./ruleWords";

/** A meeting as somebody fills it in, and what is wrong with it. Pure. */

export type Ends = "never" | "until" | "count";
export type Filled = {
  readonly title: string;
  /** YYYY-MM-DD and HH:MM, in `zone`. */
  readonly day: string;
  readonly time: string;
  readonly minutes: number;
  readonly zone: string;
  /** Without its end; null: once. */
  readonly rule: string | null;
  readonly ends: Ends;
  readonly until: string;
  readonly count: string;
};
export type Field = "title" | "day" | "time" | "zone" | "until" | "count";
export type Wrong = Partial<Readonly<Record<Field, string>>>;

const say = meetingWords.fields;
const MAX_COUNT = 200;
export const LENGTHS: readonly number[] = [15, 30, 45, 60, 75, 90, 120, 150, 180, 240];

/** What is to be mended, by field; empty when it can be planned. */
export function wrongIn(filled: Filled, now: number): Wrong {
  const { title, day, time, zone, rule, ends, until, count } = filled;
  const wrong: { -readonly [K in Field]?: string } = {};
  const name = title.trim();
  if (name === "") wrong.title = say.titleMissing;
  else if (characters(name) > MAX_LINE) wrong.title = words.errors.title_invalid;
  if (!isLocalTime(`${day}T00:00`)) wrong.day = say.dayMissing;
  if (!isLocalTime(`2026-01-01T${time}`)) wrong.time = say.timeMissing;
  if (!zoneIsKnown(zone)) wrong.zone = say.zoneNone;
  if (wrong.day === undefined && wrong.time === undefined && wrong.zone === undefined) {
    const at = instantOf(`${day}T${time}`, zone);
    if (at !== null && at < now) wrong.day = say.past;
  }
  if (rule !== null && ends === "until") {
    if (!isLocalTime(`${until}T00:00`)) wrong.until = say.untilMissing;
    else if (until < day) wrong.until = say.untilEarly;
  }
  if (rule !== null && ends === "count") {
    const n = Number(count);
    if (!/^[0-9]+$/.test(count) || n < 1 || n > MAX_COUNT) wrong.count = say.countWrong;
  }
  return wrong;
}

/** The rule with its end. A series whose first day is none of its rule's begins with that day: the rule without days. */
export function ruleOf({ rule, ends, until, count, day, time }: Filled): string | null {
  if (rule === null) return null;
  const fits = begins(`${day}T${time}`, rule) ? rule : rule.replace(/;BYDAY=[^;]*/, "");
  if (ends === "until") return `${fits};UNTIL=${until.replaceAll("-", "")}`;
  return ends === "count" ? `${fits};COUNT=${Number(count)}` : fits;
}

/** What the engine is asked to plan; only of what nothing is wrong with. */
export function planOf(filled: Filled): MeetingPlan {
  const { title, day, time, minutes, zone } = filled;
  return { title: title.trim(), start: `${day}T${time}`, zone, minutes, rule: ruleOf(filled) };
}

/** A plan that is there already, to be changed. `left`: how many of its times are still to come. */
export function filledFrom(plan: MeetingPlan, left: number): Filled {
  const end = plan.rule === null ? null : withoutEnd(plan.rule);
  const { title, start, zone, minutes } = plan;
  return {
    ...{ title, zone, minutes, day: start.slice(0, 10), time: start.slice(11) },
    rule: end?.rule ?? null,
    ends: end?.until ? "until" : end?.count ? "count" : "never",
    until: end?.until ?? "",
    count: end?.count ? String(Math.max(left, 1)) : "",
  };
}
