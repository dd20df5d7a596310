/** Rules, zones and times of meetings, in words. */

import { describe, expect, it } from "vitest";
import { begins, parseRule } from "../../src/room/localTimes";
import { repeats, ruleWords, withoutEnd } from "../../src/ui/meetings/ruleWords";
import {
  differs,
  elsewhere,
  meetingDay,
  minutesUntil,
  spanSeen,
  whenRead,
} from "../../src/ui/meetings/times";
import { allZones, city, cityAndRegion, findZones, offsetWords, usable } from "../../src/ui/meetings/zones";

const berlin = { locale: "en-GB", timeZone: "Europe/Berlin" };
const lisbon = { locale: "en-GB", timeZone: "Europe/Lisbon" };
const boston = { locale: "en-US", timeZone: "America/New_York" };
const at = (text: string): number => Date.parse(text);

describe("rules in words", () => {
  const TUESDAY = "2026-03-03T18:00";
  it.each([
    [TUESDAY, "FREQ=DAILY", "Every day at 18:00"],
    [TUESDAY, "FREQ=DAILY;INTERVAL=2", "Every other day at 18:00"],
    [TUESDAY, "FREQ=DAILY;INTERVAL=10", "Every 10 days at 18:00"],
    [TUESDAY, "FREQ=WEEKLY", "Every Tuesday at 18:00"],
    [TUESDAY, "FREQ=WEEKLY;BYDAY=TU", "Every Tuesday at 18:00"],
    [TUESDAY, "FREQ=WEEKLY;INTERVAL=2", "Every other Tuesday at 18:00"],
    [TUESDAY, "FREQ=WEEKLY;INTERVAL=3", "Every 3 weeks on Tuesday at 18:00"],
    [TUESDAY, "FREQ=WEEKLY;BYDAY=TU,TH", "Every Tuesday and Thursday at 18:00"],
    [
      TUESDAY,
      "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TU,TH",
      "Every other week on Monday, Tuesday and Thursday at 18:00",
    ],
    [TUESDAY, "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "Every day from Monday to Friday at 18:00"],
    [TUESDAY, "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR,SA,SU", "Every day at 18:00"],
    [TUESDAY, "FREQ=MONTHLY", "Every month on the 3rd at 18:00"],
    [TUESDAY, "FREQ=MONTHLY;INTERVAL=2", "Every other month on the 3rd at 18:00"],
    ["2026-01-31T09:05", "FREQ=MONTHLY", "Every month on the 31st (where there is one) at 09:05"],
    ["2026-03-12T18:00", "FREQ=MONTHLY;INTERVAL=3", "Every 3 months on the 12th at 18:00"],
    [TUESDAY, "FREQ=MONTHLY;BYDAY=1TU", "Every month on the first Tuesday at 18:00"],
    ["2026-03-31T18:00", "FREQ=MONTHLY;BYDAY=-1TU", "Every month on the last Tuesday at 18:00"],
    [TUESDAY, "FREQ=WEEKLY;COUNT=10", "Every Tuesday at 18:00, 10 times"],
    [TUESDAY, "FREQ=WEEKLY;COUNT=1", "Every Tuesday at 18:00, once"],
    [TUESDAY, "FREQ=WEEKLY;UNTIL=20261231", "Every Tuesday at 18:00, until 31 December 2026"],
  ])("%s %s", (start, rule, said) => {
    expect(ruleWords({ start, rule, zone: "Europe/Lisbon" }, lisbon)).toBe(said);
  });

  it("name the zone where the reader's is another one, and keep its time of day", () => {
    const series = { start: TUESDAY, rule: "FREQ=WEEKLY;INTERVAL=2", zone: "Europe/Lisbon" };
    expect(ruleWords(series, berlin)).toBe("Every other Tuesday at 18:00, Lisbon time");
    expect(ruleWords(series, boston)).toMatch(/^Every other Tuesday at 6:00\sPM, Lisbon time$/);
  });

  it.each(["", "FREQ=SECONDLY", "FREQ=WEEKLY;BYDAY=XX", "RRULE:FREQ=DAILY"])("%j is none", (rule) => {
    expect(ruleWords({ start: TUESDAY, rule, zone: "UTC" }, lisbon)).toBeNull();
  });

  it("every choice is a rule that the day begins", () => {
    for (let day = 1; day <= 31; day++) {
      const date = `2026-08-${String(day).padStart(2, "0")}`;
      const choices = repeats(date);
      expect(choices[0]!.rule).toBeNull();
      expect(new Set(choices.map((one) => one.words)).size).toBe(choices.length);
      for (const { rule } of choices.slice(1)) expect(begins(`${date}T18:00`, rule!), rule!).toBe(true);
    }
    expect(repeats("2026-08-25").at(-1)!.words).toBe("Every month on the last Tuesday");
    expect(repeats("2026-08-29").map((one) => one.rule)).not.toContain("FREQ=MONTHLY;BYDAY=5SA");
  });

  it("an end comes off and is what it was", () => {
    expect(withoutEnd("FREQ=WEEKLY;INTERVAL=2;COUNT=7")).toEqual({
      rule: "FREQ=WEEKLY;INTERVAL=2",
      count: 7,
      until: null,
    });
    expect(withoutEnd("FREQ=DAILY;UNTIL=20261231")).toEqual({
      rule: "FREQ=DAILY",
      count: null,
      until: "2026-12-31",
    });
    expect(parseRule(withoutEnd("FREQ=MONTHLY;BYDAY=2TU").rule)).not.toBeNull();
  });
});

describe("time zones", () => {
  it("are called by their city", () => {
    expect(city("America/Argentina/Buenos_Aires")).toBe("Buenos Aires");
    expect(cityAndRegion("America/New_York")).toBe("New York, America");
    expect(cityAndRegion("UTC")).toBe("UTC");
  });

  it("are found by what a person types", () => {
    const zones = allZones();
    expect(zones.length).toBeGreaterThan(300);
    expect(findZones("lisbon", zones)[0]).toBe("Europe/Lisbon");
    expect(findZones("  New  york", zones)[0]).toBe("America/New_York");
    expect(findZones("são paulo", zones)[0]).toBe("America/Sao_Paulo");
    expect(findZones("europe/ber", zones)).toContain("Europe/Berlin");
    expect(findZones("utc", zones)[0]).toBe("UTC");
    expect(findZones("Atlantis", zones)).toEqual([]);
    expect(findZones(" ", zones)).toEqual([]);
  });

  it("that others would not know by their name are not planned in", () => {
    expect(usable("Europe/Lisbon")).toBe("Europe/Lisbon");
    expect(usable("Etc/GMT-2")).toBe("UTC");
    expect(usable("Europe/Nowhere")).toBe("UTC");
    expect(offsetWords("Europe/Lisbon", at("2026-07-01T12:00Z"))).toBe("UTC+01:00");
    expect(offsetWords("America/St_Johns", at("2026-01-01T12:00Z"))).toBe("UTC−03:30");
  });
});

describe("times of a meeting", () => {
  const span = { begins: at("2026-03-03T23:30Z"), ends: at("2026-03-04T01:00Z") };
  const now = at("2026-03-03T10:00Z");

  it("are the reader's, and the planned zone's beside them where the clocks differ", () => {
    expect(spanSeen(span, lisbon)).toBe("23:30–01:00");
    expect(meetingDay(span.begins, now, lisbon)).toBe("Today");
    expect(meetingDay(span.begins, now, berlin)).toBe("Tomorrow");
    expect(meetingDay(at("2026-03-10T12:00Z"), now, berlin)).toMatch(/^Tuesday,? 10 March$/);
    expect(differs(span.begins, "Europe/Lisbon", berlin)).toBe(true);
    expect(differs(span.begins, "Europe/Vienna", berlin)).toBe(false);
    expect(elsewhere(span, now, "Europe/London", lisbon)).toBe("23:30–01:00");
    expect(elsewhere(span, now, "Europe/Lisbon", berlin)).toBe("Today, 23:30–01:00");
  });

  it("are read aloud without dashes", () => {
    expect(whenRead(span, now, berlin)).toBe("Tomorrow, 00:30 to 02:00");
    expect(minutesUntil(now + 61_000, now)).toBe(2);
    expect(minutesUntil(now - 1, now)).toBe(-0);
  });
});
