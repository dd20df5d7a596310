import { words } from "../words/words";

/**
 * Dates in the reader's own time zone. The words are English, so the names of days are too; order and 12 or 24 hours
 * follow the reader's region ("en-DE": Monday, 3 May, 14:05).
 */

export type Reader = { readonly locale: string; readonly timeZone: string };

/** "de-DE" → "en-DE"; English as it is. */
export function localeFor(language: string): string {
  try {
    const { language: spoken, region } = new Intl.Locale(language);
    if (spoken === "en") return language;
    return region ? `en-${region}` : "en-GB";
  } catch (error) {
    if (error instanceof RangeError) return "en-GB"; // not a language tag
    throw error;
  }
}

export const reader = (): Reader => ({
  locale: localeFor(navigator.language),
  timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
});

const made = new Map<string, Intl.DateTimeFormat>();

/** Making a format costs more than using it a hundred times. */
function format(at: number, who: Reader, options: Intl.DateTimeFormatOptions): string {
  const key = `${who.locale}|${who.timeZone}|${JSON.stringify(options)}`;
  let found = made.get(key);
  if (!found) {
    found = new Intl.DateTimeFormat(who.locale, { timeZone: who.timeZone, ...options });
    made.set(key, found);
  }
  return found.format(at);
}

const DAY_MS = 86_400_000;
/** Every zone's offset is a multiple of a quarter of an hour, so within one quarter the day is the same. */
const QUARTER_MS = 15 * 60_000;
const MAX_DAYS = 10_000;
const days = new Map<string, number>();

/** Days since 1970 in the reader's zone: equal for two times of one calendar day. */
export function dayNumber(at: number, who: Reader): number {
  const key = `${who.timeZone}|${Math.floor(at / QUARTER_MS)}`;
  const known = days.get(key);
  if (known !== undefined) return known;
  const [year, month, day] = format(
    at,
    { ...who, locale: "en-CA" },
    { year: "numeric", month: "2-digit", day: "2-digit" },
  )
    .split("-")
    .map(Number);
  const found = Date.UTC(year!, month! - 1, day!) / DAY_MS;
  if (days.size >= MAX_DAYS) days.clear();
  days.set(key, found);
  return found;
}

const yearOf = (at: number, who: Reader): string =>
  format(at, { ...who, locale: "en-CA" }, { year: "numeric" });

/** "14:05" */
export const clock = (at: number, who: Reader = reader()): string => format(at, who, { timeStyle: "short" });

/** A heading between days: "Today", "Yesterday", "Monday, 3 May", with the year when it is another. */
export function dayLabel(at: number, now: number, who: Reader = reader()): string {
  const ago = dayNumber(now, who) - dayNumber(at, who);
  if (ago === 0) return words.dates.today;
  if (ago === 1) return words.dates.yesterday;
  const year = yearOf(at, who) === yearOf(now, who) ? {} : { year: "numeric" as const };
  return format(at, who, { weekday: "long", day: "numeric", month: "long", ...year });
}

/** For lists: the time today, then "Yesterday", the weekday, the date. */
export function briefly(at: number, now: number, who: Reader = reader()): string {
  const ago = dayNumber(now, who) - dayNumber(at, who);
  if (ago === 0) return clock(at, who);
  if (ago === 1) return words.dates.yesterday;
  if (ago > 1 && ago < 7) return format(at, who, { weekday: "long" });
  const year = yearOf(at, who) === yearOf(now, who) ? {} : { year: "numeric" as const };
  return format(at, who, { day: "numeric", month: "short", ...year });
}

/** "Monday, 3 May at 14:05" */
export const fully = (at: number, who: Reader = reader()): string =>
  format(at, who, { weekday: "long", day: "numeric", month: "long", hour: "numeric", minute: "2-digit" });

/** "3 May 2026" */
export const dated = (at: number, who: Reader = reader()): string => format(at, who, { dateStyle: "long" });
