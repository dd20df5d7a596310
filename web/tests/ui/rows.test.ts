import { describe, expect, it } from "vitest";
import type { TimelineItem } from "../../src/engine/api";
import { buildRows } from "../../src/ui/room/rows";

const who = { locale: "en-GB", timeZone: "Europe/Vienna" };
const MINUTE = 60_000;
const NOON = Date.parse("2026-05-20T10:00:00Z");

function post(n: number, at: number, more: Partial<TimelineItem & { kind: "post" }> = {}): TimelineItem {
  return {
    kind: "post",
    id: `p${n}`,
    n,
    at,
    author: { accountId: "anna", name: "Anna", standing: "introduced" },
    mine: false,
    text: "x",
    deleted: false,
    editedAt: null,
    replyTo: null,
    reactions: [],
    delivery: "server",
    ...more,
  };
}

describe("rows of a timeline", () => {
  it("T1 begin a day where the reader's day begins", () => {
    const rows = buildRows(
      [
        post(1, Date.parse("2026-05-20T21:59:00Z")),
        post(2, Date.parse("2026-05-20T22:01:00Z")),
        post(3, Date.parse("2026-05-20T22:02:00Z")),
      ],
      9,
      who,
    );
    expect(rows.map((row) => row.newDay)).toEqual([true, true, false]);
  });

  it("T2 draw one unread line, before the first unread message of somebody else", () => {
    const rows = buildRows(
      [
        post(1, NOON),
        post(2, NOON, { mine: true }),
        post(3, NOON, { deleted: true }),
        post(4, NOON),
        post(5, NOON),
      ],
      1,
      who,
    );
    expect(rows.map((row) => row.unreadLine)).toEqual([false, false, false, true, false]);
    expect(buildRows([post(1, NOON)], 1, who).some((row) => row.unreadLine)).toBe(false);
  });

  it("T3 leave the name out where the same person goes on within five minutes", () => {
    const ben = { accountId: "ben", name: "Anna", standing: "introduced" } as const;
    const rows = buildRows(
      [
        post(1, NOON),
        post(2, NOON + MINUTE),
        post(3, NOON + 7 * MINUTE),
        post(4, NOON + 8 * MINUTE, { author: ben }),
        post(5, NOON + 8 * MINUTE, { author: ben, replyTo: { id: "p1", name: "Anna", text: "x" } }),
      ],
      9,
      who,
    );
    // Another account of the same name is another person.
    expect(rows.map((row) => row.continued)).toEqual([false, true, false, false, false]);
  });

  it("T4 are as many as the items, in their order", () => {
    const items = Array.from({ length: 300 }, (_, i) => post(i + 1, NOON + i * MINUTE));
    expect(buildRows(items, 0, who).map((row) => row.item.id)).toEqual(items.map((item) => item.id));
  });
});
