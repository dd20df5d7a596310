/**
 * Local times, rules and zones, as they are written, and the instants that local times are (RFC 5545). No rule is
 * expanded here: recurrence.ts does that. The syntax of all three is that of wire/schedule.py.
 */

export const MAX_ZONE = 48;
export const MAX_RULE = 72;
export const FIRST_LOCAL = "2000-01-01T00:00";
export const LAST_LOCAL = "2199-12-31T23:59";
export const DAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"] as const;
/** Of which the data is kept at hand. */
const MAX_ZONES = 64;

const LOCAL_TIME =
  /^2[01][0-9]{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3]):[0-5][0-9]$/;
const ZONE =
  /^(?:UTC|(?:Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Europe|Indian|Pacific)(?:\/[A-Z][A-Za-z_-]*){1,2})$/;
const RULE =
  /^FREQ=(DAILY|WEEKLY|MONTHLY)(?:;INTERVAL=([2-9]|[1-9][0-9]))?(?:;BYDAY=([A-Z0-9,-]{2,20}))?(?:;COUNT=([1-9][0-9]?|1[0-9]{2}|200)|;UNTIL=(2[01][0-9]{6}))?$/;
const ORDINAL_DAY = /^(-1|[1-4])(MO|TU|WE|TH|FR|SA|SU)$/;

export const MINUTE_MS = 60_000;
export const DAY_MS = 24 * 3_600_000;

/** A day of the week, from Monday; with an `ordinal`, that of a month: the second, or -1 for the last. 0: every one. */
export type Day = { readonly weekday: number; readonly ordinal: number };

/** RFC 5545 §3.3.10. `days` empty: as the start is. `until`: the last day, local (YYYY-MM-DD). */
export type Rule = {
  readonly frequency: "DAILY" | "WEEKLY" | "MONTHLY";
  readonly interval: number;
  readonly days: readonly Day[];
  readonly count: number | null;
  readonly until: string | null;
};

// Syntax

/** Years and months as they are called, from 1; the weekday from Monday, 0. */
type Local = {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly weekday: number;
};

function daysIn(year: number, month: number): number {
  return new Date(Date.UTC(year, month, 0)).getUTCDate();
}

export function isLocalTime(text: string): boolean {
  return LOCAL_TIME.test(text) && Number(text.slice(8, 10)) <= daysIn(yearOf(text), monthOf(text));
}

export const yearOf = (local: string): number => Number(local.slice(0, 4));
export const monthOf = (local: string): number => Number(local.slice(5, 7));

function partsOf(local: string): Local {
  const weekday = (new Date(naiveMs(local)).getUTCDay() + 6) % 7;
  return { year: yearOf(local), month: monthOf(local), day: Number(local.slice(8, 10)), weekday };
}

/** Whether it is written like a zone. Which zones there are, each machine knows for itself. */
export function isZoneName(text: string): boolean {
  return text.length <= MAX_ZONE && ZONE.test(text);
}

/** Null for what is no rule in its one spelling. */
export function parseRule(text: string): Rule | null {
  const found = text.length <= MAX_RULE ? RULE.exec(text) : null;
  if (found === null) return null;
  const [, frequency, interval, byDay, count, last] = found as unknown as [string, Rule["frequency"]] &
    (string | undefined)[];
  const days = daysOf(frequency, byDay);
  const until = last === undefined ? null : `${last.slice(0, 4)}-${last.slice(4, 6)}-${last.slice(6)}`;
  if (days === null || (until !== null && !isLocalTime(`${until}T23:59`))) return null;
  return {
    frequency,
    interval: Number(interval ?? 1),
    days,
    count: count === undefined ? null : Number(count),
    until,
  };
}

function daysOf(frequency: Rule["frequency"], byDay: string | undefined): readonly Day[] | null {
  if (byDay === undefined) return [];
  if (frequency === "MONTHLY") {
    const found = ORDINAL_DAY.exec(byDay);
    return found === null ? null : [{ weekday: weekdayOf(found[2]!), ordinal: Number(found[1]) }];
  }
  const days = byDay.split(",").map((name) => ({ weekday: weekdayOf(name), ordinal: 0 }));
  const inOrder = days.every(({ weekday }, i) => weekday >= 0 && (i === 0 || days[i - 1]!.weekday < weekday));
  return frequency === "WEEKLY" && inOrder ? days : null;
}

const weekdayOf = (name: string): number => (DAYS as readonly string[]).indexOf(name);

export const isRule = (text: string): boolean => parseRule(text) !== null;

/** RFC 5545 §3.8.5.3: a series begins with its first occurrence. So its start is a day of its rule. */
export function begins(start: string, rule: string): boolean {
  const parsed = parseRule(rule);
  if (parsed === null || !isLocalTime(start)) return false;
  if (parsed.until !== null && start.slice(0, 10) > parsed.until) return false;
  return parsed.days.length === 0 || parsed.days.some((day) => isOn(partsOf(start), day));
}

function isOn({ year, month, day, weekday }: Local, { weekday: named, ordinal }: Day): boolean {
  if (weekday !== named) return false;
  if (ordinal === -1) return day + 7 > daysIn(year, month);
  return ordinal === 0 || ordinal === Math.floor((day - 1) / 7) + 1;
}

// Instants

const formats = new Map<string, Intl.DateTimeFormat | null>();

/** What tells a zone's local time; null for a zone that this machine does not know. */
function formatOf(zone: string): Intl.DateTimeFormat | null {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  if (formats.size >= MAX_ZONES) formats.clear();
  const made = isZoneName(zone) ? newFormat(zone) : null;
  formats.set(zone, made);
  return made;
}

function newFormat(timeZone: string): Intl.DateTimeFormat | null {
  try {
    return new Intl.DateTimeFormat("en-US", {
      timeZone,
      calendar: "gregory",
      numberingSystem: "latn",
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
    });
  } catch (cause) {
    if (cause instanceof RangeError) return null; // no such zone here
    throw cause;
  }
}

/** Whether this machine can say which instants the zone's local times are. */
export const zoneIsKnown = (zone: string): boolean => formatOf(zone) !== null;

/** Minutes that the zone's clocks are ahead of UTC at an instant (ms). */
export function utcOffset(instant: number, zone: string): number | null {
  const format = formatOf(zone);
  if (format === null) return null;
  const told: Record<string, number> = {};
  for (const { type, value } of format.formatToParts(instant)) told[type] = Number(value);
  const local = Date.UTC(told.year!, told.month! - 1, told.day!, told.hour!, told.minute!);
  return Math.round((local - Math.floor(instant / MINUTE_MS) * MINUTE_MS) / MINUTE_MS);
}

/**
 * Milliseconds since 1970; null where this machine does not know the zone.
 *
 * RFC 5545 §3.3.5: a local time that comes twice is the first of the two; one that is left out is read with the offset
 * before the gap.
 */
export function instantOf(local: string, zone: string): number | null {
  const naive = naiveMs(local);
  const before = utcOffset(naive - DAY_MS, zone);
  const after = utcOffset(naive + DAY_MS, zone);
  if (before === null || after === null) return null;
  const first = naive - before * MINUTE_MS;
  if (before === after || utcOffset(first, zone) === before) return first;
  const second = naive - after * MINUTE_MS;
  return utcOffset(second, zone) === after ? second : first;
}

/** The local time read as UTC (ms): within fourteen hours of the instant, whatever the zone. */
export function naiveMs(local: string): number {
  return Date.parse(`${local}:00Z`);
}

/** The other way. Years outside of 2000 to 2199 are the nearest time inside. */
export function naiveLocal(ms: number): string {
  const bounded = Math.min(Math.max(ms, naiveMs(FIRST_LOCAL)), naiveMs(LAST_LOCAL));
  return new Date(bounded).toISOString().slice(0, 16);
}
