import type { Asked, RingAnswer, RingView } from "../../engine/callApi";
import { ringWords } from "../../words/laterWords";
import { briefly, clock, fully, type Reader, reader } from "../dates";

/** Who comes to a call and when, in words. Pure. */

const MINUTE_MS = 60_000;
const HALF_DAY_MS = 12 * 60 * MINUTE_MS;

/** "in 4 minutes (14:05)"; the day as well where it is far away. */
export function dueWords(due: number, now: number, who: Reader = reader()): string {
  const minutes = Math.round((due - now) / MINUTE_MS);
  const time = due - now < HALF_DAY_MS ? clock(due, who) : fully(due, who);
  return ringWords.inAbout(minutes, time);
}

/** What is known of one of those who are called. */
export function stateWords({ state, due }: Asked, now: number, who: Reader = reader()): string {
  const say = ringWords.state;
  if (state !== "later") return say[state];
  if (due === null) return say.joining;
  return due <= now ? say.overdue(briefly(due, now, who)) : say.later(dueWords(due, now, who));
}

/** How far it has come, in one line. */
export function progressWords(ring: RingView, now: number, who: Reader = reader()): string {
  const { enough, joining, coming, needed, enoughAt } = ring;
  if (enough) return ringWords.enough(joining);
  const progress = ringWords.progress(joining, coming, needed);
  if (enoughAt === null || enoughAt <= now) return progress;
  return `${progress} ${ringWords.enoughAt(dueWords(enoughAt, now, who))}`;
}

/** What this person has answered; null before. `due`: theirs, by the list of those who are asked. */
export function ownWords(ring: RingView, due: number | null, now: number): string | null {
  const say = ringWords.mine;
  switch (ring.answer) {
    case "joining":
      return say.joining;
    case "cannot":
      return say.cannot;
    case "later":
      return due === null ? say.joining : say.later(dueWords(due, now));
    default:
      return null;
  }
}

/** Whether it is this person's turn to say something. */
export const isOpen = ({ mine, answer }: RingView): boolean =>
  !mine && (answer === null || answer === "away" || answer === "reached" || answer === "seen");

/** The next time that this device's clock shows "17:00": today, else tomorrow. Null for what is no time. */
export function nextClock(text: string, now: number): number | null {
  const found = /^([01][0-9]|2[0-3]):([0-5][0-9])$/.exec(text);
  if (found === null) return null;
  const date = new Date(now);
  date.setHours(Number(found[1]), Number(found[2]), 0, 0);
  if (date.getTime() <= now) date.setDate(date.getDate() + 1);
  return date.getTime();
}

/** The answer "at a time" from a time of day, or from a day and time ("YYYY-MM-DDTHH:MM"). Null for what is none, or past. */
export function answerAt(text: string, now: number): RingAnswer | null {
  const time = text.includes("T") ? new Date(text).getTime() : nextClock(text, now);
  if (time === null || Number.isNaN(time) || time <= now) return null;
  return { kind: "at", time };
}
