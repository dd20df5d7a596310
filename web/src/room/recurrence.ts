/**
 * When a meeting takes place: what its rule comes to (RFC 5545).
 *
 * A rule is expanded in local time, without a zone, so that everyone counts the same occurrences whatever their time zone
 * data; then each local time becomes an instant in the meeting's zone (localTimes.ts).
 */

import ICAL from "ical.js";
import { DAY_MS, MINUTE_MS, monthOf, naiveLocal, naiveMs, parseRule, type Rule, yearOf } from "./localTimes";

export {
  begins,
  DAYS,
  type Day,
  FIRST_LOCAL,
  instantOf,
  isLocalTime,
  isRule,
  isZoneName,
  LAST_LOCAL,
  MAX_RULE,
  MAX_ZONE,
  naiveLocal,
  naiveMs,
  parseRule,
  type Rule,
  utcOffset,
  zoneIsKnown,
} from "./localTimes";

/** Looked at in one expansion: each day of the longest window, and what a rule that is counted may have. */
export const MAX_LOOKED = 400;

/** Local starts: the first, the rule of the others, and where somebody cut them off (not included). */
export type Series = { readonly start: string; readonly rule: string | null; readonly ends: string | null };

/**
 * Local starts from `low` up to, not including, `high`; at most MAX_LOOKED are looked at. Whoever asks for more days than
 * that gets the first ones.
 */
export function starts(series: Series, low: string, high: string): readonly string[] {
  const most = series.ends !== null && series.ends < high ? series.ends : high;
  const found: string[] = [];
  for (const local of firstLooked(series, low)) {
    if (local >= most) break;
    if (local >= low) found.push(local);
  }
  return found;
}

/** Whether the series, as it was planned, has an occurrence then. */
export function isStart(series: Series, local: string): boolean {
  return starts(series, local, naiveLocal(naiveMs(local) + MINUTE_MS)).length > 0;
}

function* firstLooked({ start, rule }: Series, low: string): Generator<string> {
  if (rule === null) {
    yield start;
    return;
  }
  const parsed = parseRule(rule);
  if (parsed === null) throw new Error("a rule that nobody has checked");
  const anchor = parsed.count === null ? anchorOf(parsed, start, low) : start;
  const recur = ICAL.Recur.fromString(withDefaults(rule, parsed, start));
  const expanded = recur.iterator(ICAL.Time.fromDateTimeString(`${anchor}:00`));
  for (let looked = 0; looked < MAX_LOOKED; looked++) {
    const next = expanded.next();
    if (next === null || next === undefined || next.year > 2199) return;
    const local = next.toString().slice(0, 16);
    if (local >= start) yield local;
  }
}

/** The rule with what it leaves to its start said: the anchor of the same series may be another day. */
function withDefaults(rule: string, parsed: Rule, start: string): string {
  const until = rule.replace(/UNTIL=([0-9]{8})$/, "UNTIL=$1T235900");
  const monthDay = parsed.frequency === "MONTHLY" && parsed.days.length === 0;
  return monthDay ? `${until};BYMONTHDAY=${Number(start.slice(8, 10))}` : until;
}

/** A later beginning of the same series, a period before `low`: what is long past is not counted up. */
function anchorOf(rule: Rule, start: string, low: string): string {
  if (low <= start) return start;
  if (rule.frequency === "MONTHLY") {
    const months = (yearOf(low) - yearOf(start)) * 12 + monthOf(low) - monthOf(start);
    const periods = Math.floor(months / rule.interval) - 1;
    if (periods <= 0) return start;
    const month = monthOf(start) - 1 + periods * rule.interval;
    const year = yearOf(start) + Math.floor(month / 12);
    // The first of a month: each has one, which is not true of the 31st.
    return `${year}-${String((month % 12) + 1).padStart(2, "0")}-01${start.slice(10)}`;
  }
  const days = rule.interval * (rule.frequency === "WEEKLY" ? 7 : 1);
  const past = Math.floor((naiveMs(low) - naiveMs(start)) / DAY_MS);
  return naiveLocal(naiveMs(start) + Math.max(Math.floor(past / days) - 1, 0) * days * DAY_MS);
}
