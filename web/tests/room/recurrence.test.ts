/** When meetings take place: rules in local time, and the instants of local times (RFC 5545). As in test_recurrence.py. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  begins,
  FIRST_LOCAL,
  instantOf,
  isStart,
  isZoneName,
  LAST_LOCAL,
  MAX_LOOKED,
  naiveLocal,
  naiveMs,
  parseRule,
  type Series,
  starts,
  utcOffset,
  zoneIsKnown,
} from "../../src/room/recurrence";

const series = (start: string, rule: string | null, ends: string | null = null): Series => ({
  start,
  rule,
  ends,
});

describe("instants", () => {
  it.each([
    ["Europe/Lisbon", "2026-01-15T18:00", "2026-01-15T18:00+00:00"],
    ["Europe/Lisbon", "2026-07-15T18:00", "2026-07-15T18:00+01:00"],
    // Left out: one o'clock is two o'clock.
    ["Europe/Lisbon", "2026-03-29T00:59", "2026-03-29T00:59+00:00"],
    ["Europe/Lisbon", "2026-03-29T01:00", "2026-03-29T02:00+01:00"],
    ["Europe/Lisbon", "2026-03-29T01:59", "2026-03-29T02:59+01:00"],
    ["Europe/Lisbon", "2026-03-29T02:00", "2026-03-29T02:00+01:00"],
    // Twice: the first of the two.
    ["Europe/Lisbon", "2026-10-25T01:30", "2026-10-25T01:30+01:00"],
    ["Europe/Lisbon", "2026-10-25T02:00", "2026-10-25T02:00+00:00"],
    ["America/New_York", "2026-03-08T02:30", "2026-03-08T03:30-04:00"],
    ["America/New_York", "2026-11-01T01:30", "2026-11-01T01:30-04:00"],
    // Half an hour, on the other side of the earth.
    ["Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-04T02:45+11:00"],
    ["Australia/Lord_Howe", "2026-10-04T02:30", "2026-10-04T02:30+11:00"],
    ["Australia/Lord_Howe", "2026-04-05T01:45", "2026-04-05T01:45+11:00"],
    ["Australia/Lord_Howe", "2026-04-05T02:00", "2026-04-05T02:00+10:30"],
    // Clocks that nobody changes.
    ["Asia/Kolkata", "2026-03-29T01:30", "2026-03-29T01:30+05:30"],
    ["UTC", "2026-03-29T01:30", "2026-03-29T01:30+00:00"],
    ["Pacific/Kiritimati", "2026-01-01T00:00", "2026-01-01T00:00+14:00"],
  ])("%s %s is what RFC 5545 says", (zone, local, instant) => {
    expect(instantOf(local, zone)).toBe(Date.parse(instant));
  });

  it("there and back is the local time unless it was left out", () => {
    const zones = ["Europe/Lisbon", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"];
    const first = naiveMs("2001-01-01T00:00");
    const last = naiveMs("2099-01-01T00:00");
    fc.assert(
      fc.property(fc.constantFrom(...zones), fc.integer({ min: first, max: last }), (zone, ms) => {
        const local = naiveLocal(ms);
        const instant = instantOf(local, zone)!;
        const offset = utcOffset(instant, zone)!;
        const gap = instant + offset * 60_000 - naiveMs(local);
        if (gap === 0) return;
        expect([1_800_000, 3_600_000]).toContain(gap);
        expect(utcOffset(instant - gap, zone)).not.toBe(offset);
      }),
      { seed: 1, numRuns: 150 },
    );
  });

  it.each([
    "Europe/Nowhere",
    "Europe",
    "America/Argentina",
    "../../etc/passwd",
    "/etc/passwd",
    "Europe/Lisbon\0",
    "localtime",
    "+02:00",
    "europe/lisbon",
    "",
  ])("a zone that is none is not known: %j", (name) => {
    expect(zoneIsKnown(name)).toBe(false);
    expect(instantOf("2026-01-01T00:00", name)).toBeNull();
    expect(utcOffset(0, name)).toBeNull();
    expect(isZoneName(name)).toBe(name === "Europe/Nowhere" || name === "America/Argentina");
  });
});

describe("rules", () => {
  it.each([
    ["2026-03-03T18:00", null, ["03-03"]],
    ["2026-03-03T18:00", "FREQ=DAILY;COUNT=3", ["03-03", "03-04", "03-05"]],
    ["2026-03-03T18:00", "FREQ=WEEKLY;COUNT=1", ["03-03"]],
    // The last day counts, and the day after does not.
    ["2026-03-03T18:00", "FREQ=WEEKLY;UNTIL=20260317", ["03-03", "03-10", "03-17"]],
    ["2026-03-03T18:00", "FREQ=WEEKLY;UNTIL=20260316", ["03-03", "03-10"]],
    ["2026-03-03T00:00", "FREQ=DAILY;UNTIL=20260304", ["03-03", "03-04"]],
    // A week begins on Monday, whatever the start.
    ["2026-03-05T18:00", "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,TH;COUNT=4", ["03-05", "03-17", "03-19", "03-31"]],
    ["2026-03-01T18:00", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU;COUNT=4", ["03-01", "03-09", "03-15", "03-23"]],
    ["2026-01-31T18:00", "FREQ=MONTHLY;COUNT=4", ["01-31", "03-31", "05-31", "07-31"]],
    ["2026-01-29T18:00", "FREQ=MONTHLY;COUNT=3", ["01-29", "03-29", "04-29"]],
    ["2026-03-10T18:00", "FREQ=MONTHLY;BYDAY=2TU;COUNT=3", ["03-10", "04-14", "05-12"]],
    ["2026-03-31T18:00", "FREQ=MONTHLY;BYDAY=-1TU;COUNT=3", ["03-31", "04-28", "05-26"]],
  ] as const)("%s %s", (start, rule, found) => {
    const all = starts(series(start, rule), FIRST_LOCAL, LAST_LOCAL);
    expect(all.map((one) => one.slice(5, 10))).toEqual(found);
    for (const day of found) expect(isStart(series(start, rule), `2026-${day}${start.slice(10)}`)).toBe(true);
    expect(isStart(series(start, rule), `2026-${found[0]}T23:58`)).toBe(false);
  });

  it("a series that was cut off ends before it", () => {
    const cut = series("2026-03-03T18:00", "FREQ=WEEKLY", "2026-03-17T18:00");
    expect(starts(cut, FIRST_LOCAL, LAST_LOCAL)).toEqual(["2026-03-03T18:00", "2026-03-10T18:00"]);
    expect(isStart(cut, "2026-03-17T18:00")).toBe(false);
  });

  it("what is looked at is bounded", () => {
    const daily = series("2026-03-03T18:00", "FREQ=DAILY");
    expect(starts(daily, FIRST_LOCAL, LAST_LOCAL)).toHaveLength(MAX_LOOKED);
    // A leap day in every fifth year comes every twenty years.
    const rare = series("2004-02-29T18:00", "FREQ=MONTHLY;INTERVAL=60");
    expect(starts(rare, FIRST_LOCAL, LAST_LOCAL).slice(0, 3)).toEqual([
      "2004-02-29T18:00",
      "2024-02-29T18:00",
      "2044-02-29T18:00",
    ]);
  });

  it("a window has what the whole series has there, whatever is skipped to get there", () => {
    const heads = [
      "FREQ=DAILY",
      "FREQ=DAILY;INTERVAL=99",
      "FREQ=WEEKLY;INTERVAL=3;BYDAY=MO,TU,WE,TH,FR,SA,SU",
      "FREQ=WEEKLY;INTERVAL=2",
      "FREQ=MONTHLY",
      "FREQ=MONTHLY;INTERVAL=12",
    ];
    const ends = ["", ";COUNT=200", ";UNTIL=20280101"];
    const start = fc.integer({ min: naiveMs("2020-01-01T00:00"), max: naiveMs("2026-01-01T00:00") });
    fc.assert(
      fc.property(
        start,
        fc.constantFrom(...heads),
        fc.constantFrom(...ends),
        fc.nat({ max: 4000 }),
        fc.nat({ max: 60 }),
        (ms, head, end, after, days) => {
          const first = naiveLocal(ms);
          const rule = `${head}${end}`;
          expect(begins(first, rule)).toBe(true);
          const low = naiveLocal(ms + after * 86_400_000);
          const high = naiveLocal(naiveMs(low) + days * 86_400_000);
          const found = starts(series(first, rule), low, high);
          // In steps of a day, each from its own anchor.
          const steps = Array.from({ length: days }, (_, i) => naiveLocal(naiveMs(low) + i * 86_400_000));
          const each = steps.flatMap((at) =>
            starts(series(first, rule), at, naiveLocal(naiveMs(at) + 86_400_000)),
          );
          expect(found).toEqual(each);
        },
      ),
      { seed: 2, numRuns: 60 },
    );
  });

  it("any text is a rule or none", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 80 }), (text) => {
        const parsed = parseRule(text);
        expect(parsed === null || parsed.interval <= 99).toBe(true);
      }),
      { seed: 3, numRuns: 300 },
    );
  });
});
