/** A meeting as somebody fills it in: what is wrong with it, and what it comes to. */

import { describe, expect, it } from "vitest";
import { begins, isRule } from "../../src/room/localTimes";
import { type Filled, filledFrom, planOf, ruleOf, wrongIn } from "../../src/ui/meetings/plan";

const NOW = Date.parse("2026-03-01T12:00:00Z");
const filled = (more: Partial<Filled> = {}): Filled => ({
  ...{ title: " Consultation ", day: "2026-03-03", time: "18:00", minutes: 90, zone: "Europe/Lisbon" },
  ...{ rule: "FREQ=WEEKLY;INTERVAL=2", ends: "never", until: "", count: "" },
  ...more,
});

describe("a plan", () => {
  it.each([
    [{}, []],
    [{ title: "  " }, ["title"]],
    [{ title: "x".repeat(81) }, ["title"]],
    [{ day: "" }, ["day"]],
    [{ day: "2026-02-30" }, ["day"]],
    [{ time: "" }, ["time"]],
    [{ day: "2026-02-28" }, ["day"]],
    [{ day: "2026-03-01", time: "11:59" }, ["day"]],
    [{ day: "2026-03-01", time: "12:01" }, []],
    [{ zone: "Europe/Nowhere" }, ["zone"]],
    [{ ends: "until", until: "" }, ["until"]],
    [{ ends: "until", until: "2026-03-02" }, ["until"]],
    [{ ends: "until", until: "2026-03-03" }, []],
    [{ ends: "count", count: "0" }, ["count"]],
    [{ ends: "count", count: "201" }, ["count"]],
    [{ ends: "count", count: "1e2" }, ["count"]],
    [{ ends: "count", count: "200" }, []],
    [{ rule: null, ends: "count", count: "" }, []],
    [{ title: "", day: "", time: "", ends: "count" }, ["title", "day", "time", "count"]],
  ] as const)("%j has to be mended at %j", (more, fields) => {
    expect(Object.keys(wrongIn(filled(more), NOW))).toEqual(fields);
  });

  it("is what the engine takes: rules in their one spelling, that their first day begins", () => {
    expect(planOf(filled())).toEqual({
      title: "Consultation",
      start: "2026-03-03T18:00",
      zone: "Europe/Lisbon",
      minutes: 90,
      rule: "FREQ=WEEKLY;INTERVAL=2",
    });
    expect(ruleOf(filled({ ends: "count", count: "010" }))).toBe("FREQ=WEEKLY;INTERVAL=2;COUNT=10");
    expect(ruleOf(filled({ ends: "until", until: "2026-12-31" }))).toBe(
      "FREQ=WEEKLY;INTERVAL=2;UNTIL=20261231",
    );
    // Moved to a Wednesday: what came on Tuesdays comes on Wednesdays.
    const moved = filled({
      day: "2026-03-04",
      rule: "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU",
      ends: "count",
      count: "4",
    });
    expect(ruleOf(moved)).toBe("FREQ=WEEKLY;INTERVAL=2;COUNT=4");
    for (const one of [filled(), moved, filled({ rule: "FREQ=MONTHLY;BYDAY=1TU" })]) {
      const rule = ruleOf(one)!;
      expect(isRule(rule) && begins(`${one.day}T${one.time}`, rule)).toBe(true);
    }
  });

  it("to be changed begins as it is, with as many times as are left", () => {
    const plan = planOf(filled({ ends: "count", count: "10" }));
    expect(planOf(filledFrom(plan, 4)).rule).toBe("FREQ=WEEKLY;INTERVAL=2;COUNT=4");
    const until = planOf(filled({ ends: "until", until: "2026-12-31" }));
    expect(planOf(filledFrom(until, 4))).toEqual(until);
    expect(planOf(filledFrom(planOf(filled({ rule: null })), 1)).rule).toBeNull();
  });
});
