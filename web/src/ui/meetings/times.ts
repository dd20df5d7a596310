import { meetingWords } from "../../words/laterWords";
import { clock, dayLabel, dayNumber, type Reader, reader } from "../dates";

/** When a meeting is, in somebody's zone: as it is seen, and as it is read aloud. */

const say = meetingWords;

/** "Today", "Tomorrow", "Tuesday, 3 March". */
export function meetingDay(at: number, now: number, who: Reader = reader()): string {
  const ahead = dayNumber(at, who) - dayNumber(now, who);
  if (ahead === 0) return say.today;
  if (ahead === 1) return say.tomorrow;
  // "Yesterday" is dayLabel's; a meeting in the past is shown only as the series of one that goes on.
  return dayLabel(at, now, who);
}

type Span = { readonly begins: number; readonly ends: number };

/** "18:00–19:30" */
export const spanSeen = ({ begins, ends }: Span, who: Reader = reader()): string =>
  say.seen(clock(begins, who), clock(ends, who));

/** "18:00 to 19:30" */
export const spanRead = ({ begins, ends }: Span, who: Reader = reader()): string =>
  say.span(clock(begins, who), clock(ends, who));

/** "Tuesday, 3 March, 18:00 to 19:30", for whoever hears it. */
export const whenRead = (span: Span, now: number, who: Reader = reader()): string =>
  `${meetingDay(span.begins, now, who)}, ${spanRead(span, who)}`;

/** Whether clocks in two zones differ at an instant: then both times are shown. */
export function differs(at: number, zone: string, who: Reader = reader()): boolean {
  return (
    clock(at, { ...who, timeZone: zone }) !== clock(at, who) ||
    dayNumber(at, { ...who, timeZone: zone }) !== dayNumber(at, who)
  );
}

/** "18:00–19:30", and the day where it is another one: in the zone that it was planned in. */
export function elsewhere(span: Span, now: number, zone: string, who: Reader = reader()): string {
  const there = { ...who, timeZone: zone };
  const sameDay = dayNumber(span.begins, there) === dayNumber(span.begins, who);
  const time = spanSeen(span, there);
  return sameDay ? time : `${dayLabel(span.begins, now, there)}, ${time}`;
}

/** Whole minutes until then, upwards; 0 and below when it is there. */
export const minutesUntil = (at: number, now: number): number => Math.ceil((at - now) / 60_000);
