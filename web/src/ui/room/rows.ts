import type { TimelineItem } from "../../engine/api";
import { dayNumber, type Reader } from "../dates";

/** The rows of a timeline: items with what is drawn above them. One row for each item, so that indices stay the same. */
export type Row = {
  readonly item: TimelineItem;
  /** The first item of a calendar day in the reader's zone. */
  readonly newDay: boolean;
  /** The first unread item. */
  readonly unreadLine: boolean;
  /** The same author went on within a few minutes: no need to repeat the name. */
  readonly continued: boolean;
};

const CONTINUED_MS = 5 * 60_000;

/** `readUpTo` is where this person had read when the room was opened, so that the line stays where it was. */
export function buildRows(items: readonly TimelineItem[], readUpTo: number, who: Reader): readonly Row[] {
  const rows: Row[] = [];
  let before: TimelineItem | undefined;
  let dayBefore = Number.NaN;
  let lineDrawn = false;
  for (const item of items) {
    const day = dayNumber(item.at, who);
    const newDay = day !== dayBefore;
    const unreadLine = !lineDrawn && isUnread(item, readUpTo);
    if (unreadLine) lineDrawn = true;
    const continued =
      !newDay &&
      !unreadLine &&
      item.kind === "post" &&
      before?.kind === "post" &&
      before.author.accountId === item.author.accountId &&
      item.replyTo === null &&
      item.at - before.at < CONTINUED_MS;
    rows.push({ item, newDay, unreadLine, continued });
    before = item;
    dayBefore = day;
  }
  return rows;
}

/** Unread is what others wrote after the last thing read. */
export const isUnread = (item: TimelineItem, readUpTo: number): boolean =>
  item.kind === "post" && !item.mine && !item.deleted && item.n > readUpTo;

export const rowKey = (row: Row): string => row.item.id;
