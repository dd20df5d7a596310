import { naiveMs, parseRule, type Rule } from "../../room/localTimes";
import { listed } from "../../words/en";
import { meetingWords } from "../../words/laterWords";
import { clock, dated, type Reader, reader } from "../dates";
import { city } from "./zones";

/** A rule of the subset of RFC 5545 that meetings have, as people say it: "Every other Tuesday at 18:00, Lisbon time". */

export type Series = { readonly start: string; readonly zone: string; readonly rule: string };

const say = meetingWords.rule;
const WORKDAYS = "0,1,2,3,4";
const WEEK = 7;

/** What comes again, without a time: "Every other Tuesday". `start`: the local start that the rule goes on from. */
function often({ frequency, interval, days }: Rule, start: string): string {
  const date = new Date(naiveMs(start));
  const weekday = (date.getUTCDay() + 6) % WEEK;
  switch (frequency) {
    case "DAILY":
      return say.daily(interval);
    case "WEEKLY": {
      const named = days.length === 0 ? [weekday] : days.map((day) => day.weekday);
      if (interval === 1 && named.length === WEEK) return say.daily(1);
      if (interval === 1 && named.join() === WORKDAYS) return say.workdays;
      const names = listed(named.map((day) => say.days[day]!));
      return named.length === 1 ? say.weekly(interval, names) : say.weeklyOn(interval, names);
    }
    case "MONTHLY": {
      const [day] = days;
      if (day === undefined) return say.monthlyOn(interval, date.getUTCDate());
      const ordinals: Readonly<Record<string, string>> = say.ordinals;
      return say.monthlyBy(interval, ordinals[String(day.ordinal)]!, say.days[day.weekday]!);
    }
  }
}

/** Null for what is no rule. The zone is named where the reader's is another one. */
export function ruleWords({ start, zone, rule: text }: Series, who: Reader = reader()): string | null {
  const rule = parseRule(text);
  if (rule === null) return null;
  const asWritten: Reader = { ...who, timeZone: "UTC" };
  let said = say.at(often(rule, start), clock(naiveMs(start), asWritten));
  if (zone !== who.timeZone) said = say.zone(said, city(zone));
  if (rule.count !== null) said = say.count(said, rule.count);
  if (rule.until !== null) said = say.until(said, dated(naiveMs(`${rule.until}T12:00`), asWritten));
  return said;
}

/** How a meeting comes again, by its first day: what a person chooses from. `rule` has no end yet; null: once. */
export type Repeat = { readonly rule: string | null; readonly words: string };

/** The choices for a day (YYYY-MM-DD), those that people use. */
export function repeats(day: string): readonly Repeat[] {
  const date = new Date(naiveMs(`${day}T12:00`));
  const name = DAY_NAMES[date.getUTCDay()]!;
  const nth = Math.floor((date.getUTCDate() - 1) / WEEK) + 1;
  const isLast = new Date(date.getTime() + WEEK * 86_400_000).getUTCMonth() !== date.getUTCMonth();
  const rules = [
    "FREQ=DAILY",
    "FREQ=WEEKLY",
    "FREQ=WEEKLY;INTERVAL=2",
    "FREQ=MONTHLY",
    ...(nth <= 4 ? [`FREQ=MONTHLY;BYDAY=${nth}${name}`] : []),
    ...(isLast ? [`FREQ=MONTHLY;BYDAY=-1${name}`] : []),
  ];
  const start = `${day}T12:00`;
  return [
    { rule: null, words: meetingWords.fields.once },
    ...rules.map((rule) => ({ rule, words: often(parseRule(rule)!, start) })),
  ];
}

const DAY_NAMES = ["SU", "MO", "TU", "WE", "TH", "FR", "SA"] as const;

/** A rule without its end, and the end: { count }, { until } or neither. */
export function withoutEnd(rule: string): {
  readonly rule: string;
  readonly count: number | null;
  readonly until: string | null;
} {
  const parsed = parseRule(rule);
  return {
    rule: rule.replace(/;(?:COUNT|UNTIL)=.*$/, ""),
    count: parsed?.count ?? null,
    until: parsed?.until ?? null,
  };
}
