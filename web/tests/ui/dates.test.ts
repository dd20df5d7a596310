import { describe, expect, it } from "vitest";
import { briefly, clock, dayLabel, dayNumber, localeFor } from "../../src/ui/dates";

const vienna = { locale: "en-GB", timeZone: "Europe/Vienna" };
const chicago = { locale: "en-US", timeZone: "America/Chicago" };
const kolkata = { locale: "en-IN", timeZone: "Asia/Kolkata" };
const at = (text: string): number => Date.parse(text);

describe("dates in the reader's zone", () => {
  it("D1 puts one moment on two calendar days in two zones", () => {
    const moment = at("2026-05-20T23:30:00Z");
    expect(dayNumber(moment, vienna) - dayNumber(moment, chicago)).toBe(1);
    expect(dayLabel(moment, at("2026-05-21T10:00:00Z"), vienna)).toBe("Today");
    expect(dayLabel(moment, at("2026-05-21T10:00:00Z"), chicago)).toBe("Yesterday");
  });

  it("D2 separates days at midnight of the zone, also at half hours and where clocks change", () => {
    expect(dayNumber(at("2026-05-20T18:29:59Z"), kolkata)).toBe(
      dayNumber(at("2026-05-20T18:29:00Z"), kolkata),
    );
    expect(dayNumber(at("2026-05-20T18:30:00Z"), kolkata)).toBe(
      dayNumber(at("2026-05-20T18:29:59Z"), kolkata) + 1,
    );
    // The night in which Vienna's clocks go back has 25 hours.
    expect(dayNumber(at("2026-10-24T22:00:00Z"), vienna)).toBe(dayNumber(at("2026-10-25T22:59:59Z"), vienna));
    expect(dayNumber(at("2026-10-25T23:00:00Z"), vienna)).toBe(
      dayNumber(at("2026-10-25T22:59:59Z"), vienna) + 1,
    );
  });

  it("D3 names days as people do", () => {
    const now = at("2026-05-20T12:00:00Z");
    expect(dayLabel(at("2026-05-17T12:00:00Z"), now, vienna)).toMatch(/^Sunday,? 17 May$/);
    expect(dayLabel(at("2025-05-17T12:00:00Z"), now, vienna)).toMatch(/17 May 2025/);
    expect(dayLabel(at("2026-05-17T12:00:00Z"), now, chicago)).toBe("Sunday, May 17");
  });

  it("D4 is brief in lists: time, yesterday, weekday, date, year", () => {
    const now = at("2026-05-20T12:00:00Z");
    expect(briefly(at("2026-05-20T07:05:00Z"), now, vienna)).toBe("09:05");
    expect(briefly(at("2026-05-19T07:05:00Z"), now, vienna)).toBe("Yesterday");
    expect(briefly(at("2026-05-15T07:05:00Z"), now, vienna)).toBe("Friday");
    expect(briefly(at("2026-05-13T07:05:00Z"), now, vienna)).toBe("13 May");
    expect(briefly(at("2024-05-13T07:05:00Z"), now, vienna)).toBe("13 May 2024");
    // A sender's clock may be ahead of the reader's: then there is no "in some days", only the date.
    expect(briefly(at("2026-05-23T07:05:00Z"), now, vienna)).toBe("23 May");
  });

  it("D5 takes the reader's region with the language of the words", () => {
    expect(localeFor("de-AT")).toBe("en-AT");
    expect(localeFor("en-US")).toBe("en-US");
    expect(localeFor("de")).toBe("en-GB");
    expect(localeFor("not a language!")).toBe("en-GB");
    expect(clock(at("2026-05-20T12:05:00Z"), { locale: localeFor("de-AT"), timeZone: "Europe/Vienna" })).toBe(
      "14:05",
    );
    expect(clock(at("2026-05-20T12:05:00Z"), chicago)).toMatch(/^7:05\sAM$/);
  });
});
